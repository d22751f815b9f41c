//! Security events: one typed value per decision that matters, written as one line of JSON in the shape of OCSF 1.7.0.
//!
//! A line says when, where, who and what (ASVS 5.0, 16.2.1), in UTC (16.2.2), in a common format (16.2.4), and
//! nothing that opens anything: fields are ids, counts, and words that this program chose (16.2.5). What comes from a
//! client (its user agent, parts of a CSP report) is cut at 256 bytes and written in printable ASCII only, so no text
//! can end a line, hide one, or colour a terminal (16.4.1). A line has at most [`EVENT_LINE_BYTES_MAX`] bytes, and is
//! appended to a buffer that its writer uses again.
//!
//! `docs/security-events.md` lists every name; a test keeps it complete. Names are a promise: alerts are written
//! against them.
//!
//! Whoever sends requests makes events. So each kind has a [`Room`]: what anybody can cause is counted by [`EventTally`] where it
//! repeats, and kept apart from what happens to accounts, which no flood then pushes out of a queue or a file (16.4.2).
//!
//! **Deployment.** Where the lines go, how long they are kept and who may read them is the log inventory's matter
//! (16.1.1, 16.4.2).

mod catalogue;
mod context;
mod line;
mod shape;
mod tally;
mod write;

pub use catalogue::SecurityEvent;
pub use context::{EventContext, EventId, EventSource};
pub use shape::{EventClass, LoginFactors, Outcome, Room, SecondFactor, Severity, Shape};
pub use tally::{EventSum, EventTally, Sighting};
pub use write::{EVENT_LINE_BYTES_MAX, OCSF_VERSION, write_event, write_sum};

#[cfg(test)]
mod tests;
