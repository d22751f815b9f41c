#![expect(clippy::disallowed_methods, reason = "tests play the intruder on real files")]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{
    EvidenceLog, SigningKey,
    test_support::{append, make_log},
};

struct Fixture {
    directory: TempDir,
    key: PublicKey,
    trusted: TrustedCheckpoint,
}

impl Fixture {
    fn new(entries: u64) -> Self {
        let directory = TempDir::new().unwrap();
        let trusted = make_log(directory.path(), entries).trusted();
        let key = PublicKey::read(&directory.path().join(PUBLIC_KEY_FILE)).unwrap();
        Self { directory, key, trusted }
    }

    fn verify(&self, expect: Option<TrustedCheckpoint>) -> Verification {
        verify(self.directory.path(), &self.key, expect).unwrap()
    }

    fn change_lines(&self, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let path = self.directory.path().join(name);
        let content = fs::read(&path).unwrap();
        let mut lines = content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        change(&mut lines);
        fs::write(path, lines.concat()).unwrap();
    }
}

#[test]
fn good_log_has_no_findings() {
    let log = Fixture::new(5);
    let verification = log.verify(Some(log.trusted));
    assert!(verification.findings.is_empty());
    assert_eq!(verification.trusted(), Some(log.trusted));
    assert_eq!(
        verification.vouches.to_string(),
        format!(
            "signed by key {}; all 5 entries are exactly those of the trusted checkpoint",
            log.key.key_id()
        )
    );
}

#[test]
fn empty_log_is_good() {
    let directory = TempDir::new().unwrap();
    let log = EvidenceLog::open(directory.path()).unwrap();
    let verification = verify(directory.path(), log.public_key(), None).unwrap();
    assert!(verification.findings.is_empty());
    let trusted = verification.trusted().unwrap();
    assert!(verify(directory.path(), log.public_key(), Some(trusted)).unwrap().findings.is_empty());
}

#[test]
fn older_trusted_checkpoint_still_counts() {
    let log = Fixture::new(3);
    append(&mut EvidenceLog::open(log.directory.path()).unwrap(), 3..6);
    let verification = log.verify(Some(log.trusted));
    assert!(verification.findings.is_empty());
    assert!(verification.vouches.to_string().contains("the first 3 of 6 entries"));
}

#[test]
fn cut_to_older_checkpoint_needs_trust() {
    let log = Fixture::new(5);
    for name in [LOG_FILE, CHECKPOINTS_FILE] {
        log.change_lines(name, |lines| lines.truncate(3));
    }
    let without = log.verify(None);
    assert!(without.findings.is_empty());
    assert!(without.vouches.to_string().contains("cannot be known without a trusted checkpoint"));
    let with = log.verify(Some(log.trusted));
    assert_eq!(with.findings.len(), 1);
    assert_eq!(with.vouches, Vouches::Nothing);
    assert!(with.findings[0].what.contains("the log has 3 entries"), "{}", with.findings[0]);
}

#[test]
fn another_logs_root_is_other_history() {
    let (log, other) = (Fixture::new(3), Fixture::new(3));
    let findings = log.verify(Some(other.trusted)).findings;
    assert_eq!(findings.len(), 1);
    assert!(findings[0].what.contains("the trusted checkpoint says"), "{}", findings[0]);
}

#[test]
fn edit_is_found_at_its_line() {
    let log = Fixture::new(10);
    log.change_lines(LOG_FILE, |lines| lines[4][300] = if lines[4][300] == b'A' { b'B' } else { b'A' });
    let findings = log.verify(None).findings;
    assert_eq!((findings[0].file, findings[0].line, findings[0].entry), (LOG_FILE, Some(5), Some(4)));
    assert!(findings.iter().all(|finding| matches!(finding.line, Some(5 | 6))), "{findings:?}");
}

#[test]
fn missing_line_gives_few_findings() {
    let log = Fixture::new(20);
    log.change_lines(LOG_FILE, |lines| drop(lines.remove(7)));
    let findings = log.verify(None).findings;
    assert!((1..=5).contains(&findings.len()), "{findings:?}");
    assert_eq!(findings[0].line, Some(8));
}

#[test]
fn missing_checkpoint_is_found() {
    let log = Fixture::new(5);
    log.change_lines(CHECKPOINTS_FILE, |lines| drop(lines.remove(2)));
    let findings = log.verify(None).findings;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].what, "checkpoint of size `4`, expected `3`");
}

#[test]
fn interrupted_append_is_told() {
    let log = Fixture::new(3);
    log.change_lines(CHECKPOINTS_FILE, |lines| lines.truncate(2));
    let findings = log.verify(None).findings;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].what, "the newest checkpoint covers 2 of 3 entries");
    assert!(findings[0].why.contains("the next one repairs that"));
}

#[test]
fn other_key_is_refused() {
    let log = Fixture::new(2);
    let stranger = SigningKey::generate().unwrap();
    let findings = verify(log.directory.path(), stranger.public(), Some(log.trusted)).unwrap().findings;
    assert_eq!(findings.len(), 5, "public key file, two entries, two checkpoints: {findings:?}");
}

#[test]
fn missing_files_are_findings() {
    for name in [LOG_FILE, CHECKPOINTS_FILE, PUBLIC_KEY_FILE] {
        let log = Fixture::new(2);
        fs::remove_file(log.directory.path().join(name)).unwrap();
        let findings = log.verify(None).findings;
        assert!(findings.iter().any(|finding| finding.file == name && finding.what == "the file is missing"));
    }
}

#[test]
fn findings_are_bounded() {
    let log = Fixture::new(1);
    fs::write(log.directory.path().join(LOG_FILE), "x\n".repeat(5000)).unwrap();
    let verification = log.verify(None);
    assert_eq!((verification.findings.len(), verification.more_findings), (1000, true));
}

#[test]
fn verifies_without_writing() {
    let log = Fixture::new(2);
    let before: Vec<_> =
        [LOG_FILE, CHECKPOINTS_FILE].map(|name| fs::read(log.directory.path().join(name)).unwrap()).into();
    log.change_lines(LOG_FILE, |lines| lines[1].truncate(40));
    let torn = fs::read(log.directory.path().join(LOG_FILE)).unwrap();
    assert!(!log.verify(None).findings.is_empty());
    assert_eq!(fs::read(log.directory.path().join(LOG_FILE)).unwrap(), torn);
    assert_eq!(fs::read(log.directory.path().join(CHECKPOINTS_FILE)).unwrap(), before[1]);
}
