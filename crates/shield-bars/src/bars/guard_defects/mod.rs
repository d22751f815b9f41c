//! `guard.defects`: the executed defects of the original that concern security, and the tests that fail when one comes back.
//!
//! The tests run against the backend over TCP, as any client reaches it (`crates/linkshield/tests/it`). Each defect has one at
//! least; one that is missing, that fails or that is ignored breaks the bar. Beside each stands the change of the code that was
//! made once to see the tests fail. The other defects are of the analysis (D12 to D15), of health (D16) and of the schema (D17,
//! D18), and are not this bar's.

mod list;

use std::{collections::BTreeMap, time::Duration};

use tokio::process::Command;

use self::list::{DEFECTS, Defect};
use super::{
    Options,
    guard_asvs::{Outcome, outcomes},
};
use crate::harness::{Result, Trouble, Verdict, cargo_program, run as run_command, workspace};

/// Longest run, the build of the tests included.
const LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let only = options.only.as_deref().unwrap_or_default();
    let mut verdict = Verdict::default();
    let defects: Vec<&Defect> = DEFECTS.iter().filter(|defect| defect.name.contains(only)).collect();
    let results = run_tests(&defects).await?;
    let mut passed = 0;
    for Defect { name, what, tests, mutation } in &defects {
        println!("  {name}: {what}\n      put back by: {mutation}");
        verdict.demand(!tests.is_empty(), || format!("{name}: no test"));
        for test in *tests {
            let outcome = results.get(*test);
            println!("      {test}: {}", outcome.map_or_else(|| "missing".to_owned(), Outcome::to_string));
            let good = outcome == Some(&Outcome::Passed);
            verdict.demand(good, || format!("{name}: `{test}` did not pass"));
            passed += u32::from(good);
        }
    }
    verdict.demand(!defects.is_empty(), || "no defect has such a name".to_owned());
    Ok(verdict.with_figure(format!("{} defects, {passed} tests passed", defects.len())))
}

/// What became of the tests, by their paths.
async fn run_tests(defects: &[&Defect]) -> Result<BTreeMap<String, Outcome>> {
    println!("  cargo test -p linkshield --test it");
    let mut command = Command::new(cargo_program());
    command.args(["test", "--locked", "-p", "linkshield", "--test", "it", "--no-fail-fast", "--"]);
    command.args(["--exact", "--format=pretty"]);
    command.args(defects.iter().flat_map(|defect| defect.tests));
    command.current_dir(workspace());
    let finished = run_command(command, LIMIT).await?;
    let outcomes = outcomes(&finished.stdout);
    if outcomes.is_empty() {
        return Err(Trouble::new(format!("run the tests of `linkshield`:\n{}", finished.stderr)));
    }
    Ok(outcomes.into_iter().collect())
}
