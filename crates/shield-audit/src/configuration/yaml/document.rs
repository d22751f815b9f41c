//! One document.

use std::ops::Range;

/// A mapping may take keys from others (`<<`), which may again: so often it is followed.
const MERGES_MAX: usize = 8;

/// The nodes of one document.
#[derive(Debug, Default)]
pub(in crate::configuration) struct Document {
    pub(super) nodes: Vec<Stored>,
    pub(super) root: Option<usize>,
}

/// A node and where it is.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) value: Value,
    pub(super) range: Range<usize>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Value {
    Scalar { text: String, plain: bool },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
}

/// A node of a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::configuration) struct Node<'d> {
    document: &'d Document,
    id: usize,
}

// === impl Document ===

impl Document {
    pub(in crate::configuration) fn root(&self) -> Option<Node<'_>> {
        self.root.map(|id| Node { document: self, id })
    }
}

// === impl Node ===

impl<'d> Node<'d> {
    fn stored(self) -> &'d Stored {
        &self.document.nodes[self.id]
    }

    fn at(self, id: usize) -> Self {
        Self { id, ..self }
    }

    /// What tells it from every other node of its document: two aliases of one anchor are one node.
    pub(in crate::configuration) fn id(self) -> usize {
        self.id
    }

    /// Its bytes in the file.
    pub(in crate::configuration) fn range(self) -> Range<usize> {
        self.stored().range.clone()
    }

    /// Its text, if it is a scalar.
    pub(in crate::configuration) fn text(self) -> Option<&'d str> {
        match &self.stored().value {
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Whether it is written out as `true` (YAML 1.1 has `yes` and `on` too).
    pub(in crate::configuration) fn is_true(self) -> bool {
        let Value::Scalar { text, plain } = &self.stored().value else { return false };
        match text.to_ascii_lowercase().as_str() {
            "true" => true,
            "yes" | "on" => *plain,
            _ => false,
        }
    }

    /// Whether it is written out as `false`.
    pub(in crate::configuration) fn is_false(self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("false"))
    }

    /// The elements of a sequence; none of anything else.
    pub(in crate::configuration) fn elements(self) -> impl Iterator<Item = Node<'d>> {
        let ids: &[usize] = match &self.stored().value {
            Value::Sequence(ids) => ids,
            Value::Scalar { .. } | Value::Mapping(_) => &[],
        };
        ids.iter().map(move |id| self.at(*id))
    }

    /// The elements of a sequence, or the scalar that stands for a sequence of one.
    pub(in crate::configuration) fn one_or_more(self) -> impl Iterator<Item = Node<'d>> {
        self.elements().chain(self.text().map(|_| self))
    }

    /// Keys and values of a mapping; none of anything else. What is merged into it is not among them.
    pub(in crate::configuration) fn pairs(self) -> impl Iterator<Item = (Node<'d>, Node<'d>)> {
        self.entries().iter().map(move |(key, value)| (self.at(*key), self.at(*value)))
    }

    pub(in crate::configuration) fn is_mapping(self) -> bool {
        matches!(self.stored().value, Value::Mapping(_))
    }

    fn entries(self) -> &'d [(usize, usize)] {
        match &self.stored().value {
            Value::Mapping(entries) => entries,
            Value::Scalar { .. } | Value::Sequence(_) => &[],
        }
    }

    /// The value of a key, its own or merged into it.
    pub(in crate::configuration) fn get(self, key: &str) -> Option<Self> {
        self.pair(key).map(|(_, value)| value)
    }

    /// The key and the value.
    pub(in crate::configuration) fn pair(self, key: &str) -> Option<(Self, Self)> {
        let mut asked = vec![self];
        for _ in 0..MERGES_MAX {
            let node = asked.pop()?;
            let mut pairs = node.pairs().filter(|(of, _)| of.text() == Some(key));
            if let Some(pair) = pairs.next() {
                return Some(pair);
            }
            let merged = node.pairs().filter(|(of, _)| of.text() == Some("<<"));
            for (_, from) in merged {
                asked.push(from);
                asked.extend(from.elements());
            }
        }
        None
    }
}
