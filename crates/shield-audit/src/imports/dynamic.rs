//! Calls that import: what is literal in the name they are given.

use std::ops::Range;

use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Operator};

use super::facts::What;

/// As much of a text as is literal.
#[derive(Debug, Default, PartialEq, Eq)]
struct Literal {
    /// It starts with the importing module's own name or package.
    own: bool,
    /// The literal beginning behind that.
    text: String,
    /// Something that is not literal follows.
    cut: bool,
}

/// What a call imports, if it does.
pub(super) fn import_of(call: &ExprCall) -> Option<What> {
    let name = called(&call.func)?;
    let importing = matches!(name, "import_module" | "__import__");
    if !importing && !name.to_ascii_lowercase().contains("import") {
        return None;
    }
    let argument = call.arguments.find_argument_value("name", 0);
    let Some(argument) = argument else { return importing.then_some(What::Anything) };
    let literal = Literal::of(argument);
    if !importing && (literal.cut || !dotted(&literal.text)) {
        return None;
    }
    let at = plain(argument).filter(|_| importing);
    let package = call.arguments.find_argument_value("package", 1);
    Some(literal.asked(package, at))
}

/// Whether a text is a dotted name, perhaps behind dots.
pub(super) fn dotted(text: &str) -> bool {
    let name = text.trim_start_matches('.');
    !name.is_empty() && name.split('.').all(identifier)
}

/// Whether a text can be a name in Python.
pub(super) fn identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && characters.all(|next| next == '_' || next.is_alphanumeric())
}

/// The bytes of a literal's text, if they are that text.
fn plain(argument: &Expr) -> Option<Range<u32>> {
    let literal = argument.as_string_literal_expr()?.as_single_part_string()?;
    let range = literal.content_range();
    (range.len().to_usize() == literal.value.len()).then(|| range.start().into()..range.end().into())
}

/// The last name of what is called.
pub(super) fn called(function: &Expr) -> Option<&str> {
    match function {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}

fn own(expression: &Expr) -> bool {
    match expression {
        Expr::Name(name) => matches!(name.id.as_str(), "__name__" | "__package__"),
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == "parent"
                && matches!(&*attribute.value, Expr::Name(base) if base.id == "__spec__")
        }
        _ => false,
    }
}

// === impl Literal ===

impl Literal {
    fn of(expression: &Expr) -> Self {
        match expression {
            Expr::StringLiteral(literal) => {
                Self { text: literal.value.to_str().to_owned(), ..Self::default() }
            }
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                Self::of(&sum.left).followed(|| Self::of(&sum.right))
            }
            Expr::BinOp(filled) if filled.op == Operator::Mod => Self::of(&filled.left).up_to('%'),
            Expr::Call(call) if called(&call.func) == Some("format") => match &*call.func {
                Expr::Attribute(method) => Self::of(&method.value).up_to('{'),
                _ => Self::open(),
            },
            Expr::FString(formatted) => {
                formatted.value.elements().fold(Self::default(), |before, element| {
                    before.followed(|| match element {
                        InterpolatedStringElement::Literal(literal) => {
                            Self { text: literal.value.to_string(), ..Self::default() }
                        }
                        InterpolatedStringElement::Interpolation(part) => Self::of(&part.expression),
                    })
                })
            }
            _ if own(expression) => Self { own: true, ..Self::default() },
            _ => Self::open(),
        }
    }

    fn open() -> Self {
        Self { cut: true, ..Self::default() }
    }

    fn followed(mut self, next: impl FnOnce() -> Self) -> Self {
        if self.cut {
            return self;
        }
        let next = next();
        // The own name counts at the very beginning only.
        let start = self.text.is_empty() && !self.own;
        if next.own && !start {
            return Self { cut: true, ..self };
        }
        self.own |= next.own;
        self.text.push_str(&next.text);
        self.cut = next.cut;
        self
    }

    fn up_to(mut self, mark: char) -> Self {
        if let Some(at) = self.text.find(mark) {
            self.text.truncate(at);
            self.cut = true;
        }
        self
    }

    /// What `import_module` makes of it. `__name__ + ".x"` is the module's own package, which holds for a package and is close for others.
    fn asked(self, package: Option<&Expr>, at: Option<Range<u32>>) -> What {
        let dots = self.text.len() - self.text.trim_start_matches('.').len();
        let mut level = u32::try_from(dots).unwrap_or(u32::MAX);
        let mut rest = self.text[dots..].to_owned();
        if level > 0 && !self.own {
            match package.map(Self::of) {
                Some(Self { own: true, text, cut: false }) if text.is_empty() => {}
                Some(Self { own: false, text, cut: false }) if dotted(&text) && level == 1 => {
                    level = 0;
                    rest = format!("{text}.{rest}");
                }
                _ => return What::Anything,
            }
        }
        if self.own && level == 0 {
            level = 1;
        }
        match self.cut {
            false => What::Called { level, name: rest, at: at.filter(|_| level == 0) },
            true if rest.is_empty() && level == 0 => What::Anything,
            true => What::Below { level, prefix: rest },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruff_python_parser::parse_expression;

    fn import(text: &str) -> Option<What> {
        let parsed = parse_expression(text).unwrap();
        let what = import_of(parsed.expr().as_call_expr().unwrap());
        what.map(|what| match what {
            What::Called { level, name, .. } => What::Called { level, name, at: None },
            other => other,
        })
    }

    fn called(level: u32, name: &str) -> Option<What> {
        Some(What::Called { level, name: name.to_owned(), at: None })
    }

    fn below(level: u32, prefix: &str) -> Option<What> {
        Some(What::Below { level, prefix: prefix.to_owned() })
    }

    #[test]
    fn literals_are_read() {
        assert_eq!(import("importlib.import_module('a.b')"), called(0, "a.b"));
        assert_eq!(import("__import__('a' '.b')"), called(0, "a.b"));
        assert_eq!(import("import_module('.b', __name__)"), called(1, "b"));
        assert_eq!(import("import_module('.b', package='a')"), called(0, "a.b"));
        assert_eq!(import("import_module(__package__ + '.b')"), called(1, "b"));
        assert_eq!(import("safe_import('a.b')"), called(0, "a.b"));
    }

    #[test]
    fn plain_literals_have_their_place() {
        let place =
            |text: &str| match import_of(parse_expression(text).unwrap().expr().as_call_expr().unwrap()) {
                Some(What::Called { at, .. }) => {
                    at.map(|at| text[at.start as usize..at.end as usize].to_owned())
                }
                _ => None,
            };
        assert_eq!(place("import_module('a.b')").as_deref(), Some("a.b"));
        for other in [
            "safe_import('a.b')",
            "import_module('a' '.b')",
            "import_module('a\\x2eb')",
            "import_module('.b', __name__)",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }

    #[test]
    fn beginnings_are_read() {
        assert_eq!(import("import_module(f'a.b_{x}')"), below(0, "a.b_"));
        assert_eq!(import("__import__('a.%s' % x)"), below(0, "a."));
        assert_eq!(import("import_module('a.{}'.format(x))"), below(0, "a."));
        assert_eq!(import("import_module('a.' + x)"), below(0, "a."));
        assert_eq!(import("import_module(f'.{x}', __name__)"), below(1, ""));
        assert_eq!(import("import_module(f'{__name__}.{x}')"), below(1, ""));
    }

    #[test]
    fn unknown_names_are_anything() {
        for open in [
            "import_module(x)",
            "import_module('.' + x, package)",
            "__import__(f'{x}.a')",
            "import_module('.a')",
        ] {
            assert_eq!(import(open), Some(What::Anything), "{open}");
        }
    }

    #[test]
    fn other_calls_import_nothing() {
        for other in ["print('a.b')", "safe_import(x)", "important('not a name')", "f()('a')"] {
            assert_eq!(import(other), None, "{other}");
        }
    }
}
