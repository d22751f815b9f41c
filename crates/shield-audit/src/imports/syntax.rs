//! Python's syntax: text in, the module's tree out, and what is wrong with it.
//!
//! The parser recovers from errors, so imports behind one are still seen; Python itself refuses the whole file, so whoever imports it fails.

use ruff_python_ast::{AtomicNodeIndex, ModModule, PySourceType, Suite};
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::{Ranged, TextRange};
use serde::{Deserialize, Serialize};

use crate::python::refuse_hostile;

/// Why Python would refuse a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyntaxFault {
    /// Where, in bytes from the file's start.
    pub offset: u32,
    /// The line, from 1.
    pub line: u32,
    /// In the parser's words.
    pub message: String,
}

/// Room for walking over a tree, and for letting go of it, as deep as its text is nested: some hundred thousand levels.
const STACK_BYTES: usize = 256 << 20;

/// What `then` makes of a module's tree, and of what is wrong with it. Of a text nested deeper than Python itself bears it sees nothing. Texts nested too deeply for the stack of a thread get another one.
pub(super) fn with_module<T>(text: &str, then: impl FnOnce(&ModModule, Vec<SyntaxFault>) -> T) -> T {
    if let Err(reason) = refuse_hostile(text) {
        let nothing =
            ModModule { node_index: AtomicNodeIndex::NONE, range: TextRange::default(), body: Suite::new() };
        return then(&nothing, vec![SyntaxFault { offset: 0, line: 1, message: reason.to_string() }]);
    }
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, || {
        let parsed = parse_unchecked_source(text, PySourceType::Python);
        let fault = |offset: usize, message: String| SyntaxFault {
            offset: narrow(offset),
            line: line_at(text, offset),
            message,
        };
        let faults = parsed
            .errors()
            .iter()
            .map(|error| fault(error.range().start().to_usize(), error.error.to_string()))
            .collect();
        then(parsed.syntax(), faults)
    })
}

/// Why Python would refuse a text.
pub(super) fn faults(text: &str) -> Vec<SyntaxFault> {
    with_module(text, |_, faults| faults)
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> u32 {
    let before = &text.as_bytes()[..offset.min(text.len())];
    narrow(memchr::memchr_iter(b'\n', before).count()).saturating_add(1)
}

/// The parser refuses texts of 4 GiB, so every offset fits.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_imports_behind_an_error() {
        with_module("import a\ntry:\n    import b\nimport c\n", |module, faults| {
            assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [4]);
            assert!(module.body.iter().any(|statement| statement.is_import_stmt()));
        });
    }

    #[test]
    fn newest_syntax_is_no_fault() {
        let faults = faults("type A = int\nmatch 1:\n    case _: pass\nx = f\"{'a' + f\"{1}\"}\"\n");
        assert_eq!(faults, []);
    }

    #[test]
    fn hostile_nesting_is_a_fault() {
        let faults = faults(&"(".repeat(4_000_000));
        assert!(faults.len() == 1 && faults[0].message.contains("levels deep"), "{faults:?}");
    }

    #[test]
    fn deep_nesting_ends_nothing() {
        for deep in ["-".repeat(20_000), "1+".repeat(20_000), "(".repeat(20_000)] {
            with_module(&format!("x = {deep}1"), |module, _| assert!(!module.body.is_empty()));
        }
    }
}
