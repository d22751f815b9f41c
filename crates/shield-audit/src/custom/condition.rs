//! Conditions on the arguments of a call.
//!
//! A condition holds only where the value is known (`known = false` apart): what cannot be folded is never guessed, so that a rule
//! with conditions says too little rather than too much.

use regex::{Regex, RegexBuilder};
use ruff_python_ast::Expr;
use serde_json::Value;
use shield_types::settings::{Refusal, Setting, Table};

use crate::python::{
    fold::Constant,
    rules::{Call, Scene},
};

/// Longest name, text or expression, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// What one expression may take when it is compiled, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 18;
/// Most values that one condition names.
const VALUES_MAX: usize = 100;
/// What a value may be.
const VALUE: &str = "a text, a whole number, `true` or `false`";

/// A condition on one argument.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    name: Option<String>,
    position: Option<usize>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// It is known and one of these.
    OneOf(Vec<Constant>),
    /// It is known and none of these.
    NotOneOf(Vec<Constant>),
    /// It is a known text that matches.
    Matches(Regex),
    /// It is given, or not.
    Absent(bool),
    /// It is `None`, or known to be something else.
    None(bool),
    /// Its value is known, or not.
    Known(bool),
}

// === impl Condition ===

impl Condition {
    /// Reads one `[[….when]]`.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let name = table.string("argument", 100, "the name of an argument, such as \"verify\"").optional();
        let position = table.integer("position", 0..=99).and_then(|at| {
            usize::try_from(at).map_err(|_| Refusal::new("out of range", "the place of an argument, from 0"))
        });
        let position = position.optional();
        let tests = tests(table);
        let (name, position) = (name.take()?, position.take()?);
        if name.is_none() && position.is_none() {
            table.mistaken(Refusal::new("no argument", "`argument`, `position` or both"));
            return None;
        }
        let tests = tests?;
        let count = tests.len();
        let mut tests = tests.into_iter();
        let (Some(test), 1) = (tests.next(), count) else {
            let problem = format!("{count} tests of one argument");
            table.mistaken(Refusal::new(
                problem,
                "one of equals, one_of, not_one_of, matches, absent, none, known; one [[…when]] for each",
            ));
            return None;
        };
        Some(Self { name, position, test })
    }

    /// Whether a call is so.
    pub(crate) fn holds(&self, scene: &Scene<'_>, call: &Call<'_>) -> bool {
        let given = self.given(call);
        let value = || given.and_then(|value| scene.fold(value));
        match &self.test {
            Test::OneOf(all) => value().is_some_and(|value| all.contains(&value)),
            Test::NotOneOf(all) => value().is_some_and(|value| !all.contains(&value)),
            Test::Matches(regex) => {
                given.and_then(|value| scene.text(value)).is_some_and(|text| regex.is_match(&text))
            }
            Test::Absent(true) => given.is_none() && !call.has_unseen_arguments(),
            Test::Absent(false) => given.is_some(),
            Test::None(is) => value().is_some_and(|value| (value == Constant::None) == *is),
            Test::Known(is) => given.is_some() && value().is_some() == *is,
        }
    }

    fn given<'c>(&self, call: &Call<'c>) -> Option<&'c Expr> {
        let arguments = call.arguments?;
        let by_name =
            self.name.as_deref().and_then(|name| arguments.find_keyword(name)).map(|keyword| &keyword.value);
        by_name.or_else(|| arguments.find_positional(self.position?))
    }
}

/// Every test of the table that is given; `None` if one of them is a mistake.
fn tests(table: &Table<'_>) -> Option<Vec<Test>> {
    let equals = table.json("equals", VALUE, constant).optional();
    let one_of = values(table, "one_of").optional();
    let not_one_of = values(table, "not_one_of").optional();
    let matches = regex(table, "matches").optional();
    let absent = table.boolean("absent").optional();
    let none = table.boolean("none").optional();
    let known = table.boolean("known").optional();
    let all = [
        equals.take()?.map(|value| Test::OneOf(vec![value])),
        one_of.take()?.map(Test::OneOf),
        not_one_of.take()?.map(Test::NotOneOf),
        matches.take()?.map(Test::Matches),
        absent.take()?.map(Test::Absent),
        none.take()?.map(Test::None),
        known.take()?.map(Test::Known),
    ];
    Some(all.into_iter().flatten().collect())
}

fn values<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Vec<Constant>> {
    let accepted = format!("a list of at most {VALUES_MAX} values: {VALUE}");
    table.json_list(key, VALUES_MAX, &accepted, constant).and_then(|values| match values.is_empty() {
        true => Err(Refusal::new("empty", "at least one value")),
        false => Ok(values),
    })
}

fn constant(value: Value) -> Result<Constant, Refusal> {
    match value {
        Value::String(text) if text.len() <= TEXT_BYTES_MAX => Ok(Constant::Text(text)),
        Value::Bool(truth) => Ok(Constant::Bool(truth)),
        Value::Number(number) => {
            number.as_i64().map(Constant::Int).ok_or_else(|| Refusal::new("not a whole number", VALUE))
        }
        _ => Err(Refusal::new("not a value that can be compared", VALUE)),
    }
}

/// A regular expression that takes bounded time and memory.
pub(super) fn regex<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Regex> {
    let accepted =
        "a regular expression of the Rust crate regex (no look-around), in single quotes: '^http://'";
    table.string(key, TEXT_BYTES_MAX, accepted).and_then(|text| {
        let built =
            RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build();
        built.map_err(|error| {
            let said = error.to_string();
            let said =
                said.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            Refusal::new(format!("not a regular expression: {said}"), accepted)
        })
    })
}
