//! How a request can fail.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::model::Protocol;

/// How a request failed. One request has one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Nobody listens (`ECONNREFUSED`).
    ConnectRefused,
    /// No TCP connection for another reason.
    ConnectFailed,
    /// The TLS handshake failed or broke off, or the server agreed to another protocol.
    Tls,
    /// The connection was reset after a byte may have left.
    Reset,
    /// The connection was closed before the first byte of an answer.
    ClosedBeforeAnswer,
    /// The connection was closed in the middle of an answer.
    Truncated,
    /// No whole answer within the plan's timeout.
    Timeout,
    /// A whole answer, with a status from 300 to 399 or below 200, or a 2xx that the step does not expect.
    StatusUnexpected,
    /// A whole answer, with a status from 400 to 499.
    StatusClientError,
    /// A whole answer, with a status of 500 or more.
    StatusServerError,
    /// HTTP/2: a GOAWAY named an earlier stream as the last one, so this request was not processed.
    RefusedByGoaway,
    /// HTTP/2: the stream was refused (`REFUSED_STREAM`), so this request was not processed.
    RefusedStream,
    /// HTTP/2: the stream was reset for another reason.
    StreamReset,
    /// The server broke the protocol.
    Protocol,
    /// A whole answer with an expected status, that does not hold what its step demands.
    CheckFailed,
    /// Sent, and without an answer when the run was ended early.
    CutOff,
}

/// Failures by cause, in the order in which the causes showed, each told by its first example.
#[derive(Debug, Default)]
pub(crate) struct FailureGroups(Vec<FailureGroup>);

#[derive(Debug)]
struct FailureGroup {
    cause: String,
    example: String,
    times: u64,
}

/// How a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By the example of its cause.
    Example,
    /// By the count of its kind alone: there are too many causes.
    CountOnly,
}

/// Most causes that are told apart; those beyond are in the counts by kind alone. With the line about these, they fill a list of
/// the text summary.
const CAUSES_MAX: usize = 19;

/// One failed request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// When it failed, from the start of the run.
    pub at: Duration,
    /// How.
    pub kind: FailureKind,
    /// What it was sent with.
    pub protocol: Protocol,
    /// Whether its connection had carried a request before.
    pub reused_connection: bool,
    /// Its step.
    pub step: String,
    /// Its id, whether or not it was sent along.
    pub id: String,
    /// Time since it began.
    pub after: Duration,
    /// What was seen: the error, or the status and the beginning of the body.
    pub detail: String,
}

// === impl FailureKind ===

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::ConnectRefused,
        Self::ConnectFailed,
        Self::Tls,
        Self::Reset,
        Self::ClosedBeforeAnswer,
        Self::Truncated,
        Self::Timeout,
        Self::StatusUnexpected,
        Self::StatusClientError,
        Self::StatusServerError,
        Self::RefusedByGoaway,
        Self::RefusedStream,
        Self::StreamReset,
        Self::Protocol,
        Self::CheckFailed,
        Self::CutOff,
    ];
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// The kind of a whole answer with a status that was not expected.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400..=499 => Self::StatusClientError,
            500.. => Self::StatusServerError,
            _ => Self::StatusUnexpected,
        }
    }

    /// Whether the protocol promises that the request was not processed although it was sent.
    #[must_use]
    pub fn promises_unprocessed(self) -> bool {
        matches!(self, Self::RefusedByGoaway | Self::RefusedStream)
    }
}

// === impl Failure ===

impl Failure {
    /// What failures that differ only in numbers and ids have in common.
    fn cause(&self) -> String {
        let Self { kind, protocol, step, id, detail, .. } = self;
        let told = if id.is_empty() { detail.clone() } else { detail.replace(id, "#") };
        let digits = |character: char| character.is_ascii_digit();
        let told: Vec<&str> = told.split(digits).filter(|part| !part.is_empty()).collect();
        format!("{kind} {protocol} {step} {}", told.join("#"))
    }
}

// === impl FailureGroups ===

impl FailureGroups {
    /// The lines of a run of which these failures were kept in detail, and which had so many of each kind: what is not told by an
    /// example is told by its number.
    pub(crate) fn told(failures: &[Failure], failed: &BTreeMap<FailureKind, u64>) -> Vec<String> {
        let mut groups = Self::default();
        let mut untold = failed.clone();
        for failure in failures {
            if groups.add(&failure.cause(), || failure.to_string()) == Told::Example
                && let Some(times) = untold.get_mut(&failure.kind)
            {
                *times = times.saturating_sub(1);
            }
        }
        untold.retain(|_, times| *times > 0);
        let mut lines = groups.lines();
        if !untold.is_empty() {
            let kinds: Vec<String> = untold.iter().map(|(kind, times)| format!("{times} {kind}")).collect();
            let count: u64 = untold.values().sum();
            lines.push(format!("and {count} more, of which no details were kept: {}", kinds.join(", ")));
        }
        lines
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, cause: &str, example: impl FnOnce() -> String) -> Told {
        if let Some(group) = self.0.iter_mut().find(|group| group.cause == cause) {
            group.times += 1;
        } else if self.0.len() < CAUSES_MAX {
            self.0.push(FailureGroup { cause: cause.to_owned(), example: example(), times: 1 });
        } else {
            return Told::CountOnly;
        }
        Told::Example
    }

    /// A line for each cause.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |group: &FailureGroup| match group.times {
            1 => group.example.clone(),
            times => format!("{} (and {} more like it)", group.example, times - 1),
        };
        self.0.iter().map(line).collect()
    }
}

impl Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ConnectRefused => "connect-refused",
            Self::ConnectFailed => "connect-failed",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::ClosedBeforeAnswer => "closed-before-answer",
            Self::Truncated => "truncated",
            Self::Timeout => "timeout",
            Self::StatusUnexpected => "status-unexpected",
            Self::StatusClientError => "status-client-error",
            Self::StatusServerError => "status-server-error",
            Self::RefusedByGoaway => "refused-by-goaway",
            Self::RefusedStream => "refused-stream",
            Self::StreamReset => "stream-reset",
            Self::Protocol => "protocol",
            Self::CheckFailed => "check-failed",
            Self::CutOff => "cut-off",
        })
    }
}

impl Display for Failure {
    /// One line for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = if self.reused_connection { "reused" } else { "fresh" };
        write!(
            formatter,
            "{:>9.3} s  {}  {} ({}) over {} on a {connection} connection, {:.1} ms after it began: {}",
            self.at.as_secs_f64(),
            self.kind,
            self.step,
            self.id,
            self.protocol,
            self.after.as_secs_f64() * 1000.0,
            self.detail,
        )
    }
}

impl Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{CAUSES_MAX, Failure, FailureGroups, FailureKind};
    use crate::plan::model::Protocol;

    fn failure(step: &str, id: &str, detail: &str) -> Failure {
        Failure {
            at: Duration::from_millis(1_500),
            kind: FailureKind::StatusServerError,
            protocol: Protocol::Http1,
            reused_connection: true,
            step: step.to_owned(),
            id: id.to_owned(),
            after: Duration::from_millis(2),
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn like_failures_are_one_line() {
        let failures = [
            failure("pay", "load-0-1", "status 503, `order load-0-1: 12 ahead`"),
            failure("pay", "load-3-77", "status 503, `order load-3-77: 9 ahead`"),
            failure("search", "load-0-2", "status 503, `order load-0-2: 12 ahead`"),
            failure("pay", "load-0-3", "status 503, `closed`"),
            failure("pay", "load-1-9", "status 503, `order load-1-9: 1 ahead`"),
        ];
        let lines = FailureGroups::told(&failures, &BTreeMap::from([(FailureKind::StatusServerError, 5)]));
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], format!("{} (and 2 more like it)", failures[0]));
        assert_eq!(lines[1..], [failures[2].to_string(), failures[3].to_string()]);
    }

    #[test]
    fn causes_are_bounded() {
        let steps: Vec<String> = (0..CAUSES_MAX + 5).map(|step| format!("step-{step}")).collect();
        let failures: Vec<Failure> = steps.iter().map(|step| failure(step, "", "status 500")).collect();
        let failed = BTreeMap::from([
            (FailureKind::StatusServerError, failures.len() as u64 + 400),
            (FailureKind::Timeout, 3),
        ]);
        let lines = FailureGroups::told(&failures, &failed);
        assert_eq!(lines.len(), CAUSES_MAX + 1);
        let last = "and 408 more, of which no details were kept: 3 timeout, 405 status-server-error";
        assert_eq!(lines[CAUSES_MAX], last);
    }

    #[test]
    fn kinds_index_their_counters() {
        for (index, kind) in FailureKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }
}
