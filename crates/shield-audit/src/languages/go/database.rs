//! Texts that a database takes for code.

use super::request;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        secret,
    },
};

static SQL: Rule = Rule {
    id: "go/sql",
    title: "a statement is put together from texts",
    cwe: Cwe(89),
    severity: Severity::High,
    aliases: &["G201", "G202", "G701"],
    advice: "Write `?` or `$1` where the value goes, and hand the value over as a parameter.",
};

pub(super) const CHECKS: &[Check] = &[Check {
    language: Language::Go,
    words: &["Query", "Exec", "Prepare", "Raw", "Where", "Having", "Expr", "Select"],
    test: Test::Call(sql),
}];

/// Methods that take a statement, of `database/sql`, sqlx, pgx, GORM and go-pg.
const STATEMENTS: [&str; 14] = [
    "Query",
    "QueryRow",
    "Exec",
    "Prepare",
    "Queryx",
    "QueryRowx",
    "MustExec",
    "Get",
    "Select",
    "Raw",
    "NamedExec",
    "NamedQuery",
    "QueryOne",
    "ExecOne",
];

/// Methods that take a part of one.
const PARTS: [&str; 10] =
    ["Where", "WhereOr", "Or", "Not", "Having", "Joins", "Join", "ColumnExpr", "TableExpr", "OrderExpr"];

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let method =
        call.method.strip_suffix("Context").or_else(|| call.method.strip_suffix("Ex")).unwrap_or(call.method);
    let (whole, part) = (STATEMENTS.contains(&method), PARTS.contains(&method));
    call.object.filter(|_| whole || part)?;
    let begins =
        |text: &str| secret::is_sql(text) || part && (secret::is_condition(text) || method.ends_with("Expr"));
    // The statement comes first, or behind the context, or behind where results go.
    let mut texts = call.arguments.iter().take(3).map(|node| (*node, scene.text(*node)));
    let (node, text) = texts.find(|(_, text)| text.is_composed() && begins(text.beginning()))?;
    let outside = request::part(scene, node);
    if outside.is_none() && secret::is_harmless(scene, &text) && text.unknowns().next().is_some() {
        return None;
    }
    let hit = Hit::of(&SQL, call.node.byte_range(), call.method);
    Some(match outside {
        Some(part) => hit.message(format!("the database takes `{part}` for a part of the statement")),
        None => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("the database takes what is put in for a part of the statement")
        }
    })
}
