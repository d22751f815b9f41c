//! Texts that a database takes for code.

use std::sync::LazyLock;

use regex::Regex;
use ruff_python_ast::{self as ast, Expr, ExprBinOp, Operator};
use ruff_text_size::Ranged;

use super::{Call, Case, Check, Class, Hit, Scene, Shape, Test, Words, composed, places};
use crate::{
    finding::{Confidence, Cwe, Rule, Severity},
    python::fold::{self, Piece},
};

const ADVICE: &str = "Pass values as parameters of the query, and take names of tables from a fixed list.";

const fn check(rule: Rule, confidence: Confidence, words: Words, test: Test) -> Check {
    Check { rule, confidence, class: Class::Injection, words, test }
}

const fn rule(id: &'static str, title: &'static str, aliases: &'static [&'static str]) -> Rule {
    Rule { id, title, cwe: Cwe(89), severity: Severity::Medium, aliases, advice: ADVICE }
}

const VERBS: Words = Words::Placed {
    words: &["select", "delete", "insert", "replace", "update"],
    case: Case::Any,
    stands: places::is_verb,
};

pub(super) static CHECKS: &[Check] = &[
    check(
        rule("python/sql-text", "a query that is put together", &["B608", "S608"]),
        Confidence::Low,
        VERBS,
        Test::Expression(Shape::Composed, sql_text),
    ),
    check(
        Rule {
            severity: Severity::Info,
            ..rule("python/sql-text-fixed", "a query that is put together of fixed parts", &["B608", "S608"])
        },
        Confidence::Low,
        VERBS,
        Test::Expression(Shape::Composed, sql_text_fixed),
    ),
    check(
        rule("python/sql-like-text", "a text like a query that is put together", &["B608"]),
        Confidence::Low,
        VERBS,
        Test::Expression(Shape::Composed, sql_like_text),
    ),
    check(
        rule("python/django-extra", "pieces of a query that are put together", &["B610", "S610"]),
        Confidence::Medium,
        Words::Names(&["extra"]),
        Test::Call(django_extra),
    ),
    check(
        rule("python/django-raw-sql", "a query that is put together", &["B611", "S611"]),
        Confidence::Medium,
        Words::Names(&["RawSQL"]),
        Test::Call(django_raw_sql),
    ),
];

/// What looks like a query, as ruff reads it.
static QUERY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?is)\b(?:select\s+.*\s+from\s|delete\s+from\s|(?:insert|replace)\s+.*\s+values\s|update\s+.*\s+set\s)";
    Regex::new(pattern).expect("the pattern is well-formed")
});

/// What looks like a query, as bandit reads it.
static QUERY_LIKE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?is)(?:select\s.*from\s|delete\s+from\s|insert\s+into\s.*values[\s(]|update\s.*set\s)";
    Regex::new(pattern).expect("the pattern is well-formed")
});

fn sql_text(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let text = put_together(scene, expr)?;
    let verb = verb(&QUERY, &text)?;
    if is_harmless(scene, expr) { None } else { hit(scene, expr, verb) }
}

/// Queries of constants, numbers and placeholders: safe until somebody changes them.
fn sql_text_fixed(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    let text = put_together(scene, expr)?;
    let verb = verb(&QUERY, &text)?;
    let hit = hit(scene, expr, verb).filter(|_| is_harmless(scene, expr))?;
    let message = "the query is put together of fixed parts: the next one may not be".to_owned();
    Some(Hit { message, ..hit })
}

/// Whether nothing that is put into a query can change what it says. What quotes names for a database is not asked for: each has
/// its own, and their composition is no text.
fn is_harmless(scene: &Scene<'_>, expr: &Expr) -> bool {
    composed::is_harmless(scene, expr, &[])
}

fn sql_like_text(scene: &Scene<'_>, expr: &Expr) -> Option<Hit> {
    match put_together(scene, expr) {
        Some(text) if QUERY.is_match(&text) => None,
        Some(text) => hit(scene, expr, verb(&QUERY_LIKE, &text)?),
        None => hit(scene, expr, verb(&QUERY_LIKE, replaced(expr)?)?),
    }
}

/// What a query begins with.
fn verb(pattern: &Regex, text: &str) -> Option<String> {
    let query = pattern.find(text)?.as_str();
    query.split_whitespace().next().map(str::to_ascii_lowercase)
}

fn hit(scene: &Scene<'_>, expr: &Expr, verb: String) -> Option<Hit> {
    if !is_written(scene.source(expr), &verb) && !is_written(scene.module.text, &verb) {
        return None;
    }
    let executed = scene.parent().is_some_and(|parent| match parent {
        Expr::Call(call) => match call.func.as_ref() {
            Expr::Attribute(attribute) => matches!(attribute.attr.as_str(), "execute" | "executemany"),
            _ => false,
        },
        _ => false,
    });
    let message = "whatever is put into the query can change what it says";
    let confidence = if executed { Confidence::Medium } else { Confidence::Low };
    Some(Hit::at(expr.range(), verb, message).confidence(confidence))
}

/// Whether a verb stands in the source as it does in a query, not in pieces: without it the rule would not have been asked.
fn is_written(source: &str, verb: &str) -> bool {
    let source = source.as_bytes();
    let mut finds = source.windows(verb.len()).enumerate();
    finds.any(|(start, window)| {
        window.eq_ignore_ascii_case(verb.as_bytes()) && places::is_verb(source, start..start + verb.len())
    })
}

/// A text that is put together of known and other parts, those as `{}`.
fn put_together(scene: &Scene<'_>, expr: &Expr) -> Option<String> {
    let in_sum = scene.parent().is_some_and(is_sum);
    if is_written_out(expr) {
        return None;
    }
    match expr {
        // The whole sum is looked at, not each part of it.
        Expr::BinOp(sum) if is_sum(expr) => (!in_sum && may_be_text(sum)).then_some(())?,
        Expr::BinOp(ExprBinOp { op: Operator::Mod, left, .. }) => {
            left.is_string_literal_expr().then_some(())?
        }
        Expr::Call(call) => is_method_of_literal(call, "format").then_some(())?,
        Expr::FString(text) => {
            let filled = text.value.elements().any(ast::InterpolatedStringElement::is_interpolation);
            (filled && !in_sum).then_some(())?;
        }
        _ => return None,
    }
    let pieces = fold::pieces(scene.module.names, expr, scene.at)?;
    Some(joined(&pieces))
}

fn joined(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Known(known) => text.push_str(known),
            Piece::Hole => text.push_str("{}"),
        }
    }
    text
}

fn is_sum(expr: &Expr) -> bool {
    matches!(expr, Expr::BinOp(ExprBinOp { op: Operator::Add, .. }))
}

/// Whether a sum has a text in it and nothing that cannot be added to one.
fn may_be_text(sum: &ExprBinOp) -> bool {
    let mut text = false;
    let mut rest = vec![sum.left.as_ref(), sum.right.as_ref()];
    while let Some(part) = rest.pop() {
        match part {
            Expr::StringLiteral(_) | Expr::FString(_) => text = true,
            Expr::BinOp(inner) => rest.extend([inner.left.as_ref(), inner.right.as_ref()]),
            Expr::If(choice) if is_no_text(&choice.body) && is_no_text(&choice.orelse) => return false,
            other if is_no_text(other) => return false,
            _ => {}
        }
    }
    text
}

/// Whether a text is put together of nothing but literals.
fn is_written_out(expr: &Expr) -> bool {
    let mut rest = vec![expr];
    while let Some(part) = rest.pop() {
        match part {
            Expr::StringLiteral(_) => {}
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                rest.extend([sum.left.as_ref(), sum.right.as_ref()]);
            }
            Expr::BinOp(filled) if filled.op == Operator::Mod && is_empty_tuple(&filled.right) => {
                rest.push(&filled.left);
            }
            Expr::Call(call) if is_method_of_literal(call, "format") && call.arguments.is_empty() => {}
            _ => return false,
        }
    }
    true
}

fn is_empty_tuple(expr: &Expr) -> bool {
    expr.as_tuple_expr().is_some_and(|tuple| tuple.elts.is_empty())
}

fn is_no_text(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::NumberLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Dict(_)
            | Expr::ListComp(_)
    )
}

fn is_method_of_literal(call: &ast::ExprCall, method: &str) -> bool {
    match call.func.as_ref() {
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == method && attribute.value.is_string_literal_expr()
        }
        _ => false,
    }
}

/// `"select … from …".replace(…)`.
fn replaced(expr: &Expr) -> Option<&str> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Attribute(attribute) = call.func.as_ref() else { return None };
    let Expr::StringLiteral(text) = attribute.value.as_ref() else { return None };
    (attribute.attr.as_str() == "replace").then(|| text.value.to_str())
}

fn django_extra(_: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    if call.method() != "extra" {
        return None;
    }
    let fixed = |expr: &Expr| expr.is_string_literal_expr();
    let list = |expr: &Expr| expr.as_list_expr().is_some_and(|list| list.elts.iter().all(fixed));
    let table = |expr: &Expr| {
        let items = expr.as_dict_expr().map(|dict| &dict.items);
        items.is_some_and(|items| {
            items.iter().all(|item| item.key.as_ref().is_none_or(fixed) && fixed(&item.value))
        })
    };
    let open = call.argument("select", 0).is_some_and(|select| !table(select))
        || call.argument("where", 1).is_some_and(|conditions| !list(conditions))
        || call.argument("tables", 3).is_some_and(|tables| !list(tables));
    open.then(|| call.hit("what `extra` gets becomes part of the query as it is"))
}

fn django_raw_sql(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let named = call.name == "django.db.models.expressions.RawSQL"
        || call.method() == "RawSQL" && scene.module.names.imports("django.db.models");
    let fixed = call.argument("sql", 0).is_some_and(Expr::is_string_literal_expr);
    (named && !fixed).then(|| call.hit("the query is put together elsewhere"))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    #[test]
    fn parts_that_are_fixed_weigh_nothing() {
        let ids = |query: &str| -> Vec<_> {
            let text = format!("TABLE = 'a'\ndef f(x, y, c):\n    c.execute({query})\n");
            let report = Audit::default().text("a.py", &text, Parse::WhereWordsOccur);
            report.findings.iter().map(|one| one.rule.id).collect()
        };
        for query in [
            "'SELECT a FROM b WHERE c IN (%s)' % ','.join('?' * len(x)), x",
            "'SELECT a FROM b WHERE c IN (%s)' % ','.join(['?'] * len(x)), x",
            "'SELECT a FROM b WHERE c IN (%s)' % ','.join('?' for _ in x), x",
            "f'SELECT a FROM {TABLE} WHERE c = ?', (x,)",
            "f\"SELECT a FROM b ORDER BY c {'DESC' if x else 'ASC'}\"",
            "'SELECT a FROM b LIMIT %d' % x",
        ] {
            assert_eq!(ids(query), ["python/sql-text-fixed"], "{query}");
        }
        for query in ["f'SELECT a FROM {TABLE} WHERE c = {x}'", "'SELECT a FROM b LIMIT %s' % x"] {
            assert_eq!(ids(query), ["python/sql-text"], "{query}");
        }
    }

    #[test]
    fn queries_of_literals_alone_are_fixed() {
        let finds = |query: &str| {
            let text = format!("cursor.execute({query})\n");
            let report = Audit::default().text("a.py", &text, Parse::Always);
            report.findings.iter().any(|one| one.rule.id.starts_with("python/sql"))
        };
        for fixed in [
            "'SELECT a FROM b WHERE c = ' + '3'",
            "'SELECT a ' + 'FROM b ' + 'WHERE c = 1'",
            "'SELECT a FROM b'.format()",
            "'SELECT a FROM b' % ()",
        ] {
            assert!(!finds(fixed), "{fixed}");
        }
        for filled in [
            "'SELECT a FROM b WHERE c = ' + d",
            "'SELECT a ' + 'FROM b WHERE c = ' + d",
            "'SELECT a FROM b WHERE c = {}'.format(d)",
            "'SELECT a FROM b WHERE c = %s' % (d,)",
        ] {
            assert!(finds(filled), "{filled}");
        }
    }
}
