//! Texts and objects that a database takes for code.

use tree_sitter::Node;

use super::{execution::property, request};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
        secret,
    },
};

static SQL: Rule = Rule {
    id: "javascript/sql",
    title: "a statement is put together from texts",
    cwe: Cwe(89),
    severity: Severity::High,
    aliases: &["node-sqli", "tainted-sql-string"],
    advice: "Write `?` or `$1` where the value goes, and hand the value over as a parameter.",
};

static QUERY: Rule = Rule {
    id: "javascript/nosql",
    title: "a stranger writes a part of what a database is asked",
    cwe: Cwe(943),
    severity: Severity::High,
    aliases: &["express-mongo-nosqli"],
    advice: "Make a text of each value (`String(x)`), and leave `$where` out.",
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::JavaScript,
        words: &[
            "query",
            "execute",
            "raw",
            "Raw",
            "prepare",
            "exec",
            ".where(",
            ".andWhere(",
            ".orWhere(",
            ".having(",
        ],
        test: Test::Call(sql),
    },
    Check { language: Language::JavaScript, words: &["$where"], test: Test::Node(&["pair"], code) },
    Check { language: Language::JavaScript, words: &["mongo"], test: Test::Call(selector) },
];

/// Methods that take a statement.
const STATEMENTS: [&str; 9] = [
    "query",
    "execute",
    "raw",
    "$queryRawUnsafe",
    "$executeRawUnsafe",
    "prepare",
    "exec",
    "queryRaw",
    "many",
];

/// Methods that take a part of one.
const PARTS: [&str; 12] = [
    "whereRaw",
    "orWhereRaw",
    "andWhereRaw",
    "orderByRaw",
    "havingRaw",
    "groupByRaw",
    "joinRaw",
    "fromRaw",
    "where",
    "andWhere",
    "orWhere",
    "having",
];

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let (whole, part) = (STATEMENTS.contains(&call.method), PARTS.contains(&call.method));
    call.object.filter(|_| whole || part)?;
    let first = *call.arguments.first()?;
    let named = || property(scene, first, "sql").or_else(|| property(scene, first, "text"));
    let statement = if first.kind() == "object" { named()? } else { first };
    let text = scene.text(statement);
    let asks = if whole {
        secret::is_sql(text.beginning())
    } else {
        secret::is_condition(text.beginning()) || call.method.ends_with("Raw")
    };
    let stranger = request::part(scene, statement);
    let harmless = stranger.is_none() && secret::is_harmless(scene, &text);
    let hit = Hit::of(&SQL, call.node.byte_range(), call.method);
    (text.is_composed() && asks && !harmless).then(|| match stranger {
        Some(part) => hit.message(format!(
            "a stranger writes `{part}`, and the database takes it for a part of the statement"
        )),
        None => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("the database takes what is put in for a part of the statement")
        }
    })
}

/// `$where: …`: JavaScript that the database runs.
fn code<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let (key, value) = (node.child_by_field_name("key")?, node.child_by_field_name("value")?);
    let text = scene.text(value);
    let stranger = request::part(scene, value);
    let found = scene.written(key).trim_matches(['"', '\'']) == "$where"
        && (stranger.is_some() || text.is_composed());
    let hit = Hit::of(&QUERY, node.byte_range(), "$where");
    found.then(|| match stranger {
        Some(part) => hit.message(format!("a stranger writes `{part}`, and the database runs it")),
        None => hit
            .severity(Severity::Medium)
            .confidence(Confidence::Medium)
            .message("the database runs what is put in"),
    })
}

/// Methods of collections that take a selector.
const SELECTS: [&str; 12] = [
    "find",
    "findOne",
    "findOneAndUpdate",
    "findOneAndDelete",
    "findOneAndRemove",
    "updateOne",
    "updateMany",
    "deleteOne",
    "deleteMany",
    "countDocuments",
    "exists",
    "aggregate",
];

/// `{ user: req.body.user }`: the value may be an object, `{ $ne: null }`.
fn selector<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    call.object.filter(|_| SELECTS.contains(&call.method))?;
    let first = *call.arguments.first()?;
    let values = match first.kind() {
        "object" => children(first, 50)
            .into_iter()
            .filter_map(|pair| {
                pair.child_by_field_name("value")
                    .or_else(|| (pair.kind() == "shorthand_property_identifier").then_some(pair))
            })
            .collect(),
        _ => vec![first],
    };
    let part = values.into_iter().find_map(|value| request::object(scene, value))?;
    let hit = Hit::of(&QUERY, call.node.byte_range(), call.method).confidence(Confidence::Medium);
    Some(hit.message(format!("`{part}` may be an object with operators: a stranger writes it")))
}
