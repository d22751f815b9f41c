//! From events to documents.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::document::{Document, Stored, Value};
use crate::tree::Reason;

/// Nothing that a person wrote is nested deeper.
const DEPTH_MAX: usize = 100;

/// What was made of a text.
#[derive(Debug, Default)]
pub(in crate::configuration) struct Parsed {
    /// Its documents, the last one as far as it goes.
    pub(in crate::configuration) documents: Vec<Document>,
    /// Why the rest was not read.
    pub(in crate::configuration) error: Option<Reason>,
}

/// What is open while events come in.
#[derive(Default)]
struct Builder {
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
}

/// A collection whose end has not come.
struct Open {
    id: usize,
    /// The key that waits for its value.
    key: Option<usize>,
}

/// Reads the documents of a text.
pub(in crate::configuration) fn parse(text: &str) -> Parsed {
    let (places, mut parsed, mut builder) = (Places::of(text), Parsed::default(), Builder::default());
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                parsed.error = Some(mistake(&error));
                break;
            }
        };
        if matches!(event, Event::DocumentEnd) {
            parsed.documents.push(builder.finish(text.len()));
            continue;
        }
        if builder.open.len() > DEPTH_MAX {
            let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
            let message = format!("nested more than {DEPTH_MAX} levels deep");
            parsed.error = Some(Reason::SyntaxError { line, message });
            break;
        }
        builder.take(event, places.range(span));
    }
    if builder.document.root.is_some() {
        parsed.documents.push(builder.finish(text.len()));
    }
    parsed
}

fn mistake(error: &ScanError) -> Reason {
    let line = u32::try_from(error.marker().line().max(1)).unwrap_or(u32::MAX);
    Reason::SyntaxError { line, message: error.info().to_owned() }
}

// === impl Builder ===

impl Builder {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                self.add(Value::Scalar { text: text.into_owned(), plain }, range, anchor);
            }
            Event::SequenceStart(anchor, _) => self.enter(Value::Sequence(Vec::new()), range, anchor),
            Event::MappingStart(anchor, _) => self.enter(Value::Mapping(Vec::new()), range, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let stored = &mut self.document.nodes[open.id];
                    stored.range.end = stored.range.end.max(range.start);
                }
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                // Inside of itself it would be without end.
                Some(&id) if !self.open.iter().any(|open| open.id == id) => self.attach(id),
                _ => {
                    self.add(Value::Scalar { text: String::new(), plain: true }, range, 0);
                }
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }

    fn enter(&mut self, value: Value, range: Range<usize>, anchor: usize) {
        let id = self.add(value, range, anchor);
        self.open.push(Open { id, key: None });
    }

    fn add(&mut self, value: Value, range: Range<usize>, anchor: usize) -> usize {
        let id = self.document.nodes.len();
        self.document.nodes.push(Stored { value, range });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
        id
    }

    /// Puts a node where the innermost open collection expects one.
    fn attach(&mut self, id: usize) {
        let Some(open) = self.open.last_mut() else {
            self.document.root.get_or_insert(id);
            return;
        };
        match &mut self.document.nodes[open.id].value {
            Value::Sequence(elements) => elements.push(id),
            Value::Mapping(entries) => match open.key.take() {
                None => open.key = Some(id),
                Some(key) => entries.push((key, id)),
            },
            Value::Scalar { .. } => {}
        }
    }

    /// The document so far; collections that are still open end where the text does.
    fn finish(&mut self, end: usize) -> Document {
        let finished = std::mem::take(self);
        let mut document = finished.document;
        for open in finished.open {
            document.nodes[open.id].range.end = end;
        }
        document
    }
}

/// From characters to bytes.
struct Places {
    /// The byte of each character; empty if they are the same.
    bytes: Vec<u32>,
    end: usize,
}

// === impl Places ===

impl Places {
    fn of(text: &str) -> Self {
        let byte = |(at, _)| u32::try_from(at).unwrap_or(u32::MAX);
        let bytes = if text.is_ascii() { Vec::new() } else { text.char_indices().map(byte).collect() };
        Self { bytes, end: text.len() }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let at = |index: usize| match self.bytes.get(index) {
            Some(byte) => *byte as usize,
            None if self.bytes.is_empty() => index.min(self.end),
            None => self.end,
        };
        at(span.start.index())..at(span.end.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bytes_of_the_file() {
        let text = "ü: [a, 'ß']\nkey:\n  run: |\n    x\n";
        let parsed = parse(text);
        let root = parsed.documents[0].root().unwrap();
        let list = root.get("ü").unwrap();
        let said: Vec<_> = list.elements().map(|element| &text[element.range()]).collect();
        assert_eq!(said, ["a", "'ß'"]);
        let run = root.get("key").unwrap().get("run").unwrap();
        assert_eq!(run.text(), Some("x\n"));
        assert!(text[run.range()].contains('x'));
    }

    #[test]
    fn merged_keys_are_found() {
        let parsed = parse("base: &b {privileged: true}\nx:\n  <<: *b\n  y: 1\nz:\n  <<: [*b]\n");
        let root = parsed.documents[0].root().unwrap();
        assert!(root.get("x").unwrap().get("privileged").unwrap().is_true());
        assert!(root.get("z").unwrap().get("privileged").unwrap().is_true());
        assert!(root.get("x").unwrap().get("nothing").is_none());
    }

    #[test]
    fn what_comes_before_a_mistake_is_kept() {
        let parsed = parse("a: 1\nb:\n  c: true\n  d: [\n");
        assert!(parsed.error.is_some());
        assert!(parsed.documents[0].root().unwrap().get("b").unwrap().get("c").unwrap().is_true());
    }

    #[test]
    fn depth_and_anchors_are_bounded() {
        assert!(parse(&"[".repeat(100_000)).error.is_some());
        assert!(parse(&"- ".repeat(100_000)).error.is_some());
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..50 {
            let below = level - 1;
            bomb += &format!("a{level}: &a{level} [*a{below}, *a{below}]\n");
        }
        let parsed = parse(&bomb);
        assert!(parsed.error.is_none() && parsed.documents[0].nodes.len() < 300);
        assert!(parse("a: &a [*a]\n").error.is_none());
    }
}
