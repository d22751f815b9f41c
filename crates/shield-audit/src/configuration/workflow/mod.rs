//! GitHub Actions: workflows and composite actions. Ids of zizmor are aliases.

mod expression;
mod jobs;
mod rules;
mod steps;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::{BTreeSet, HashSet};

use variables::Variables;

use super::{hits::Hit, yaml::Document};

/// Events that strangers cause and that run with the secrets of the repository.
const PRIVILEGED: [&str; 2] = ["pull_request_target", "workflow_run"];

/// Events that strangers cause.
const STRANGERS: [&str; 8] = [
    "pull_request",
    "pull_request_target",
    "issue_comment",
    "issues",
    "pull_request_review",
    "pull_request_review_comment",
    "discussion",
    "discussion_comment",
];

/// What of a workflow its parts must know.
pub(super) struct Scene<'t> {
    /// The text of the file.
    text: &'t str,
    /// The events that start it.
    triggers: HashSet<String>,
    /// Whether it publishes something: it is started by a release or a tag.
    publishes: bool,
    /// What the whole of it hands on in `env`.
    variables: Variables,
    /// Inputs that are texts.
    inputs: BTreeSet<String>,
}

// === impl Scene ===

impl Scene<'_> {
    fn is_privileged(&self) -> bool {
        PRIVILEGED.iter().any(|event| self.triggers.contains(*event))
    }

    fn is_open_to_strangers(&self) -> bool {
        STRANGERS.iter().any(|event| self.triggers.contains(*event))
    }
}

/// The hits of a workflow or an action.
pub(super) fn look(document: &Document, text: &str) -> Vec<Hit> {
    let Some(root) = document.root() else { return Vec::new() };
    let on = root.get("on").or_else(|| root.get("true"));
    let mut triggers = HashSet::new();
    if let Some(on) = on {
        triggers.extend(on.one_or_more().filter_map(|event| event.text().map(str::to_owned)));
        triggers.extend(on.pairs().filter_map(|(event, _)| event.text().map(str::to_owned)));
    }
    let tags = on.and_then(|on| on.get("push")).and_then(|push| push.get("tags")).is_some();
    let publishes = tags || triggers.contains("release");
    let (variables, inputs) = (Variables::default().with(root), variables::inputs(root));
    let scene = Scene { text, triggers, publishes, variables, inputs };
    let mut hits = Vec::new();
    if let Some(runs) = root.get("runs") {
        hits.extend(steps::look(&scene, runs, "runs"));
    }
    hits.extend(jobs::look(&scene, root));
    hits
}
