//! Statements and logs for the tests.

use std::path::Path;

use serde_json::json;
use shield_types::{ArtifactDigest, ReleaseDigest, Sha256Digest, Timestamp};

use crate::{
    ArtifactSubject, Check, CheckOutcome, Checkpoint, EvidenceLog, Outcome, ReleaseSubject, Statement,
};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Statement `number` of a sequence in which every optional part appears and is absent.
pub(crate) fn statement(number: u64) -> Statement {
    let stages = ["build", "test", "staging", "smoke", "release", "watch"];
    let digest = ArtifactDigest(Sha256Digest::of(format!("artifact {}", number / 6).as_bytes()));
    let release = (number % 6 >= 4).then(|| ReleaseSubject {
        id: format!("r{number}-{}", digest.0.short()).parse().unwrap(),
        digest: ReleaseDigest(Sha256Digest::of(format!("release {number}").as_bytes())),
    });
    let outcome = match number % 5 {
        3 => Outcome::Failed { reason: "test `parses_urls` failed".to_owned() },
        4 => Outcome::Skipped { reason: "no `[stage.smoke]` in `shield.toml`".to_owned() },
        _ => Outcome::Passed,
    };
    Statement {
        artifact: ArtifactSubject { name: "linkshield".to_owned(), digest },
        release,
        stage: stages[(number % 6) as usize].parse().unwrap(),
        outcome,
        started_at: Timestamp(NOW.0 + number * 1000),
        finished_at: Timestamp(NOW.0 + number * 1000 + 700),
        service: "linkshield".parse().unwrap(),
        environment: (number % 6 >= 2).then(|| "staging".parse().unwrap()),
        checks: (0..number % 3)
            .map(|check| Check {
                name: format!("check-{check}"),
                outcome: [CheckOutcome::Yes, CheckOutcome::No, CheckOutcome::Unknown][check as usize],
                method: "ran it".to_owned(),
                detail: "Größe 3 \u{1f6e1}".to_owned(),
            })
            .collect(),
        details: json!({"number": number, "ratio": 0.1, "nested": {"list": [1, -2, 1e21, null]}})
            .as_object()
            .unwrap()
            .clone(),
    }
}

/// Appends statements `from..to`; returns the last checkpoint.
pub(crate) fn append(log: &mut EvidenceLog, numbers: std::ops::Range<u64>) -> Checkpoint {
    let appended = numbers.map(|number| log.append(&statement(number), Timestamp(NOW.0 + number)).unwrap());
    appended.last().unwrap()
}

/// A log of `entries` statements in `directory`.
pub(crate) fn make_log(directory: &Path, entries: u64) -> Checkpoint {
    append(&mut EvidenceLog::open(directory).unwrap(), 0..entries)
}
