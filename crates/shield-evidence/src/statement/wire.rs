//! The JSON of a statement, field by field as in-toto names them.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use shield_types::{
    ArtifactDigest, CanonicalJsonError, EnvironmentName, ReleaseDigest, ServiceName, Sha256Digest, Timestamp,
    canonical_json,
};

use super::{ArtifactSubject, Check, Outcome, ReleaseSubject, Stage, Statement};
use crate::rfc3339;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Version of the common part of the predicate.
const FORMAT: u32 = 1;

/// Why bytes are not a statement.
#[derive(Debug, thiserror::Error)]
pub enum ParseStatementError {
    /// Not the JSON of a statement.
    #[error("read the statement's JSON")]
    Json {
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The same JSON has another, canonical form.
    #[error("statement is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// A `_type` other than in-toto Statement v1.
    #[error("statement type `{found}` is not `{STATEMENT_TYPE}`")]
    StatementType {
        /// The type found.
        found: String,
    },
    /// A predicate type that is not its stage's.
    #[error("predicate type `{found}` is not `{expected}`")]
    PredicateType {
        /// The type found.
        found: String,
        /// The type of the stage named in the predicate.
        expected: String,
    },
    /// A version this program does not read.
    #[error("predicate format `{found}` is not `{FORMAT}`")]
    Format {
        /// The version found.
        found: u32,
    },
    /// Subjects other than one artifact and at most one release.
    #[error("subjects of the statement: {problem}")]
    Subject {
        /// What is wrong.
        problem: &'static str,
    },
    /// An outcome that is none, or whose reason does not fit.
    #[error("outcome `{outcome}` of the statement: {problem}")]
    Outcome {
        /// The outcome found.
        outcome: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A stage that ended before it began.
    #[error("statement ends at `{finished_at}`, before it starts at `{started_at}`")]
    Time {
        /// The start found.
        started_at: Timestamp,
        /// The end found.
        finished_at: Timestamp,
    },
    /// A check without a name.
    #[error("check {position} of the statement has no name")]
    CheckName {
        /// Its place, from 1.
        position: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementWire {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<SubjectWire>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: PredicateWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectWire {
    name: String,
    digest: DigestWire,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestWire {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PredicateWire {
    format: u32,
    stage: Stage,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
    #[serde(with = "rfc3339")]
    started_at: Timestamp,
    #[serde(with = "rfc3339")]
    finished_at: Timestamp,
    service: ServiceName,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    environment: Option<EnvironmentName>,
    checks: Vec<Check>,
    details: Map<String, Value>,
}

pub(super) fn write(statement: &Statement) -> Result<Vec<u8>, CanonicalJsonError> {
    canonical_json(&StatementWire::of(statement))
}

pub(super) fn serialize<S: Serializer>(statement: &Statement, serializer: S) -> Result<S::Ok, S::Error> {
    StatementWire::of(statement).serialize(serializer)
}

pub(super) fn read(payload: &[u8]) -> Result<Statement, ParseStatementError> {
    let wire: StatementWire =
        serde_json::from_slice(payload).map_err(|source| ParseStatementError::Json { source })?;
    if canonical_json(&wire).ok().as_deref() != Some(payload) {
        return Err(ParseStatementError::NotCanonical);
    }
    if wire.statement_type != STATEMENT_TYPE {
        return Err(ParseStatementError::StatementType { found: wire.statement_type });
    }
    let expected = wire.predicate.stage.predicate_type();
    if wire.predicate_type != expected {
        return Err(ParseStatementError::PredicateType { found: wire.predicate_type, expected });
    }
    let (artifact, release) = subjects(wire.subject)?;
    predicate(wire.predicate, artifact, release)
}

fn predicate(
    wire: PredicateWire,
    artifact: ArtifactSubject,
    release: Option<ReleaseSubject>,
) -> Result<Statement, ParseStatementError> {
    if wire.format != FORMAT {
        return Err(ParseStatementError::Format { found: wire.format });
    }
    if wire.finished_at < wire.started_at {
        return Err(ParseStatementError::Time { started_at: wire.started_at, finished_at: wire.finished_at });
    }
    if let Some(index) = wire.checks.iter().position(|check| check.name.is_empty()) {
        return Err(ParseStatementError::CheckName { position: index + 1 });
    }
    Ok(Statement {
        artifact,
        release,
        stage: wire.stage,
        outcome: outcome(wire.outcome, wire.reason)?,
        started_at: wire.started_at,
        finished_at: wire.finished_at,
        service: wire.service,
        environment: wire.environment,
        checks: wire.checks,
        details: wire.details,
    })
}

fn outcome(outcome: String, reason: Option<String>) -> Result<Outcome, ParseStatementError> {
    let problem = match (outcome.as_str(), reason) {
        ("passed", None) => return Ok(Outcome::Passed),
        ("passed", Some(_)) => "a passed stage has no reason",
        ("failed", Some(reason)) if !reason.trim().is_empty() => return Ok(Outcome::Failed { reason }),
        ("skipped", Some(reason)) if !reason.trim().is_empty() => return Ok(Outcome::Skipped { reason }),
        ("failed" | "skipped", _) => "a reason is missing",
        _ => "expected `passed`, `failed` or `skipped`",
    };
    Err(ParseStatementError::Outcome { outcome, problem })
}

fn subjects(
    wire: Vec<SubjectWire>,
) -> Result<(ArtifactSubject, Option<ReleaseSubject>), ParseStatementError> {
    let mistake = |problem| ParseStatementError::Subject { problem };
    let mut subjects = wire.into_iter();
    let (artifact, release) = match (subjects.next(), subjects.next(), subjects.next()) {
        (Some(artifact), release, None) => (artifact, release),
        _ => return Err(mistake("expected one artifact and at most one release")),
    };
    let artifact = ArtifactSubject {
        digest: ArtifactDigest(artifact.digest().ok_or(mistake("a digest is not 64 lower-case hex digits"))?),
        name: artifact.name,
    };
    if artifact.name.is_empty() {
        return Err(mistake("the artifact has no name"));
    }
    let release = release.map(|subject| {
        let digest = subject.digest().ok_or(mistake("a digest is not 64 lower-case hex digits"))?;
        let id =
            subject.name.parse().map_err(|_| mistake("the second subject is not named by a release id"))?;
        Ok(ReleaseSubject { id, digest: ReleaseDigest(digest) })
    });
    let release = release.transpose()?;
    if release.as_ref().is_some_and(|release| release.id.as_str() == artifact.name) {
        return Err(mistake("artifact and release have the same name"));
    }
    Ok((artifact, release))
}

// === impl StatementWire ===

impl StatementWire {
    fn of(statement: &Statement) -> Self {
        let artifact = SubjectWire::new(&statement.artifact.name, &statement.artifact.digest.0);
        let release = statement.release.as_ref();
        let release = release.map(|release| SubjectWire::new(release.id.as_str(), &release.digest.0));
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: [artifact].into_iter().chain(release).collect(),
            predicate_type: statement.stage.predicate_type(),
            predicate: PredicateWire::of(statement),
        }
    }
}

// === impl PredicateWire ===

impl PredicateWire {
    fn of(statement: &Statement) -> Self {
        Self {
            format: FORMAT,
            stage: statement.stage.clone(),
            outcome: statement.outcome.as_str().to_owned(),
            reason: statement.outcome.reason().map(str::to_owned),
            started_at: statement.started_at,
            finished_at: statement.finished_at,
            service: statement.service.clone(),
            environment: statement.environment.clone(),
            checks: statement.checks.clone(),
            details: statement.details.clone(),
        }
    }
}

// === impl SubjectWire ===

impl SubjectWire {
    fn new(name: &str, digest: &Sha256Digest) -> Self {
        Self { name: name.to_owned(), digest: DigestWire { sha256: digest.hex() } }
    }

    fn digest(&self) -> Option<Sha256Digest> {
        format!("sha256:{}", self.digest.sha256).parse().ok()
    }
}
