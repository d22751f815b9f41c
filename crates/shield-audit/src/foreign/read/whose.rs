//! Whose output a file is, by what only that tool writes.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Deserializer, Value};

use super::{Form, ReadOutputError, sarif, table::leads};
use crate::foreign::{Output, Tool};

/// An output that somebody else made.
#[derive(Debug)]
pub(in crate::foreign) struct Read {
    /// Who made it: a tool, or those that a SARIF document names.
    pub(in crate::foreign) whose: Vec<String>,
    /// What it says.
    pub(in crate::foreign) output: Output,
}

/// Paths that all lead to something in the output of a tool, and not in that of any other: in the document, or in the array of its
/// lines.
const SIGNS: [(&str, &[&str]); 21] = [
    ("bandit", &["metrics", "results"]),
    ("detect-secrets", &["plugins_used", "results"]),
    ("semgrep", &["errors", "paths", "results"]),
    ("osv-scanner", &["results/0/packages"]),
    ("osv-scanner", &["results", "experimental_config"]),
    ("trivy", &["SchemaVersion"]),
    ("cargo-audit", &["lockfile", "vulnerabilities"]),
    ("pip-audit", &["dependencies"]),
    ("safety", &["report_meta", "vulnerabilities"]),
    ("safety", &["scanned_packages", "vulnerabilities"]),
    ("snyk", &["packageManager", "vulnerabilities"]),
    ("snyk", &["0/packageManager", "0/vulnerabilities"]),
    ("snyk", &["0/ok", "0/path"]),
    ("ruff", &["0/filename", "0/location/row"]),
    ("gitleaks", &["0/RuleID"]),
    ("trufflehog", &["0/DetectorName"]),
    ("mypy", &["0/file", "0/line", "0/severity"]),
    ("clippy", &["0/reason"]),
    ("cargo-deny", &["0/type", "0/fields"]),
    ("radon", &["*/0/rank"]),
    ("radon", &["*/error"]),
];

/// Reads an output: of `tool`, or of whose it looks like. Paths below `root` become relative to it.
pub(in crate::foreign) fn read(
    bytes: &[u8],
    tool: Option<&'static Tool>,
    root: &Path,
) -> Result<Read, ReadOutputError> {
    // Some shells write one in front of everything.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let values: Result<Vec<Value>, _> = Deserializer::from_slice(bytes).into_iter().collect();
    let values = values.unwrap_or_else(|_| within(bytes).into_iter().collect());
    if let [document] = values.as_slice()
        && sarif::is(document)
    {
        // One tool may have several runs.
        let whose: BTreeSet<String> = sarif::whose(document).into_iter().collect();
        return Ok(Read { whose: whose.into_iter().collect(), output: sarif::read(document, root)? });
    }
    let tool = tool.or_else(|| recognised(values)).ok_or(ReadOutputError::Whose)?;
    Ok(Read { whose: vec![tool.name.to_owned()], output: tool.read(bytes, root)? })
}

/// The first document in a text that has lines of words before and behind it.
fn within(bytes: &[u8]) -> Option<Value> {
    let start = bytes.iter().position(|byte| matches!(byte, b'{' | b'['))?;
    Deserializer::from_slice(&bytes[start..]).into_iter().next()?.ok()
}

fn recognised(values: Vec<Value>) -> Option<&'static Tool> {
    let first = (values.len() == 1).then(|| values[0].clone());
    let lines = Value::Array(values);
    let whose = SIGNS.iter().find(|(name, paths)| {
        let in_lines = Tool::named(name).is_some_and(|tool| matches!(tool.form, Form::JsonLines(_)));
        let document = if in_lines { Some(&lines) } else { first.as_ref() };
        document.is_some_and(|document| paths.iter().all(|path| leads(document, path)))
    });
    whose.and_then(|(name, _)| Tool::named(name))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::ALL, *};

    #[test]
    fn outputs_are_recognised() {
        for (name, text) in ALL {
            let read = read(text.as_bytes(), None, Path::new("/work/app"));
            match Tool::named(name).unwrap().form {
                Form::Lines(_) => assert!(matches!(read, Err(ReadOutputError::Whose)), "{name}"),
                _ => assert_eq!(read.unwrap().whose, [name], "{name}"),
            }
        }
    }

    #[test]
    fn named_tools_are_believed() {
        let text = "\u{feff}a.py:1:2: E501 line too long\n";
        let flake8 = read(text.as_bytes(), Tool::named("flake8"), Path::new("/")).unwrap();
        assert_eq!((flake8.whose, flake8.output.observations.len()), (vec!["flake8".to_owned()], 1));
        let sarif =
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}}, "results": []}]}"#;
        assert_eq!(read(sarif.as_bytes(), Tool::named("ruff"), Path::new("/")).unwrap().whose, ["codeql"]);
        for nothing in ["", "[]", "{}", "boo"] {
            assert!(matches!(read(nothing.as_bytes(), None, Path::new("/")), Err(ReadOutputError::Whose)));
        }
        assert!(read(b"[]", Tool::named("ruff"), Path::new("/")).is_ok());
    }
}
