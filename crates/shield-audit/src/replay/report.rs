//! The original's `compliance_report.json`.

use serde::{Deserialize, Serialize};

/// What a search for words said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its claims, in its order.
    pub claims: Vec<Claim>,
}

/// One claim, with the files that are to prove it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// What it calls the claim.
    pub rule_id: String,
    /// Whether it is for or against the project.
    pub status: Status,
    /// In its words.
    pub message: String,
    /// The files, as it wrote them; one may stand there several times.
    pub evidence: Vec<String>,
}

/// Whether a claim is for or against the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// For it.
    Compliant,
    /// Against it.
    NonCompliant,
    /// A part is missing.
    Partial,
    /// It does not concern it.
    NotApplicable,
    /// Left to people.
    ManualReview,
}

/// A report that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read the report: it is no `compliance_report.json`")]
pub struct ReadReportError {
    /// What is wrong with it.
    #[from]
    pub source: serde_json::Error,
}

#[derive(Deserialize)]
struct Written {
    results: Vec<Claim>,
}

// === impl Report ===

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// If it is not JSON of that form.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadReportError> {
        let written: Written = serde_json::from_slice(bytes)?;
        Ok(Self { claims: written.results })
    }
}

// === impl Claim ===

impl Claim {
    /// The number in its words: "found in 5841 files".
    #[must_use]
    pub fn claimed(&self) -> Option<usize> {
        let digits = |character: char| character.is_ascii_digit();
        let (_, rest) = self.message.split_once(" in ")?;
        rest.chars().take_while(|character| digits(*character)).collect::<String>().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read() {
        let text = r#"{"timestamp": "x", "results": [{"rule_id": "OWASP-A02-002", "status": "NON_COMPLIANT",
            "message": "Weak cryptographic algorithms found in 2 files", "evidence": ["app.py", ".venv\\Lib\\a.py"],
            "recommendations": [], "details": null}]}"#;
        let report = Report::read(text.as_bytes()).unwrap();
        let claim = &report.claims[0];
        assert_eq!((claim.claimed(), claim.evidence[1].as_str()), (Some(2), ".venv\\Lib\\a.py"));
        assert_eq!(claim.status, Status::NonCompliant);
        assert!(Report::read(b"[]").is_err() && Report::read(b"").is_err());
    }
}
