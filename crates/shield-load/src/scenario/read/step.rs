//! One step: a request, and what is made of its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value as Json;
use shield_types::settings::{Refusal, Setting, Table};
use shield_types::{format_duration, parse_duration};

use crate::plan::model::Protocol;
use crate::scenario::model::{Action, Extract, Place, Step};
use crate::scenario::read::answer::AnswerKind;
use crate::scenario::read::limits::{NAME_BYTES_MAX, THINK_MAX};
use crate::scenario::read::names::Scope;
use crate::scenario::read::request::{Base, Found, ONE_VERB, Request};
use crate::scenario::read::{answer, request};
use crate::scenario::template::{Part, Value};

/// Reads the steps of one scenario, in the order in which they are sent.
pub(crate) struct StepReader<'a, 'f> {
    pub(crate) scope: Scope<'a>,
    pub(crate) file: &'f mut WholeFile,
}

/// What the steps of all scenarios share.
pub(crate) struct WholeFile {
    names: BTreeSet<String>,
    /// Whether the file says where the target lists what it applied.
    ledger: LedgerTable,
    /// Steps whose id is applied once.
    pub(crate) ledger_steps: usize,
    /// What users speak; none after a mistake in it.
    protocol: Option<Protocol>,
}

/// Whether there is a `[ledger]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedgerTable {
    Written,
    Absent,
}

/// What `think` is.
const THINK: &str =
    "a duration, such as \"1s\", or the shortest and the longest one, such as [\"500ms\", \"2s\"]";

// === impl WholeFile ===

impl WholeFile {
    pub(crate) fn new(ledger: LedgerTable, protocol: Option<Protocol>) -> Self {
        Self { names: BTreeSet::new(), ledger, ledger_steps: 0, protocol }
    }

    fn claim(&mut self, name: String) -> Result<String, Refusal> {
        match self.names.insert(name.clone()) {
            true => Ok(name),
            false => Err(Refusal::new("the name of another step", "a name of its own, also among scenarios")),
        }
    }

    /// A name that nobody wrote; a number makes it another one.
    fn make_name(&mut self, label: &str) -> String {
        let mut name = label.to_owned();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{label} ({number})");
        }
        name
    }
}

// === impl StepReader ===

impl StepReader<'_, '_> {
    /// The step of a table that is about nothing else.
    pub(crate) fn required(&mut self, table: &Table<'_>, base: &Base) -> Option<Step> {
        let step = self.optional(table, base, None)?;
        if step.is_none() {
            table.missing("get", ONE_VERB);
        }
        step
    }

    /// A step of a table that may be about something else. The outer `None` is a mistake, the inner one no step. `label` is
    /// what the step is called if neither it nor its request says so.
    pub(crate) fn optional(
        &mut self,
        table: &Table<'_>,
        base: &Base,
        label: Option<&str>,
    ) -> Option<Option<Step>> {
        let name = table.string("name", NAME_BYTES_MAX, "a short name, each one once");
        let name = name.and_then(|name| self.file.claim(name)).optional();
        let Found { answer: kind, request } = request::read(table, &self.scope, base);
        let expect = answer::expect(table).optional();
        let checks = answer::checks(table, kind);
        let extract = answer::extract(table, kind).optional();
        let think = table.json("think", THINK, |value| thinking(&value)).optional();
        let ledger = table.boolean("ledger").optional();
        let none_written = [name.value() == Some(&None), expect.value() == Some(&None)]
            .into_iter()
            .chain([extract.value() == Some(&None), think.value() == Some(&None)])
            .chain([ledger.value() == Some(&None), checks.as_ref().is_some_and(Vec::is_empty)])
            .all(|absent| absent);
        let extract = self.define(extract);
        if let (Some(Some(true)), LedgerTable::Absent) = (ledger.value(), self.file.ledger) {
            let problem = "nothing says where the target lists what it applied";
            ledger.mistaken(Refusal::new(problem, "`get` in [ledger]"));
        }
        if let (AnswerKind::Message, Some(Some(_))) = (kind, expect.value()) {
            expect.mistaken(Refusal::new("a message has no status", "no `expect`"));
        }
        if let (AnswerKind::Message, Some(Protocol::Http2)) = (kind, self.file.protocol) {
            let problem = "clients of HTTP/2 open no WebSocket";
            table.mistaken(Refusal::new(problem, "`protocol = \"http/1.1\"` with `websocket`"));
        }
        let Some(Request { action, label: own_label }) = request? else {
            if !none_written {
                table.missing("get", ONE_VERB);
            }
            return none_written.then_some(None);
        };
        let name = name.take()?.unwrap_or_else(|| self.file.make_name(label.unwrap_or(&own_label)));
        let expected = match action {
            Action::Http(_) => vec![200..=299],
            // The handshake's status stands for a message that was answered.
            Action::WebSocket { .. } => vec![101..=101],
        };
        let step = Step {
            name,
            action,
            expect: expect.take()?.unwrap_or(expected),
            checks: checks?,
            extract: extract?,
            think: think.take()?.unwrap_or(Duration::ZERO..=Duration::ZERO),
            ledger: (*ledger.value()?).unwrap_or(false),
        };
        self.check_ledger(&step, &ledger);
        Some(Some(step))
    }

    /// What is extracted is defined from here on, not in the request of the same step.
    fn define(&mut self, extract: Setting<'_, Option<BTreeMap<String, Place>>>) -> Option<Vec<Extract>> {
        let Some(places) = extract.take() else {
            self.scope.doubt();
            return None;
        };
        let define = |(name, place): (String, Place)| Extract { place, variable: self.scope.define(&name) };
        Some(places.into_iter().flatten().map(define).collect())
    }

    fn check_ledger(&mut self, step: &Step, ledger: &Setting<'_, Option<bool>>) {
        if !step.ledger {
            return;
        }
        self.file.ledger_steps += 1;
        let id = |part: &Part| matches!(part, Part::Value { value: Value::Id, .. });
        if !step.templates().any(|template| template.parts.iter().any(id)) {
            ledger.mistaken(Refusal::new("the request does not carry its id", "`{{id}}` in the request"));
        }
    }
}

fn thinking(value: &Json) -> Result<RangeInclusive<Duration>, Refusal> {
    let duration = |value: &Json| {
        let text = value.as_str().ok_or_else(|| Refusal::new("not a duration", THINK))?;
        let duration = parse_duration(text).map_err(|_| Refusal::new("not a duration", THINK))?;
        let accepted = || format!("at most `{}`", format_duration(THINK_MAX));
        if duration > THINK_MAX { Err(Refusal::new("out of range", accepted())) } else { Ok(duration) }
    };
    let Json::Array(ends) = value else {
        let always = duration(value)?;
        return Ok(always..=always);
    };
    let [shortest, longest] = ends.as_slice() else {
        return Err(Refusal::new("not two durations", THINK));
    };
    let range = duration(shortest)?..=duration(longest)?;
    if range.is_empty() { Err(Refusal::new("the first is longer than the second", THINK)) } else { Ok(range) }
}
