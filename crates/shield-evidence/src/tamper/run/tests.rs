#![expect(clippy::disallowed_methods, reason = "tests play the intruder on real files")]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::test_support::make_log;

#[test]
fn finds_every_random_change() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("evidence");
    let trusted = make_log(&log, 30).trusted();
    let report = run(&log, trusted, 7, 1000).unwrap();
    assert_eq!(report.undetected, Vec::<String>::new());
    assert_eq!(report.tried_by_kind.values().sum::<u64>(), 1000);
    assert!(Kind::ALL.iter().all(|kind| report.tried_by_kind[kind] >= 83));
    assert!(
        verify(&log, &PublicKey::read(&log.join(PUBLIC_KEY_FILE)).unwrap(), Some(trusted))
            .unwrap()
            .findings
            .is_empty()
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "the copies are gone");
}

#[test]
fn finds_change_of_any_single_byte() {
    let directory = TempDir::new().unwrap();
    let trusted = make_log(directory.path(), 2).trusted();
    let key = PublicKey::read(&directory.path().join(PUBLIC_KEY_FILE)).unwrap();
    for name in [LOG_FILE, CHECKPOINTS_FILE, PUBLIC_KEY_FILE] {
        let path = directory.path().join(name);
        let good = fs::read(&path).unwrap();
        for position in 0..good.len() {
            let mut changed = good.clone();
            changed[position] ^= 1 << (position % 8);
            fs::write(&path, &changed).unwrap();
            let found = verify_until(directory.path(), &key, Some(trusted), 1).unwrap().findings;
            assert!(!found.is_empty(), "byte {position} of {name}");
        }
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn instrument_notices_a_blind_verifier() {
    // A trusted checkpoint older than the newest entries says nothing about them: cutting them off goes unseen, and
    // the report has to say so. (Removing the last entry and forging the chain is a cut, too.)
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("evidence");
    let old = make_log(&log, 2).trusted();
    crate::test_support::append(&mut crate::EvidenceLog::open(&log).unwrap(), 2..30);
    let report = run(&log, old, 7, 240).unwrap();
    assert!(!report.undetected.is_empty());
    let cut = |change: &String| change.contains("files cut back") || change.contains("entry 29 removed");
    assert!(report.undetected.iter().all(cut), "{report:?}");
}

#[test]
fn refuses_to_start_from_a_damaged_log() {
    let directory = TempDir::new().unwrap();
    let trusted = make_log(directory.path(), 3).trusted();
    fs::write(directory.path().join(CHECKPOINTS_FILE), b"").unwrap();
    assert!(matches!(run(directory.path(), trusted, 1, 1), Err(TamperError::NotGood { .. })));
}

#[test]
fn refuses_a_log_too_short() {
    let directory = TempDir::new().unwrap();
    let trusted = make_log(directory.path(), 1).trusted();
    assert!(matches!(run(directory.path(), trusted, 1, 1), Err(TamperError::Size { entries: 1 })));
}
