//! OpenVEX 0.2: what a project says of vulnerabilities in what it uses, with the proof by which it can be said again.
//!
//! `not_affected` is a claim; a claim needs a justification and, here, a proof: the entry points and the edges of the import
//! graph from which nothing leads to the affected code, or the list of what is installed. The proof is part of the
//! statement, so that whoever has the same tree can replay it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shield_types::Sha256Digest;

use super::Match;

/// What is said of a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not matter here, and why not.
    NotAffected {
        /// In OpenVEX's words.
        justification: Justification,
        /// By which that can be replayed.
        proof: Proof,
    },
    /// It matters, and what to do.
    Affected {
        /// In one sentence.
        action: String,
    },
    /// It was mended.
    Fixed,
    /// Nobody has looked yet.
    UnderInvestigation,
}

/// Why a vulnerability does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Justification {
    /// The package is listed and not there.
    ComponentNotPresent,
    /// The affected part of it is not there.
    VulnerableCodeNotPresent,
    /// Nothing leads to the affected code.
    VulnerableCodeNotInExecutePath,
    /// No stranger's data gets there.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something in front of it stops the attack.
    InlineMitigationsAlreadyExist,
}

/// What a claim rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How it was found: the name of the analysis and of what it looked at.
    pub method: String,
    /// Where the search began: modules or functions.
    pub roots: Vec<String>,
    /// What was looked for and not reached.
    pub targets: Vec<String>,
    /// The digest of the graph that was searched.
    pub graph: Sha256Digest,
}

/// What is said of one vulnerability of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its one name.
    pub vulnerability: String,
    /// All other names.
    pub aliases: Vec<String>,
    /// The package URL of what has it.
    pub package: String,
    /// What is said.
    pub status: Status,
}

/// Who says it, when, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Who.
    pub author: String,
    /// When, in RFC 3339.
    pub timestamp: String,
    /// Of which product: its package URL, or its digest.
    pub product: String,
    /// What.
    pub statements: Vec<Statement>,
}

/// What a statement of a document claims, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name of the vulnerability; empty if it has none.
    pub vulnerability: String,
    /// The package URLs of what it is about.
    pub packages: Vec<String>,
    /// In OpenVEX's words.
    pub status: String,
    /// Why it does not matter, if that is claimed.
    pub justification: Option<Justification>,
    /// The proof, if it has one that [`Document::to_json`] wrote.
    pub proof: Option<Proof>,
}

// === impl Statement ===

impl Statement {
    /// About a match.
    #[must_use]
    pub fn about(found: &Match, status: Status) -> Self {
        Self {
            vulnerability: found.vulnerability.clone(),
            aliases: found.names.iter().filter(|name| **name != found.vulnerability).cloned().collect(),
            package: found.package.purl_of(&found.version),
            status,
        }
    }

    fn to_json(&self, product: &str) -> Value {
        let mut statement = Map::from_iter([
            ("vulnerability".to_owned(), json!({"name": self.vulnerability, "aliases": self.aliases})),
            ("products".to_owned(), json!([{"@id": product, "subcomponents": [{"@id": self.package}]}])),
        ]);
        let mut say = |key: &str, value: Value| statement.insert(key.to_owned(), value);
        match &self.status {
            Status::NotAffected { justification, proof } => {
                say("status", json!("not_affected"));
                say("justification", json!(justification));
                say("status_notes", json!(format!("proof: {}", json!(proof))));
            }
            Status::Affected { action } => {
                say("status", json!("affected"));
                say("action_statement", json!(action));
            }
            Status::Fixed => {
                say("status", json!("fixed"));
            }
            Status::UnderInvestigation => {
                say("status", json!("under_investigation"));
            }
        }
        Value::Object(statement)
    }
}

// === impl Document ===

impl Document {
    /// The document, its statements in order. Its name is made of what is in it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut statements: Vec<_> = self.statements.iter().collect();
        statements.sort_by_key(|one| (&one.vulnerability, &one.package));
        let statements: Vec<_> = statements.into_iter().map(|one| one.to_json(&self.product)).collect();
        let content = json!([self.author, self.timestamp, statements]).to_string();
        json!({
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": format!("urn:shield:vex:{}", Sha256Digest::of(content.as_bytes()).hex()),
            "author": self.author,
            "timestamp": self.timestamp,
            "version": 1,
            "tooling": "shield",
            "statements": statements,
        })
    }
}

// === impl Claim ===

impl Claim {
    /// Every statement of an OpenVEX document; none if it is something else.
    #[must_use]
    pub fn all_in(document: &Value) -> Option<Vec<Self>> {
        document.get("@context")?.as_str()?.strip_prefix("https://openvex.dev/ns")?;
        Some(document.get("statements")?.as_array()?.iter().map(Self::read).collect())
    }

    fn read(statement: &Value) -> Self {
        let text = |key: &str| statement.get(key).and_then(Value::as_str);
        let vulnerability = statement.pointer("/vulnerability/name").and_then(Value::as_str);
        let proof = text("status_notes").and_then(|notes| notes.strip_prefix("proof: "));
        let justification = statement.get("justification").cloned();
        Self {
            vulnerability: vulnerability.or_else(|| text("vulnerability")).unwrap_or_default().to_owned(),
            packages: packages(statement),
            status: text("status").unwrap_or_default().to_owned(),
            justification: justification.and_then(|one| serde_json::from_value(one).ok()),
            proof: proof.and_then(|proof| serde_json::from_str(proof).ok()),
        }
    }
}

/// What a statement is about: the parts of its products, or a product of which no part is named.
fn packages(statement: &Value) -> Vec<String> {
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |of: &Value| of.as_str().or_else(|| of.get("@id")?.as_str()).map(str::to_owned);
    let parts = |product: Value| match list(&product, "subcomponents") {
        parts if parts.is_empty() => vec![product],
        parts => parts,
    };
    list(statement, "products").into_iter().flat_map(parts).filter_map(|part| name(&part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(vulnerability: &str, status: Status) -> Statement {
        let (aliases, package) = (vec!["GHSA-1".to_owned()], "pkg:pypi/a@1.0".to_owned());
        Statement { vulnerability: vulnerability.to_owned(), aliases, package, status }
    }

    fn proof() -> Proof {
        Proof {
            method: "import graph".to_owned(),
            roots: vec!["app".to_owned()],
            targets: vec!["a.parser".to_owned()],
            graph: Sha256Digest::of(b"graph"),
        }
    }

    fn document() -> Document {
        let justification = Justification::VulnerableCodeNotInExecutePath;
        Document {
            author: "me".to_owned(),
            timestamp: "2026-01-02T03:04:05Z".to_owned(),
            product: "pkg:generic/me@1".to_owned(),
            statements: vec![
                statement("CVE-2", Status::Affected { action: "update".to_owned() }),
                statement("CVE-1", Status::NotAffected { justification, proof: proof() }),
            ],
        }
    }

    #[test]
    fn proofs_come_back() {
        let written = document().to_json();
        let first = &written["statements"][0];
        assert_eq!(first["justification"], "vulnerable_code_not_in_execute_path");
        assert_eq!(first["products"][0]["subcomponents"][0]["@id"], "pkg:pypi/a@1.0");
        let claims = Claim::all_in(&written).unwrap();
        assert_eq!((&claims[0].proof, &claims[1].proof), (&Some(proof()), &None));
        assert_eq!(claims[0].packages, ["pkg:pypi/a@1.0"]);
        assert_eq!((&*claims[0].vulnerability, &*claims[1].status), ("CVE-1", "affected"));
        assert_eq!(written["statements"][1]["action_statement"], "update");
    }

    #[test]
    fn order_of_statements_is_free() {
        let mut other = document();
        other.statements.reverse();
        assert_eq!(other.to_json().to_string(), document().to_json().to_string());
        other.author = "you".to_owned();
        assert_ne!(other.to_json()["@id"], document().to_json()["@id"]);
    }

    #[test]
    fn documents_of_others_are_read() {
        let statement = json!({"vulnerability": "CVE-9", "products": ["pkg:npm/b@2"], "status": "not_affected",
            "status_notes": "proof: trust me", "justification": "because"});
        let document = json!({"@context": "https://openvex.dev/ns", "statements": [statement, 5]});
        let [claim, nothing] = &Claim::all_in(&document).unwrap()[..] else { panic!("two statements") };
        assert_eq!((&*claim.vulnerability, &claim.packages[..]), ("CVE-9", &["pkg:npm/b@2".to_owned()][..]));
        assert_eq!((&claim.justification, &claim.proof), (&None, &None));
        assert!(nothing.status.is_empty() && nothing.packages.is_empty());
        for other in [json!({"statements": []}), json!({"@context": "https://openvex.dev/ns"}), json!([])] {
            assert_eq!(Claim::all_in(&other), None);
        }
    }
}
