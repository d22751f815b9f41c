//! The original project: few findings, and none of the credential URLs lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use shield_audit::secrets::Scanner;

use crate::harness::{Result, Trouble, Verdict};

const FINDINGS_MAX: usize = 25;
/// Where detect-secrets 1.5.0 finds a password in a URL; each was looked at, and has one.
const CREDENTIAL_URLS: [(&str, u32); 9] = [
    (".env.example", 20),
    ("IMPLEMENTATION_COMPLETE.md", 240),
    ("alembic.ini", 51),
    ("conftest.py", 23),
    ("docs/api/endpoints/health-monitoring.md", 414),
    ("docs/specs/dashboard-api-spec/test-plan.md", 729),
    ("docs/specs/social-protection-spec/implementation-guide.md", 682),
    ("src/linkshield/config/settings.py", 40),
    ("src/linkshield/config/settings.py", 460),
];

/// How many findings there are.
pub(super) fn check(scanner: &Scanner, original: &Path, verdict: &mut Verdict) -> Result<usize> {
    let mut places = Vec::new();
    for file in files(original)? {
        let bytes = read(&file)?;
        let name = file.strip_prefix(original).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        for secret in scanner.scan(&name, &bytes) {
            let line = secret.span.map_or(0, |span| span.line);
            println!(
                "  {name}:{line}: {} {}, confidence {:?}",
                secret.rule.id, secret.redacted, secret.confidence
            );
            places.push((name.clone(), line, secret.rule.id));
        }
    }
    verdict.demand(places.len() <= FINDINGS_MAX, || format!("{} findings", places.len()));
    for (file, line) in CREDENTIAL_URLS {
        let found = places
            .iter()
            .any(|place| place.0 == file && place.1 == line && place.2 == "secret/credential-url");
        verdict.demand(found, || format!("the password in the URL of {file}:{line} was not found"));
    }
    Ok(places.len())
}

/// All regular files below a directory, sorted.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let trouble = |error| Trouble::caused(format!("list `{}`", directory.display()), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let kind = entry.file_type().map_err(trouble)?;
        if kind.is_dir() && entry.file_name() != ".git" {
            files.extend(self::files(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| Trouble::caused(format!("read `{}`", file.display()), error))
}
