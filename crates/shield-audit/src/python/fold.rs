//! What is known of a value without running anything.
//!
//! Literals, concatenation, arithmetic, comparisons, f-strings, and names that are bound once and never again. Everything else
//! is not known; nothing is guessed. Texts and work are bounded: `a = b + b` thirty times over is given up, not computed.

use ruff_python_ast::{
    self as ast, BoolOp, CmpOp, Expr, ExprBinOp, FStringPart, InterpolatedStringElement, Number, Operator,
    UnaryOp,
};
use ruff_text_size::Ranged;

use super::names::{At, Bound, Names};

/// Longer texts are not known, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// How many expressions are looked at for one answer.
const WORK_MAX: u32 = 2_000;

/// A value that is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A tuple, list or set of known values.
    Sequence(Vec<Constant>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Known characters.
    Known(String),
    /// Something of which nothing is known.
    Hole,
}

/// One question, with the work left for it.
struct Folder<'n, 'a> {
    names: &'n Names<'a>,
    work: u32,
    steps: u8,
}

/// The value of an expression, if it is known.
#[must_use]
pub fn fold(names: &Names<'_>, expr: &Expr, at: At) -> Option<Constant> {
    Folder { names, work: WORK_MAX, steps: 16 }.fold(expr, at)
}

/// The text that an expression is, if it is known.
#[must_use]
pub fn text(names: &Names<'_>, expr: &Expr, at: At) -> Option<String> {
    text_within(names, expr, at, 16)
}

/// The same, following names at most so many steps.
pub(super) fn text_within(names: &Names<'_>, expr: &Expr, at: At, steps: u8) -> Option<String> {
    match (Folder { names, work: WORK_MAX, steps }).fold(expr, at)? {
        Constant::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether an expression counts as true, if that is known.
#[must_use]
pub fn truth(names: &Names<'_>, expr: &Expr, at: At) -> Option<bool> {
    Some(fold(names, expr, at)?.truth())
}

/// The parts of a text that is put together: by `+`, `%`, `.format` or in an f-string. `None` if the expression is no text
/// whose beginning or shape is known.
#[must_use]
pub fn pieces(names: &Names<'_>, expr: &Expr, at: At) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    Folder { names, work: WORK_MAX, steps: 16 }.pieces(expr, at, &mut pieces);
    pieces.iter().any(|piece| matches!(piece, Piece::Known(_))).then_some(pieces)
}

// === impl Constant ===

impl Constant {
    /// Whether it counts as true.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Sequence(items) => !items.is_empty(),
        }
    }

    /// The number it is; `True` is one.
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }
}

// === impl Folder ===

impl<'n> Folder<'n, '_> {
    fn fold(&mut self, expr: &Expr, at: At) -> Option<Constant> {
        self.work = self.work.checked_sub(1)?;
        match expr {
            Expr::NoneLiteral(_) => Some(Constant::None),
            Expr::BooleanLiteral(literal) => Some(Constant::Bool(literal.value)),
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(int) => int.as_i64().map(Constant::Int),
                Number::Float(_) | Number::Complex { .. } => None,
            },
            Expr::StringLiteral(literal) => bounded(literal.value.to_str().to_owned()),
            Expr::BytesLiteral(literal) => {
                Some(Constant::Bytes(literal.value.bytes().take(TEXT_BYTES_MAX).collect()))
            }
            Expr::FString(_) => self.whole_text(expr, at),
            Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::List(ast::ExprList { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => elts
                .iter()
                .map(|item| self.fold(item, at))
                .collect::<Option<Vec<_>>>()
                .map(Constant::Sequence),
            Expr::Name(name) => self.fold_name(name, at),
            Expr::Named(named) => self.fold(&named.value, at),
            Expr::BinOp(operation) => self.fold_operation(operation, at),
            Expr::UnaryOp(operation) => self.fold_unary(operation, at),
            Expr::BoolOp(operation) => self.fold_bool(operation, at),
            Expr::Compare(compare) => self.fold_compare(compare, at),
            Expr::If(choice) => {
                let chosen = if self.fold(&choice.test, at)?.truth() { &choice.body } else { &choice.orelse };
                self.fold(chosen, at)
            }
            _ => None,
        }
    }

    fn fold_name(&mut self, name: &ast::ExprName, at: At) -> Option<Constant> {
        let (value, at) = self.value_of_name(name, at)?;
        self.steps = self.steps.checked_sub(1)?;
        let known = self.fold(value, at);
        self.steps += 1;
        known
    }

    /// What a name is bound to, if it is bound once. The names outlive the question.
    fn value_of_name(&self, name: &ast::ExprName, at: At) -> Option<(&'n Expr, At)> {
        let binding = self.names.only_binding(name.id.as_str(), at)?;
        match binding.bound {
            Bound::Value(value) => Some((value, At { position: value.start(), ..binding.at })),
            _ => None,
        }
    }

    fn fold_operation(&mut self, operation: &ExprBinOp, at: At) -> Option<Constant> {
        let left = self.fold(&operation.left, at)?;
        let right = self.fold(&operation.right, at)?;
        match (left, operation.op, right) {
            (Constant::Text(left), Operator::Add, Constant::Text(right)) => bounded(left + &right),
            (Constant::Sequence(left), Operator::Add, Constant::Sequence(right)) => {
                Some(Constant::Sequence([left, right].concat()))
            }
            (left, operator, right) => {
                arithmetic(left.number()?, operator, right.number()?).map(Constant::Int)
            }
        }
    }

    fn fold_unary(&mut self, operation: &ast::ExprUnaryOp, at: At) -> Option<Constant> {
        let operand = self.fold(&operation.operand, at)?;
        match operation.op {
            UnaryOp::Not => Some(Constant::Bool(!operand.truth())),
            UnaryOp::USub => operand.number()?.checked_neg().map(Constant::Int),
            UnaryOp::UAdd => operand.number().map(Constant::Int),
            UnaryOp::Invert => operand.number().map(|number| Constant::Int(!number)),
        }
    }

    fn fold_bool(&mut self, operation: &ast::ExprBoolOp, at: At) -> Option<Constant> {
        let mut last = None;
        for value in &operation.values {
            let known = self.fold(value, at)?;
            let decided = known.truth() == (operation.op == BoolOp::Or);
            last = Some(known);
            if decided {
                break;
            }
        }
        last
    }

    fn fold_compare(&mut self, compare: &ast::ExprCompare, at: At) -> Option<Constant> {
        let mut left = self.fold(&compare.left, at)?;
        for (operator, right) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.fold(right, at)?;
            if !holds(&left, *operator, &right)? {
                return Some(Constant::Bool(false));
            }
            left = right;
        }
        Some(Constant::Bool(true))
    }

    fn whole_text(&mut self, expr: &Expr, at: At) -> Option<Constant> {
        let mut pieces = Vec::new();
        self.pieces(expr, at, &mut pieces);
        let mut whole = String::new();
        for piece in pieces {
            let Piece::Known(part) = piece else { return None };
            whole.push_str(&part);
        }
        bounded(whole)
    }

    fn pieces(&mut self, expr: &Expr, at: At, into: &mut Vec<Piece>) {
        let Some(left) = self.work.checked_sub(1) else { return into.push(Piece::Hole) };
        self.work = left;
        match expr {
            Expr::FString(node) => {
                for part in &node.value {
                    match part {
                        FStringPart::Literal(literal) => into.push(Piece::Known(literal.as_str().to_owned())),
                        FStringPart::FString(inner) => {
                            inner.elements.iter().for_each(|one| self.element(one, at, into))
                        }
                    }
                }
            }
            Expr::BinOp(ExprBinOp { left, op: Operator::Add, right, .. }) => {
                self.pieces(left, at, into);
                self.pieces(right, at, into);
            }
            // What is put into a template may be anywhere in it: its own words stay, with a hole behind.
            Expr::BinOp(ExprBinOp { left, op: Operator::Mod, .. }) => self.template(left, at, into),
            Expr::Call(ast::ExprCall { func, .. }) => match func.as_ref() {
                Expr::Attribute(attribute)
                    if matches!(attribute.attr.as_str(), "format" | "replace" | "strip") =>
                {
                    self.template(&attribute.value, at, into);
                }
                _ => into.push(Piece::Hole),
            },
            _ => into.push(match self.fold(expr, at) {
                Some(Constant::Text(text)) => Piece::Known(text),
                _ => Piece::Hole,
            }),
        }
    }

    fn template(&mut self, template: &Expr, at: At, into: &mut Vec<Piece>) {
        self.pieces(template, at, into);
        into.push(Piece::Hole);
    }

    fn element(&mut self, element: &InterpolatedStringElement, at: At, into: &mut Vec<Piece>) {
        into.push(match element {
            InterpolatedStringElement::Literal(literal) => Piece::Known(literal.value.to_string()),
            InterpolatedStringElement::Interpolation(inner) => {
                let plain = inner.format_spec.is_none() && inner.debug_text.is_none();
                match self.fold(&inner.expression, at).filter(|_| plain) {
                    Some(Constant::Text(text)) => Piece::Known(text),
                    Some(Constant::Int(number)) => Piece::Known(number.to_string()),
                    _ => Piece::Hole,
                }
            }
        });
    }
}

fn bounded(text: String) -> Option<Constant> {
    (text.len() <= TEXT_BYTES_MAX).then_some(Constant::Text(text))
}

/// A whole number of two, if it is one that is known.
pub(crate) fn arithmetic(left: i64, operator: Operator, right: i64) -> Option<i64> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        // Python rounds down, and the rest has the divisor's sign.
        Operator::FloorDiv => {
            let quotient = left.checked_div(right)?;
            Some(quotient - i64::from(left % right != 0 && (left < 0) != (right < 0)))
        }
        Operator::Mod => {
            let rest = left.checked_rem(right)?;
            Some(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
        Operator::BitOr => Some(left | right),
        Operator::BitAnd => Some(left & right),
        Operator::BitXor => Some(left ^ right),
        Operator::LShift => {
            let shift = u32::try_from(right).ok().filter(|shift| *shift < 63)?;
            left.checked_mul(1 << shift)
        }
        Operator::RShift => left.checked_shr(u32::try_from(right).ok()?),
        Operator::Div | Operator::Pow | Operator::MatMult => None,
    }
}

/// Whether a comparison holds, if that is known.
pub(crate) fn holds(left: &Constant, operator: CmpOp, right: &Constant) -> Option<bool> {
    let order = match (left, right) {
        (Constant::Text(left), Constant::Text(right)) => Some(left.cmp(right)),
        _ => left.number().zip(right.number()).map(|(left, right)| left.cmp(&right)),
    };
    match operator {
        CmpOp::Eq => Some(order.map_or_else(|| left == right, std::cmp::Ordering::is_eq)),
        CmpOp::NotEq => Some(order.map_or_else(|| left != right, std::cmp::Ordering::is_ne)),
        CmpOp::Lt => order.map(std::cmp::Ordering::is_lt),
        CmpOp::LtE => order.map(std::cmp::Ordering::is_le),
        CmpOp::Gt => order.map(std::cmp::Ordering::is_gt),
        CmpOp::GtE => order.map(std::cmp::Ordering::is_ge),
        CmpOp::In | CmpOp::NotIn => {
            let within = match (left, right) {
                (Constant::Text(part), Constant::Text(whole)) => whole.contains(part.as_str()),
                (item, Constant::Sequence(items)) => items.contains(item),
                _ => return None,
            };
            Some(within == (operator == CmpOp::In))
        }
        CmpOp::Is | CmpOp::IsNot => match (left, right) {
            (Constant::None, other) | (other, Constant::None) => {
                Some((*other == Constant::None) == (operator == CmpOp::Is))
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruff_python_ast::Stmt;

    use super::*;
    use crate::python::{Kind, Module, names::ScopeId};

    /// The value of the last line, an expression.
    fn last<T>(text: &str, ask: impl FnOnce(&Names<'_>, &Expr, At) -> T) -> T {
        Module::with(text, Kind::Code, |module| {
            let Some(Stmt::Expr(stmt)) = module.syntax.body.last() else { panic!("{text}") };
            ask(module.names, &stmt.value, At { scope: ScopeId::MODULE, position: stmt.start() })
        })
        .unwrap()
    }

    #[test]
    fn texts_are_put_together() {
        for (source, known) in [
            ("a = 'x'\nb = a + 'y' 'z'\nf'{b}-{1}!'", Some("xyz-1!")),
            ("a = 'x'\na = 'y'\na", None),
            ("a = 'x'\na += 'y'\na", None),
            ("def f():\n    global a\n    a = 2\na = 'x'\na", None),
            ("f'{b}'", None),
            ("a = a\na", None),
            ("'x' if 1 < 2 < 3 else y", Some("x")),
        ] {
            assert_eq!(last(source, text).as_deref(), known, "{source}");
        }
    }

    #[test]
    fn numbers_are_python_s() {
        for (source, known) in [
            ("-7 // 2", Some(-4)),
            ("-7 % 3", Some(2)),
            ("7 * 18 + 1", Some(127)),
            ("1 // 0", None),
            ("1 << 70", None),
        ] {
            assert_eq!(last(source, fold), known.map(Constant::Int), "{source}");
        }
        assert_eq!(last("not (7 * 18 + 80 > 200 and 'a' in ('a', 'b'))", truth), Some(false));
    }

    #[test]
    fn holes_are_kept() {
        let known = |text: &str| Piece::Known(text.to_owned());
        assert_eq!(last("t = 'b'\n'a' + t + x", pieces), Some(vec![known("a"), known("b"), Piece::Hole]));
        assert_eq!(last("'a %s' % x", pieces), Some(vec![known("a %s"), Piece::Hole]));
        assert_eq!(last("f'a{x}'", pieces), Some(vec![known("a"), Piece::Hole]));
        assert_eq!(last("x + y", pieces), None);
    }

    #[test]
    fn doubling_is_given_up() {
        let lines: String = (1..40).map(|n| format!("a{n} = a{} + a{}\n", n - 1, n - 1)).collect();
        assert_eq!(last(&format!("a0 = 'x'\n{lines}a39"), text), None);
    }

    proptest! {
        #[test]
        fn arithmetic_never_panics(left: i64, right: i64) {
            for operator in [Operator::Add, Operator::Sub, Operator::Mult, Operator::FloorDiv, Operator::Mod,
                Operator::LShift, Operator::RShift, Operator::BitOr] {
                let _ = arithmetic(left, operator, right);
            }
        }
    }
}
