//! Accepting findings for a while: an audit is made, what is meant is found in it, and the baseline is written as a whole.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use jiff::civil::Date;
use shield_audit::{
    baseline::{Baseline, Entry, Pick, PickError, Terms, TermsError, pick},
    finding::Finding,
    tree::directory_of,
};

use super::audit::{AuditRunError, AuditWith, BASELINE, audit_settings, audited, read_baseline, today};
use crate::{
    durable::{StateFileError, replace_shared},
    manifest::AuditSettings,
};

/// Writing a baseline takes milliseconds: whoever waits for others tries so often, so far apart.
const LOCK_ATTEMPTS: u32 = 1_000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What is to be accepted.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Which findings.
    pub picks: Vec<Pick>,
    /// Why, until when, and who answers for it.
    pub terms: Terms,
}

/// What was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedFindings {
    /// The baseline.
    pub file: PathBuf,
    /// The findings, and what the baseline says of each, in the order of its lines.
    pub accepted: Vec<(Finding, Entry)>,
}

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Nothing can be accepted so.
    #[error("accept on these terms")]
    Terms(#[from] TermsError),
    /// It would have ended already.
    #[error("accept until {until}: that day is over, today is {today}")]
    Past {
        /// As given.
        until: Date,
        /// By UTC.
        today: Date,
    },
    /// There was no audit to find anything in.
    #[error(transparent)]
    Audit(#[from] AuditRunError),
    /// Something that is meant is not there.
    #[error("accept what was named")]
    Pick(#[from] PickError),
    /// Others kept writing it.
    #[error("accept in `{}`: another `--accept` keeps writing it", file.display())]
    Busy {
        /// The baseline.
        file: PathBuf,
    },
    /// The baseline was not written.
    #[error(transparent)]
    Write(#[from] StateFileError),
}

/// Audits `path` as [`super::audit_project`] does, and accepts what `acceptance` means of what it found: all of it, or nothing.
///
/// # Errors
/// If the terms allow nothing, if something that is meant was not found, if there can be no audit, and if the baseline cannot be
/// written. It is as it was then.
pub fn accept_findings(
    path: &Path,
    settings: &AuditSettings,
    acceptance: &Acceptance,
    audit_with: &AuditWith<'_>,
) -> Result<AcceptedFindings, AcceptError> {
    let Acceptance { picks, terms } = acceptance;
    terms.check()?;
    let today = today();
    if terms.until < today {
        return Err(AcceptError::Past { until: terms.until, today });
    }
    let name = settings.baseline.as_deref().unwrap_or(BASELINE);
    let file = directory_of(path).join(name);
    // One that is not there accepts nothing yet.
    let current = || match read_baseline(path, settings) {
        Err(error) if error.is_not_found() => Ok(Baseline::new(name)),
        read => read,
    };
    let mut order = audit_settings(path, settings, audit_with.advisories)?;
    order.baseline = Some(current()?);
    let report = audited(path, order, audit_with)?;

    let open: Vec<_> = report.found.iter().map(|found| &found.finding).collect();
    let accepted: Vec<_> = report.accepted.iter().map(|accepted| &accepted.finding).collect();
    let picked = pick(picks, &open, &accepted)?;
    let entries = picked.iter().map(|finding| Entry::accept(finding, terms.clone()));
    let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
    // Somebody may have accepted something while the audit ran, or do so now: what is read stays until it is replaced.
    let _lock = locked(&file)?;
    let mut baseline = current()?;
    entries.iter().for_each(|entry| baseline.insert(entry.clone()));
    replace_shared(&file, baseline.to_string().as_bytes())?;
    Ok(AcceptedFindings { file, accepted: picked.into_iter().cloned().zip(entries).collect() })
}

/// Locks the directory of a baseline until the value is dropped; the kernel frees it when its holder dies.
fn locked(file: &Path) -> Result<File, AcceptError> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock =
        File::open(directory).map_err(|source| AuditRunError::Read { path: directory.to_owned(), source })?;
    for _ in 0..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => {
                return Err(AuditRunError::Read { path: directory.to_owned(), source }.into());
            }
        }
    }
    Err(AcceptError::Busy { file: file.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Accepts what one rule finds in one file.
    fn accept(folder: &Path, file: &str) -> Result<AcceptedFindings, AcceptError> {
        let picks = vec![Pick::Rule { rule: "B307".to_owned(), below: file.to_owned() }];
        let terms = Terms { reason: "a test".to_owned(), owner: None, until: Date::MAX };
        let audit_with = AuditWith { advisories: None, kept: None, tell: &|_| {} };
        accept_findings(folder, &AuditSettings::default(), &Acceptance { picks, terms }, &audit_with)
    }

    #[test]
    fn nothing_accepted_at_once_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..12).map(|number| format!("m{number}.py")).collect();
        for name in &names {
            fs::write(folder.path().join(name), "eval(input())\n").unwrap();
        }
        thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| accept(folder.path(), name).unwrap());
            }
        });
        let written = read_baseline(folder.path(), &AuditSettings::default()).unwrap();
        assert_eq!(written.entries().count(), names.len());
    }
}
