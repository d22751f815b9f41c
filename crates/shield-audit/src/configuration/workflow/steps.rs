//! Rules about steps.

use std::{collections::HashSet, ops::Range};

use super::{
    Scene,
    expression::{Expression, expressions},
    rules::{
        ALL_SECRETS, BOT, CACHE, COMMANDS, CONDITION, INJECTION, PERSISTED_CREDENTIALS, PRINTED_SECRET,
        UNPINNED_ACTION, UNTRUSTED_CHECKOUT,
    },
    variables::Variables,
};
use crate::{
    configuration::{
        commands,
        dockerfile::{Pinning, pinning},
        hits::Hit,
        shell::{self, Command, Then},
        yaml::Node,
    },
    finding::{Confidence, Severity},
};

/// The steps of a job or a composite action.
pub(super) fn look(scene: &Scene<'_>, job: Node<'_>, name: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut seen = HashSet::new();
    let steps = job.get("steps").into_iter().flat_map(Node::elements).filter(|step| seen.insert(step.id()));
    let steps: Vec<_> = steps.collect();
    let variables = scene.variables.with(job);
    for step in &steps {
        hits.extend(uses(*step));
        hits.extend(environment(*step));
        hits.extend(condition(scene, *step));
        hits.extend(scripts(scene, *step, &variables.with(*step)));
        hits.extend(checkout(scene, *step));
        hits.extend(cache(scene, *step));
    }
    hits.extend(persisted(&steps));
    hits.into_iter().map(|hit| hit.within(name)).collect()
}

/// What a `uses` names is held by.
pub(super) fn uses(step: Node<'_>) -> Option<Hit> {
    let uses = step.get("uses")?;
    let text = uses.text()?;
    if text.starts_with("./") || text.contains("${{") {
        return None;
    }
    if let Some(image) = text.strip_prefix("docker://") {
        let moving = matches!(pinning(image), Pinning::Nothing | Pinning::Latest | Pinning::Tag);
        return moving.then(|| Hit::of(&UNPINNED_ACTION, uses.range(), text));
    }
    let (action, reference) = text.split_once('@').unwrap_or((text, ""));
    let commit = reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first_party = action.starts_with("actions/") || action.starts_with("github/");
    let hit = Hit::of(&UNPINNED_ACTION, uses.range(), action);
    let hit = match reference {
        "" => hit.message(format!("`{action}` is named without a version")),
        _ => hit.message(format!("`{reference}` of `{action}` can be moved to other code by its owner")),
    };
    (!commit).then(|| if first_party { hit.severity(Severity::Low) } else { hit })
}

/// Settings of a job or a step.
pub(super) fn environment(of: Node<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (name, value) in of.get("env").into_iter().flat_map(Node::pairs) {
        if name.text() == Some("ACTIONS_ALLOW_UNSECURE_COMMANDS") && value.is_true() {
            hits.push(Hit::of(&COMMANDS, name.range(), "ACTIONS_ALLOW_UNSECURE_COMMANDS"));
        }
        hits.extend(all_secrets(value));
    }
    hits.extend(of.get("with").into_iter().flat_map(Node::pairs).filter_map(|(_, value)| all_secrets(value)));
    hits
}

fn all_secrets(value: Node<'_>) -> Option<Hit> {
    let all = expressions(value.text()?).iter().any(|one| one.takes_all_of("secrets"));
    all.then(|| Hit::of(&ALL_SECRETS, value.range(), "secrets"))
}

/// Conditions that do not do what they say.
pub(super) fn condition(scene: &Scene<'_>, of: Node<'_>) -> Vec<Hit> {
    let Some(condition) = of.get("if") else { return Vec::new() };
    let Some(text) = condition.text() else { return Vec::new() };
    let mut hits = Vec::new();
    let found = expressions(text);
    // Around an expression everything is text; without any, all of it is one expression.
    let whole = found.len() == 1 && found[0].range == (0..text.len());
    if !found.is_empty() && !whole {
        hits.push(Hit::of(&CONDITION, condition.range(), text.trim()));
    }
    let bot = text.contains("[bot]") && text.contains("github.actor") && !text.contains("github.actor_id");
    if bot && scene.is_privileged() {
        hits.push(Hit::of(&BOT, condition.range(), "github.actor").confidence(Confidence::Medium));
    }
    hits
}

/// Scripts: `run`, and what actions take as one.
fn scripts(scene: &Scene<'_>, step: Node<'_>, variables: &Variables) -> Vec<Hit> {
    let mut hits = Vec::new();
    let action = step.get("uses").and_then(Node::text).unwrap_or_default();
    let taken = if action.starts_with("actions/github-script@") { Some("script") } else { None };
    let with = taken.and_then(|key| step.get("with")?.get(key));
    for script in step.get("run").into_iter().chain(with) {
        let text = script.text().unwrap_or_default();
        let mut searched = Places { text: scene.text, next: script.range().start };
        for one in expressions(text) {
            let written = &text[one.range.clone()];
            hits.extend(
                injected(scene, &one, variables)
                    .map(|hit| Hit { range: searched.of(written, script), ..hit }),
            );
        }
    }
    if let Some(run) = step.get("run") {
        let text = run.text().unwrap_or_default();
        let other = step.get("shell").and_then(Node::text).is_some_and(|shell| shell.starts_with("pwsh"));
        let commands = shell::commands(text, 0);
        let mut found = commands::look(&commands);
        found.extend(printed(&commands, text));
        let mut searched = Places { text: scene.text, next: run.range().start };
        for mut hit in found.into_iter().filter(|_| !other) {
            let first = text.get(hit.range.clone()).and_then(|command| command.lines().next());
            hit.range = searched.of(first.unwrap_or_default(), run);
            hits.push(hit);
        }
        hits.extend(gh_checkout(scene, &commands, run));
    }
    hits
}

/// An expression in a script that puts a text of somebody else there.
fn injected(scene: &Scene<'_>, one: &Expression<'_>, variables: &Variables) -> Option<Hit> {
    if let Some(path) = variables.strangers(one) {
        let subject = one.strangers().unwrap_or(one.text);
        let hit = Hit::of(&INJECTION, 0..0, subject);
        return Some(hit.message(format!("a stranger writes `{path}`, and the shell runs what is in it")));
    }
    let given = one.named("inputs").into_iter().chain(one.named("github.event.inputs"));
    let input = given.into_iter().find(|name| scene.inputs.contains(name))?;
    let hit = Hit::of(&INJECTION, 0..0, one.text).severity(Severity::Low).confidence(Confidence::Medium);
    Some(hit.message(format!("whoever starts it writes `{input}`, and the shell runs what is in it")))
}

/// Secrets that a command prints.
fn printed(commands: &[Command], text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for command in commands {
        let prints = matches!(command.program(), "echo" | "printf") && command.then != Then::Pipe;
        let words = text.get(command.range.clone()).unwrap_or_default();
        let secret = expressions(words).into_iter().find(|one: &Expression<'_>| one.names("secrets"));
        // What a runner takes as a command is not printed.
        let told = words.contains("::add-mask::") || words.contains('>') || command.redirected;
        if let (Some(secret), true) = (secret, prints && !told) {
            let hit = Hit::of(&PRINTED_SECRET, command.range.clone(), secret.text);
            hits.push(hit.confidence(Confidence::Medium));
        }
    }
    hits
}

/// Where the code comes from.
fn checkout(scene: &Scene<'_>, step: Node<'_>) -> Option<Hit> {
    let uses = step.get("uses")?;
    let with = step.get("with").filter(|_| uses.text().is_some_and(is_checkout) && scene.is_privileged())?;
    let theirs =
        ["ref", "repository"].into_iter().find_map(|key| with.get(key).filter(|of| is_theirs(*of)))?;
    let event = if scene.triggers.contains("workflow_run") { "workflow_run" } else { "pull_request_target" };
    let hit = Hit::of(&UNTRUSTED_CHECKOUT, theirs.range(), theirs.text()?);
    let message =
        format!("on `{event}` this checks out what a stranger wrote, next to the secrets of the repository");
    Some(hit.message(message))
}

fn is_checkout(action: &str) -> bool {
    action.starts_with("actions/checkout@")
}

/// Whether a reference leads to the head of a pull request.
fn is_theirs(reference: Node<'_>) -> bool {
    let text = reference.text().unwrap_or_default();
    let paths = [
        "pull_request.head.",
        "github.head_ref",
        "workflow_run.head_",
        "refs/pull/",
        "pull_request.merge_commit_sha",
        "event.number",
    ];
    paths.iter().any(|path| text.contains(path))
}

fn gh_checkout(scene: &Scene<'_>, commands: &[Command], run: Node<'_>) -> Option<Hit> {
    let checkout = |command: &Command| {
        command.program() == "gh"
            && command.arguments().starts_with(&["pr".to_owned(), "checkout".to_owned()])
    };
    let found = scene.is_privileged() && commands.iter().any(checkout);
    found.then(|| Hit::of(&UNTRUSTED_CHECKOUT, run.range(), "gh pr checkout"))
}

fn cache(scene: &Scene<'_>, step: Node<'_>) -> Option<Hit> {
    let uses = step.get("uses")?;
    let action = uses.text()?.split('@').next()?;
    let restores = match action {
        "actions/cache" | "actions/cache/restore" | "Swatinem/rust-cache" => true,
        "actions/setup-node" | "actions/setup-python" | "actions/setup-java" => {
            step.get("with").and_then(|with| with.get("cache")).is_some_and(|cache| cache.text() != Some(""))
        }
        _ => false,
    };
    let hit = Hit::of(&CACHE, uses.range(), action).confidence(Confidence::Low);
    (restores && scene.publishes).then_some(hit)
}

/// Checkouts that leave the token behind; worse where the directory is uploaded.
fn persisted(steps: &[Node<'_>]) -> Vec<Hit> {
    let named = |step: &Node<'_>, action: &str| {
        step.get("uses").and_then(Node::text).is_some_and(|uses| uses.starts_with(action))
    };
    let uploads = steps.iter().any(|step| {
        let path =
            step.get("with").and_then(|with| with.get("path")).and_then(Node::text).unwrap_or_default();
        let all = path.lines().any(|path| matches!(path.trim(), "." | "./" | "${{ github.workspace }}"));
        named(step, "actions/upload-artifact@") && all
    });
    let kept = steps.iter().filter(|step| {
        let said = step.get("with").and_then(|with| with.get("persist-credentials"));
        named(step, "actions/checkout@") && !said.is_some_and(Node::is_false)
    });
    let hits = kept.filter_map(|step| step.get("uses")).map(|uses| {
        let hit = Hit::of(&PERSISTED_CREDENTIALS, uses.range(), "actions/checkout");
        match uploads {
            true => hit.severity(Severity::Medium).message("the token is in the directory that is uploaded"),
            false => hit.confidence(Confidence::Low),
        }
    });
    hits.collect()
}

/// Places of parts of a block in the text of the file, from its beginning on.
struct Places<'t> {
    text: &'t str,
    next: usize,
}

// === impl Places ===

impl Places<'_> {
    /// The place of a part; of all of the block if it is written there in another way.
    fn of(&mut self, part: &str, block: Node<'_>) -> Range<usize> {
        let range = block.range();
        let rest = self.text.get(self.next..range.end).unwrap_or_default();
        match rest.find(part).filter(|_| !part.is_empty()) {
            Some(at) => {
                let start = self.next + at;
                // A command may begin where another one does.
                self.next = start;
                start..start + part.len()
            }
            None => range,
        }
    }
}
