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
    let expected = "init ship up down release rollback status history logs evidence load bench drill help";
    assert_eq!(names.join(" "), expected);
    same(run.stdout.split("Exit codes:\n").nth(1).unwrap(), CODES);
}

const CODES: &str = "
  0  done: what the command promises holds
  1  unexpected: a bug (please report it), or a result that could not be printed
  2  usage: the command line or shield.toml is wrong (every mistake is listed); a drill was refused
  3  a stage failed: build, test, bench, staging, smoke, load or drill
  4  the release failed: taken back, or kept because there was nothing to go back to
  5  busy: another release, pipeline or drill is under way (its holder is named), or a worker has
  another run
  6  the control plane is not running, or cannot start (an occupied port names its holder)
  7  the evidence log does not verify
  8  state could not be recorded (disk full?); nothing was done, what runs keeps running
  9  state was damaged and has been rebuilt from what runs; run the command again
  10  a threshold, a check of the ledger, a drill's hypothesis or a component's target did not hold,
  or a
      comparison found a regression
  11  the target answered nothing at all
  12  the run is invalid: the generator was the bottleneck or a worker is missing; it says nothing
  about the target
  13  the run or drill was ended early by its abort condition
  130  interrupted (Ctrl-C); a release under way goes on, a drill was undone";
