//! A virtual user: what it knows, and what it fills into templates.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use http::{HeaderMap, header};
use shield_types::Secret;
use tokio::time::Instant;

use crate::scenario::cookies::Cookies;
use crate::scenario::model::FeedOrder;
use crate::scenario::program::Program;
use crate::scenario::template::{Escape, Part, Template, Value};

/// What one lane remembers from request to request.
#[derive(Debug)]
pub(crate) struct User {
    /// Its lane, for ids.
    pub(crate) index: u32,
    /// Its number in the whole run, on however many workers.
    number: usize,
    /// Number of the request under way, from 0: the end of its id.
    pub(crate) request: u64,
    pub(crate) cookies: Cookies,
    pub(crate) random: Rng,
    iteration: u64,
    iterations_begun: u64,
    /// What steps extracted: tokens, most of all.
    variables: Vec<Option<Secret<String>>>,
    /// The row of each feed.
    rows: Vec<usize>,
    /// Since when the credentials of each scenario hold; none before its setup.
    credentials_since: Vec<Option<Instant>>,
    /// Whether they were refused since.
    stale: Vec<bool>,
}

/// The next row of each feed that goes from row to row.
#[derive(Debug)]
pub(crate) struct FeedCursors(Vec<AtomicUsize>);

/// What must happen before the steps of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    Nothing,
    Setup,
    Refresh,
}

// === impl FeedCursors ===

impl FeedCursors {
    pub(crate) fn new(program: &Program) -> Self {
        Self(program.feeds.iter().map(|_| AtomicUsize::new(0)).collect())
    }
}

// === impl User ===

impl User {
    pub(crate) fn new(index: u32, number: usize, program: &Program, random: Rng) -> Self {
        Self {
            index,
            number,
            request: 0,
            cookies: Cookies::default(),
            random,
            iteration: 0,
            iterations_begun: 0,
            variables: vec![None; program.variables],
            rows: vec![0; program.feeds.len()],
            credentials_since: vec![None; program.scenarios.len()],
            stale: vec![false; program.scenarios.len()],
        }
    }

    /// Draws the scenario of the next iteration and its rows.
    pub(crate) fn begin_iteration(&mut self, program: &Program, cursors: &FeedCursors) -> usize {
        self.iteration = self.iterations_begun;
        self.iterations_begun += 1;
        for ((feed, row), cursor) in program.feeds.iter().zip(&mut self.rows).zip(&cursors.0) {
            *row = match feed.order {
                FeedOrder::Sequence => cursor.fetch_add(1, Ordering::Relaxed) % feed.rows.len(),
                FeedOrder::Random => self.random.usize(..feed.rows.len()),
                FeedOrder::PerUser => self.number % feed.rows.len(),
            };
        }
        program.draw(&mut self.random)
    }

    /// What the credentials of a scenario need now.
    pub(crate) fn preparation(&self, scenario: usize, program: &Program) -> Preparation {
        let Some(since) = self.credentials_since[scenario] else {
            return if program.scenarios[scenario].setup.is_empty() {
                Preparation::Nothing
            } else {
                Preparation::Setup
            };
        };
        let Some(renewal) = &program.scenarios[scenario].renewal else { return Preparation::Nothing };
        if !self.stale[scenario] && renewal.every.is_none_or(|every| since.elapsed() < every) {
            Preparation::Nothing
        } else if renewal.steps.is_empty() {
            Preparation::Setup
        } else {
            Preparation::Refresh
        }
    }

    /// The credentials of a scenario are fresh.
    pub(crate) fn prepared(&mut self, scenario: usize) {
        self.credentials_since[scenario] = Some(Instant::now());
        self.stale[scenario] = false;
    }

    /// The target no longer takes the credentials of a scenario: they are renewed before its next iteration.
    pub(crate) fn renew(&mut self, scenario: usize) {
        self.stale[scenario] = true;
    }

    /// They cannot be renewed: the scenario begins with its setup again.
    pub(crate) fn forget_credentials(&mut self, scenario: usize) {
        self.credentials_since[scenario] = None;
    }

    pub(crate) fn keep(&mut self, variable: usize, value: String) {
        self.variables[variable] = Some(Secret::new(value));
    }

    /// Takes in the cookies of an answer.
    pub(crate) fn take_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            self.cookies.store(value.as_bytes());
        }
    }

    /// Writes a template with the values of now.
    pub(crate) fn fill(&mut self, template: &Template, program: &Program, out: &mut Vec<u8>) {
        for part in &template.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value { value, escape } => self.write(value, *escape, program, out),
            }
        }
    }

    fn write(&mut self, value: &Value, escape: Escape, program: &Program, out: &mut Vec<u8>) {
        let mut plain = |arguments: std::fmt::Arguments<'_>| {
            out.write_fmt(arguments).expect("a vector takes everything");
        };
        match value {
            Value::Id => plain(format_args!("{}-{}-{}", program.id_prefix, self.index, self.request)),
            Value::User => plain(format_args!("{}", self.number)),
            Value::Iteration => plain(format_args!("{}", self.iteration)),
            Value::Random => plain(format_args!("{:016x}", self.random.u64(..))),
            // A step that failed to extract ended the iteration, so a missing value was never promised.
            Value::Variable(index) => {
                let kept = self.variables[*index].as_ref().map(|value| value.expose().as_str());
                escape.write(kept.unwrap_or_default(), out);
            }
            Value::Feed { feed, column } => {
                escape.write(&program.feeds[*feed].rows[self.rows[*feed]][*column], out);
            }
            Value::Cookie(name) => escape.write(self.cookies.get(name).unwrap_or_default(), out),
        }
    }
}
