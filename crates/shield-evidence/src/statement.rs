//! in-toto Statement v1: how one stage ended for one artifact.
//!
//! The first subject is the artifact, the second, where there is one, the release. The predicate type is
//! `https://linkshield.dev/evidence/<stage>/v1`; its common part is the same for every stage, `details` is the stage's.
//!
//! Guarantees: [`Statement::to_payload`] writes RFC 8785 canonical JSON that [`Statement::from_payload`] reads back;
//! reading refuses fields it does not know, forms that are not canonical (so also repeated keys), a predicate type of
//! another stage, and an outcome whose reason does not fit. A skipped stage is never a passed one.

mod wire;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use shield_types::{
    ArtifactDigest, CanonicalJsonError, EnvironmentName, ReleaseDigest, ReleaseId, ServiceName, Timestamp,
};

pub use wire::ParseStatementError;

/// Integers beyond this lose digits in canonical JSON, where every number is a double.
const INTEGER_MAX: u64 = 1 << 53;

/// Name of a stage: 1 to 63 of `a-z`, `0-9`, `-`, starting with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage(String);

/// Text that is not the name of a stage.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("parse stage `{text}`: expected 1 to 63 of a-z, 0-9 and `-`, starting with a letter")]
pub struct ParseStageError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything the stage demands held.
    Passed,
    /// It did not.
    Failed {
        /// What failed, for people; not empty.
        reason: String,
    },
    /// The stage did not run; proves nothing.
    Skipped {
        /// Why, for people; not empty.
        reason: String,
    },
}

/// The answer to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It could not be found out.
    Unknown,
}

/// One question inside a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Name of the question; not empty.
    pub name: String,
    /// Its answer.
    pub outcome: CheckOutcome,
    /// How the answer was found.
    pub method: String,
    /// What was seen.
    pub detail: String,
}

/// The artifact a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactSubject {
    /// Name for people; not empty.
    pub name: String,
    /// Identity.
    pub digest: ArtifactDigest,
}

/// The release a statement is about, when it concerns behaviour in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseSubject {
    /// Name of the subject.
    pub id: ReleaseId,
    /// Identity.
    pub digest: ReleaseDigest,
}

/// How one stage ended for one artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// First subject.
    pub artifact: ArtifactSubject,
    /// Second subject.
    pub release: Option<ReleaseSubject>,
    /// The stage that ended.
    pub stage: Stage,
    /// How.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; not before it began.
    pub finished_at: Timestamp,
    /// Whose stage.
    pub service: ServiceName,
    /// Where, when the stage concerns one environment.
    pub environment: Option<EnvironmentName>,
    /// The questions of the stage, in its order.
    pub checks: Vec<Check>,
    /// What the stage alone knows. Integers up to 2^53 (longer numbers as text).
    pub details: Map<String, Value>,
}

/// Why a statement cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum WriteStatementError {
    /// It has no JSON.
    #[error("write the statement of stage `{stage}`")]
    Json {
        /// The stage.
        stage: Stage,
        /// What the serializer refused.
        #[source]
        source: CanonicalJsonError,
    },
    /// It would be refused on reading.
    #[error("write a statement of stage `{stage}` that a verifier accepts")]
    Refused {
        /// The stage.
        stage: Stage,
        /// What the verifier would say.
        #[source]
        source: Box<ParseStatementError>,
    },
    /// A number would lose digits.
    #[error(
        "write integer `{number}` of the details of stage `{stage}`: beyond 2^53 it loses digits, write it as text"
    )]
    Integer {
        /// The stage.
        stage: Stage,
        /// The number.
        number: String,
    },
}

// === impl Stage ===

impl Stage {
    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type of the predicate of this stage's statements.
    pub fn predicate_type(&self) -> String {
        format!("https://linkshield.dev/evidence/{self}/v1")
    }
}

impl FromStr for Stage {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_with_letter = text.starts_with(|first: char| first.is_ascii_lowercase());
        let only_allowed = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if starts_with_letter && only_allowed && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseStageError { text: text.chars().take(80).collect() })
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether the stage passed; false for a skipped one.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// `passed`, `failed` or `skipped`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// Why, unless it passed.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed { reason } | Self::Skipped { reason } => Some(reason),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Statement ===

impl Statement {
    /// The canonical JSON that is signed.
    pub fn to_payload(&self) -> Result<Vec<u8>, WriteStatementError> {
        let stage = || self.stage.clone();
        if let Some(number) = self.details.values().find_map(lossy_integer) {
            return Err(WriteStatementError::Integer { stage: stage(), number });
        }
        let payload =
            wire::write(self).map_err(|source| WriteStatementError::Json { stage: stage(), source })?;
        // What cannot be verified must not be signed: too deep, empty names, a reason that does not fit.
        Self::from_payload(&payload)
            .map_err(|source| WriteStatementError::Refused { stage: stage(), source: Box::new(source) })?;
        Ok(payload)
    }

    /// Reads a payload whose signature was verified.
    pub fn from_payload(payload: &[u8]) -> Result<Self, ParseStatementError> {
        wire::read(payload)
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::serialize(self, serializer)
    }
}

fn lossy_integer(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs))?;
            (size > INTEGER_MAX).then(|| number.to_string())
        }
        Value::Array(items) => items.iter().find_map(lossy_integer),
        Value::Object(fields) => fields.values().find_map(lossy_integer),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests;
