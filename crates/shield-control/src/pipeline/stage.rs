//! The words of the pipeline: stages, their results, and what is told while they run.

use std::{fmt, time::Duration};

use serde::Serialize;
use shield_types::ArtifactDigest;

/// A stage, in the order of DESIGN section 5a. Later stages add themselves here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// Makes the artifact.
    Build,
    /// Runs the project's tests.
    Test,
    /// Audits its code, what it depends on and its secrets.
    Audit,
    /// Measures its security components.
    Bench,
    /// Starts the artifact outside production.
    Staging,
    /// Sends it requests there.
    Smoke,
    /// Loads it there.
    Load,
    /// Breaks what is live, on purpose.
    Drill,
    /// Gives it the traffic.
    Release,
    /// Judges it there.
    Watch,
}

impl fmt::Display for StageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::Audit => "audit",
            Self::Bench => "bench",
            Self::Staging => "staging",
            Self::Smoke => "smoke",
            Self::Load => "load",
            Self::Drill => "drill",
            Self::Release => "release",
            Self::Watch => "watch",
        })
    }
}

/// A stage that stopped nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageResult {
    /// Which.
    pub stage: StageName,
    /// Whether it proved anything.
    pub outcome: StageOutcome,
    /// What it found, or why it did not run, in one line.
    pub summary: String,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// Skipped is never passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageOutcome {
    /// Everything it demands held.
    Passed,
    /// It is not configured.
    Skipped,
}

/// A stage that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageFailure {
    /// Which.
    pub stage: StageName,
    /// What failed, as a fragment.
    pub reason: String,
    /// The last lines of output that explain it.
    pub output: Vec<String>,
    /// Where to look next.
    pub hint: String,
}

/// What is told while the pipeline runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum PipelineEvent {
    /// A stage began.
    Began {
        /// Which.
        stage: StageName,
        /// What it does, in one line.
        text: String,
    },
    /// A line that a command printed.
    Output {
        /// Whose.
        stage: StageName,
        /// The line.
        line: String,
    },
    /// Something worth knowing.
    Note {
        /// Whose.
        stage: StageName,
        /// It, in plain words.
        text: String,
    },
    /// A stage passed.
    Passed {
        /// How.
        result: StageResult,
    },
    /// A stage did not run.
    Skipped {
        /// Why.
        result: StageResult,
    },
    /// A stage failed; nothing follows.
    Failed {
        /// How.
        failure: StageFailure,
    },
    /// The artifact is known.
    Artifact {
        /// Its identity.
        digest: ArtifactDigest,
    },
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
