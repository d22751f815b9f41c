use std::{fs, os::unix::fs::symlink};

use super::*;
use crate::foreign::{
    read::{Form, Mark, Rows, Table},
    tools::USUAL,
};

const ARRAY: Table =
    Table { mark: Mark::Array, rows: &[Rows { rule: &["r"], file: &["f"], ..Rows::NONE }], gaps: &[] };

/// A shell that says something.
const fn shell(arguments: &'static [&'static str]) -> Tool {
    Tool {
        name: "shell",
        program: "sh",
        arguments,
        found: &[1],
        nothing: &[3],
        form: Form::Json(ARRAY),
        ..USUAL
    }
}

fn runner(root: &Path) -> Runner {
    Runner {
        search_path: vec!["relative".into(), "/usr/bin".into(), "/bin".into()],
        time_max: Duration::from_mins(1),
        ..Runner::new(root)
    }
}

fn outcome(tool: &'static Tool, change: impl FnOnce(&mut Runner)) -> String {
    let root = tempfile::tempdir().unwrap();
    let mut runner = runner(root.path());
    change(&mut runner);
    runner.run(tool).outcome.to_string()
}

#[test]
fn outputs_are_read() {
    static FOUND: Tool = shell(&["-c", r#"echo '[{"r": "x", "f": "a.py"}]'; exit 1"#]);
    static NONE: Tool = shell(&["-c", "echo noise >&2; echo '[]'"]);
    static OTHER: Tool =
        Tool { on_error_stream: true, ..shell(&["-c", r#"echo '[{"r": "x"}, {}]' >&2; pwd"#]) };
    assert_eq!(outcome(&FOUND, |_| {}), "1 findings, 0 things not looked at");
    assert_eq!(outcome(&NONE, |_| {}), "0 findings, 0 things not looked at");
    assert_eq!(outcome(&OTHER, |_| {}), "1 findings, 1 things not looked at");
}

#[test]
fn failures_are_said() {
    static FAILS: Tool = shell(&["-c", "echo it is broken >&2; exit 2"]);
    static DIES: Tool = shell(&["-c", "kill -9 $$"]);
    static EMPTY: Tool = shell(&["-c", "echo '[]'; echo no settings >&2; exit 1"]);
    static NONSENSE: Tool = shell(&["-c", "echo boo"]);
    static NOTHING: Tool = shell(&["-c", "exit 3"]);
    assert_eq!(outcome(&FAILS, |_| {}), "failed: exit code 2: it is broken");
    assert_eq!(outcome(&DIES, |_| {}), "failed: killed by a signal");
    assert_eq!(outcome(&EMPTY, |_| {}), "failed: exit code 1 and no findings: no settings");
    assert!(
        outcome(&NONSENSE, |_| {}).starts_with("wrote nonsense: read the output of `shell`: it is no JSON")
    );
    assert_eq!(outcome(&NOTHING, |_| {}), "nothing to look at: it ended with 3");
}

#[test]
fn limits_hold() {
    static SLEEPS: Tool = shell(&["-c", "sleep 600 & sleep 600"]);
    static SILENT: Tool = shell(&["-c", "exec >&- 2>&-; sleep 600"]);
    static ENDLESS: Tool = shell(&["-c", "yes"]);
    static COMPLAINS: Tool = shell(&["-c", "yes >&2"]);
    let soon = |runner: &mut Runner| runner.time_max = Duration::from_millis(200);
    assert_eq!(outcome(&SLEEPS, soon), "took longer than 0 s");
    assert_eq!(outcome(&SILENT, soon), "took longer than 0 s");
    static IMPATIENT: Tool = Tool { time_max: Duration::from_millis(200), ..shell(&["-c", "sleep 600"]) };
    assert_eq!(outcome(&IMPATIENT, |_| {}), "took longer than 0 s");
    let little = |runner: &mut Runner| runner.output_bytes_max = 1_000;
    assert_eq!(outcome(&ENDLESS, little), "wrote more than 1000 bytes");
    assert_eq!(outcome(&COMPLAINS, little), "wrote more than 1000 bytes");
}

#[test]
fn refusals_are_said() {
    static MISSING: Tool = Tool { program: "there-is-no-such-scanner", ..shell(&[]) };
    static NEEDS: Tool = Tool { needs: &["Cargo.lock", "go.sum"], ..shell(&[]) };
    static ASKS: Tool = Tool { asks_network: true, ..shell(&["-c", "echo '[]'"]) };
    static EXECUTES: Tool = Tool { executes_project: true, ..shell(&["-c", "echo '[]'"]) };
    assert_eq!(outcome(&MISSING, |_| {}), "not installed");
    assert_eq!(outcome(&NEEDS, |_| {}), "nothing to look at: no `Cargo.lock`, `go.sum`");
    assert_eq!(outcome(&ASKS, |_| {}), "not allowed: it asks the network");
    assert_eq!(outcome(&EXECUTES, |_| {}), "not allowed: it may execute what the audited tree says");
    let allow = |runner: &mut Runner| runner.allowed = Allowed { network: true, project_code: true };
    assert!(outcome(&ASKS, allow).starts_with("0 findings"));
    assert!(outcome(&EXECUTES, allow).starts_with("0 findings"));
}

#[test]
fn programs_of_the_tree_are_not_run() {
    static TOOL: Tool = shell(&["-c", "echo '[]'"]);
    let root = tempfile::tempdir().unwrap();
    let bin = root.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    let mut runner = Runner { search_path: vec![bin.clone()], ..runner(root.path()) };
    assert_eq!(runner.run(&TOOL).outcome.to_string(), "not allowed: its program lies in the audited tree");
    runner.search_path.push("/bin".into());
    assert!(matches!(runner.run(&TOOL).outcome, Outcome::Read(_)));
    runner.search_path = vec!["bin".into()];
    assert_eq!(runner.run(&TOOL).outcome, Outcome::NotInstalled);
}

#[test]
fn every_known_scanner_is_accounted_for() {
    let root = tempfile::tempdir().unwrap();
    let runner = Runner { search_path: Vec::new(), ..runner(root.path()) };
    let ran = runner.run_all();
    assert_eq!(ran.len(), 19);
    assert!(ran.iter().all(|one| one.outcome == Outcome::NotInstalled));
}
