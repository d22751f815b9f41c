#![expect(
    clippy::disallowed_methods,
    reason = "tests play the crash, the neighbour and the intruder on real files"
)]

use std::{fs, thread};

use tempfile::TempDir;

use super::*;
use crate::{
    LINE_BYTES_MAX, TrustedCheckpoint,
    test_support::{NOW, append, make_log, statement},
    verify,
};

fn read(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap()
}

fn write(directory: &Path, name: &str, content: &[u8]) {
    fs::write(directory.join(name), content).unwrap();
}

fn assert_good(directory: &Path, key: &PublicKey, trusted: TrustedCheckpoint) {
    let verification = verify(directory, key, Some(trusted)).unwrap();
    assert!(verification.findings.is_empty(), "{:?}", verification.findings);
}

/// Appends to a log that must be refused, and checks that not a byte of it changed.
fn assert_refused(directory: &Path) -> String {
    let before = (read(directory, LOG_FILE), read(directory, CHECKPOINTS_FILE));
    let error = EvidenceLog::open(directory).unwrap().append(&statement(9), NOW).unwrap_err();
    let AppendError::Damaged { source } = error else { panic!("{error:?}") };
    assert_eq!((read(directory, LOG_FILE), read(directory, CHECKPOINTS_FILE)), before);
    source.to_string()
}

#[test]
fn appends_and_reopens() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state/evidence");
    assert_eq!(make_log(&path, 3).size(), 3);
    let mut log = EvidenceLog::open(&path).unwrap();
    let newest = append(&mut log, 3..5);
    assert_eq!((newest.size(), log.take_repair()), (5, None));
    assert_good(&path, log.public_key(), newest.trusted());
}

#[test]
fn clock_going_back_keeps_order() {
    let directory = TempDir::new().unwrap();
    let mut log = EvidenceLog::open(directory.path()).unwrap();
    log.append(&statement(0), NOW).unwrap();
    let newest = log.append(&statement(1), Timestamp(NOW.0 - 86_400_000)).unwrap();
    assert_good(directory.path(), log.public_key(), newest.trusted());
}

#[test]
fn repairs_every_cut_of_last_append() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let old = make_log(path, 2);
    let short = (read(path, LOG_FILE), read(path, CHECKPOINTS_FILE));
    append(&mut EvidenceLog::open(path).unwrap(), 2..3);
    let whole = (read(path, LOG_FILE), read(path, CHECKPOINTS_FILE));

    let cuts_of_entry = (short.0.len()..=whole.0.len()).map(|length| (length, short.1.len()));
    let cuts_of_checkpoint = (short.1.len()..=whole.1.len()).map(|length| (whole.0.len(), length));
    for (log_length, checkpoint_length) in cuts_of_entry.chain(cuts_of_checkpoint) {
        write(path, LOG_FILE, &whole.0[..log_length]);
        write(path, CHECKPOINTS_FILE, &whole.1[..checkpoint_length]);
        let mut log = EvidenceLog::open(path).unwrap();
        let newest = log.append(&statement(7), NOW).unwrap();
        let repair = log.take_repair();
        let entry_was_complete = log_length == whole.0.len();
        assert_eq!(newest.size(), if entry_was_complete { 4 } else { 3 });
        let expected =
            match (log_length - short.0.len(), entry_was_complete, checkpoint_length == whole.1.len()) {
                (0, _, _) | (_, _, true) => None,
                (_, true, false) => Some(Repair::CompletedCheckpoint { size: 3 }),
                (bytes, false, false) => {
                    Some(Repair::DroppedUnfinishedEntry { index: 2, bytes: bytes as u64 })
                }
            };
        assert_eq!(repair, expected, "cut at {log_length}, {checkpoint_length}");
        assert_good(path, log.public_key(), newest.trusted());
        assert_good(path, log.public_key(), old.trusted());
    }
}

#[test]
fn repairs_blocks_a_power_cut_left_empty() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    make_log(path, 2);
    let mut torn = read(path, LOG_FILE);
    let start = torn.len();
    append(&mut EvidenceLog::open(path).unwrap(), 2..3);
    let checkpoints = read(path, CHECKPOINTS_FILE);
    let two =
        checkpoints.split_inclusive(|byte| *byte == b'\n').take(2).flatten().copied().collect::<Vec<_>>();
    torn = read(path, LOG_FILE);
    torn[start..start + 100].fill(0);
    write(path, LOG_FILE, &torn);
    write(path, CHECKPOINTS_FILE, &two);
    let mut log = EvidenceLog::open(path).unwrap();
    let newest = log.append(&statement(7), NOW).unwrap();
    assert!(matches!(log.take_repair(), Some(Repair::DroppedUnfinishedEntry { index: 2, .. })));
    assert_good(path, log.public_key(), newest.trusted());
}

#[test]
fn refuses_what_no_crash_explains() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    make_log(path, 4);
    let good = (read(path, LOG_FILE), read(path, CHECKPOINTS_FILE));
    let lines = |content: &[u8]| -> Vec<Vec<u8>> {
        content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let (log, checkpoints) = (lines(&good.0), lines(&good.1));
    let edited = |content: &[u8], at: usize| {
        let mut changed = content.to_vec();
        changed[at] ^= 1;
        changed
    };
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("entry edited", edited(&good.0, log[0].len() + 200), good.1.clone()),
        ("last entry edited", edited(&good.0, good.0.len() - 40), good.1.clone()),
        ("last entry edited, no checkpoint", edited(&good.0, good.0.len() - 40), checkpoints[..3].concat()),
        ("checkpoint edited", good.0.clone(), edited(&good.1, 20)),
        ("log cut, checkpoints whole", good.0[..good.0.len() - 1].to_vec(), good.1.clone()),
        ("entry gone from end", log[..3].concat(), good.1.clone()),
        ("two entries without checkpoint", good.0.clone(), checkpoints[..2].concat()),
        ("checkpoint gone", good.0.clone(), [checkpoints[..1].concat(), checkpoints[2..].concat()].concat()),
        ("garbage line", [good.0.as_slice(), b"garbage\n"].concat(), good.1.clone()),
        (
            "entry and checkpoint unfinished",
            [&good.0, &log[0][..9]].concat(),
            [&good.1, &checkpoints[0][..9]].concat(),
        ),
        ("entries swapped", [&log[0], &log[2], &log[1], &log[3]].map(Vec::as_slice).concat(), good.1.clone()),
    ];
    for (name, log, checkpoints) in cases {
        write(path, LOG_FILE, &log);
        write(path, CHECKPOINTS_FILE, &checkpoints);
        let message = assert_refused(path);
        assert!(message.contains("jsonl`") && message.contains("line "), "{name}: {message}");
        assert!(message.contains("nothing was changed"), "{name}: {message}");
    }
}

#[test]
fn notices_files_that_went_back() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let mut log = EvidenceLog::open(path).unwrap();
    append(&mut log, 0..2);
    let old = (read(path, LOG_FILE), read(path, CHECKPOINTS_FILE));
    append(&mut log, 2..3);
    write(path, LOG_FILE, &old.0);
    write(path, CHECKPOINTS_FILE, &old.1);
    let error = log.append(&statement(3), NOW).unwrap_err();
    assert!(matches!(error, AppendError::Damaged { .. }), "{error:?}");
}

#[test]
fn reads_replaced_files_anew() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let mut log = EvidenceLog::open(path).unwrap();
    append(&mut log, 0..2);
    for name in [LOG_FILE, CHECKPOINTS_FILE] {
        write(path, "copy", &read(path, name));
        fs::rename(path.join("copy"), path.join(name)).unwrap();
    }
    let newest = append(&mut log, 2..3);
    assert_good(path, log.public_key(), newest.trusted());
}

#[test]
fn refuses_to_begin_over_missing_files() {
    for name in [LOG_FILE, CHECKPOINTS_FILE, SIGNING_KEY_FILE] {
        let directory = TempDir::new().unwrap();
        make_log(directory.path(), 1);
        fs::remove_file(directory.path().join(name)).unwrap();
        let Err(error) = EvidenceLog::open(directory.path()) else { panic!("{name}") };
        assert!(error.to_string().contains(name), "{error}");
        assert!(!directory.path().join(name).exists());
    }
}

#[test]
fn refuses_files_that_are_links() {
    let directory = TempDir::new().unwrap();
    make_log(directory.path(), 1);
    let log = directory.path().join(LOG_FILE);
    fs::rename(&log, directory.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", &log).unwrap();
    let error = EvidenceLog::open(directory.path()).unwrap().append(&statement(1), NOW).unwrap_err();
    assert!(matches!(error, AppendError::File { .. }), "{error:?}");
}

#[test]
fn refuses_lines_beyond_the_bound() {
    let directory = TempDir::new().unwrap();
    let mut log = EvidenceLog::open(directory.path()).unwrap();
    let mut large = statement(0);
    large.details.insert("text".to_owned(), "x".repeat(LINE_BYTES_MAX).into());
    assert!(matches!(log.append(&large, NOW), Err(AppendError::LineTooLong { .. })));
    large.details.insert("text".to_owned(), "x".repeat(LINE_BYTES_MAX / 2).into());
    let newest = log.append(&large, NOW).unwrap();
    assert_eq!(newest.size(), 1);
    assert_good(directory.path(), log.public_key(), newest.trusted());
}

#[test]
fn threads_append_side_by_side() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || append(&mut EvidenceLog::open(path).unwrap(), thread * 25..thread * 25 + 25));
        }
    });
    let mut log = EvidenceLog::open(path).unwrap();
    let newest = append(&mut log, 100..101);
    assert_eq!(newest.size(), 101);
    assert_good(path, log.public_key(), newest.trusted());
}
