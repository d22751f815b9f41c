//! Passwords in the source. A finding names what is set, never to what.

use std::sync::LazyLock;

use regex::Regex;
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{Case, Check, Class, Hit, Scene, Shape, Test, Words, places};
use crate::finding::{Confidence, Cwe, Rule, Severity};

const fn check(id: &'static str, title: &'static str, aliases: &'static [&'static str], test: Test) -> Check {
    Check {
        rule: Rule {
            id,
            title,
            cwe: Cwe(259),
            severity: Severity::Low,
            aliases,
            advice: "Read it from the environment or a store of secrets, and change it: it is in the history.",
        },
        confidence: Confidence::Medium,
        class: Class::Secrets,
        words: Words::Placed {
            words: &["pas", "pwd", "token", "secret"],
            case: Case::Any,
            stands: places::is_password,
        },
        test,
    }
}

pub(super) static CHECKS: &[Check] = &[
    check("python/password", "a password in the source", &["B105", "S105"], Test::Statement(assigned)),
    check(
        "python/password-compared",
        "a password in the source",
        &["B105", "S105"],
        Test::Expression(Shape::Comparison, compared),
    ),
    check("python/password-empty", "an empty password", &["B105"], Test::Statement(assigned_empty)),
    check(
        "python/password-compared-empty",
        "an empty password",
        &["B105"],
        Test::Expression(Shape::Comparison, compared_empty),
    ),
    check(
        "python/password-in-table",
        "a password in the source",
        &["B105"],
        Test::Expression(Shape::Table, in_table),
    ),
    check(
        "python/password-argument",
        "a password in the source",
        &["B106", "S106"],
        Test::Expression(Shape::Call, argument),
    ),
    check("python/password-default", "a password as a default", &["B107", "S107"], Test::Statement(default)),
];

/// Names of things that are passwords.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)(?:^|_)(?:pas+wo?r?d|pass(?:phrase)?|pwd|token|secrete?)(?:$|_)";
    Regex::new(pattern).expect("the pattern is well-formed")
});

/// The name of what is set or compared, if it is a password's.
fn password<'e>(scene: &Scene<'_>, target: &'e Expr) -> Option<&'e str> {
    match target {
        Expr::Name(name) => Some(name.id.as_str()).filter(|name| is_password(name)),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()).filter(|name| is_password(name)),
        Expr::Subscript(subscript) => quoted(scene, &subscript.slice),
        _ => None,
    }
}

/// A password's name in quotes, as it is written: one made of escapes or pieces would defeat the promise that a file without the
/// words has no such name.
fn quoted<'e>(scene: &Scene<'_>, expr: &'e Expr) -> Option<&'e str> {
    let name = expr.as_string_literal_expr()?.value.to_str();
    (is_password(name) && scene.source(expr).contains(name)).then_some(name)
}

fn is_password(name: &str) -> bool {
    // The shortest has three letters, and most names are short.
    name.len() >= 3 && NAME.is_match(name)
}

/// A text that is written out and not empty.
fn written(expr: &Expr) -> Option<TextRange> {
    let literal = expr.as_string_literal_expr()?;
    (!literal.value.is_empty()).then_some(literal.range)
}

fn hit(range: TextRange, name: &str) -> Hit {
    Hit::at(range, name, format!("`{name}` is written out here: whoever reads the source has it"))
}

/// What a statement sets, and to what.
fn assignment(stmt: &Stmt) -> Option<(Vec<&Expr>, &Expr)> {
    match stmt {
        Stmt::Assign(assign) => Some((assign.targets.iter().collect(), &assign.value)),
        Stmt::AnnAssign(ast::StmtAnnAssign { target, value: Some(value), .. }) => Some((vec![target], value)),
        _ => None,
    }
}

fn assigned(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Some((targets, value)) = assignment(stmt) else { return Vec::new() };
    let Some(range) = written(value) else { return Vec::new() };
    let name = targets.into_iter().find_map(|target| password(scene, target));
    name.map(|name| hit(range, name)).into_iter().collect()
}

fn assigned_empty(scene: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Some((targets, Expr::StringLiteral(value))) = assignment(stmt) else { return Vec::new() };
    if !value.value.is_empty() {
        return Vec::new();
    }
    let name = targets.into_iter().find_map(|target| password(scene, target));
    let message =
        |name: &str| Hit::at(value.range, name, format!("`{name}` is empty: is it set before it is used?"));
    name.map(message).map(|hit| hit.severity(Severity::Info)).into_iter().collect()
}

fn compared(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let Expr::Compare(compare) = expr else { return None };
    let name = password(scene, &compare.left)?;
    compare.comparators.iter().find_map(written).map(|range| hit(range, name))
}

fn compared_empty(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let Expr::Compare(compare) = expr else { return None };
    let name = password(scene, &compare.left)?;
    let empty = compare
        .comparators
        .iter()
        .filter_map(Expr::as_string_literal_expr)
        .find(|text| text.value.is_empty())?;
    Some(Hit::at(empty.range, name, format!("`{name}` may be empty")).severity(Severity::Info))
}

fn in_table(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let Expr::Dict(dict) = expr else { return None };
    dict.items.iter().find_map(|item| {
        let key = item.key.as_ref().filter(|_| item.value.is_literal_expr())?;
        quoted(scene, key).map(|name| hit(key.range(), name))
    })
}

fn argument(_: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let Expr::Call(call) = expr else { return None };
    call.arguments.keywords.iter().find_map(|keyword| {
        let name = keyword.arg.as_ref()?.as_str();
        let range = written(&keyword.value).filter(|_| is_password(name))?;
        Some(hit(TextRange::new(keyword.start(), range.end()), name))
    })
}

fn default(_: &Scene<'_>, stmt: &Stmt) -> Vec<Hit> {
    let Stmt::FunctionDef(function) = stmt else { return Vec::new() };
    let parameters = function.parameters.iter_non_variadic_params();
    let written_out = parameters.filter_map(|parameter| {
        let name = parameter.parameter.name.as_str();
        let range = written(parameter.default.as_deref()?).filter(|_| is_password(name))?;
        Some(hit(range, name))
    });
    written_out.collect()
}
