//! Exit codes, and how a failure is told. Every expected failure has a code of its own; anything else is 1 and a bug.

use std::{error::Error, process::ExitCode};

use serde_json::json;
use shield_control::admin::{AdminError, RefusalKind};
use shield_types::{
    Report,
    settings::{Mistake, Mistakes},
};

use crate::{
    cli::OutputFormat,
    output::{self, write::tell},
};

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
    NotHeld = 10,
    Unreachable = 11,
    InvalidRun = 12,
    Aborted = 13,
    Incomplete = 14,
    NotHeldAndIncomplete = 15,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that failed: what is told, and the code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// `None` when everything was told while it happened.
    report: Option<Report>,
    /// What is wrong with `shield.toml`, for scripts; people read it in the report.
    mistakes: Vec<Mistake>,
}

// === impl Failure ===

impl Failure {
    fn of(exit: Exit, report: Report) -> Self {
        Self { exit, report: Some(report), mistakes: Vec::new() }
    }

    /// An error with its whole chain, and what to do next.
    pub(crate) fn new(exit: Exit, error: &(dyn Error + 'static), hints: &[String]) -> Self {
        let mistakes = error.source().and_then(|cause| cause.downcast_ref::<Mistakes>());
        let mistakes = mistakes.map(|mistakes| mistakes.list().to_vec()).unwrap_or_default();
        Self { exit, report: Some(Report::of(error, hints)), mistakes }
    }

    /// A failure that was told while it happened.
    pub(crate) fn told(exit: Exit) -> Self {
        Self { exit, report: None, mistakes: Vec::new() }
    }

    /// A failure in one sentence, with a hint.
    pub(crate) fn plain(exit: Exit, message: &str, hint: &str) -> Self {
        let report = Report { error: message.to_owned(), causes: Vec::new(), hints: vec![hint.to_owned()] };
        Self::of(exit, report)
    }

    /// A command line that is not understood.
    pub(crate) fn usage(message: &str) -> Self {
        let report = Report { error: message.to_owned(), causes: Vec::new(), hints: Vec::new() };
        Self::of(Exit::Usage, report)
    }

    /// Something that should not happen.
    pub(crate) fn unexpected(action: &str, error: &dyn Error) -> Self {
        let report = Report {
            error: format!("failed to {action}"),
            causes: vec![error.to_string()],
            hints: Vec::new(),
        };
        Self::of(Exit::Unexpected, report)
    }

    /// What the control plane answered.
    pub(crate) fn admin(error: &AdminError) -> Self {
        let AdminError::Refused { refusal } = error else {
            let hints = ["start it with `shield up`; `shield logs control` shows why it ended".to_owned()];
            return Self::of(Exit::NoControlPlane, Report::of(error, &hints));
        };
        let exit = match refusal.kind {
            RefusalKind::Busy => Exit::Busy,
            RefusalKind::Invalid => Exit::Usage,
            RefusalKind::NotRecorded => Exit::NotRecorded,
            RefusalKind::Recovered => Exit::Recovered,
        };
        let report = Report {
            error: format!("failed to {}", refusal.message),
            causes: refusal.causes.clone(),
            hints: refusal.hints.clone(),
        };
        Self::of(exit, report)
    }

    /// Tells the failure, to people on stderr and to scripts on stdout, and gives the code.
    pub(crate) fn tell(self, format: OutputFormat) -> ExitCode {
        if let Some(report) = &self.report {
            tell!("{}", report.to_string().trim_end());
        }
        if format == OutputFormat::Json {
            self.tell_scripts();
        }
        self.exit.into()
    }

    /// One line of JSON on stdout, unless everything was told while it happened.
    pub(crate) fn tell_scripts(&self) {
        if let Some(report) = &self.report {
            output::json(&json!({
                "event": "error",
                "code": self.exit as u8,
                "error": report.error,
                "causes": report.causes,
                "hints": report.hints,
                "mistakes": self.mistakes,
            }));
        }
    }
}
