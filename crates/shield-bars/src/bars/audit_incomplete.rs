//! `audit.incomplete`: what cannot be read never ends an audit, never changes what else it finds, and is always said.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File, Permissions},
    os::unix::{self, fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use jiff::civil::date;
use shield_audit::{
    advisories::Builder,
    audit::{Settings, audit},
    report::{Criteria, Outcome, Report},
};

use super::Options;
use crate::harness::{Result, Trouble, Verdict};

/// Something is found in it, whatever lies beside it.
const CODE: &str =
    "import subprocess\n\n\ndef run(text: str) -> None:\n    subprocess.run(text, shell=True)\n";
/// Newer than any version that is known: a name in a pattern that no version takes.
const NEWEST: &str = "match x:\n    case {**rest, 'a': 1} if ?? else:\n        pass\n";
const LARGE_BYTES: u64 = 100 << 20;
/// The user without any rights.
const NOBODY: u32 = 65_534;

/// One thing that is wrong with a tree, and what names it in the report.
struct Wrong {
    name: &'static str,
    said: &'static str,
    make: fn(&Path) -> std::io::Result<()>,
}

const WRONG: [Wrong; 5] = [
    Wrong { name: "bad UTF-8", said: "bad.py", make: |root| fs::write(root.join("bad.py"), b"x = '\xff'\n") },
    Wrong {
        name: "newest syntax",
        said: "newest.py",
        make: |root| fs::write(root.join("newest.py"), NEWEST),
    },
    Wrong { name: "100 MB file", said: "large.py", make: large },
    Wrong { name: "symlink loop", said: "loop", make: |root| unix::fs::symlink("loop", root.join("loop")) },
    Wrong {
        name: "link to nothing",
        said: "gone.py",
        make: |root| unix::fs::symlink("nowhere", root.join("gone.py")),
    },
];

/// A text, not a hole: every byte is a line feed.
fn large(root: &Path) -> std::io::Result<()> {
    let line = vec![b'\n'; 1 << 20];
    let mut file = File::create(root.join("large.py"))?;
    (0..LARGE_BYTES >> 20).try_for_each(|_| std::io::Write::write_all(&mut file, &line))
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let measure = if rustix::process::geteuid().is_root() { measure_as_nobody } else { measure };
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

/// Root may list any directory: the bar runs again as a user who may not.
fn measure_as_nobody() -> Result<Verdict> {
    let program = env::current_exe().map_err(|error| Trouble::caused("find this program", error))?;
    let status =
        Command::new(program).arg("audit.incomplete").current_dir("/").uid(NOBODY).gid(NOBODY).status();
    let status = status.map_err(|error| Trouble::caused("run this bar as nobody", error))?;
    let mut verdict = Verdict::default();
    verdict.demand(status.success(), || "not met as nobody: see above".to_owned());
    Ok(verdict.with_figure("run as nobody, since root reads everything: see above".to_owned()))
}

fn measure() -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let plain = look(|_| Ok(()), "")?;
    let expected = names(&plain);
    verdict.demand(!expected.is_empty(), || "nothing is found in the sound tree".to_owned());
    verdict.demand(plain.outcome(&Criteria::default()) == Outcome::Found, || {
        "the sound tree has a gap".to_owned()
    });
    for wrong in &WRONG {
        judge(&mut verdict, wrong.name, wrong.said, &look(wrong.make, "")?, &expected);
    }
    judge(
        &mut verdict,
        "malformed OSV record",
        "T-1.json",
        &look(|_| Ok(()), "{\"id\": \"T-1\", ")?,
        &expected,
    );
    unreadable(&mut verdict, &expected)?;
    Ok(verdict.with_figure(format!(
        "{} kinds of damage, {} findings each time",
        WRONG.len() + 2,
        expected.len()
    )))
}

/// Audits a tree with one thing wrong, and an index with one record more.
fn look(make: impl Fn(&Path) -> std::io::Result<()>, record: &str) -> Result<Report> {
    let folder = tempfile::tempdir().map_err(|error| Trouble::caused("make a directory", error))?;
    let made = fs::write(folder.path().join("code.py"), CODE).and_then(|()| make(folder.path()));
    made.map_err(|error| Trouble::caused("make a tree", error))?;
    let mut builder = Builder::new();
    if !record.is_empty() {
        builder.add("T-1.json", record.as_bytes());
    }
    let settings = Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) };
    audit(folder.path(), &settings, &|_| {}).map_err(|error| Trouble::caused("audit", error))
}

fn names(report: &Report) -> BTreeSet<String> {
    let sound = report.found.iter().filter(|one| one.finding.place.file == "code.py");
    sound.map(|one| one.finding.fingerprint.to_string()).collect()
}

fn judge(verdict: &mut Verdict, name: &str, said: &str, report: &Report, expected: &BTreeSet<String>) {
    let missing = report.coverage.missing();
    verdict.demand(names(report) == *expected, || format!("{name} changes other findings"));
    verdict.demand(missing.iter().any(|gap| gap.what.contains(said)), || {
        format!("{name} is not listed: {missing:?}")
    });
    let outcome = report.outcome(&Criteria::default());
    verdict.demand(outcome == Outcome::FoundAndIncomplete, || format!("{name}: the outcome is {outcome:?}"));
}

/// A directory that its owner may not list.
fn unreadable(verdict: &mut Verdict, expected: &BTreeSet<String>) -> Result<()> {
    let make = |root: &Path| {
        let locked = root.join("locked");
        fs::create_dir(&locked)?;
        fs::set_permissions(&locked, Permissions::from_mode(0o000))
    };
    judge(verdict, "unreadable directory", "locked", &look(make, "")?, expected);
    Ok(())
}
