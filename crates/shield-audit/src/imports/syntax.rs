//! Python's syntax: text in, the module's tree out, and what is wrong with it.
//!
//! The parser recovers from errors, so imports behind one are still seen; Python itself refuses the whole file, so whoever imports it fails.

use ruff_python_ast::{ModModule, PySourceType};
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::Ranged;
use serde::Serialize;

/// Why Python would refuse a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyntaxFault {
    /// Where, in bytes from the file's start.
    pub offset: u32,
    /// The line, from 1.
    pub line: u32,
    /// In the parser's words.
    pub message: String,
}

/// A module's tree, and what is wrong with it.
pub(super) fn parse(text: &str) -> (ModModule, Vec<SyntaxFault>) {
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
    (parsed.into_syntax(), faults)
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
        let (module, faults) = parse("import a\ntry:\n    import b\nimport c\n");
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [4]);
        assert!(module.body.iter().any(|statement| statement.is_import_stmt()));
    }

    #[test]
    fn newest_syntax_is_no_fault() {
        let (_, faults) = parse("type A = int\nmatch 1:\n    case _: pass\nx = f\"{'a' + f\"{1}\"}\"\n");
        assert_eq!(faults, []);
    }
}
