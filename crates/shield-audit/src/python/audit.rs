//! Running the rules over files.

use rustc_hash::FxHashMap;

use super::{
    Kind, Module, Suppressed,
    prefilter::{Active, Parse, Prefilter},
    rules::{self, Check, Test},
    scan,
    suppress::Comments,
};
use crate::{
    custom::{Bans, Look, Rules},
    finding::{Finding, Fingerprint, Place, Wording, number_alike},
    tree::{Entry, Origin, Reason, Skipped, decode},
};

/// Rules, ready to look at files.
#[derive(Debug)]
pub struct Audit {
    pub(super) checks: Vec<&'static Check>,
    /// Which rules look at calls of a name.
    pub(super) by_name: FxHashMap<&'static str, Vec<usize>>,
    prefilter: Prefilter,
    /// What rule files do not want in the project's own code.
    bans: Bans,
}

/// What rules say about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// What was found, in the order of the places.
    pub findings: Vec<Finding>,
    /// What was found but a comment takes back.
    pub suppressed: Vec<Suppressed>,
    /// Why the file, or a part of it, was not looked at.
    pub skipped: Vec<Skipped>,
}

/// Whether a file may hold Python: by its ending, or a script that only its first line names.
#[must_use]
pub fn is_candidate(entry: &Entry) -> bool {
    match ending(&entry.path) {
        Some(ending) => matches!(ending, "py" | "pyi" | "pyw"),
        // Installed packages keep scripts in `bin` and their notices everywhere.
        None => entry.origin == Origin::Project || entry.path.rsplit('/').nth(1) == Some("bin"),
    }
}

/// What follows the last dot of a file's name.
fn ending(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, ending)| ending)
}

/// Whether a file without an ending is a Python script.
fn is_script(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && memchr::memmem::find(line, b"python").is_some()
}

// === impl Audit ===

impl Default for Audit {
    fn default() -> Self {
        Self::new(rules::all())
    }
}

impl Audit {
    /// An audit with some of the rules of [`rules::all`].
    #[must_use]
    pub fn new(checks: impl IntoIterator<Item = &'static Check>) -> Self {
        let checks: Vec<_> = checks.into_iter().collect();
        let mut by_name: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for (index, check) in checks.iter().enumerate() {
            if let Test::Names(names) = check.test {
                names.iter().for_each(|name| by_name.entry(*name).or_default().push(index));
            }
        }
        let prefilter = Prefilter::of(&checks);
        Self { checks, by_name, prefilter, bans: Bans::default() }
    }

    /// The same, with what rule files do not want in the project's own code.
    #[must_use]
    pub fn with(self, rules: &Rules) -> Self {
        self.banning(rules.bans().clone())
    }

    pub(crate) fn banning(self, bans: Bans) -> Self {
        Self { bans, ..self }
    }

    /// Looks at a file as it lies on disk. The project's own files are always parsed, those of dependencies where a rule can
    /// find something.
    #[must_use]
    pub fn file(&self, entry: &Entry, bytes: &[u8]) -> FileReport {
        if ending(&entry.path).is_none() && !is_script(bytes) {
            return FileReport::default();
        }
        match entry.origin {
            Origin::Project => match decode(bytes) {
                Ok(text) => self.own_text(&entry.path, &text.characters),
                Err(reason) => FileReport::skipping(&entry.path, reason),
            },
            Origin::Dependency => self.bytes(&entry.path, bytes, Parse::WhereWordsOccur),
        }
    }

    /// Looks at a text of the project's own.
    pub(crate) fn own_text(&self, path: &str, text: &str) -> FileReport {
        let bans = self.bans.looking_at(path, text);
        self.parsed(path, text, self.prefilter.active(text.as_bytes()), bans)
    }

    /// Looks at the bytes of a file.
    #[must_use]
    pub fn bytes(&self, path: &str, bytes: &[u8], parse: Parse) -> FileReport {
        match decode(bytes) {
            Ok(text) => self.text(path, &text.characters, parse),
            Err(reason) => FileReport::skipping(path, reason),
        }
    }

    /// Looks at a text.
    #[must_use]
    pub fn text(&self, path: &str, text: &str, parse: Parse) -> FileReport {
        let active = self.prefilter.active(text.as_bytes());
        if active.is_empty() && parse == Parse::WhereWordsOccur {
            return FileReport::default();
        }
        self.parsed(path, text, active, None)
    }

    /// Looks at a text with every rule, whatever words it holds: what [`Self::text`] must agree with.
    #[must_use]
    pub fn text_unfiltered(&self, path: &str, text: &str) -> FileReport {
        self.parsed(path, text, Active::ALL, None)
    }

    fn parsed(&self, path: &str, text: &str, active: Active, bans: Option<Look<'_>>) -> FileReport {
        let report = Module::with(text, Kind::of(path), |module| self.module(path, module, active, bans));
        report.unwrap_or_else(|reason| FileReport::skipping(path, reason))
    }

    /// Looks at a parsed file.
    fn module(&self, path: &str, module: &Module<'_>, active: Active, bans: Option<Look<'_>>) -> FileReport {
        let mut report = FileReport::default();
        let comments = Comments::of(module);
        let mut found = scan::scan(self, module, active, bans);
        // Whatever order the walk met them in: by place, then by rule.
        found.sort_by(|left, right| {
            let key = |found: &scan::Found| (found.hit.range.start(), found.hit.range.end(), found.rule.id);
            key(left).cmp(&key(right))
        });
        found.dedup_by(|later, earlier| {
            later.hit.range == earlier.hit.range && later.rule.id == earlier.rule.id
        });
        let mut taken_back = Vec::new();
        let mut findings = Vec::with_capacity(found.len());
        for one in found {
            taken_back.push(comments.taking_back(module, one.hit.range, one.rule));
            findings.push(finding(path, module, one));
        }
        number_alike(&mut findings);
        for (finding, comment) in findings.into_iter().zip(taken_back) {
            match comment {
                None => report.findings.push(finding),
                Some(comment) => report.suppressed.push(Suppressed { finding, comment }),
            }
        }
        report.skipped.extend(module.error.clone().map(|reason| Skipped { path: path.to_owned(), reason }));
        report
    }
}

fn finding(path: &str, module: &Module<'_>, found: scan::Found) -> Finding {
    let scan::Found { rule, confidence, hit, context } = found;
    let text = module.text.get(hit.range.to_std_range()).unwrap_or_default();
    Finding {
        rule,
        severity: hit.severity.unwrap_or(rule.severity),
        confidence,
        place: Place { file: path.to_owned(), span: Some(module.lines.span(hit.range)) },
        context,
        subject: hit.subject,
        message: hit.message,
        steps: Vec::new(),
        wording: Wording::of(rule, text),
        fingerprint: Fingerprint::UNSET,
    }
}

// === impl FileReport ===

impl FileReport {
    fn skipping(path: &str, reason: Reason) -> Self {
        Self { skipped: vec![Skipped { path: path.to_owned(), reason }], ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let report = Audit::default().text("a.py", text, Parse::Always);
        let say = |finding: &Finding| {
            let span = finding.place.span.unwrap();
            format!(
                "{} {}:{} {} {}",
                finding.rule.id, span.line, span.column, finding.context, finding.subject
            )
        };
        report.findings.iter().map(say).collect()
    }

    #[test]
    fn findings_say_where_and_what() {
        let text = "import hashlib as h\nclass Cache:\n    def key(self, x):\n        return h.md5(x)\n";
        assert_eq!(said(text), ["python/weak-hash 4:16 Cache.key hashlib.md5"]);
    }

    #[test]
    fn harmless_uses_are_left_alone() {
        for text in [
            "import hashlib\nhashlib.md5(x, usedforsecurity=False)",
            "import hashlib\nSAFE = False\nhashlib.new('md5', x, usedforsecurity=SAFE)",
            "import hashlib\nhashlib.new('sha256')",
            "def eval(x): pass\neval(x)",
            "model.eval()",
            "description = 'DES, MD5 and eval( os.system'",
            "import ssl\nssl.create_default_context()",
            "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        ] {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn disguised_uses_are_found() {
        for (text, rule) in [
            ("from hashlib import md5 as m\nm(x)", "python/weak-hash"),
            ("import hashlib\nA = 'MD5'\nhashlib.new(A)", "python/weak-hash"),
            ("import hashlib\ngetattr(hashlib, 'md5')(x)", "python/weak-hash"),
            ("import builtins\nrun = builtins.eval\nrun(x)", "python/eval"),
            ("\u{ff45}val(x)", "python/eval"),
            ("import importlib\nimportlib.import_module('o' + 's').system(x)", "python/os-shell"),
            ("from subprocess import run as r\nON = True\nr(x, shell=ON)", "python/subprocess-shell"),
        ] {
            assert!(said(text).iter().any(|one| one.starts_with(rule)), "{text}");
        }
    }

    #[test]
    fn filtered_is_unfiltered() {
        let audit = Audit::default();
        for text in [
            "x = '0.0' '.0.0'",
            "x = '0.0.\\x30.0'",
            "import hashlib\nhashlib.md5(x)",
            "x = f'/t' 'mp/x'",
            "from os import *\nsystem(x)",
            "__import__('sub' + 'process').run(x)",
            "\u{1d41e}xec(x)",
            "x = 'sel' 'ect a from b where c = %s' % x",
        ] {
            let unfiltered = audit.text_unfiltered("a.py", text);
            assert_eq!(audit.text("a.py", text, Parse::WhereWordsOccur), unfiltered, "{text}");
        }
    }

    #[test]
    fn broken_files_are_named_and_read_on() {
        let report = Audit::default().bytes("a.py", b"eval(x)\nif:\nexec(y)\n", Parse::Always);
        assert_eq!((report.findings.len(), report.skipped.len()), (2, 1));
        let report = Audit::default().bytes("a.py", b"eval(x) # \xff", Parse::Always);
        assert_eq!(
            (report.findings.len(), report.skipped[0].to_string()),
            (0, "a.py: not UTF-8 at byte 10".to_owned())
        );
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let mut ids: Vec<_> = rules::all().map(|check| check.rule.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(
            rules::all().all(|check| !check.rule.aliases.is_empty() && check.rule.id.starts_with("python/"))
        );
    }
}
