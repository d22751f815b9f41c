//! What a workflow hands on under names: `env`, and what whoever starts it gives.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::{Expression, expressions};
use crate::configuration::yaml::Node;

/// Names of `env`, in small letters, and what strangers write of their values; the innermost comes last.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(Vec<BTreeMap<String, Option<String>>>);

/// Types of inputs that hold no text of anybody.
const HARMLESS: [&str; 4] = ["boolean", "number", "choice", "environment"];

// === impl Variables ===

impl Variables {
    /// These, and those of a workflow, a job or a step within it.
    pub(super) fn with(&self, of: Node<'_>) -> Self {
        let named = of.get("env").into_iter().flat_map(Node::pairs).filter_map(|(name, value)| {
            let found = expressions(value.text().unwrap_or_default());
            let stranger = found.iter().find_map(|one| self.strangers(one));
            Some((name.text()?.to_ascii_lowercase(), stranger))
        });
        let mut all = self.clone();
        all.0.push(named.collect());
        all
    }

    /// What a stranger writes of the value of an expression: as it is, or under a name of `env`.
    pub(super) fn strangers(&self, expression: &Expression<'_>) -> Option<String> {
        let under_name = || expression.named("env").into_iter().find_map(|name| self.stranger(&name));
        expression.strangers().map(str::to_owned).or_else(under_name)
    }

    fn stranger(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find_map(|names| names.get(name))?.clone()
    }
}

/// Names of inputs that are texts of whoever starts a workflow, or uses an action.
pub(super) fn inputs(root: Node<'_>) -> BTreeSet<String> {
    let on = root.get("on").or_else(|| root.get("true"));
    let of_events =
        ["workflow_dispatch", "workflow_call"].into_iter().filter_map(|event| on?.get(event)?.get("inputs"));
    let named = root.get("inputs").into_iter().chain(of_events).flat_map(Node::pairs);
    let texts = named.filter(|(_, input)| {
        let kind = input.get("type").and_then(Node::text);
        !kind.is_some_and(|kind| HARMLESS.contains(&kind))
    });
    texts.filter_map(|(name, _)| Some(name.text()?.to_ascii_lowercase())).collect()
}
