#![expect(clippy::disallowed_methods, reason = "tests play the crash and the intruder on real files")]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::test_support::{make_log, statement};

#[test]
fn lists_and_shows_entries() {
    let directory = TempDir::new().unwrap();
    make_log(directory.path(), 8);
    let store = EvidenceStore::open(directory.path()).unwrap();
    let summaries = store.list().unwrap();
    assert_eq!(summaries.iter().map(|summary| summary.index).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert_eq!(summaries[3].outcome.as_str(), "failed");
    assert_eq!(summaries[3].reason.as_deref(), Some("test `parses_urls` failed"));
    let record = store.show(5).unwrap().unwrap();
    assert_eq!(record.statement.release, statement(5).release);
    assert_eq!(record.envelope.open(store.public_key()).unwrap(), statement(5).to_payload().unwrap());
    assert_eq!(store.show(8).unwrap(), None);
}

#[test]
fn finds_statements_of_an_artifact() {
    let directory = TempDir::new().unwrap();
    make_log(directory.path(), 8);
    let store = EvidenceStore::open(directory.path()).unwrap();
    let records = store.statements_for(statement(6).artifact.digest).unwrap();
    assert_eq!(records.iter().map(|record| record.index).collect::<Vec<_>>(), [6, 7]);
    let json = serde_json::to_value(&records[0]).unwrap();
    assert_eq!(json["statement"]["predicate"]["stage"], "build");
    assert_eq!(json["recorded_at"], "2026-09-21T14:13:20.006Z");
}

#[test]
fn unconfirmed_entry_does_not_appear() {
    let directory = TempDir::new().unwrap();
    make_log(directory.path(), 3);
    let path = directory.path().join(CHECKPOINTS_FILE);
    let checkpoints = fs::read(&path).unwrap();
    fs::write(&path, &checkpoints[..checkpoints.len() - 1]).unwrap();
    assert_eq!(EvidenceStore::open(directory.path()).unwrap().list().unwrap().len(), 2);
}

#[test]
fn reads_nothing_from_a_damaged_log() {
    let directory = TempDir::new().unwrap();
    make_log(directory.path(), 3);
    let path = directory.path().join(LOG_FILE);
    let mut log = fs::read(&path).unwrap();
    log[200] ^= 1;
    fs::write(&path, log).unwrap();
    let store = EvidenceStore::open(directory.path()).unwrap();
    assert!(matches!(store.list(), Err(ReadStoreError::Damaged { source }) if source.line == Some(1)));
    assert!(store.statements_for(statement(0).artifact.digest).is_err());
}
