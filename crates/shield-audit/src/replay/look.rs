//! One file, as the search and our rules see it.

use std::sync::LazyLock;

use super::{Accusation, Pattern, Seen, reading};
use crate::{
    finding::{Confidence, Cwe, Finding, Rule, Severity},
    python::{
        Audit, Parse, Suppressed,
        rules::{Call, Check, Class, Hit, Scene, Test, Words},
    },
    tree::{Reason, decode},
};

/// What the search and our rules say about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Its path, as it was given.
    pub path: String,
    /// The patterns that match, in their order.
    pub matches: Vec<Match>,
    /// What our rules find and none of the matches is about: the search missed it.
    pub missed: Vec<(Accusation, Finding)>,
    /// Whether the search could read it: it is UTF-8.
    pub searched: bool,
    /// Why a part of it was not looked at by our rules.
    pub unread: Option<Reason>,
}

/// A pattern that matches in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Of which accusation.
    pub accusation: Accusation,
    /// As it is written in the original.
    pub pattern: &'static str,
    /// The strongest match.
    pub seen: Seen,
    /// What our rules find there, in the order of the lines.
    pub findings: Vec<Finding>,
    /// What they would find, if a comment did not take it back.
    pub taken_back: Option<Suppressed>,
    /// A use that says itself that nothing depends on it.
    pub harmless: Option<Finding>,
}

/// A weak hash of which the code says that it is not used for security: no finding, but the reason for none.
static HARMLESS: Check = Check {
    rule: Rule {
        id: "python/hash-not-for-security",
        title: "a weak hash that nothing depends on",
        cwe: Cwe(328),
        severity: Severity::Info,
        aliases: &[],
        advice: "Nothing: the code says that it is not used for security.",
    },
    confidence: Confidence::High,
    class: Class::Cryptography,
    words: Words::Names(&["usedforsecurity"]),
    test: Test::Call(harmless_hash),
};

static AUDIT: LazyLock<Audit> = LazyLock::new(|| Audit::new(Accusation::checks().chain([&HARMLESS])));

fn harmless_hash(scene: &Scene<'_>, call: &Call<'_>) -> Option<Hit> {
    let claimed = scene.is_bool(&call.keyword("usedforsecurity")?.value, false);
    let subject = match call.name {
        "hashlib.new" => format!("hashlib.{}", scene.text(call.argument("name", 0)?)?.to_ascii_lowercase()),
        name => name.strip_prefix("hashlib.").map(|_| name.to_owned())?,
    };
    claimed.then(|| {
        let mut hit = call.hit("`usedforsecurity=False`");
        hit.subject = subject;
        hit
    })
}

// === impl Look ===

impl Look {
    /// Looks at the bytes of a file.
    ///
    /// # Errors
    /// A file that cannot be decoded.
    pub fn at(path: &str, bytes: &[u8]) -> Result<Self, Reason> {
        let text = decode(bytes)?;
        let mut look = Self::text(path, &text.characters);
        look.searched = std::str::from_utf8(bytes).is_ok();
        Ok(look)
    }

    /// Looks at a text.
    #[must_use]
    pub fn text(path: &str, text: &str) -> Self {
        let all: Vec<(Accusation, &Pattern)> = Accusation::ALL
            .into_iter()
            .flat_map(|accusation| accusation.patterns().iter().map(move |pattern| (accusation, pattern)))
            .filter(|(_, pattern)| pattern.matches(text))
            .collect();
        let patterns: Vec<&Pattern> = all.iter().map(|(_, pattern)| *pattern).collect();
        let seen = reading::read(path, text, &patterns);
        let mut look = Self { path: path.to_owned(), searched: true, ..Self::default() };
        for ((accusation, pattern), seen) in all.into_iter().zip(seen) {
            look.matches.extend(seen.map(|seen| Match::of(accusation, pattern, seen)));
        }
        if path.ends_with(".py") {
            look.rules(text);
        }
        look
    }

    /// What our rules say.
    fn rules(&mut self, text: &str) {
        let report = AUDIT.text(&self.path, text, Parse::WhereWordsOccur);
        self.unread = report.skipped.into_iter().next().map(|skipped| skipped.reason);
        for finding in report.findings {
            if finding.rule.id == HARMLESS.rule.id {
                self.about(&finding).for_each(|one| one.harmless = Some(finding.clone()));
                continue;
            }
            let mut known = false;
            self.about(&finding).for_each(|one| {
                known = true;
                one.findings.push(finding.clone());
            });
            if !known {
                let accusation =
                    Accusation::ALL.into_iter().find(|accusation| accusation.means(finding.rule));
                self.missed.extend(accusation.map(|accusation| (accusation, finding)));
            }
        }
        for suppressed in report.suppressed {
            self.about(&suppressed.finding).for_each(|one| one.taken_back = Some(suppressed.clone()));
        }
    }

    /// The matches that mean what a finding is about.
    fn about(&mut self, finding: &Finding) -> impl Iterator<Item = &mut Match> {
        let subject = finding.subject.to_lowercase();
        let harmless = finding.rule.id == HARMLESS.rule.id;
        let rule = finding.rule;
        self.matches.iter_mut().filter(move |one| {
            let meant =
                one.accusation.means(rule) || harmless && one.accusation == Accusation::WeakCryptography;
            let patterns = one.accusation.patterns().iter();
            let mut same = patterns.filter(|pattern| pattern.written == one.pattern);
            meant && same.any(|pattern| subject.contains(pattern.subject))
        })
    }
}

// === impl Match ===

impl Match {
    const fn of(accusation: Accusation, pattern: &'static Pattern, seen: Seen) -> Self {
        let pattern = pattern.written;
        Self { accusation, pattern, seen, findings: Vec::new(), taken_back: None, harmless: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matched(text: &str) -> Vec<(&'static str, bool, bool, bool)> {
        let look = Look::text("a.py", text);
        let of = |one: &Match| {
            (one.pattern, !one.findings.is_empty(), one.taken_back.is_some(), one.harmless.is_some())
        };
        look.matches.iter().map(of).collect()
    }

    #[test]
    fn findings_belong_to_their_pattern() {
        let text = "import hashlib\ndescription = hashlib.md5(x)\n";
        assert_eq!(matched(text), [("MD5", true, false, false), ("DES", false, false, false)]);
        assert_eq!(matched("model.eval()"), [(r"eval\(", false, false, false)]);
        assert_eq!(
            matched("eval(x)  # noqa\nimport os as o, subprocess\no.system"),
            [(r"eval\(", false, true, false)]
        );
        assert_eq!(
            matched("import subprocess\nsubprocess.call(x, shell=True)"),
            [(r"subprocess\.call.*shell=True", true, false, false)]
        );
    }

    #[test]
    fn harmless_hashes_say_so() {
        let text = "import hashlib\nhashlib.new('sha1', x, usedforsecurity=False)\n# md5\n";
        assert_eq!(matched(text), [("MD5", false, false, false), ("SHA1", false, false, true)]);
        let open = "import hashlib\nhashlib.sha1(x, usedforsecurity=y)\n";
        assert_eq!(matched(open), [("SHA1", true, false, false)]);
    }

    #[test]
    fn what_the_search_missed_is_kept() {
        let look = Look::text("a.py", "from os import popen\npopen(x)\nretrieval(1)");
        assert_eq!(look.matches.len(), 1);
        assert!(
            matches!(look.missed.as_slice(), [(Accusation::DangerousExecution, finding)] if finding.place.span.is_some())
        );
    }

    #[test]
    fn other_encodings_are_read_though_the_search_did_not() {
        let look = Look::at("a.py", b"# coding: latin-1\n# MD5 \xe9\n").unwrap();
        assert_eq!((look.searched, look.matches.len()), (false, 1));
        assert!(Look::at("a.py", b"\xff").is_err());
    }

    proptest! {
        #[test]
        fn every_match_has_one_reading(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "md5", "DES", "no", "_", "eval(", "os.system", "'", "\"\"\"", "# ", "\n", " ", "ü", "\u{17f}", "f'{", "}", "(", "\\",
                    "import hashlib\n", "hashlib.md5(x)", "exec(x)  # nosec", "subprocess.call(x, shell=True)", "\r",
                ]),
                0..30,
            ),
        ) {
            let text = pieces.concat();
            let look = Look::text("a.py", &text);
            let matching = Accusation::ALL.iter().flat_map(|accusation| accusation.patterns());
            let matching: Vec<_> =
                matching.filter(|pattern| pattern.matches(&text)).map(|pattern| pattern.written).collect();
            let looked: Vec<_> = look.matches.iter().map(|one| one.pattern).collect();
            prop_assert_eq!(looked, matching);
        }
    }
}
