//! Which branch of an `if` can run: decided for `TYPE_CHECKING`, the version, the platform and literals; everything else may go both ways.

use ruff_python_ast::{BoolOp, CmpOp, Expr, ExprCompare, Number, UnaryOp};
use serde::Serialize;

use super::standard::PythonVersion;

/// What a program runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The version of Python.
    pub version: PythonVersion,
    /// What `sys.platform` is: `linux`, `darwin`, `win32`.
    pub platform: String,
}

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It holds for type checkers only.
    Typing,
    /// It fails for type checkers only.
    Running,
    /// It is the main program.
    Main,
    /// It may hold or not.
    Open,
}

// === impl Truth ===

impl Truth {
    /// What is known of a condition on `target`.
    pub(super) fn of(test: &Expr, target: &Target) -> Self {
        match test {
            Expr::Name(name) if name.id == "TYPE_CHECKING" => Self::Typing,
            Expr::Attribute(attribute) if attribute.attr.as_str() == "TYPE_CHECKING" => Self::Typing,
            Expr::BooleanLiteral(literal) => Self::known(literal.value),
            Expr::NumberLiteral(_) => number(test).map_or(Self::Open, |value| Self::known(value != 0)),
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => Self::of(&unary.operand, target).negated(),
            Expr::BoolOp(both) => {
                let parts = both.values.iter().map(|value| Self::of(value, target));
                match both.op {
                    BoolOp::And => parts.fold(Self::Yes, Self::and),
                    BoolOp::Or => parts.fold(Self::Yes, |all, part| all.and(part.negated())).negated(),
                }
            }
            Expr::Compare(compare) => Self::compared(compare, target),
            Expr::Call(call) => {
                let Expr::Attribute(method) = &*call.func else { return Self::Open };
                match &*call.arguments.args {
                    [Expr::StringLiteral(start)]
                        if method.attr.as_str() == "startswith"
                            && ends_in(&method.value, "sys", "platform") =>
                    {
                        Self::known(target.platform.starts_with(start.value.to_str()))
                    }
                    _ => Self::Open,
                }
            }
            _ => Self::Open,
        }
    }

    /// What is known of the opposite.
    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Typing => Self::Running,
            Self::Running => Self::Typing,
            Self::Main | Self::Open => Self::Open,
        }
    }

    const fn known(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) | (Self::Typing, Self::Running) | (Self::Running, Self::Typing) => {
                Self::No
            }
            (Self::Yes, part) | (part, Self::Yes) => part,
            (Self::Typing, _) | (_, Self::Typing) => Self::Typing,
            (Self::Main, _) | (_, Self::Main) => Self::Main,
            (Self::Running, Self::Running) => Self::Running,
            (Self::Open, _) | (_, Self::Open) => Self::Open,
        }
    }

    fn compared(compare: &ExprCompare, target: &Target) -> Self {
        let ([operator], [right]) = (&*compare.ops, &*compare.comparators) else { return Self::Open };
        let left = &*compare.left;
        if let Expr::StringLiteral(text) = right {
            let equal = match left {
                Expr::Name(name) if name.id == "__name__" && text.value.to_str() == "__main__" => {
                    return if *operator == CmpOp::Eq { Self::Main } else { Self::Open };
                }
                _ if ends_in(left, "sys", "platform") => target.platform == text.value.to_str(),
                _ if ends_in(left, "os", "name") => {
                    (if target.platform == "win32" { "nt" } else { "posix" }) == text.value.to_str()
                }
                _ => return Self::Open,
            };
            return match operator {
                CmpOp::Eq => Self::known(equal),
                CmpOp::NotEq => Self::known(!equal),
                _ => Self::Open,
            };
        }
        let version = [3, i64::from(target.version.0)];
        let (have, wanted) = match left {
            Expr::Attribute(part) if is_version(&part.value) && part.attr.as_str() == "major" => {
                (&version[..1], number(right).map(|value| vec![value]))
            }
            Expr::Attribute(part) if is_version(&part.value) && part.attr.as_str() == "minor" => {
                (&version[1..], number(right).map(|value| vec![value]))
            }
            Expr::Subscript(part) if is_version(&part.value) => match number(&part.slice) {
                Some(0) => (&version[..1], number(right).map(|value| vec![value])),
                Some(1) => (&version[1..], number(right).map(|value| vec![value])),
                _ => (&version[..], numbers(right)),
            },
            _ if is_version(left) => (&version[..], numbers(right)),
            _ => return Self::Open,
        };
        wanted.map_or(Self::Open, |wanted| ordered(have, *operator, &wanted))
    }
}

/// Compares as tuples do, as far as the known numbers go.
fn ordered(have: &[i64], operator: CmpOp, wanted: &[i64]) -> Truth {
    let shared = have.len().min(wanted.len());
    let order = have[..shared].cmp(&wanted[..shared]);
    // Behind what is known comes the micro version: (3, 11, x) is above (3, 11) and (3,), and unknown against (3, 11, 4).
    let order = match order {
        order if order.is_ne() => order,
        _ if wanted.len() > have.len() && wanted[shared..].iter().any(|part| *part != 0) => {
            return Truth::Open;
        }
        _ if have.len() == 1 && wanted.len() == 1 => order,
        _ => order.then(std::cmp::Ordering::Greater),
    };
    match operator {
        CmpOp::Gt => Truth::known(order.is_gt()),
        CmpOp::GtE => Truth::known(order.is_ge()),
        CmpOp::Lt => Truth::known(order.is_lt()),
        CmpOp::LtE => Truth::known(order.is_le()),
        CmpOp::Eq if have.len() == 1 => Truth::known(order.is_eq()),
        CmpOp::NotEq if have.len() == 1 => Truth::known(order.is_ne()),
        _ => Truth::Open,
    }
}

fn is_version(expression: &Expr) -> bool {
    ends_in(expression, "sys", "version_info")
}

/// Whether it is `module.name`, or `name` taken from it.
fn ends_in(expression: &Expr, module: &str, name: &str) -> bool {
    match expression {
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == name
                && matches!(&*attribute.value, Expr::Name(base) if base.id.trim_start_matches('_') == module)
        }
        Expr::Name(alone) => alone.id == name && name == "version_info",
        _ => false,
    }
}

fn number(expression: &Expr) -> Option<i64> {
    let Expr::NumberLiteral(literal) = expression else { return None };
    let Number::Int(value) = &literal.value else { return None };
    value.as_i64()
}

fn numbers(expression: &Expr) -> Option<Vec<i64>> {
    let Expr::Tuple(tuple) = expression else { return None };
    tuple.elts.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruff_python_parser::parse_expression;

    fn truth(text: &str) -> Truth {
        let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
        Truth::of(parse_expression(text).unwrap().expr(), &target)
    }

    #[test]
    fn version_decides() {
        for holds in [
            "sys.version_info >= (3, 8)",
            "sys.version_info >= (3, 11)",
            "sys.version_info > (3, 11)",
            "sys.version_info < (3, 12)",
            "sys.version_info[0] == 3",
            "sys.version_info.major >= 3",
            "version_info[:2] >= (3, 9)",
            "sys.version_info[0] > 2",
            "sys.version_info >= (3, 11, 0)",
            "not sys.version_info < (3, 11)",
        ] {
            assert_eq!(truth(holds), Truth::Yes, "{holds}");
            assert_eq!(truth(&format!("not ({holds})")), Truth::No, "{holds}");
        }
        for open in [
            "sys.version_info >= (3, 11, 4)",
            "sys.version_info == (3, 11)",
            "version >= (3, 8)",
            "sys.hexversion > 3",
        ] {
            assert_eq!(truth(open), Truth::Open, "{open}");
        }
    }

    #[test]
    fn platform_decides() {
        assert_eq!(truth("sys.platform == 'win32'"), Truth::No);
        assert_eq!(truth("os.name != 'nt' and sys.platform.startswith('linux')"), Truth::Yes);
        assert_eq!(truth("sys.platform == 'win32' or flag"), Truth::Open);
        assert_eq!(truth("sys.platform == 'win32' and flag"), Truth::No);
    }

    #[test]
    fn type_checkers_are_apart() {
        assert_eq!(truth("typing.TYPE_CHECKING"), Truth::Typing);
        assert_eq!(truth("not TYPE_CHECKING"), Truth::Running);
        assert_eq!(truth("TYPE_CHECKING or flag"), Truth::Open);
        assert_eq!(truth("TYPE_CHECKING and flag"), Truth::Typing);
        assert_eq!(truth("__name__ == '__main__'"), Truth::Main);
    }
}
