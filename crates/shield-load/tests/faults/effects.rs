//! What each fault does to a real process, and that it is gone afterwards.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use shield_load::{Fault, PlannedFault, PreparedFaults, ProcessTarget, Reach, TargetFinder};
use shield_testkit::ProcessGuard;

use crate::stage::{
    LIMIT, children, identity, plan, program, run, settled, state, stopped, target, victim, wait_until,
};

#[test]
fn kill_ends_the_drawn_target() {
    let journals = tempfile::tempdir().unwrap();
    let mut victims = [victim(), victim(), victim()];
    let runner = run(
        &plan(vec![Fault::Kill { targets: victims.iter().map(target).collect(), command: Vec::new() }]),
        journals.path(),
    );
    let events = settled(&runner);
    let ended = victims.iter_mut().filter_map(|victim| {
        let pid = victim.pid();
        wait_until("the drawn one to end", || {
            let drawn = events[0].effect.contains(&format!("pid {pid} "));
            (victim.ended().unwrap() == drawn).then_some(())
        });
        victim.ended().unwrap().then_some(pid)
    });
    assert_eq!(ended.count(), 1);
    assert_eq!(runner.finish()[0].failed, None);
}

#[test]
fn group_is_frozen_whole() {
    let journals = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 600 & sleep 600 & wait"]).process_group(0);
    let leader = ProcessGuard::of_child(command.spawn().unwrap()).unwrap();
    let sleepers =
        wait_until("two children", || Some(children(leader.pid())).filter(|found| found.len() == 2));
    let everybody = || sleepers.iter().copied().chain([leader.pid()]);
    let group = ProcessTarget { process: identity(leader.pid()), reach: Reach::Group };
    let runner = run(&plan(vec![Fault::Freeze { targets: vec![group] }]), journals.path());
    settled(&runner);
    wait_until("everybody to stop", || everybody().all(stopped).then_some(()));
    runner.finish();
    wait_until("everybody to run on", || (!everybody().any(stopped)).then_some(()));
    sleepers.iter().for_each(|pid| drop(ProcessGuard::of_pid(*pid)));
}

#[test]
fn restart_starts_its_command_once_the_process_is_gone() {
    let (journals, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let child = Command::new("sleep").arg("600").current_dir(place.path()).spawn().unwrap();
    let mut victim = ProcessGuard::of_child(child).unwrap();
    let command = ["sh", "-c", "echo $$ > started; exec sleep 600"].map(str::to_owned).to_vec();
    let targets = vec![target(&victim)];
    let runner = run(&plan(vec![Fault::Restart { targets, command }]), journals.path());
    settled(&runner);
    victim.wait(LIMIT).unwrap();
    assert!(!place.path().join("started").exists());
    assert_eq!(runner.finish()[0].failed, None);
    let started: u32 = wait_until("the command to run where the process ran", || {
        fs::read_to_string(place.path().join("started")).ok()?.trim().parse().ok()
    });
    // It outlives the guard, which has ended.
    assert!(state(started).is_some());
    drop(ProcessGuard::of_pid(started));
}

#[test]
fn memory_is_held_and_given_back() {
    let journals = tempfile::tempdir().unwrap();
    let bytes = 96 << 20;
    let faults = vec![Fault::Memory { bytes: bytes..=bytes, share_max_percent: 90 }];
    let prepared = PreparedFaults::start(&plan(faults), &program(), journals.path()).unwrap();
    let guard = prepared.guard_pid();
    let runner = prepared.run(Instant::now());
    settled(&runner);
    let holder = children(guard)[0];
    wait_until("the memory to be written to", || (resident_bytes(holder)? >= bytes).then_some(()));
    runner.finish();
    assert_eq!(resident_bytes(holder), None);
}

#[test]
fn processor_is_kept_busy() {
    let journals = tempfile::tempdir().unwrap();
    let faults = vec![Fault::Cpu { workers: 3, nice: 19, share_percent: 100..=100 }];
    let prepared = PreparedFaults::start(&plan(faults), &program(), journals.path()).unwrap();
    let guard = prepared.guard_pid();
    let runner = prepared.run(Instant::now());
    settled(&runner);
    let busy = children(guard)[0];
    let threads = || fs::read_dir(format!("/proc/{busy}/task")).map_or(0, Iterator::count);
    assert_eq!(threads(), 4);
    wait_until("a second of work", || (processor_ticks(busy)? >= 100).then_some(()));
    runner.finish();
    assert_eq!(threads(), 0);
}

#[test]
fn clock_of_a_prepared_process_is_skewed() {
    let Some(library) = faketime_library() else {
        eprintln!("skipped: libfaketime is not installed");
        return;
    };
    let (journals, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let offset = place.path().join("offset");
    fs::write(&offset, "+0\n").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "while read line; do date +%s; done"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_NO_CACHE", "1");
    let mut child = command.spawn().unwrap();
    let (mut asked, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let victim = ProcessGuard::of_child(child).unwrap();
    let mut told = BufReader::new(told).lines();
    let mut behind = || {
        writeln!(asked).unwrap();
        let told: i64 = told.next().unwrap().unwrap().parse().unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        now.cast_signed() - told
    };
    assert!(behind().abs() < 600);
    let faults = vec![Fault::ClockSkew { targets: vec![target(&victim)], seconds: -7200..=-3600 }];
    let runner = run(&plan(faults), journals.path());
    let events = settled(&runner);
    assert_eq!(events[0].failed, None);
    assert!((3000..7800).contains(&behind()));
    runner.finish();
    assert!(behind().abs() < 600);
    assert_eq!(fs::read_to_string(&offset).unwrap(), "+0\n");
}

#[test]
fn faults_end_when_planned() {
    let journals = tempfile::tempdir().unwrap();
    let victim = victim();
    let freeze = |name: &str, at| PlannedFault {
        name: name.to_owned(),
        at: Duration::from_millis(at),
        lasts: Duration::from_millis(200),
        spread: Duration::ZERO,
        fault: Fault::Freeze { targets: vec![target(&victim)] },
        found_by: None,
    };
    let mut plan = plan(Vec::new());
    plan.faults = vec![freeze("second", 200), freeze("first", 0)];
    let runner = run(&plan, journals.path());
    let events = wait_until("both to end", || {
        Some(runner.events()).filter(|events| events.iter().all(|event| event.undone_s.is_some()))
    });
    let [first, second] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("first", "second"));
    // What ends at a moment ends before what begins at it, or the second would find the victim stopped.
    assert!(first.failed.is_none() && second.failed.is_none(), "{events:?}");
    assert!(first.undone_s <= second.began_s && second.undone_s.unwrap() >= 0.4);
}

fn faketime_library() -> Option<&'static Path> {
    let known = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib64/faketime/libfaketime.so.1",
        "/usr/lib/faketime/libfaketime.so.1",
    ];
    known.into_iter().map(Path::new).find(|path| path.exists())
}

fn resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn processor_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(11)?.parse().ok()
}

/// Started under a name of its own, so that it can be found by it.
fn named(program: &Path) -> ProcessGuard {
    let process = ProcessGuard::of_child(Command::new(program).arg("600").spawn().unwrap()).unwrap();
    let name = program.file_name().unwrap().to_str().unwrap();
    // It has it a moment after it was started.
    let command = || fs::read_to_string(format!("/proc/{}/comm", process.pid())).ok();
    wait_until("its name", || command().filter(|command| command.trim() == name));
    process
}

#[test]
fn process_that_was_started_anew_is_hit() {
    let journals = tempfile::tempdir().unwrap();
    let name = format!("again-{}", std::process::id());
    let program = journals.path().join(&name);
    symlink("/bin/sleep", &program).unwrap();
    let mut first = named(&program);
    let mut plan = plan(vec![Fault::Freeze { targets: vec![target(&first)] }]);
    // Late enough to be prepared by the clock of the load.
    plan.faults[0].at = Duration::from_secs(2);
    plan.faults[0].found_by = Some(TargetFinder::Name(name));
    let prepared = PreparedFaults::start(&plan, &crate::stage::program(), journals.path()).unwrap();
    first.kill().unwrap();
    first.wait(LIMIT).unwrap();
    let second = named(&program);
    let runner = prepared.run(Instant::now());
    let events = settled(&runner);
    assert_eq!(events[0].failed, None);
    assert!(events[0].effect.contains(&format!("pid {} ", second.pid())), "{events:?}");
    wait_until("the second one to stop", || stopped(second.pid()).then_some(()));
    runner.finish();
    wait_until("it to run on", || (!stopped(second.pid())).then_some(()));
}
