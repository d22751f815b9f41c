//! `guard.asvs`: the tests that are named after requirements of ASVS 5.0, run and counted.
//!
//! A test `asvs_v9_1_2_refuses_algorithm_confusion` says that it shows a part of requirement 9.1.2, and
//! `asvs_v3_3_1_to_3_3_4_…` that it shows four. Counted are tests that passed in this run; a number that the standard does
//! not have, a failed and an ignored test each break the bar. That a test shows what its name says, no count can tell.

mod names;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use tokio::process::Command;

pub(super) use self::names::{Outcome, outcomes};
use self::names::{Requirement, requirements, standard};
use super::Options;
use crate::harness::{Result, Trouble, Verdict, cargo_program, run as run_command, workspace};

const TESTS_MIN: usize = 45;
/// Whose tests count, as far as they have any.
const CRATES: [&str; 3] = ["shield-guard", "shield-data", "linkshield"];
/// Longest run, the build of the tests included.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// Attacks that the issue names, and the tests that make them.
const NAMED: [(&str, &str); 7] = [
    ("a token signed with RS256", "asvs_v11_2_3_refuses_rsa_of_any_size"),
    ("algorithm confusion", "asvs_v9_1_2_refuses_algorithm_confusion"),
    ("an unsigned token", "asvs_v9_1_2_refuses_unsigned_tokens"),
    ("the malleated signature of a revoked token", "asvs_v7_4_1_a_malleated_signature_is_the_same_token"),
    ("parallel replay of a one-time token", "asvs_v15_4_2_parallel_replay_has_one_winner"),
    ("a spoofed X-Forwarded-For", "asvs_v4_1_3_ignores_forged_hops"),
    ("session fixation", "asvs_v7_2_4_authenticating_again_ends_the_session_before"),
];

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let standard = standard();
    let mut verdict = Verdict::default();
    let (mut tests, mut shown) = (BTreeSet::new(), BTreeMap::<Requirement, usize>::new());
    for name in CRATES.into_iter().filter(|name| has_named_tests(&workspace().join("crates").join(name))) {
        for (path, outcome) in run_tests(name).await? {
            verdict.demand(outcome == Outcome::Passed, || format!("{name}: `{path}` {outcome}"));
            let numbers = requirements(&path).unwrap_or_default();
            verdict.demand(!numbers.is_empty(), || format!("{name}: `{path}` names no requirement"));
            for number in numbers {
                verdict.demand(standard.contains_key(&number), || {
                    format!("{name}: `{path}` names {number}, which ASVS 5.0.0 does not have")
                });
                *shown.entry(number).or_default() += usize::from(outcome == Outcome::Passed);
            }
            if outcome == Outcome::Passed {
                tests.insert(format!("{name} {path}"));
            }
        }
    }
    for (number, count) in &shown {
        let level = standard.get(number).map_or_else(|| "-".to_owned(), u8::to_string);
        println!("  {:8} level {level}: {count}", number.to_string());
    }
    for (attack, test) in NAMED {
        verdict.demand(tests.iter().any(|path| path.ends_with(test)), || format!("no test for {attack}"));
    }
    let (count, numbers) = (tests.len(), shown.len());
    verdict.demand(count >= TESTS_MIN, || format!("only {count} tests passed"));
    Ok(verdict.with_figure(format!("{count} tests passed, of {numbers} requirements")))
}

/// What became of the tests of a crate, by the paths of their names.
async fn run_tests(name: &str) -> Result<Vec<(String, Outcome)>> {
    println!("  cargo test -p {name} -- asvs_");
    let mut command = Command::new(cargo_program());
    command.args(["test", "--locked", "-p", name, "--no-fail-fast", "--", "asvs_", "--format=pretty"]);
    command.current_dir(workspace());
    let finished = run_command(command, LIMIT).await?;
    let outcomes = outcomes(&finished.stdout);
    if outcomes.is_empty() {
        return Err(Trouble::new(format!("run the tests of `{name}`:\n{}", finished.stderr)));
    }
    Ok(outcomes)
}

/// Whether a source file in `folder` defines such a test.
fn has_named_tests(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| match path.extension() {
        None => path.is_dir() && has_named_tests(&path),
        Some(extension) => {
            extension == "rs" && fs::read_to_string(&path).is_ok_and(|text| text.contains("fn asvs_v"))
        }
    })
}
