//! What other scanners say, joined with what was found here.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path,
};

use crate::{
    advisories::Answer,
    finding::{Finding, Fingerprint},
    foreign::{
        Consolidated, Defect, Heard, Observation, Outcome, Sighting, Sources, come_home, consolidate,
        findings, plain,
    },
    imports::Unread,
    report::{Gap, Part, Scanner},
    tree::{Reason, Skipped, Tree},
};

/// What the audit itself knows.
pub(super) struct Known<'a> {
    /// An absolute path.
    pub(super) root: &'a Path,
    pub(super) tree: &'a Tree,
    pub(super) skipped: &'a [Skipped],
    /// Every finding, with its fingerprint; those that comments take back too.
    pub(super) findings: Vec<Finding>,
    pub(super) answer: &'a Answer,
}

/// What others add.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// What only they see.
    pub(super) findings: Vec<Finding>,
    /// Who beside us sees a finding.
    pub(super) seen_by: BTreeMap<Fingerprint, BTreeSet<Sighting>>,
    pub(super) scanners: Vec<Scanner>,
    pub(super) gaps: Vec<Gap>,
    /// Scanners that looked at everything, by what ids of their rules begin with.
    pub(super) complete: BTreeSet<String>,
}

/// Joins what was heard with what is known.
pub(super) fn join(heard: Vec<Heard>, known: Known<'_>) -> Joined {
    let mut joined = Joined::default();
    if heard.is_empty() {
        return joined;
    }
    let files: HashSet<&str> = known.tree.entries().iter().map(|entry| entry.path.as_str()).collect();
    let left_out: Vec<&str> = known
        .skipped
        .iter()
        .filter(|one| one.reason == Reason::Excluded)
        .map(|one| one.path.as_str())
        .collect();
    let mut observations = Vec::new();
    for one in heard {
        let said = joined.scanner(one, &files, &left_out);
        observations.extend(said);
    }
    let names = match known.answer {
        Answer::Checked(checked) => checked.matches.iter().map(|one| one.names.as_slice()).collect(),
        Answer::NoDatabase => Vec::new(),
    };
    let lines = Lines { root: known.root, files: &files, last: RefCell::default() };
    let all = consolidate(
        known.findings,
        observations,
        &Sources { names, line: &|file, line| lines.get(file, line) },
    );
    joined.take(all);
    joined.gaps.sort_unstable();
    joined.gaps.dedup();
    joined
}

// === impl Joined ===

impl Joined {
    /// Notes what came of a scanner, and gives what it said about what the audit is about.
    fn scanner(&mut self, heard: Heard, files: &HashSet<&str>, left_out: &[&str]) -> Vec<Observation> {
        let (name, missing) = (heard.name(), heard.is_missing());
        let state = heard.outcome.kind();
        let mut scanner = Scanner {
            whose: heard.whose,
            file: heard.file,
            version: heard.version,
            took_ms: heard.took_ms,
            exit: heard.exit,
            state,
            missing,
            hint: heard.hint,
            ..Scanner::default()
        };
        let output = match heard.outcome {
            Outcome::Read(output) => output,
            other => {
                scanner.reason = other.to_string();
                if missing {
                    let hint = scanner.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                    self.gaps.push(Gap::of(Part::Scanners, name, format!("{other}{hint}")));
                }
                self.scanners.push(scanner);
                return Vec::new();
            }
        };
        let mut said = output.observations;
        if scanner.file.is_some() {
            come_home(&mut said, &|file| files.contains(file));
        }
        let all = said.len();
        said.retain(|one| !left_out.iter().any(|path| is_below(&one.place.file, path)));
        scanner.left_out = all - said.len();
        scanner.findings = said.len();
        scanner.taken_back = output.taken_back;
        let unread: Vec<&Unread> = output
            .unread
            .iter()
            .filter(|one| !left_out.iter().any(|path| is_below(&one.path, path)))
            .collect();
        scanner.unread = unread.len();
        let gaps =
            unread.iter().map(|one| Gap::of(Part::Scanners, format!("{name}: {}", one.path), &one.reason));
        self.gaps.extend(gaps);
        if unread.is_empty() {
            self.complete.extend(scanner.whose.iter().map(|whose| plain(whose)));
        }
        self.scanners.push(scanner);
        said
    }

    /// Sorts what was joined into what is ours and what is not, and counts it for each scanner.
    fn take(&mut self, all: Vec<Consolidated>) {
        let mut theirs = Vec::new();
        let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for one in all {
            if one.seen_by.is_empty() {
                continue;
            }
            let alone = usize::from(matches!(one.defect, Defect::Theirs(_)));
            let tools: BTreeSet<&str> = one.seen_by.iter().map(|by| by.tool.as_str()).collect();
            for tool in tools {
                counts.entry(tool.to_owned()).or_default()[alone] += 1;
            }
            self.seen_by.entry(one.fingerprint()).or_default().extend(one.seen_by);
            if let Defect::Theirs(defect) = one.defect {
                theirs.push(defect);
            }
        }
        self.findings = findings(theirs);
        for scanner in &mut self.scanners {
            let of = scanner.whose.iter().filter_map(|tool| counts.get(tool));
            let [also_ours, only_theirs] =
                of.fold([0, 0], |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]]);
            if scanner.state == "read" {
                (scanner.also_ours, scanner.only_theirs) = (also_ours, only_theirs);
            }
        }
    }
}

fn is_below(file: &str, directory: &str) -> bool {
    file.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Lines of files of the tree; of one file at a time, since they are asked for in the order of files.
struct Lines<'a> {
    root: &'a Path,
    files: &'a HashSet<&'a str>,
    last: RefCell<(String, Vec<String>)>,
}

// === impl Lines ===

impl Lines<'_> {
    fn get(&self, file: &str, line: u32) -> Option<String> {
        let mut last = self.last.borrow_mut();
        if last.0 != file {
            // A path that an output names may lead anywhere; only what the audit lists is opened.
            let text = self.files.contains(file).then(|| fs::read(self.root.join(file)).ok()).flatten();
            let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
            *last = (file.to_owned(), text.lines().map(str::to_owned).collect());
        }
        last.1.get(usize::try_from(line).ok()?.checked_sub(1)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{
        audit::{Settings, audit},
        baseline::{Baseline, Entry, Terms},
        finding::Severity,
        foreign::{Import, Others, Wanted},
        report::{Criteria, Outcome as Comes, Report},
    };

    const CODE: &str =
        "import hashlib\n\n\ndef key(x):\n    assert x\n    return hashlib.md5(x).hexdigest()\n";

    /// What bandit and ruff say of [`CODE`], as a build server writes it down.
    const BANDIT: &str = r#"{"errors": [{"filename": "./gone.py", "reason": "too new"}], "metrics": {}, "results": [
        {"test_id": "B324", "filename": "./app.py", "line_number": 6, "col_offset": 11, "issue_text": "Use of weak MD5 hash",
         "issue_severity": "HIGH", "issue_cwe": {"id": 327}},
        {"test_id": "B101", "filename": "./app.py", "line_number": 5, "col_offset": 4, "issue_text": "Use of assert",
         "issue_severity": "LOW", "issue_cwe": {"id": 703}},
        {"test_id": "B999", "filename": "./app.py", "line_number": 1, "col_offset": 0, "issue_text": "new",
         "issue_severity": "HIGH", "issue_cwe": {"id": 1}},
        {"test_id": "B101", "filename": "./vendor/x.py", "line_number": 1, "col_offset": 0, "issue_text": "Use of assert",
         "issue_severity": "HIGH", "issue_cwe": {"id": 703}}]}"#;
    const RUFF: &str = r#"[{"code": "S324", "filename": "/ci/shop/app.py", "location": {"row": 6, "column": 12},
        "end_location": {"row": 6, "column": 23}, "message": "insecure hash"}]"#;

    fn report(imports: &[(&str, &str)], wanted: Vec<Wanted>, baseline: Option<Baseline>) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("shop");
        fs::create_dir_all(project.join("vendor")).unwrap();
        fs::write(project.join("app.py"), CODE).unwrap();
        fs::write(project.join("vendor/x.py"), "x = 1\nassert x\n").unwrap();
        let imports = imports.iter().map(|(name, text)| {
            let file = folder.path().join(name);
            // A file without a text is one that is not there.
            if !text.is_empty() {
                fs::write(&file, text).unwrap();
            }
            Import { tool: None, file }
        });
        let others = Others { imports: imports.collect(), wanted, ..Others::default() };
        let mut settings = Settings { others, baseline, ..Settings::on(date(2026, 11, 27)) };
        settings.tree.excluded.push("vendor".to_owned());
        audit(&project, &settings, &|_| {}).unwrap()
    }

    fn seen(report: &Report) -> Vec<(&str, u32, Vec<String>)> {
        let found = report.found.iter().filter(|one| one.finding.place.file == "app.py").map(|one| {
            let seen = report.seen_by(&one.finding);
            let seen = seen.iter().map(|by| format!("{} {}", by.tool, by.rule)).collect();
            (one.finding.rule.id, one.finding.place.span.map_or(0, |span| span.line), seen)
        });
        found.collect()
    }

    #[test]
    fn one_defect_is_one_finding() {
        let report = report(&[("bandit.json", BANDIT), ("ruff.json", RUFF)], Vec::new(), None);
        let who = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            seen(&report),
            [
                ("bandit:B999", 1, who(&["bandit B999"])),
                ("python/assert", 5, who(&["shield audit python/assert", "bandit B101"])),
                ("python/weak-hash", 6, who(&["shield audit python/weak-hash", "bandit B324", "ruff S324"])),
            ]
        );
        let [bandit, ruff] = report.scanners.as_slice() else { panic!("{:?}", report.scanners) };
        assert_eq!((bandit.findings, bandit.also_ours, bandit.only_theirs, bandit.left_out), (3, 2, 1, 1));
        assert_eq!(
            (ruff.whose.as_slice(), ruff.also_ours, ruff.missing),
            (&["ruff".to_owned()][..], 1, false)
        );
        // What only another scanner sees counts as what we see does.
        let failing: Vec<_> = report.failing(&Criteria::default()).map(|one| one.finding.rule.id).collect();
        assert_eq!(failing, ["bandit:B999", "python/weak-hash"]);
    }

    #[test]
    fn who_is_not_heard_is_a_gap() {
        let gone = report(&[("gone.json", ""), ("what.json", "{}")], Vec::new(), None);
        let gaps: Vec<_> = gone.coverage.gaps.iter().filter(|gap| gap.part == Part::Scanners).collect();
        assert_eq!(gaps.len(), 2, "{gaps:?}");
        assert!(gaps[0].what.ends_with("gone.json") && gaps[0].reason.contains("No such file"), "{gaps:?}");
        assert!(gaps[1].reason.contains("SCANNER=FILE"), "{gaps:?}");
        let critical = Criteria { fail_on: Severity::Critical, ..Criteria::default() };
        assert_eq!(gone.outcome(&critical), Comes::Incomplete);
        // cargo-audit has nothing to look at here, whether it is installed or not.
        let named = report(&[], vec![Wanted::Named("cargo-audit")], None);
        assert_eq!(named.coverage.gaps.len(), 1, "{:?}", named.coverage.gaps);
        let unread = report(&[("bandit.json", BANDIT)], Vec::new(), None);
        let gaps = unread.coverage.gaps.iter().filter(|gap| gap.part == Part::Scanners);
        let gaps: Vec<_> = gaps.map(|gap| gap.what.rsplit('/').next().unwrap()).collect();
        assert_eq!(gaps, ["bandit.json: gone.py"]);
    }

    #[test]
    fn acceptances_wait_for_their_scanner() {
        let complete = BANDIT.replace(r#"{"filename": "./gone.py", "reason": "too new"}"#, "");
        let first = report(&[("bandit.json", &complete)], Vec::new(), None);
        let finding = &first.found[0].finding;
        assert_eq!(finding.rule.id, "bandit:B999");
        let terms = Terms { reason: "known".to_owned(), owner: None, until: date(2027, 1, 1) };
        let mut baseline = Baseline::new("audit-baseline.txt");
        baseline.insert(Entry::accept(finding, terms).unwrap());
        let baseline = || Some(Baseline::parse("audit-baseline.txt", &baseline.to_string()).unwrap());
        let stale = |report: &Report| {
            report.found.iter().filter(|one| one.finding.rule.id == "baseline/stale-entry").count()
        };
        let again = report(&[("bandit.json", &complete)], Vec::new(), baseline());
        assert_eq!((again.accepted.len(), stale(&again)), (1, 0));
        assert_eq!(stale(&report(&[], Vec::new(), baseline())), 0, "bandit was not asked");
        let mended = complete.replace("B999", "B101");
        assert_eq!(stale(&report(&[("bandit.json", &mended)], Vec::new(), baseline())), 1);
    }
}
