//! What a file must still be after it was changed: Python that parses, without a finding that it did not have.

use std::collections::HashMap;

use crate::{
    finding::Finding,
    python::{Audit, Parse},
};

/// What a look at a file said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Why it does not parse, if so; of a kind of file that nobody parses, never.
    pub broken: Option<String>,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

/// Whoever looks at changed files: the same rules that found what is mended.
pub trait Rescan {
    /// Looks at the bytes of a file.
    fn scan(&self, file: &str, bytes: &[u8]) -> Scan;
}

/// Looks with the rules for Python; `pyproject.toml` and other TOML must parse too.
#[derive(Debug)]
pub struct PythonRescan<'a>(pub &'a Audit);

/// What makes two findings alike: the rule, and what they are about.
type Key<'f> = (&'f str, &'f str, &'f str);

// === impl PythonRescan ===

impl Rescan for PythonRescan<'_> {
    fn scan(&self, file: &str, bytes: &[u8]) -> Scan {
        let ending = file.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
        match ending {
            None | Some("py" | "pyi" | "pyw") => {
                let report = self.0.bytes(file, bytes, Parse::Always);
                let broken = report.skipped.first().map(|skipped| skipped.reason.to_string());
                Scan { broken, findings: report.findings }
            }
            Some("toml") => {
                let text = String::from_utf8_lossy(bytes);
                let broken = text.parse::<toml::Table>().err().map(|error| error.message().to_owned());
                Scan { broken, findings: Vec::new() }
            }
            Some(_) => Scan::default(),
        }
    }
}

fn key(finding: &Finding) -> Key<'_> {
    (finding.rule.id, &finding.context, &finding.subject)
}

fn counts(findings: &[Finding]) -> HashMap<Key<'_>, usize> {
    let mut counts = HashMap::new();
    for finding in findings {
        *counts.entry(key(finding)).or_default() += 1;
    }
    counts
}

/// Whether a file is no worse than before, and the findings that were mended are gone: for each thing that findings are about there are no more of
/// a rule than before, however little the new ones weigh.
///
/// # Errors
/// What is worse, or still there, in words.
pub(super) fn judge(before: &Scan, after: &Scan, mended: &[&Finding]) -> Result<(), String> {
    if let Some(broken) = &before.broken {
        return Err(format!("it does not parse as it is: {broken}"));
    }
    if let Some(broken) = &after.broken {
        return Err(format!("it would no longer parse: {broken}"));
    }
    let (had, has) = (counts(&before.findings), counts(&after.findings));
    let mut gone: HashMap<Key<'_>, usize> = HashMap::new();
    for finding in mended.iter().filter(|finding| before.findings.contains(finding)) {
        *gone.entry(key(finding)).or_default() += 1;
    }
    for (key, count) in &gone {
        let (had, has) = (had.get(key).copied().unwrap_or(0), has.get(key).copied().unwrap_or(0));
        if has + count > had {
            return Err(format!("`{}` would still be found", key.0));
        }
    }
    let mut seen: HashMap<Key<'_>, usize> = HashMap::new();
    for finding in &after.findings {
        let count = seen.entry(key(finding)).or_default();
        *count += 1;
        if *count > had.get(&key(finding)).copied().unwrap_or(0) {
            return Err(format!("`{}` would be found: {}", finding.rule.id, finding.message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Scan {
        PythonRescan(&Audit::default()).scan("a.py", text.as_bytes())
    }

    fn judged(before: &str, after: &str) -> Result<(), String> {
        let (before, after) = (scan(before), scan(after));
        let mended: Vec<&Finding> = before.findings.iter().take(1).collect();
        judge(&before, &after, &mended)
    }

    #[test]
    fn worse_files_are_refused() {
        let eval = "eval(x)";
        assert_eq!(judged(eval, "f(x)"), Ok(()));
        for (after, why) in [
            ("f(x", "would no longer parse"),
            ("eval(x)\n", "would still be found"),
            ("exec(x)", "`python/exec` would be found"),
            ("eval(x); eval(y)", "would still be found"),
        ] {
            let said = judged(eval, after).unwrap_err();
            assert!(said.contains(why), "{after}: {said}");
        }
        assert!(judged("eval(x", "f(x)").unwrap_err().contains("as it is"));
        assert_eq!(judged("eval(x); eval(y)", "f(x); eval(y)"), Ok(()));
    }

    #[test]
    fn lesser_finding_is_one_added() {
        let mended = |before: &Scan, after: &str| {
            let shell = |finding: &&Finding| finding.rule.id == "python/subprocess-shell";
            let mended: Vec<&Finding> = before.findings.iter().filter(shell).collect();
            judge(before, &scan(after), &mended)
        };
        let before = scan("import subprocess\nsubprocess.run('/bin/ls', shell=True)");
        let after = "import subprocess\nsubprocess.run(['/bin/ls'])";
        // A command is a command, with a shell or without.
        assert_eq!(mended(&before, after), Ok(()));
        let twice = mended(&before, &format!("{after}\nsubprocess.run(['/bin/ls'])")).unwrap_err();
        assert!(twice.contains("python/subprocess-fixed"), "{twice}");
        let unknown = mended(&before, "import subprocess\nsubprocess.run([x])").unwrap_err();
        assert!(unknown.contains("python/subprocess-input"), "{unknown}");
    }

    #[test]
    fn other_files_must_parse_too() {
        let rescan = |text: &str| PythonRescan(&Audit::default()).scan("pyproject.toml", text.as_bytes());
        assert!(rescan("a = 1").broken.is_none() && rescan("a = ").broken.is_some());
    }
}
