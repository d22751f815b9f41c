//! One parsed file.

use std::{
    ops::{ControlFlow, Range},
    slice,
};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use super::Language;
use crate::tree::Reason;

/// A syntax tree takes some thirty times as much memory, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Nobody writes lines of this length, and no finding in one helps anybody, in bytes.
const MINIFIED_LINE_BYTES: usize = 20_000;

/// So many hundreds of steps the parser gets for one byte and for the beginning: real files take one for some bytes, and the parser
/// is not linear in what is no program at all.
const BUDGET: (usize, usize) = (1, 20_000);

/// Parses a text, or says why not.
pub(crate) fn parse(text: &str, language: Language) -> Result<Tree, Reason> {
    parse_parts(text, slice::from_ref(&(0..text.len())), language)
}

/// Parses a text that holds nothing but space beside some parts, or says why not.
pub(super) fn parse_parts(text: &str, parts: &[Range<usize>], language: Language) -> Result<Tree, Reason> {
    if parts.iter().map(Range::len).sum::<usize>() > FILE_BYTES_MAX {
        return Err(Reason::TooLarge { limit_bytes: FILE_BYTES_MAX as u64 });
    }
    let lines = parts.iter().flat_map(|part| text.get(part.clone()).unwrap_or_default().lines());
    let longest = lines.map(str::len).max().unwrap_or_default();
    if longest > MINIFIED_LINE_BYTES {
        return Err(Reason::Minified { line_bytes: longest });
    }
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).expect("the grammars are made for this version of tree-sitter");
    let mut left = text.len() * BUDGET.0 + BUDGET.1;
    let mut progress = |_: &ParseState| {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let bytes = text.as_bytes();
    let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    tree.ok_or_else(|| Reason::SyntaxError {
        line: 1,
        message: "no parser comes to an end with it".to_owned(),
    })
}

/// The first place where the text is none of its language, in a tree that has one.
pub(super) fn mistake(node: Node<'_>, missing: bool) -> Reason {
    let line = u32::try_from(node.start_position().row).unwrap_or(u32::MAX).saturating_add(1);
    let message = match missing {
        true => format!("`{}` is missing", node.kind()),
        false => "what stands there is not expected".to_owned(),
    };
    Reason::SyntaxError { line, message }
}
