//! Documentation inside of Python: texts in three quotes that are statements of their own.

use std::ops::Range;

use memchr::{memchr, memchr3, memmem};

/// The documentation in a Python source, in order.
pub(in crate::secrets) fn docstrings(source: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr3(b'#', b'"', b'\'', &source[at..]).map(|next| at + next) {
        let quote = source[start];
        let tripled = [quote; 3];
        at = match quote {
            b'#' => end_of_line(source, start),
            _ if source[start..].starts_with(&tripled) => end_of_long(source, start + 3, &tripled),
            _ => end_of_short(source, start),
        };
        if source[start..].starts_with(&tripled) && begins_statement(source, start) {
            found.push(start..at);
        }
    }
    found
}

/// Whether nothing but white space and letters of a prefix stands before in the line.
fn begins_statement(source: &[u8], start: usize) -> bool {
    let before = source[..start].iter().rev();
    let mut before = before.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'r' | b'R' | b'u' | b'U'));
    before.next().is_none_or(|byte| *byte == b'\n')
}

fn end_of_line(source: &[u8], start: usize) -> usize {
    memchr(b'\n', &source[start..]).map_or(source.len(), |end| start + end)
}

fn end_of_long(source: &[u8], start: usize, tripled: &[u8]) -> usize {
    memmem::find(&source[start..], tripled).map_or(source.len(), |end| start + end + tripled.len())
}

/// Behind the closing quote, or at the end of the line if there is none.
fn end_of_short(source: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = source.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            _ if *byte == source[start] => return at + 1,
            _ => at += 1,
        }
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_are_documentation() {
        let source = r#""""one"""
x = """two"""
# '''
y = '\'"""'
def f():
    r'''three
 """ x'''
    z = 1
"#;
        let found: Vec<&str> =
            docstrings(source.as_bytes()).into_iter().map(|range| &source[range]).collect();
        assert_eq!(found, ["\"\"\"one\"\"\"", "'''three\n \"\"\" x'''"]);
    }

    proptest! {
        #[test]
        fn any_source_is_read(
            fragments in prop::collection::vec(prop::sample::select(vec!["\"", "'", "\"\"\"", "\\", "\n", "#", "a", " "]), 0..40),
        ) {
            let source = fragments.concat();
            let found = docstrings(source.as_bytes());
            prop_assert!(found.is_sorted_by(|one, other| one.end <= other.start));
            prop_assert!(found.iter().all(|range| range.end <= source.len()));
        }
    }
}
