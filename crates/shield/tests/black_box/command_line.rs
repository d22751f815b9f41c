//! The command line without a project, and commands without a control plane.

use std::process::{Command, Stdio};

use crate::support::{Project, same};

#[test]
fn help_lists_commands_and_codes() {
    let run = Project::of_files(&[]).shield(&["--help"]).expect(0);
    let commands = run.stdout.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands
        .lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    let names = names.collect::<Vec<_>>();
    let expected =
        "init ship up down release rollback status history logs evidence load audit bench drill help";
    assert_eq!(names.join(" "), expected);
    same(run.stdout.split("Exit codes:\n").nth(1).unwrap(), CODES);
}

const CODES: &str = "
  0  done: what the command promises holds
  1  unexpected: a bug (please report it), or a result that could not be printed
  2  usage: the command line or shield.toml is wrong (every mistake is listed); a drill was refused
  3  a stage failed: build, test, audit, bench, staging, smoke, load or drill
  4  the release failed: taken back, or kept because there was nothing to go back to
  5  busy: another release, pipeline or drill is under way (its holder is named), or a worker has
  another run
  6  the control plane is not running, or cannot start (an occupied port names its holder)
  7  the evidence log does not verify
  8  state could not be recorded (disk full?); nothing was done, what runs keeps running;
      or the index of advisories or the baseline could not be written, and is as it was
  9  state was damaged and has been rebuilt from what runs; run the command again
  10  a threshold, a check of the ledger, a drill's hypothesis or a component's target did not hold,
  or a comparison found a regression;
      or the audit found something that counts
  11  the target answered nothing at all, or advisories could not be fetched whole: the index is as
  it was
  12  the run is invalid: the generator was the bottleneck, a worker is missing, or `bench` was
  answered 429; it says nothing about the target
  13  the run or drill was ended early by its abort condition
  14  the audit found nothing that counts, but could not look at everything (it lists what is
  missing);
      or a replay could not judge every entry
  15  the audit found something that counts, and could not look at everything
  130  interrupted (Ctrl-C); a release under way goes on, a drill was undone";

#[test]
fn mistyped_command_is_usage() {
    Project::of_files(&[]).shield(&["shop"]).expect(2).says("unrecognized subcommand 'shop'");
}

#[test]
fn commands_need_a_state_directory() {
    let project = Project::new();
    for command in ["status", "history", "rollback", "down"] {
        same(&project.shield(&[command]).shown(), NOTHING_SHIPPED);
    }
    assert!(!project.state().exists());
}

const NOTHING_SHIPPED: &str = r#"
code 6
-- stdout
-- stderr
error: failed to find state directory `[DIR]/shop/.shield`: nothing was shipped from here
  hint: `shield ship` makes it; --project and --state name other places
"#;

#[test]
fn commands_need_a_control_plane() {
    let project = Project::new();
    project.write(".shield/format", "shield-state 1\n");
    for command in ["status", "history", "rollback"] {
        let run = project.shield(&[command]);
        same(&run.shown(), UNREACHABLE);
    }
}

const UNREACHABLE: &str = r#"
code 6
-- stdout
-- stderr
error: failed to reach the control plane on `[DIR]/run/shield/[SCOPE]/admin.sock`
  caused by: No such file or directory (os error 2)
  hint: start it with `shield up`; `shield logs control` shows why it ended
"#;

#[test]
fn down_without_anything_is_done() {
    let project = Project::new();
    project.write(".shield/format", "shield-state 1\n");
    same(&project.shield(&["down"]).expect(0).stdout, "nothing was running");
}

#[test]
fn missing_project_directory_is_usage() {
    let run = Project::of_files(&[]).shield(&["ship", "--project", "nowhere"]);
    same(
        &run.shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to find project directory `nowhere`: No such file or directory (os error 2)
  hint: pass the directory of shield.toml with --project
"#,
    );
}

#[test]
fn logs_name_those_there_are() {
    let project = Project::of_files(&[(".shield/logs/build.log", "compiling\nlinking\n")]);
    same(&project.shield(&["logs", "build", "-n", "1"]).shown(), "code 0\n-- stdout\nlinking\n-- stderr");
    same(
        &project.shield(&["logs", "bild"]).shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to find a log named `bild`
  hint: there are logs of: build
"#,
    );
}

#[test]
fn failures_are_json_for_scripts() {
    let project = Project::of_files(&[]);
    for (arguments, code, error) in [
        (&["status"][..], 6, "failed to find state directory"),
        (&["init", "--project", "nowhere"], 2, "failed to find project directory `nowhere`"),
        (&["ship", "--artifact", "x"], 2, "error: unexpected argument '--artifact' found"),
        (&["evidence", "show", "x"], 2, "error: invalid value 'x' for '<INDEX>'"),
    ] {
        let run = project.shield(&[arguments, &["--output-format", "json"]].concat()).expect(code);
        let events = run.events();
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event["event"].as_str(), event["code"].as_i64()), (Some("error"), Some(i64::from(code))));
        assert!(event["error"].as_str().unwrap().starts_with(error), "{event}");
        run.says("error: ");
    }
}

#[test]
fn log_filter_that_is_none_is_usage() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shield"));
    command.arg("status").env("SHIELD_LOG", "shield=loud").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.starts_with("error: failed to use `SHIELD_LOG=shield=loud`: "), "{told}");
}

#[test]
fn log_lines_are_json_for_scripts() {
    let project = Project::of_files(&[(".shield/logs/build.log", "one\n\"two\"\n")]);
    let events = project.shield(&["logs", "build", "--output-format=json"]).expect(0).events();
    let lines: Vec<_> = events.iter().map(|event| event["line"].as_str().unwrap()).collect();
    assert_eq!(lines, ["one", "\"two\""]);
}

/// What the shell says of `shield logs build` with this behind it: its code, or that of the first in a pipe.
fn logs_into(project: &Project, redirection: &str) -> String {
    let shield = env!("CARGO_BIN_EXE_shield");
    let script = format!("{{ '{shield}' logs build -n 10000; echo \"code $?\" >&2; }} {redirection}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(project.path()).stdin(Stdio::null());
    String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
}

#[test]
fn reader_that_went_away_is_no_failure() {
    let project = Project::of_files(&[(".shield/logs/build.log", &"a long line\n".repeat(20_000))]);
    same(&logs_into(&project, "| head -n 1"), "code 0");
}

#[test]
fn result_that_cannot_be_printed_is_a_failure() {
    let project = Project::of_files(&[(".shield/logs/build.log", "one\n")]);
    let told = logs_into(&project, "> /dev/full");
    same(
        &told,
        "error: failed to print the result\n  caused by: No space left on device (os error 28)\ncode 1",
    );
}
