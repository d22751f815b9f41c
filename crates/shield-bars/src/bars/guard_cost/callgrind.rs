//! Instructions per operation, by callgrind (of valgrind) over a run of this program.
//!
//! Callgrind collects only inside of [`counted`], and writes its counts out after each call of it: one file per operation,
//! in the order in which the child's output names them.

use std::{collections::BTreeMap, env, fs, hint::black_box, path::Path, time::Duration};

use tokio::process::Command;

use super::case::{Case, Measured, Operation};
use crate::harness::{Result, Trouble, run as run_command};

/// Operations that are counted.
const COUNT: usize = 256;
/// Those before them, after which tables and branches are as they will be.
const WARM_UP: usize = 64;
/// Longest run of the child.
const LIMIT: Duration = Duration::from_secs(240);
/// How the child names what it counted.
const MARK: &str = "counted ";

/// Instructions of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Instructions {
    pub(super) component: f64,
    pub(super) primitive: Option<f64>,
}

/// Counts the cases in a child run.
pub(super) async fn run(only: Option<&str>) -> Result<BTreeMap<String, Instructions>> {
    let folder = tempfile::tempdir().map_err(|error| Trouble::caused("make a directory", error))?;
    let program = env::current_exe().map_err(|error| Trouble::caused("find this program", error))?;
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind");
    // Named in full: callgrind does not write a file after a function that a pattern names.
    let counted = concat!(module_path!(), "::counted");
    command.args([format!("--toggle-collect={counted}"), format!("--dump-after={counted}")]);
    command.arg(format!("--callgrind-out-file={}", folder.path().join("out").display()));
    command.arg(program).args(["guard.cost", "--part", "instructions"]);
    command.args(only.iter().flat_map(|only| ["--only", only]));
    let hint = "count instructions (apt-get install valgrind installs what it takes)";
    let finished = run_command(command, LIMIT).await.map_err(|error| Trouble::caused(hint, error))?;
    if !finished.succeeded() {
        return Err(Trouble::new(format!("{hint}: {}", finished.stderr)));
    }
    let mut counts = BTreeMap::<String, Instructions>::new();
    for (index, line) in finished.stdout.lines().filter_map(|line| line.strip_prefix(MARK)).enumerate() {
        let count = total(&folder.path().join(format!("out.{}", index + 1)))? / COUNT as f64;
        match line.split_once('/') {
            Some((name, _)) => counts.entry(name.to_owned()).or_default().primitive = Some(count),
            None => counts.entry(line.to_owned()).or_default().component = count,
        }
    }
    Ok(counts)
}

/// What the child does: each operation a few times, then so often that it is counted.
pub(super) fn count(cases: impl Iterator<Item = Case>) -> Vec<Measured> {
    for mut case in cases {
        count_one(case.name, &mut *case.component);
        if let Some(primitive) = &mut case.primitive {
            count_one(&format!("{}/{}", case.name, primitive.name), &mut *primitive.operation);
        }
    }
    Vec::new()
}

fn count_one(name: &str, operation: &mut dyn Operation) {
    operation.prepare(WARM_UP);
    operation.run();
    operation.prepare(COUNT);
    counted(operation);
    println!("{MARK}{name}");
}

/// Callgrind knows it by its name, and when it ends by its return: something has to be done after the call, or the compiler
/// makes a jump of it.
#[inline(never)]
fn counted(operation: &mut dyn Operation) {
    operation.run();
    black_box(operation);
}

/// The instructions of a file that callgrind wrote.
fn total(path: &Path) -> Result<f64> {
    let named = || format!("read callgrind's `{}`", path.display());
    let text = fs::read_to_string(path).map_err(|error| Trouble::caused(named(), error))?;
    summary(&text).ok_or_else(|| Trouble::new(named()))
}

fn summary(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("summary:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn reads_the_sum_of_a_file() {
        assert_eq!(summary("version: 1\nevents: Ir\nsummary: 1280\n\nfn=(1) a\n1 3\n"), Some(1_280.0));
        assert_eq!(summary("version: 1\n"), None);
    }
}
