//! Remedies for what is wrong with a project's packaging.

use super::{Change, Class, Remedy, source::Source};
use crate::{
    finding::Finding,
    imports::{DEAD_PYTEST, Files, NO_INIT, NO_MANIFEST, NewFile},
};

/// What remedies for packaging are made from.
pub struct Packaging<'a> {
    /// Where files are read from.
    pub files: &'a dyn Files,
    /// The project's folder, which places are relative to.
    pub project: &'a str,
    /// The `pyproject.toml` that the project lacks: see [`crate::imports::missing_manifest`].
    pub manifest: Option<&'a NewFile>,
}

// === impl Packaging ===

impl Packaging<'_> {
    /// One remedy for each finding about packaging, in their order.
    #[must_use]
    pub fn remedies(&self, findings: &[Finding]) -> Vec<Remedy> {
        findings.iter().map(|finding| self.remedy(finding)).collect()
    }

    fn remedy(&self, finding: &Finding) -> Remedy {
        let proposal = || Remedy::proposal(finding, finding.rule.advice, "nothing mechanical is right here");
        let file = &finding.place.file;
        if finding.rule == &DEAD_PYTEST {
            return self.pytest(finding).unwrap_or_else(proposal);
        }
        if finding.rule == &NO_INIT {
            let change = Change::Create { file: format!("{file}/__init__.py"), text: Vec::new() };
            let why = "tools that find packages find this one then, and test runners name its modules anew";
            return remedy(finding, "writes an empty `__init__.py`", why, change);
        }
        if finding.rule == &NO_MANIFEST
            && let Some(manifest) = self.manifest
        {
            let change = Change::Create { file: file.clone(), text: manifest.text.clone().into_bytes() };
            let what = format!("writes `pyproject.toml` ({})", manifest.reason);
            return remedy(finding, &what, "tools that build the project follow it then", change);
        }
        proposal()
    }

    /// The section gets the name that is read in its file, unless a section has that name already.
    fn pytest(&self, finding: &Finding) -> Option<Remedy> {
        let file = finding.place.file.as_str();
        let (wrong, right) = match (file.rsplit('/').next()?, finding.subject.as_str()) {
            ("pytest.ini" | ".pytest.ini" | "tox.ini", "tool:pytest") => ("[tool:pytest]", "[pytest]"),
            ("setup.cfg", "pytest") => ("[pytest]", "[tool:pytest]"),
            _ => return None,
        };
        let path = if self.project.is_empty() { file.to_owned() } else { format!("{}/{file}", self.project) };
        let bytes = self.files.read(&path).ok()?;
        let source = Source::read(file, &bytes).ok()?;
        let line = finding.place.span?.line as usize;
        let mut at = 0;
        let (mut header, mut taken) = (None, false);
        for (number, text) in source.text.split_inclusive('\n').enumerate() {
            let name = text.trim_end();
            if number + 1 == line && name.starts_with(wrong) {
                header = Some(at..at + wrong.len());
            }
            taken |= name.starts_with(right);
            at += text.len();
        }
        let change = source.change(header.filter(|_| !taken)?, right)?;
        let what = format!("`{right}` in place of `{wrong}`: the settings are read");
        Some(remedy(finding, &what, "settings that did nothing take effect", change))
    }
}

/// Whatever changes packaging may change what tests find and tools build.
fn remedy(finding: &Finding, what: &str, why: &str, change: Change) -> Remedy {
    Remedy {
        finding: finding.clone(),
        class: Class::B,
        what: what.to_owned(),
        why: why.to_owned(),
        changes: vec![change],
    }
}
