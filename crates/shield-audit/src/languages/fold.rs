//! What is known of a value: the name it goes by, and the text it is.

use tree_sitter::Node;

use super::{
    Language, go, javascript,
    names::{Meaning, Names, Scope},
    rust,
};

/// Steps through names and values that one question may take.
const STEPS_MAX: usize = 500;

/// Questions that are asked to answer another, one within the other.
const DEPTH_MAX: usize = 120;

/// A text in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'t>(pub(super) Vec<Part<'t>>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// Its characters.
    Known(String),
    /// Something whose value is not known here.
    Unknown(Option<Node<'t>>),
}

/// A question to the names of a file; it gives up after so many steps.
#[derive(Debug)]
pub(super) struct Question<'n, 't> {
    pub(super) names: &'n Names<'t>,
    left: usize,
    depth: usize,
    /// Lists that are being read.
    pub(super) lists: Vec<&'t str>,
    /// Names with several values that are being read, and which of these: within one, the name stands for those before it.
    open: Vec<(String, usize)>,
}

// === impl Text ===

impl<'t> Text<'t> {
    pub(super) fn known(text: impl Into<String>) -> Self {
        Self(vec![Part::Known(text.into())])
    }

    pub(super) fn unknown(node: Node<'t>) -> Self {
        Self(vec![Part::Unknown(Some(node))])
    }

    /// All of it, if it is known.
    pub(super) fn literal(&self) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Known(text) => Some(text.as_str()),
            Part::Unknown(_) => None,
        });
        parts.collect()
    }

    pub(super) fn is_known(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Unknown(_)))
    }

    /// Whether it is put together from something known and something unknown.
    pub(super) fn is_composed(&self) -> bool {
        let known = |part: &Part<'_>| matches!(part, Part::Known(text) if !text.is_empty());
        !self.is_known() && self.0.iter().any(known)
    }

    /// The known beginning.
    pub(super) fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Part::Known(text)) => text,
            _ => "",
        }
    }

    /// The unknown parts.
    pub(super) fn unknowns(&self) -> impl Iterator<Item = Node<'t>> {
        self.0.iter().filter_map(|part| match part {
            Part::Unknown(node) => *node,
            Part::Known(_) => None,
        })
    }

    /// Puts another behind it.
    pub(super) fn then(&mut self, other: Self) {
        for part in other.0 {
            match (self.0.last_mut(), part) {
                (Some(Part::Known(before)), Part::Known(text)) => before.push_str(&text),
                (_, part) => self.0.push(part),
            }
        }
    }
}

// === impl Question ===

impl<'n, 't> Question<'n, 't> {
    pub(super) fn to(names: &'n Names<'t>) -> Self {
        Self { names, left: STEPS_MAX, depth: 0, lists: Vec::new(), open: Vec::new() }
    }

    /// Whether it may go on; every way through a tree or a name asks this first.
    pub(super) fn step(&mut self) -> bool {
        let goes_on = self.left > 0;
        self.left = self.left.saturating_sub(1);
        goes_on
    }

    /// Asks within another question, if that is not too deep by now.
    pub(super) fn within<T>(&mut self, ask: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= DEPTH_MAX || !self.step() {
            return None;
        }
        self.depth += 1;
        let answer = ask(self);
        self.depth -= 1;
        answer
    }

    /// The name that an expression goes by: as one would import it, with `()` for what a call gives.
    pub(super) fn name(&mut self, node: Node<'t>, scope: Scope) -> Option<String> {
        self.within(|question| match question.names.language {
            Language::JavaScript | Language::TypeScript | Language::TypeScriptElements => {
                javascript::name(question, node, scope)
            }
            Language::Go => go::name(question, node, scope),
            Language::Rust => rust::name(question, node, scope),
        })
    }

    /// The name that an identifier goes by. One that is not declared here is its own name.
    pub(super) fn identifier(&mut self, name: &str, scope: Scope) -> Option<String> {
        if !self.step() {
            return None;
        }
        match self.names.meaning(scope, name) {
            None => Some(name.to_owned()),
            Some(Meaning::Path(path)) => Some(path.clone()),
            Some(Meaning::Value(value, scope)) => self.name(*value, *scope),
            Some(Meaning::Part(value, key, scope)) => {
                let of = self.name(*value, *scope)?;
                Some(format!("{of}.{key}"))
            }
            // One that is given the same again stays what it is.
            Some(Meaning::Either(values)) => {
                let (first, others) = values.split_first()?;
                let name = self.name(first.0, first.1)?;
                others
                    .iter()
                    .all(|(value, scope)| self.name(*value, *scope).as_ref() == Some(&name))
                    .then_some(name)
            }
            Some(Meaning::Grown(_) | Meaning::Sent(_) | Meaning::Nothing | Meaning::Unknown) => None,
        }
    }

    /// The text that an expression is.
    pub(super) fn text(&mut self, node: Node<'t>, scope: Scope) -> Text<'t> {
        let text = self.within(|question| {
            Some(match question.names.language {
                Language::JavaScript | Language::TypeScript | Language::TypeScriptElements => {
                    javascript::text(question, node, scope)
                }
                Language::Go => go::text(question, node, scope),
                Language::Rust => rust::text(question, node, scope),
            })
        });
        text.unwrap_or_else(|| Text::unknown(node))
    }

    /// The text that a name stands for.
    pub(super) fn text_of_name(&mut self, name: &str, node: Node<'t>, scope: Scope) -> Text<'t> {
        if !self.step() {
            return Text::unknown(node);
        }
        match self.names.meaning(scope, name) {
            Some(Meaning::Value(value, scope)) if *value != node => {
                let text = self.text(*value, *scope);
                // The name says more than what it stands for, if that is not known.
                if text.is_known() || text.is_composed() { text } else { Text::unknown(node) }
            }
            Some(Meaning::Grown(parts)) => {
                let mut text = Text::default();
                for (part, scope) in parts.iter().filter(|(part, _)| *part != node) {
                    text.then(self.text(*part, *scope));
                }
                if text.is_known() || text.is_composed() { text } else { Text::unknown(node) }
            }
            Some(Meaning::Either(values)) => self.either(name, node, values),
            // A constant from elsewhere is written by whoever wrote the program.
            None | Some(Meaning::Path(_)) if is_constant(name) => Text::known(""),
            _ => Text::unknown(node),
        }
    }

    /// The text of a name with several values: one that is put together if there is one, since that is what rules ask for.
    fn either(&mut self, name: &str, node: Node<'t>, values: &'n [(Node<'t>, Scope)]) -> Text<'t> {
        let inside = self.open.iter().rev().find(|(open, _)| open == name).map(|(_, at)| *at);
        let values = values.get(..inside.unwrap_or(values.len())).unwrap_or_default();
        let mut texts = Vec::new();
        for (at, (value, scope)) in values.iter().enumerate().filter(|(_, (value, _))| *value != node) {
            self.open.push((name.to_owned(), at));
            texts.push(self.text(*value, *scope));
            self.open.pop();
        }
        if let Some(composed) = texts.iter().rposition(Text::is_composed) {
            return texts.swap_remove(composed);
        }
        match texts.as_slice() {
            [] => Text::unknown(node),
            [first, others @ ..] if first.is_known() && others.iter().all(|other| other == first) => {
                first.clone()
            }
            texts if texts.iter().all(Text::is_known) => Text::known(""),
            _ => Text::unknown(node),
        }
    }

    /// The text of a sum: of chains however long, since the left side is followed without recursion.
    pub(super) fn sum(&mut self, node: Node<'t>, scope: Scope) -> Text<'t> {
        let mut right = Vec::new();
        let mut left = node;
        while left.kind() == "binary_expression" {
            let operator = left.child_by_field_name("operator").map(|operator| operator.kind());
            let (Some("+"), Some(first), Some(second), true) =
                (operator, left.child_by_field_name("left"), left.child_by_field_name("right"), self.step())
            else {
                break;
            };
            right.push(second);
            left = first;
        }
        let mut text = if left == node { Text::unknown(node) } else { self.text(left, scope) };
        for part in right.into_iter().rev() {
            text.then(self.text(part, scope));
        }
        text
    }
}

/// `TABLE_NAME`: what every language here writes constants like.
pub(super) fn is_constant(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() > 1 && name.starts_with(|first: char| first.is_ascii_uppercase()) && name.bytes().all(letters)
}

/// The characters of an escape sequence of a string, as most languages write them; any other is a `?`.
pub(super) fn unescaped(sequence: &str) -> char {
    match sequence.as_bytes() {
        [b'\\', b'n'] => '\n',
        [b'\\', b't'] => '\t',
        [b'\\', b'r'] => '\r',
        [b'\\', byte] if byte.is_ascii_punctuation() => char::from(*byte),
        _ => {
            let digits = sequence.trim_start_matches(['\\', 'x', 'u', 'U', '{']).trim_end_matches('}');
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or('?')
        }
    }
}

/// The children of a node that are no comments, at most so many: nobody passes more arguments.
pub(super) fn children<'t>(node: Node<'t>, most: usize) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let named = node.named_children(&mut cursor).filter(|child| !child.kind().ends_with("comment"));
    named.take(most).collect()
}
