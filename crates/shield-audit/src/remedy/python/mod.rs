//! Remedies for findings in Python.
//!
//! The file is parsed again, each finding is found in it by its place, and a fixer for its rule writes the changes: edits of single
//! tokens that leave the rest of the file as it is. Where nothing mechanical is right, the remedy is a proposal that says what to do.

mod arguments;
mod calls;
mod cookies;
mod guards;
mod hashes;
mod modules;
mod places;
mod purpose;
mod random;
mod shell;
mod site;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeSet;

pub(super) use self::modules::Entrances;
use self::site::{Mend, Site};
use super::{Class, Remedy, source::Source};
use crate::{
    finding::Finding,
    imports::PythonVersion,
    python::{Kind, Module},
};

/// What is known of a project beyond one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// The oldest version of Python that it says, or was found, to run on; see [`super::python_minimum`].
    pub python_minimum: Option<PythonVersion>,
    /// The distributions that are installed, by normalised name.
    pub installed: BTreeSet<String>,
    /// The last names of its own modules: an import of one of them by that name alone may find it in place of the library's.
    pub modules: BTreeSet<String>,
}

/// How a finding at a call is mended; `None` if nothing mechanical is right.
type Fixer = fn(&Site<'_>) -> Option<Mend>;

/// The fixer of a rule.
fn fixer(finding: &Finding) -> Option<Fixer> {
    Some(match finding.rule.id {
        "python/weak-hash" => hashes::weak_hash,
        "python/yaml-load" => calls::yaml_load,
        "python/no-certificate-check" => calls::certificate_check,
        "python/no-timeout" => calls::timeout,
        "python/flask-debug" => calls::debug,
        "python/eval" => calls::eval,
        "python/tar-extract" => calls::tar_extract,
        "python/subprocess-shell" => shell::subprocess_shell,
        "python/weak-random" | "python/weak-random-sample" => random::weak_random,
        id if id.starts_with("python/xml-") && !id.ends_with("-import") => xml::parser,
        // Sensitive cookie without `Secure`, without `HttpOnly`, with a loose `SameSite`.
        _ if matches!(finding.rule.cwe.0, 614 | 1004 | 1275) => cookies::attributes,
        _ => return None,
    })
}

/// What remains a person's decision although an edit could be written.
fn advised(finding: &Finding) -> Option<&'static str> {
    Some(match finding.rule.id {
        "python/bind-all" => "where it listens is a matter of deployment",
        "python/mktemp" => "the callers must take the open file, not its name",
        "python/assert" => "whether it checks input or only documents is not in the text",
        _ => return None,
    })
}

/// One remedy for each finding of a file, in their order. The findings are those of these bytes.
#[must_use]
pub fn for_python(file: &str, bytes: &[u8], findings: &[Finding], project: &Project) -> Vec<Remedy> {
    let refused = |why: String| -> Vec<Remedy> {
        findings.iter().map(|finding| Remedy::proposal(finding, finding.rule.advice, why.clone())).collect()
    };
    if Kind::of(file) == Kind::Cells {
        return refused("cells of a notebook are mended where they are run".to_owned());
    }
    let source = match Source::read(file, bytes) {
        Ok(source) => source,
        Err(reason) => return refused(reason.to_string()),
    };
    let mended = Module::with(&source.text, Kind::of(file), |module| match &module.error {
        Some(reason) => Err(reason.to_string()),
        None => Ok(site::mend(module, findings, project, source.line_end())),
    });
    match mended {
        Ok(Ok(mends)) => {
            findings.iter().zip(mends).map(|(finding, mend)| remedy(&source, finding, mend)).collect()
        }
        Ok(Err(reason)) => refused(reason),
        Err(reason) => refused(reason.to_string()),
    }
}

fn remedy(source: &Source<'_>, finding: &Finding, mend: Option<Mend>) -> Remedy {
    let proposal = |why: &str| Remedy::proposal(finding, finding.rule.advice, why);
    let Some(Mend { class, what, why, edits }) = mend else {
        return proposal(advised(finding).unwrap_or("nothing mechanical is right here"));
    };
    let changes: Option<Vec<_>> =
        edits.into_iter().map(|(range, text)| source.change(range, &text)).collect();
    match changes {
        Some(changes) => Remedy { finding: finding.clone(), class, what, why, changes },
        None => proposal("what would be written does not fit the file's encoding"),
    }
}

// === impl Mend ===

impl Mend {
    /// A change after which whatever worked works as before.
    fn preserving(what: impl Into<String>, why: impl Into<String>, edits: site::Edits) -> Self {
        Self { class: Class::A, what: what.into(), why: why.into(), edits }
    }

    /// A change that the tests must judge.
    fn changing(what: impl Into<String>, why: impl Into<String>, edits: site::Edits) -> Self {
        Self { class: Class::B, what: what.into(), why: why.into(), edits }
    }

    /// A change that a person must judge.
    fn proposed(what: impl Into<String>, why: impl Into<String>, edits: site::Edits) -> Self {
        Self { class: Class::C, what: what.into(), why: why.into(), edits }
    }
}
