//! A workload, resolved: every default is filled in, every name has become an index.
//!
//! A virtual user is one lane of the engine. It draws a scenario for each iteration, by weight, and sends its steps one
//! after the other; the first is due when the model says, each later one when the step before it has ended and its think
//! time has passed. A step that fails ends the iteration.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderName, Method};
use serde::{Deserialize, Serialize};

use crate::scenario::serde_http::{headers, text};
use crate::scenario::template::Template;

/// Everything that virtual users do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Workload {
    /// What a user does in one iteration: one of these, drawn by weight.
    pub scenarios: Vec<Scenario>,
    /// Data that iterations take their values from.
    pub feeds: Vec<Feed>,
    /// Names of the variables that steps extract; a template names them by index.
    pub variables: Vec<String>,
    /// Beginning of every id. Runs against one ledger need different ones.
    pub id_prefix: String,
}

/// One kind of user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// For reports.
    pub name: String,
    /// How often it is drawn, against the weights of the others; 1 or more.
    pub weight: u32,
    /// Sent once by each user, before its first iteration of this scenario: a log-in.
    pub setup: Vec<Step>,
    /// Sent again and again to keep what `setup` got: a token refresh.
    pub refresh: Option<Refresh>,
    /// Sent in each iteration.
    pub steps: Vec<Step>,
}

/// When credentials are renewed, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// Before the next iteration, once the last renewal is this long ago.
    pub every: Option<Duration>,
    /// After an answer with one of these statuses; the user then runs `setup` again if `steps` is empty.
    pub on_status: Vec<u16>,
    /// What renews them.
    pub steps: Vec<Step>,
}

/// One request and what is made of its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// For reports; unique in its workload.
    pub name: String,
    /// What is sent.
    pub action: Action,
    /// Statuses that are an answer; any other one is a failure.
    pub expect: Vec<RangeInclusive<u16>>,
    /// What the answer must hold besides.
    pub checks: Vec<Check>,
    /// What later steps use of it.
    pub extract: Vec<Extract>,
    /// Rest after it, drawn evenly from this range.
    pub think: RangeInclusive<Duration>,
    /// The request carries an id that the target applies once: answered is *applied*, failed after sending is *unknown*.
    pub ledger: bool,
}

/// What a step does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Sends a request, reads the whole answer.
    Http(HttpRequest),
    /// Sends a text message on the user's WebSocket to this path, opened when there is none, and reads the next message.
    WebSocket {
        /// Where it is opened.
        path: Template,
        /// Headers of the request that opens it, after those that the client writes itself.
        #[serde(with = "headers")]
        headers: Vec<(HeaderName, Template)>,
        /// What is sent.
        message: Template,
    },
}

/// A request with places to fill in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Its method.
    #[serde(with = "text")]
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// Its own headers, after those that the client writes itself (`host`, `content-length`, `cookie`).
    #[serde(with = "headers")]
    pub headers: Vec<(HeaderName, Template)>,
    /// Its body, if it has one.
    pub body: Option<Template>,
}

/// A demand on an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// For reports: what is demanded, in words.
    pub name: String,
    /// Where it looks.
    pub place: Place,
    /// What it wants to find there.
    pub demand: Demand,
}

/// A place in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A value of a JSON body, by its pointer (RFC 6901).
    Pointer(String),
    /// The value of a header.
    Header(#[serde(with = "text")] HeaderName),
    /// The value of a cookie that the user holds after this answer.
    Cookie(String),
    /// The whole body.
    Body,
}

/// What a check wants to find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Demand {
    /// Anything.
    Present,
    /// This value; of a JSON body, a value that equals it.
    Equals(serde_json::Value),
    /// A text that contains this one.
    Contains(String),
}

/// A value that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Extract {
    /// Where it is found.
    pub place: Place,
    /// Index of the variable it is kept in.
    pub variable: usize,
}

/// Rows of values.
#[derive(Clone, Serialize, Deserialize)]
pub struct Feed {
    /// For messages.
    pub name: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values, each row as long as `columns`; at least one row.
    pub rows: Vec<Vec<String>>,
    /// Which row comes next.
    pub order: FeedOrder,
}

/// How rows are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeedOrder {
    /// One after the other over all users, from the first again after the last; a new one per iteration.
    Sequence,
    /// Drawn evenly; a new one per iteration.
    Random,
    /// One row per user, for all of its iterations: accounts. The n-th user has the n-th row, round and round.
    PerUser,
}

// === impl Workload ===

impl Workload {
    /// All steps, in the order of their counters: per scenario those of `setup`, of `refresh`, then its own.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.scenarios.iter().flat_map(|scenario| {
            let refresh = scenario.refresh.iter().flat_map(|refresh| &refresh.steps);
            scenario.setup.iter().chain(refresh).chain(&scenario.steps)
        })
    }
}

// === impl Step ===

impl Step {
    /// Every template that is filled in to send it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let templates: Vec<&Template> = match &self.action {
            Action::Http(request) => {
                let headers = request.headers.iter().map(|(_, value)| value);
                headers.chain(&request.body).chain([&request.path]).collect()
            }
            Action::WebSocket { path, headers, message } => {
                headers.iter().map(|(_, value)| value).chain([path, message]).collect()
            }
        };
        templates.into_iter()
    }

    /// Whether this status is an answer.
    pub(crate) fn expects(&self, status: u16) -> bool {
        self.expect.iter().any(|range| range.contains(&status))
    }
}

// === impl Feed ===

impl fmt::Debug for Feed {
    /// Without the values, which may be passwords.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, columns, rows, order } = self;
        write!(formatter, "Feed({name}: {} rows of {columns:?}, {order:?})", rows.len())
    }
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) => write!(formatter, "value at `{pointer}`"),
            Self::Header(name) => write!(formatter, "header `{name}`"),
            Self::Cookie(name) => write!(formatter, "cookie `{name}`"),
            Self::Body => formatter.write_str("body"),
        }
    }
}
