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
            "sqlite",
            "pg-promise",
            "literal(",
            ".where(",
            ".andWhere(",
            ".orWhere(",
            ".having(",
        ],
        test: Test::Call(sql),
    },
    Check { language: Language::JavaScript, words: &["$where"], test: Test::Node(&["pair"], code) },
    Check { language: Language::JavaScript, words: &SELECTS, test: Test::Call(selector) },
];

/// Methods that take a statement.
const STATEMENTS: [&str; 20] = [
    "query",
    "execute",
    "raw",
    "$queryRawUnsafe",
    "$executeRawUnsafe",
    "prepare",
    "exec",
    "queryRaw",
    "many",
    // sqlite3 and better-sqlite3.
    "all",
    "get",
    "run",
    "each",
    // pg-promise.
    "any",
    "one",
    "none",
    "oneOrNone",
    "manyOrNone",
    "result",
    "multi",
];

/// Methods whose first argument is a statement and nothing else, so that a stranger may write all of it.
const WHOLE: [&str; 5] = ["query", "raw", "$queryRawUnsafe", "$executeRawUnsafe", "literal"];

/// Methods that take a part of one.
const PARTS: [&str; 13] = [
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
    "literal",
];

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let (whole, part) = (STATEMENTS.contains(&call.method), PARTS.contains(&call.method));
    // `/SELECT/.exec(text)` asks no database.
    let expression = |object: Node<'t>| scene.given(object).kind() == "regex";
    call.object.filter(|object| (whole || part) && !expression(*object))?;
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
    let written = text.is_composed() && asks && !harmless;
    // `router.query(…)` and `$.get(…)` are no databases: only what databases are called takes a stranger's text as a whole.
    let all = !text.is_composed()
        && WHOLE.contains(&call.method)
        && stranger.is_some()
        && call.object.is_some_and(|object| is_database(scene.written(object)));
    (written || all).then(|| match stranger {
        Some(part) => hit.message(format!(
            "a stranger writes `{part}`, and the database takes it for a part of the statement"
        )),
        None => {
            let hit = hit.severity(Severity::Medium).confidence(Confidence::Medium);
            hit.message("the database takes what is put in for a part of the statement")
        }
    })
}

/// Whether something is called what databases and their connections are called.
fn is_database(written: &str) -> bool {
    let last = written.rsplit('.').next().unwrap_or(written).to_ascii_lowercase();
    [
        "db",
        "database",
        "pool",
        "connection",
        "conn",
        "client",
        "knex",
        "sequelize",
        "prisma",
        "mysql",
        "pg",
        "sql",
    ]
    .iter()
    .any(|name| last.ends_with(name))
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

/// Values of a selector that are looked at, those of `$and` among them.
const VALUES_MAX: usize = 100;

/// `{ user: req.body.user }`: the value may be an object, `{ $ne: null }`.
fn selector<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let object = call.object.filter(|_| SELECTS.contains(&call.method))?;
    if !is_collection(scene, object) {
        return None;
    }
    let first = scene.given(*call.arguments.first()?);
    // Sequelize asks by `where`, and takes no operators out of texts.
    if property(scene, first, "where").is_some() {
        return None;
    }
    // Lists have `find`, too: of anything but a selector, only all that was sent is one.
    let whole = first.kind() != "object" && call.method == "find";
    let part = values(scene, first).into_iter().find_map(|value| request::object(scene, value))?;
    let hit = Hit::of(&QUERY, call.node.byte_range(), call.method).confidence(Confidence::Medium);
    let sent = !whole || part.ends_with(".body") || part.ends_with(".query");
    sent.then(|| hit.message(format!("`{part}` may be an object with operators: a stranger writes it")))
}

/// Whether something is a model or a collection: it is called like a class, or the file speaks of Mongo.
fn is_collection(scene: &Scene<'_, '_>, object: Node<'_>) -> bool {
    let last = scene.written(object).rsplit('.').next().unwrap_or_default();
    last.starts_with(|first: char| first.is_ascii_uppercase())
        || last.ends_with("Model")
        || memchr::memmem::find(scene.names.text.as_bytes(), b"mongo").is_some()
}

/// The values of a selector, however deep: `{ $and: [{ a: x }, { b: y }] }`.
fn values<'t>(scene: &Scene<'_, 't>, selector: Node<'t>) -> Vec<Node<'t>> {
    let (mut open, mut values) = (vec![selector], Vec::new());
    while let Some(node) = open.pop().filter(|_| values.len() < VALUES_MAX) {
        match node.kind() {
            "object" | "array" => open.extend(children(node, 50)),
            "pair" => {
                let key = node.child_by_field_name("key").map_or("", |key| scene.written(key));
                // What is compared with an operator is a value of its own.
                let nested = key.trim_matches(['"', '\'']);
                let compares =
                    nested.starts_with('$') && !matches!(nested, "$and" | "$or" | "$nor" | "$match");
                open.extend(node.child_by_field_name("value").filter(|_| !compares));
            }
            _ => values.push(node),
        }
    }
    values
}
