//! Exit codes, and how a failure is told. Every expected failure has a code of its own; anything else is 1 and a bug.

use std::{error::Error, process::ExitCode};

use shield_control::admin::{AdminError, RefusalKind};
use shield_types::render_error;

/// Documented exit codes; `shield --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Unexpected = 1,
    Usage = 2,
    StageFailed = 3,
    ReleaseFailed = 4,
    Busy = 5,
    NoControlPlane = 6,
    EvidenceBad = 7,
    NotRecorded = 8,
    Recovered = 9,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that failed: what is printed on stderr, and the code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
}

// === impl Failure ===

impl Failure {
    /// An error with its whole chain, and what to do next.
    pub(crate) fn new(exit: Exit, error: &(dyn Error + 'static), hints: &[String]) -> Self {
        Self { exit, text: render_error(error, hints) }
    }

    /// A failure whose text was printed while it happened.
    pub(crate) fn told(exit: Exit) -> Self {
        Self { exit, text: String::new() }
    }

    /// A failure in one sentence, with a hint.
    pub(crate) fn plain(exit: Exit, message: &str, hint: &str) -> Self {
        Self { exit, text: format!("error: {message}\n  hint: {hint}\n") }
    }

    /// Something that should not happen.
    pub(crate) fn unexpected(action: &str, error: &dyn Error) -> Self {
        Self { exit: Exit::Unexpected, text: format!("error: failed to {action}\n  caused by: {error}\n") }
    }

    /// What the control plane answered.
    pub(crate) fn admin(error: &AdminError) -> Self {
        let AdminError::Refused { refusal } = error else {
            let hints = ["start it with `shield up`; `shield logs control` shows why it ended".to_owned()];
            return Self { exit: Exit::NoControlPlane, text: render_error(error, &hints) };
        };
        let exit = match refusal.kind {
            RefusalKind::Busy => Exit::Busy,
            RefusalKind::Invalid => Exit::Usage,
            RefusalKind::NotRecorded => Exit::NotRecorded,
            RefusalKind::Recovered => Exit::Recovered,
        };
        let mut text = format!("error: failed to {}\n", refusal.message);
        refusal.causes.iter().for_each(|cause| text.push_str(&format!("  caused by: {cause}\n")));
        refusal.hints.iter().for_each(|hint| text.push_str(&format!("  hint: {hint}\n")));
        Self { exit, text }
    }

    /// Prints the failure and gives the code.
    pub(crate) fn report(self) -> ExitCode {
        anstream::eprint!("{}", self.text);
        self.exit.into()
    }
}
