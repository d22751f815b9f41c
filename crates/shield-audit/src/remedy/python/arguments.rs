//! Adding, removing and replacing arguments of a call, by its tokens: parentheses, trailing commas and comments stay what they are.

use std::ops::Range;

use ruff_python_ast::{
    Expr, ExprCall,
    token::{Token, TokenKind},
};
use ruff_text_size::{Ranged, TextRange};

use super::site::Site;
use crate::python::Module;

/// One edit of a text.
type Edit = (Range<usize>, String);

/// The arguments of a call as tokens.
pub(super) struct Arguments<'m> {
    module: &'m Module<'m>,
    open: usize,
    /// The tokens of each argument without comments and line ends; the last is empty behind a trailing comma, and where there is none.
    slots: Vec<Vec<Token>>,
    commas: Vec<TextRange>,
}

fn wide(range: TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

/// The bytes of a node.
pub(super) fn bytes(node: impl Ranged) -> Range<usize> {
    wide(node.range())
}

// === impl Arguments ===

impl<'m> Arguments<'m> {
    /// The arguments of a call that is parsed without an error.
    pub(super) fn of(module: &'m Module<'m>, call: &ExprCall) -> Option<Self> {
        let range = call.arguments.range();
        let tokens = module.tokens.in_range(range);
        let [open, inner @ .., _] = tokens else { return None };
        let mut arguments =
            Self { module, open: open.end().to_usize(), slots: vec![Vec::new()], commas: Vec::new() };
        let mut depth = 0_u32;
        for token in inner.iter().filter(|token| !token.kind().is_trivia()) {
            match token.kind() {
                TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth = depth.checked_sub(1)?,
                // A lambda's parameters have commas of their own.
                TokenKind::Lambda if depth == 0 => return None,
                TokenKind::Comma if depth == 0 => {
                    arguments.commas.push(token.range());
                    arguments.slots.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            arguments.slots.last_mut()?.push(*token);
        }
        Some(arguments)
    }

    /// Adds an argument behind the last one.
    pub(super) fn add(&self, call: &ExprCall, argument: &str) -> Option<Vec<Edit>> {
        let insert = |at: usize, text: String| (at..at, text);
        match self.slots.as_slice() {
            [only] if only.is_empty() => Some(vec![insert(self.open, argument.to_owned())]),
            [.., last] if last.is_empty() => {
                let comma = wide(*self.commas.last()?);
                Some(vec![insert(comma.end, format!(" {argument}"))])
            }
            [.., last] => {
                let end = last.last()?.end().to_usize();
                let behind = insert(end, format!(", {argument}"));
                match call.arguments.args.first() {
                    // A generator may stand without parentheses only if it is alone.
                    Some(Expr::Generator(generator)) if !generator.parenthesized => {
                        let start = self.slots.first()?.first()?.start().to_usize();
                        Some(vec![insert(start, "(".to_owned()), insert(end, format!("), {argument}"))])
                    }
                    _ => Some(vec![behind]),
                }
            }
            [] => None,
        }
    }

    /// Removes the argument that a node is; `None` if a comment would go with it.
    pub(super) fn remove(&self, node: impl Ranged) -> Option<Edit> {
        let number = self.slot_of(node.range())?;
        let slot = &self.slots[number];
        let (first, last) = (slot.first()?.start(), slot.last()?.end());
        let next = self.slots.get(number + 1).and_then(|next| next.first());
        let range = match (next, number.checked_sub(1)) {
            (Some(next), _) => TextRange::new(first, next.start()),
            (None, Some(before)) => TextRange::new(self.commas[before].start(), last),
            // Alone: a comma behind it goes too.
            (None, None) => TextRange::new(first, self.commas.first().map_or(last, |comma| comma.end())),
        };
        let comments = self.module.tokens.in_range(range).iter().any(|token| token.kind().is_comment());
        (!comments).then(|| (wide(range), String::new()))
    }

    fn slot_of(&self, range: TextRange) -> Option<usize> {
        let number =
            self.slots.partition_point(|slot| slot.last().is_some_and(|last| last.end() <= range.start()));
        let slot = self.slots.get(number)?;
        (slot.first()?.start() <= range.start() && range.end() <= slot.last()?.end()).then_some(number)
    }
}

// === impl Site ===

impl Site<'_> {
    /// The arguments of the call, unless some of them are not in sight.
    pub(super) fn arguments(&self) -> Option<Arguments<'_>> {
        if self.call.has_unseen_arguments() {
            return None;
        }
        Arguments::of(self.scene.module, self.node)
    }
}
