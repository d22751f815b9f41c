//! Faults on the clock of the load: what breaks when, and that it is always undone.

use std::error::Error;

pub(crate) mod guard;
pub(crate) mod plan;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod runner;

/// An error with all that is underneath, in one line, for whom a message is all that arrives.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
