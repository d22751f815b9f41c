//! Other scanners that were asked, and what came of each.

use serde::Serialize;

/// What came of one scanner that was run, or of one file with what scanners said elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scanner {
    /// Who: a scanner, or whose outputs are in the file; nobody if that is not known.
    pub whose: Vec<String>,
    /// The file, if it was not run.
    pub file: Option<String>,
    /// The version that it says it is.
    pub version: Option<String>,
    /// How long it took, in milliseconds: the one thing in a report that differs from run to run.
    pub took_ms: Option<u64>,
    /// Its exit code.
    pub exit: Option<i32>,
    /// What came of it: `read`, or why it was not heard.
    pub state: &'static str,
    /// Why it was not heard, in words; empty if it was.
    pub reason: String,
    /// What can be done about that.
    pub hint: Option<String>,
    /// Whether that leaves a gap.
    pub missing: bool,
    /// How much it found.
    pub findings: usize,
    /// Defects among them that we see too.
    pub also_ours: usize,
    /// Defects that only it sees, or it and other scanners.
    pub only_theirs: usize,
    /// Findings that comments or settings of the scanner take back.
    pub taken_back: usize,
    /// Findings in what the settings of the audit leave out.
    pub left_out: usize,
    /// How much it says that it did not look at.
    pub unread: usize,
}

// === impl Scanner ===

impl Scanner {
    /// What it is called: by its file, else by its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.file.clone().unwrap_or_else(|| self.whose.join(", "))
    }
}
