//! Every entry of a report gets its verdict.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Accusation, Claim, Judged, JudgedClaim, Look, Match, Missed, Reading, Replay, Report, Standing, Status,
    Survey, Verdict, survey,
};
use crate::finding::Finding;

/// A verdict with its reason.
struct Ruling {
    verdict: Verdict,
    pattern: Option<&'static str>,
    reason: String,
    findings: Vec<Finding>,
}

/// What the entries of a path are about: its place in the survey, and the rulings that are left for them.
struct Docket {
    file: Option<String>,
    rulings: VecDeque<Ruling>,
    /// For entries beyond those.
    rest: Ruling,
}

/// Who knows how near a file is to what runs.
type Near<'a> = &'a dyn Fn(&str) -> Standing;

/// Judges every entry of a report by the files of a survey. `near` says of a file's whole path how near it is to what runs; it
/// is asked only of installed files in which something is real.
#[must_use]
pub fn judge(report: &Report, survey: &Survey, near: Near<'_>) -> Replay {
    Replay { claims: report.claims.iter().map(|claim| judge_claim(claim, survey, near)).collect() }
}

fn judge_claim(claim: &Claim, survey: &Survey, near: Near<'_>) -> JudgedClaim {
    let against = claim.status == Status::NonCompliant;
    let accusation =
        Accusation::ALL.into_iter().find(|accusation| against && accusation.rule_id() == claim.rule_id);
    let mut dockets: BTreeMap<&str, Docket> = BTreeMap::new();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &claim.evidence {
        *count.entry(entry).or_default() += 1;
    }
    let entries = claim.evidence.iter().map(|entry| {
        let Some(accusation) = accusation else { return without_rule(claim, entry) };
        let docket = dockets
            .entry(entry)
            .or_insert_with(|| Docket::open(entry, count[entry.as_str()], accusation, survey, near));
        docket.next(entry)
    });
    let entries = entries.collect();
    JudgedClaim {
        rule_id: claim.rule_id.clone(),
        message: claim.message.clone(),
        status: claim.status,
        accusation,
        claimed: claim.claimed(),
        entries,
        missed: accusation.map(|accusation| missed(accusation, survey, near)).unwrap_or_default(),
    }
}

fn without_rule(claim: &Claim, entry: &str) -> Judged {
    let (verdict, reason) = match claim.status {
        Status::NonCompliant | Status::Partial => (Verdict::NoRule, "no rule here is about this claim"),
        _ => (Verdict::NoAccusation, "the claim speaks for the project and accuses no file"),
    };
    Docket { file: None, rulings: VecDeque::new(), rest: Ruling::of(verdict, reason.to_owned()) }.next(entry)
}

/// Everything real that no pattern of the search matches, in the order of the files.
fn missed(accusation: Accusation, survey: &Survey, near: Near<'_>) -> Vec<Missed> {
    let project = survey.project.values().map(|place| (place, true));
    let installed = survey.installed.values().map(|place| (place, false));
    let mut missed = Vec::new();
    for (place, own) in project.chain(installed) {
        let looks = place.look.iter().flat_map(|look| &look.missed);
        for (_, finding) in looks.filter(|(of, _)| *of == accusation) {
            let standing = if own { Standing::Own } else { near(&place.path) };
            let verdict = rule_on(&standing).0;
            missed.push(Missed { finding: finding.clone(), verdict, file: place.path.clone() });
        }
    }
    missed
}

/// The verdict on something real, and where it is.
fn rule_on(standing: &Standing) -> (Verdict, String) {
    match standing {
        Standing::Own => (Verdict::Own, "in the project's own code".to_owned()),
        Standing::Reached { chain } => (Verdict::Reached, format!("loaded by {chain}")),
        Standing::Unreached => (Verdict::Unreached, "in a file that the application never loads".to_owned()),
        Standing::NeverImported { distribution } => {
            (Verdict::NeverImported, format!("in `{distribution}`, which the application never imports"))
        }
    }
}

// === impl Docket ===

impl Docket {
    /// Looks a path up. `entries` is how often the report has it.
    fn open(entry: &str, entries: usize, accusation: Accusation, survey: &Survey, near: Near<'_>) -> Self {
        let path = entry.replace('\\', "/");
        let (place, moved) = match survey::below_site(&path) {
            Some(below) => (survey.installed.get(below), false),
            None => match survey.project.get(&path) {
                Some(place) => (Some(place), false),
                None => (moved(&path, survey).and_then(|path| survey.project.get(path)), true),
            },
        };
        let Some(place) = place else {
            return Self { file: None, rulings: VecDeque::new(), rest: absent(&path, survey) };
        };
        let file = Some(place.path.clone());
        let look = match &place.look {
            Ok(look) => look,
            Err(reason) => {
                let rest = Ruling::of(Verdict::Unread, format!("the file is {reason}"));
                return Self { file, rulings: VecDeque::new(), rest };
            }
        };
        let own = survey::below_site(&path).is_none();
        let mut rulings = rulings(look, accusation, &|| if own { Standing::Own } else { near(&place.path) });
        if rulings.len() > entries {
            // Which of them the report meant, nobody knows: the worst ones are assumed.
            rulings.sort_by_key(|ruling| std::cmp::Reverse(ruling.verdict));
        }
        if moved {
            let note = format!(" (moved to {})", look.path);
            rulings.iter_mut().for_each(|ruling| ruling.reason.push_str(&note));
        }
        let found = rulings.len();
        let changed = format!(
            "{entries} of the expressions matched here then, {found} today: the file has changed since"
        );
        Self { file, rulings: rulings.into(), rest: Ruling::of(Verdict::Changed, changed) }
    }

    /// The next entry of the path.
    fn next(&mut self, entry: &str) -> Judged {
        let ruling = self.rulings.pop_front();
        let Ruling { verdict, pattern, reason, findings } =
            ruling.unwrap_or_else(|| Ruling::of(self.rest.verdict, self.rest.reason.clone()));
        Judged { entry: entry.to_owned(), verdict, pattern, reason, file: self.file.clone(), findings }
    }
}

/// Why an installed file or one of the project's is not there.
fn absent(path: &str, survey: &Survey) -> Ruling {
    let Some(below) = survey::below_site(path) else {
        return Ruling::of(Verdict::Gone, "the project has no such file any more".to_owned());
    };
    let package = below.split('/').next().unwrap_or(below);
    if survey.packages.contains(package) {
        return Ruling::of(Verdict::Gone, format!("`{package}` is installed and has no such file any more"));
    }
    Ruling::of(Verdict::NotInstalled, format!("`{package}` is not installed"))
}

/// Where a file of the project lies today: the one that shares the most of the end of the path, its folder at least.
fn moved<'a>(path: &str, survey: &'a Survey) -> Option<&'a str> {
    let shared = |other: &str| path.rsplit('/').zip(other.rsplit('/')).take_while(|(a, b)| a == b).count();
    let candidates = survey.by_name.get(path.rsplit('/').next()?)?;
    let best = candidates.iter().map(|other| shared(other)).max().filter(|shared| *shared >= 2)?;
    let mut same = candidates.iter().filter(|other| shared(other) == best);
    let (first, second) = (same.next(), same.next());
    first.filter(|_| second.is_none()).map(String::as_str)
}

/// One ruling for each pattern that matches in a file, in the order of the patterns.
fn rulings(look: &Look, accusation: Accusation, near: &dyn Fn() -> Standing) -> Vec<Ruling> {
    let matches = look.matches.iter().filter(|one| one.accusation == accusation);
    matches.map(|one| Ruling { pattern: Some(one.pattern), ..ruling(one, near) }).collect()
}

fn ruling(one: &Match, near: &dyn Fn() -> Standing) -> Ruling {
    let (pattern, seen) = (one.pattern, &one.seen);
    if let Some(finding) = one.findings.first() {
        let (verdict, place) = rule_on(&near());
        let spans = one.findings.iter().filter_map(|finding| finding.place.span);
        let lines: Vec<String> = spans.map(|span| span.line.to_string()).collect();
        let (subject, rule, lines) = (&finding.subject, finding.rule.id, lines.join(", "));
        let reason = format!("`{pattern}`: {subject} in line {lines} ({rule}), {place}");
        let findings = one.findings.clone();
        return Ruling { findings, ..Ruling::of(verdict, reason) };
    }
    if let Some(suppressed) = &one.taken_back {
        let (subject, comment) = (&suppressed.finding.subject, &suppressed.comment);
        return Ruling::of(Verdict::TakenBack, format!("`{pattern}`: {subject}, taken back by `{comment}`"));
    }
    if let Some(harmless) = &one.harmless {
        let (subject, said) = (&harmless.subject, &harmless.message);
        return Ruling::of(Verdict::NotForSecurity, format!("`{pattern}`: {subject} with {said}"));
    }
    let (verdict, what) = match seen.reading {
        Reading::PartOfWord => (Verdict::PartOfWord, "only in longer words such as"),
        Reading::Comment => (Verdict::Comment, "only in comments, as"),
        Reading::Text => (Verdict::Text, "only in texts and comments, as"),
        Reading::Name => (Verdict::Name, "named and not what the claim means, as"),
        Reading::Word => (Verdict::OtherLanguage, "a word of a file that is not Python, as"),
    };
    Ruling::of(verdict, format!("`{pattern}`: {what} `{}` in line {}", seen.word, seen.line))
}

// === impl Ruling ===

impl Ruling {
    const fn of(verdict: Verdict, reason: String) -> Self {
        Self { verdict, pattern: None, reason, findings: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{replay::Root, tree::Reason};

    fn survey(files: &[(&str, &str)]) -> Survey {
        let mut survey = Survey::default();
        for (path, text) in files {
            survey.insert(&Root::Project("p".to_owned()), path, Look::at(path, text.as_bytes()));
        }
        survey
    }

    fn report(accusation: Accusation, evidence: &[&str]) -> Report {
        Report {
            claims: vec![Claim {
                rule_id: accusation.rule_id().to_owned(),
                status: Status::NonCompliant,
                message: format!("found in {} files", evidence.len()),
                evidence: evidence.iter().map(|entry| (*entry).to_owned()).collect(),
            }],
        }
    }

    fn near(path: &str) -> Standing {
        match path {
            path if path.contains("/used/") => Standing::Reached { chain: "app > used".to_owned() },
            path if path.contains("/alone/") => Standing::NeverImported { distribution: "alone".to_owned() },
            _ => Standing::Unreached,
        }
    }

    fn verdicts(evidence: &[&str], files: &[(&str, &str)]) -> Vec<Verdict> {
        let replay = judge(&report(Accusation::WeakCryptography, evidence), &survey(files), &near);
        replay.claims[0].entries.iter().map(|one| one.verdict).collect()
    }

    const MD5: &str = "import hashlib\nhashlib.md5(x)\n";

    #[test]
    fn each_entry_has_its_verdict() {
        let files = [
            ("app.py", MD5),
            ("env/site-packages/used/a.py", MD5),
            ("env/site-packages/used/b.py", "description = 1"),
            ("env/site-packages/used/c.py", "# MD5"),
            ("env/site-packages/used/d.py", "'MD5'"),
            ("env/site-packages/used/e.py", "md5 = 1"),
            ("env/site-packages/used/f.py", "import hashlib\nhashlib.md5(x, usedforsecurity=False)"),
            ("env/site-packages/used/g.py", "import hashlib\nhashlib.md5(x)  # nosec"),
            ("env/site-packages/used/h.js", "md5"),
            ("env/site-packages/alone/a.py", MD5),
            ("env/site-packages/used/i.py", "1"),
            ("env/site-packages/late.py", MD5),
        ];
        let entries = [
            "app.py",
            "env\\site-packages\\used\\a.py",
            "env\\site-packages\\used\\b.py",
            ".venv\\Lib\\site-packages\\used\\c.py",
            "env\\site-packages\\used\\d.py",
            "env\\site-packages\\used\\e.py",
            "env\\site-packages\\used\\f.py",
            "env\\site-packages\\used\\g.py",
            "env\\site-packages\\used\\h.js",
            "env\\site-packages\\alone\\a.py",
            "env\\site-packages\\used\\i.py",
            "env\\site-packages\\late.py",
            "env\\site-packages\\used\\z.py",
            "env\\site-packages\\celery\\a.py",
            "gone.py",
        ];
        assert_eq!(
            verdicts(&entries, &files),
            [
                Verdict::Own,
                Verdict::Reached,
                Verdict::PartOfWord,
                Verdict::Comment,
                Verdict::Text,
                Verdict::Name,
                Verdict::NotForSecurity,
                Verdict::TakenBack,
                Verdict::OtherLanguage,
                Verdict::NeverImported,
                Verdict::Changed,
                Verdict::Unreached,
                Verdict::Gone,
                Verdict::NotInstalled,
                Verdict::Gone,
            ]
        );
    }

    #[test]
    fn repeated_entries_are_patterns() {
        let both = "import hashlib\nhashlib.sha1(x)\n# nodes\n";
        let file = [("app.py", both)];
        assert_eq!(verdicts(&["app.py", "app.py"], &file), [Verdict::Own, Verdict::PartOfWord]);
        // One entry for two matches: the worse one is assumed. Three for two: the file has changed.
        assert_eq!(
            verdicts(&["app.py"], &[("app.py", "# MD5\nimport hashlib\nhashlib.sha1(x)")]),
            [Verdict::Own]
        );
        assert_eq!(verdicts(&["app.py"; 3], &file), [Verdict::Own, Verdict::PartOfWord, Verdict::Changed]);
    }

    #[test]
    fn moved_files_are_followed_if_one_is_meant() {
        let files = [("src/app/auth/jwt.py", MD5), ("src/app/web/jwt.py", MD5), ("x.py", MD5)];
        assert_eq!(
            verdicts(&["src\\auth\\jwt.py", "src\\jwt.py", "src\\x.py"], &files),
            [Verdict::Own, Verdict::Gone, Verdict::Gone]
        );
    }

    #[test]
    fn unread_files_say_so() {
        let mut survey = survey(&[]);
        survey.insert(&Root::Installed("s".to_owned()), "a/b.py", Err(Reason::TooLarge { limit_bytes: 1 }));
        let report = report(Accusation::WeakCryptography, &["env\\site-packages\\a\\b.py"]);
        let replay = judge(&report, &survey, &near);
        assert_eq!(replay.claims[0].entries[0].reason, "the file is larger than 1 bytes");
        assert_eq!(survey.skipped.len(), 1);
    }

    #[test]
    fn sums_are_exact_and_funnel_narrows() {
        let files =
            [("app.py", MD5), ("b.py", "# nodes"), ("c.py", "eval(x)\nfrom os import popen\npopen(y)")];
        let survey = survey(&files);
        let replay = judge(&survey.search(), &survey, &near);
        for claim in &replay.claims {
            let sum: usize = claim.counts().values().map(|count| count.entries).sum();
            let funnel: Vec<usize> = claim.funnel().iter().map(|stage| stage.left.entries).collect();
            assert_eq!((sum, Some(sum)), (claim.entries.len(), claim.claimed));
            assert!(funnel[0] == sum && funnel.is_sorted_by(|before, after| before >= after), "{funnel:?}");
        }
        let [weak, dangerous] = replay.claims.as_slice() else { panic!("{replay:?}") };
        let last = |claim: &JudgedClaim| claim.funnel().last().map(|stage| stage.left.entries);
        assert_eq!((weak.entries.len(), last(weak), last(dangerous)), (2, Some(1), Some(1)));
        assert_eq!((dangerous.missed.len(), dangerous.remaining().len()), (1, 1));
    }

    #[test]
    fn claims_for_the_project_accuse_nobody() {
        let mut report = report(Accusation::WeakCryptography, &["app.py"]);
        report.claims[0].status = Status::Compliant;
        let replay = judge(&report, &survey(&[]), &near);
        assert_eq!(replay.claims[0].entries[0].verdict, Verdict::NoAccusation);
        report.claims[0].status = Status::NonCompliant;
        report.claims[0].rule_id = "X-1".to_owned();
        assert_eq!(judge(&report, &survey(&[]), &near).claims[0].entries[0].verdict, Verdict::NoRule);
    }
}
