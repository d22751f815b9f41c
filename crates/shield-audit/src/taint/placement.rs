//! Where in another text a text is put: between quotation marks, behind other words, at the beginning.
//!
//! A text without quotation marks cannot leave the quotation marks around it, but does as it likes where there are none. A word of
//! letters is an argument behind others, and a whole command where it stands first. Escaping for a shell is undone by quotation marks
//! around it. Only what is written out counts: of what is unknown before it, it is assumed that its quotation marks are closed.

use ruff_python_ast::{Expr, InterpolatedStringElement, Operator};

use super::{
    kinds::Kinds,
    marks::{Mark, Marks},
    value::Value,
};
use crate::python::fold::Constant;

/// Of a longer sum no more is looked at.
const PARTS_MAX: usize = 64;

/// What stands before a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Whether there is anything.
    any: bool,
    /// Whether a single quotation mark is open.
    single: bool,
    /// Whether a double one is.
    double: bool,
    /// Whether an attribute of HTML begins right before it.
    attribute: bool,
    /// Whether not all of it is known.
    unknown: bool,
}

// === impl Before ===

impl Before {
    /// Behind something of which nothing is known.
    pub(super) const UNKNOWN: Self =
        Self { any: true, single: false, double: false, attribute: false, unknown: true };

    /// More text stands there.
    pub(super) fn text(&mut self, text: &str) {
        let odd = |quote: u8| memchr::memchr_iter(quote, text.as_bytes()).count() % 2 == 1;
        self.any |= !text.trim_start().is_empty();
        self.single ^= odd(b'\'');
        self.double ^= odd(b'"');
        if !text.is_empty() {
            self.attribute = text.ends_with(['\'', '"', '=']);
        }
    }

    /// Something unknown stands there.
    fn something(&mut self) {
        (self.any, self.attribute, self.unknown) = (true, false, true);
    }

    /// A value stands there.
    pub(super) fn value(&mut self, value: &Value<'_>) {
        match value.only() {
            Some(Constant::Text(text)) => self.text(text),
            Some(_) => (self.any, self.attribute) = (true, false),
            _ => self.something(),
        }
    }

    /// Behind what an expression gives.
    pub(super) fn of_expr(expr: &Expr) -> Self {
        let mut pieces = Vec::new();
        let mut next = Some(expr);
        while let Some(expr) = next.take() {
            match expr {
                Expr::BinOp(sum) if sum.op == Operator::Add && pieces.len() < PARTS_MAX => {
                    pieces.push(sum.right.as_ref());
                    next = Some(&sum.left);
                }
                other => pieces.push(other),
            }
        }
        let mut before = Self::default();
        for piece in pieces.into_iter().rev() {
            match piece {
                Expr::StringLiteral(text) => before.text(text.value.to_str()),
                Expr::FString(text) => {
                    for element in text.value.elements() {
                        match element {
                            InterpolatedStringElement::Literal(literal) => before.text(&literal.value),
                            InterpolatedStringElement::Interpolation(_) => before.something(),
                        }
                    }
                }
                _ => before.something(),
            }
        }
        before
    }

    /// What is true of both places.
    fn and(self, other: Self) -> Self {
        Self {
            any: self.any && other.any,
            single: self.single && other.single,
            double: self.double && other.double,
            attribute: self.attribute || other.attribute,
            unknown: self.unknown || other.unknown,
        }
    }

    /// What is true of every place of a template.
    pub(super) fn everywhere(places: &[Self]) -> Self {
        places.iter().copied().reduce(Self::and).unwrap_or(Self::UNKNOWN)
    }

    /// Marks of a text that is put there.
    pub(super) fn put(self, marks: &Marks) -> Marks {
        marks.map(|mark| Mark { cleared: self.cleared(mark.cleared), ..mark })
    }

    fn cleared(self, before: Kinds) -> Kinds {
        let mut cleared = before;
        if self.any {
            for (fact, kind) in [(Kinds::COMMAND_PART, Kinds::COMMAND), (Kinds::CODE_PART, Kinds::CODE)] {
                if before.has(fact) {
                    cleared |= kind;
                }
            }
        }
        let quoted =
            self.single && before.has(Kinds::NO_QUOTE) || self.double && before.has(Kinds::NO_DOUBLE);
        if quoted {
            cleared |= Kinds::SQL | Kinds::XPATH;
        } else if !self.unknown {
            cleared |= Kinds::UNQUOTED;
        }
        if before.has(Kinds::SHELL_QUOTED) && (self.single || self.double) {
            cleared = cleared - Kinds::COMMAND;
        }
        if before.has(Kinds::TEXT_ESCAPED) && self.attribute {
            cleared = cleared - Kinds::MARKUP;
        }
        cleared
    }
}

/// What stands before each place of a template of `%`: `%s`, `%(name)s`.
pub(super) fn of_percent(template: &str) -> Vec<Before> {
    let mut places = Vec::new();
    let mut before = Before::default();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        before.text(&rest[..at]);
        let behind = &rest[at + 1..];
        if let Some(behind) = behind.strip_prefix('%') {
            before.text("%");
            rest = behind;
            continue;
        }
        places.push(before);
        before.something();
        let behind = match behind.strip_prefix('(').and_then(|named| named.split_once(')')) {
            Some((_, behind)) => behind,
            None => behind,
        };
        let end = behind.find(|one: char| one.is_ascii_alphabetic()).map_or(behind.len(), |at| at + 1);
        rest = &behind[end..];
    }
    places
}

/// What stands before each place of a template of `format`: `{}`, `{name}`.
pub(super) fn of_braces(template: &str) -> Vec<Before> {
    let mut places = Vec::new();
    let mut before = Before::default();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        before.text(&rest[..at]);
        let behind = &rest[at + 1..];
        if let Some(behind) = behind.strip_prefix('{') {
            before.text("{");
            rest = behind;
            continue;
        }
        places.push(before);
        before.something();
        rest = behind.split_once('}').map_or("", |(_, behind)| behind);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_templates_are_told_apart() {
        let open = |before: &Before| (before.any, before.single, before.double);
        let percent: Vec<_> = of_percent("%s 100%% '%(a)s' b \"%5.2f").iter().map(open).collect();
        assert_eq!(percent, [(false, false, false), (true, true, false), (true, false, true)]);
        let braces: Vec<_> = of_braces("a {{'{b!r:>4} {").iter().map(open).collect();
        assert_eq!(braces, [(true, true, false), (true, true, false)]);
        assert_eq!(Before::everywhere(&[]), Before::UNKNOWN);
    }
}
