//! How deep a syntax tree can be, told from its tokens.
//!
//! The parser grows its stack as it needs to; everything that walks over the tree afterwards, and the tree's own destructor,
//! recurses as deep as the source is nested. A hostile file could nest a hundred thousand levels in as many bytes.

use ruff_python_ast::token::{Token, TokenKind, Tokens};

/// Deeper sources are not looked at. CPython's own parser refuses 200 brackets in each other and some thousand operators.
pub(super) const DEPTH_MAX: usize = 3_000;

/// Lines with fewer tokens are shallow whatever they say: a token nests one level at most.
const SHORT: usize = 50;

/// An upper bound of the depth of the tree that was made of these tokens.
///
/// Within a pair of brackets every operator, dot or keyword may nest what follows or precedes one deeper, until a comma starts
/// over; a bracket adds what is inside to what led to it; an indented block adds to its head.
pub(super) fn bound(tokens: &Tokens) -> usize {
    let (mut deepest, mut indents) = (0, 0_usize);
    for line in tokens.split_inclusive(|token| token.kind() == TokenKind::Newline) {
        let mut most = indents;
        for token in line {
            match token.kind() {
                TokenKind::Indent => indents += 1,
                TokenKind::Dedent => indents = indents.saturating_sub(1),
                _ => {}
            }
            most = most.max(indents);
        }
        deepest = deepest.max(most + if line.len() <= SHORT { line.len() } else { level(line) });
    }
    deepest
}

/// The bound of one line, blocks around apart.
fn level(line: &[Token]) -> usize {
    let mut deepest = 0;
    // The chain of each open bracket, outermost first; the sum of all is the bound at a token.
    let mut chains = vec![0_usize];
    let mut sum = 0_usize;
    for token in line.iter().map(Token::kind) {
        match token {
            TokenKind::Comma => sum -= chains.last_mut().map(std::mem::take).unwrap_or_default(),
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                chains.push(1);
                sum += 1;
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                // What was inside is behind; the pair itself stays in the chain: `a()()()`.
                let inside = if chains.len() > 1 { chains.pop().unwrap_or_default() } else { 0 };
                sum = sum - inside + 1;
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
            }
            TokenKind::Comment
            | TokenKind::Newline
            | TokenKind::Indent
            | TokenKind::Dedent
            | TokenKind::NonLogicalNewline
            | TokenKind::String
            | TokenKind::Name => {}
            _ => {
                sum += 1;
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
            }
        }
        deepest = deepest.max(sum);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use ruff_python_ast::PySourceType;
    use ruff_python_parser::parse_unchecked_source;

    use super::*;

    fn bound_of(source: &str) -> usize {
        stacker::grow(256 << 20, || bound(parse_unchecked_source(source, PySourceType::Python).tokens()))
    }

    #[test]
    fn long_but_flat_is_shallow() {
        assert!(bound_of(&format!("x = [{}]\n", "-1, ".repeat(50_000))) < 20);
        assert!(bound_of(&"x.y(a + 1).z\n".repeat(5_000)) < 20);
        assert!(bound_of(&"f(a)(b)\n".repeat(5_000)) < 20);
    }

    #[test]
    fn every_kind_of_nesting_is_seen() {
        for (one, close) in
            [("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("a.", ""), ("a+", ""), ("lambda:", "")]
        {
            let source = format!("x = {}a{}\n", one.repeat(5_000), close.repeat(5_000));
            assert!(bound_of(&source) > 5_000, "{one}");
        }
        assert!(bound_of(&format!("x{}\n", "()".repeat(5_000))) >= 5_000);
        assert!(bound_of(&format!("x{}\n", "[0]".repeat(5_000))) >= 5_000);
        let blocks: String = (0..200).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
        assert!(bound_of(&format!("{blocks}{}pass\n", " ".repeat(200))) > 200);
    }
}
