//! Instances as real processes: started, stopped, found again.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::sandbox::{PATIENCE, PROGRAM, Sandbox, eventually, identity_of, numbers, runs, stat};
use rustix::process::{Pid, Signal, kill_process};
use shield_runtime::{
    ExitReport, Identity, LaunchError, LaunchOrder, StopOutcome, adopt, find, launch, marker, reap_session,
};

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// A process of the test that prints one line and stays until it is dropped.
struct Helper {
    child: Child,
    line: String,
}

impl Helper {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn reports_code_and_signal() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script("echo out; echo err >&2; exit 3")).unwrap();
    assert_eq!(process.exited().await, ExitReport::Exited { code: 3 });
    assert_eq!(process.exited().await, ExitReport::Exited { code: 3 });
    assert!(!process.is_alive());
    assert_eq!(sandbox.log(), "out\nerr\n");
    let process = launch(&sandbox.script("kill -9 $$")).unwrap();
    assert_eq!(process.exited().await, ExitReport::Killed { signal: 9, core_dumped: false });
}

#[tokio::test]
async fn starts_in_clean_world() {
    let sandbox = Sandbox::new();
    let mut order = sandbox.script("env > env.txt; echo dir $PWD; cat; echo ready; exec sleep 1000");
    order.env.insert("GREETING".to_owned(), "hello world".to_owned());
    let process = launch(&order).unwrap();
    let pid = process.identity().pid;
    eventually("ready", || sandbox.log().contains("ready")).await;
    let environment = fs::read_to_string(sandbox.path("env.txt")).unwrap();
    let marker = format!("SHIELD_INSTANCE={}/{}", sandbox.scope, order.instance);
    let address = format!("SHIELD_INSTANCE_ADDRESS={}", order.address);
    for line in ["GREETING=hello world", marker.as_str(), address.as_str()] {
        assert!(environment.lines().any(|found| found == line), "{line} in {environment}");
    }
    assert!(!environment.contains("CARGO"), "{environment}");
    assert_eq!(stat(pid)[3], pid.to_string(), "leads its session");
    assert_eq!(fs::metadata(sandbox.path("instance.log")).unwrap().permissions().mode() & 0o777, 0o600);
    process.stop(PATIENCE).await;
}

#[tokio::test]
async fn unwatched_children_are_reaped() {
    let sandbox = Sandbox::new();
    let pid = launch(&sandbox.script("exit 0")).unwrap().identity().pid;
    eventually("no zombie", || stat(pid).is_empty()).await;
}

#[tokio::test]
async fn stops_gracefully() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let process = launch(&sandbox.script(script)).unwrap();
    eventually("ready", || sandbox.log().contains("ready")).await;
    assert!(process.is_alive());
    let report = process.stop(PATIENCE).await;
    assert_eq!((report.outcome, report.exit), (StopOutcome::Graceful, Some(ExitReport::Exited { code: 5 })));
    assert!(sandbox.log().contains("bye"));
    assert_eq!(process.stop(PATIENCE).await.outcome, StopOutcome::AlreadyGone);
}

#[tokio::test]
async fn kills_after_grace() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script("trap '' TERM; echo ready; exec sleep 1000")).unwrap();
    eventually("ready", || sandbox.log().contains("ready")).await;
    let (first, second) =
        tokio::join!(process.stop(Duration::from_millis(100)), process.stop(Duration::from_millis(100)));
    assert_eq!((first.outcome, first.survivors), (StopOutcome::Killed, Vec::new()));
    assert_eq!(second.exit, Some(ExitReport::Killed { signal: 9, core_dumped: false }));
}

/// Two workers that ignore `SIGTERM`, in the background of a leader that does not.
const WORKERS: &str =
    "for i in 1 2; do (trap '' TERM; exec sleep 1000) & echo worker $!; done; echo ready; wait";

/// Waits until both are `sleep`, which is after the trap was set and the environment taken over.
async fn workers(sandbox: &Sandbox) -> Vec<i32> {
    eventually("ready", || sandbox.log().contains("ready")).await;
    let workers = numbers(&sandbox.log(), "worker");
    let read = |pid: &i32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let settled = |pid: &i32| read(pid, "comm") == "sleep\n" && read(pid, "environ").contains(&sandbox.scope);
    eventually("workers", || workers.iter().all(settled)).await;
    workers
}

#[tokio::test]
async fn workers_die_with_session() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script(WORKERS)).unwrap();
    let workers = workers(&sandbox).await;
    let report = process.stop(Duration::from_millis(300)).await;
    assert_eq!(report.outcome, StopOutcome::Killed);
    assert_eq!((workers.len(), workers.iter().filter(|pid| runs(**pid)).count()), (2, 0));
}

#[tokio::test]
async fn polite_workers_get_grace() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script("sleep 1000 & echo worker $!; echo ready; wait")).unwrap();
    eventually("ready", || sandbox.log().contains("ready")).await;
    assert_eq!(process.stop(PATIENCE).await.outcome, StopOutcome::Graceful);
    assert!(!runs(numbers(&sandbox.log(), "worker")[0]));
}

#[tokio::test]
async fn workers_outlive_leader_not_stop() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script(WORKERS)).unwrap();
    let workers = workers(&sandbox).await;
    kill(process.identity().pid);
    process.exited().await;
    assert!(workers.iter().all(|pid| runs(*pid)));
    assert_eq!(process.stop(Duration::ZERO).await.outcome, StopOutcome::Killed);
    assert!(!workers.iter().any(|pid| runs(*pid)));
}

#[tokio::test]
async fn reaps_session_of_dead_leader() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script(WORKERS)).unwrap();
    let workers = workers(&sandbox).await;
    let identity = process.identity().clone();
    kill(identity.pid);
    process.exited().await;
    let foreign = Identity { boot_id: "another boot".to_owned(), ..identity.clone() };
    assert_eq!(reap_session(&foreign, None).await.killed, 0);
    let report = reap_session(&identity, None).await;
    assert_eq!((report.killed, report.survivors), (2, Vec::new()));
    assert!(!workers.iter().any(|pid| runs(*pid)));
}

#[tokio::test]
async fn reaps_daemon_of_dead_leader() {
    let sandbox = Sandbox::new();
    let order = sandbox.program(&["daemonize"]);
    let process = launch(&order).unwrap();
    eventually("daemon", || !numbers(&sandbox.log(), "daemon").is_empty()).await;
    let daemon = numbers(&sandbox.log(), "daemon")[0];
    let identity = process.identity().clone();
    kill(identity.pid);
    process.exited().await;
    assert!(runs(daemon));
    reap_session(&identity, Some(marker(&sandbox.scope, &order.instance))).await;
    assert!(!runs(daemon));
}

#[tokio::test]
async fn daemon_in_own_session_dies_too() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.program(&["daemonize"])).unwrap();
    eventually("daemon", || sandbox.log().contains("leads")).await;
    let found = find(&sandbox.scope);
    assert_eq!(found.len(), 2);
    assert_eq!(&found[0].identity, process.identity());
    process.stop(PATIENCE).await;
    assert_eq!(find(&sandbox.scope), []);
}

/// A set of signals of a process, without the two that belong to the C library.
fn signals(pid: i32, set: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(":\t")).unwrap();
    u64::from_str_radix(line, 16).unwrap() & !0x1_8000_0000
}

#[tokio::test]
async fn survives_death_of_control_plane() {
    let sandbox = Sandbox::new();
    let order: LaunchOrder = sandbox.script("echo ready; exec sleep 1000");
    // What the control plane inherits must not reach the instance: an ignored signal, an open descriptor.
    let mut control_plane = Helper::start(
        Command::new("sh")
            .args(["-c", r#"trap '' TERM HUP; exec 9</dev/null; exec "$@""#, "sh", PROGRAM, "control-plane"])
            .args([&sandbox.scope, &order.address.to_string(), sandbox.path("").to_str().unwrap()])
            .args(&order.argv),
    );
    let words: Vec<String> = control_plane.line.split_whitespace().map(str::to_owned).collect();
    let identity = Identity {
        boot_id: words[1].clone(),
        pid: words[2].parse().unwrap(),
        start_ticks: words[3].parse().unwrap(),
    };
    eventually("ready", || sandbox.log().contains("ready")).await;
    control_plane.kill();

    let found = find(&sandbox.scope);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].identity, &found[0].instance, found[0].address),
        (&identity, &order.instance, order.address)
    );
    assert!(adopt(&identity, &marker("another-scope", &order.instance)).is_none());
    let marker = marker(&sandbox.scope, &order.instance);
    let process = adopt(&identity, &marker).unwrap();
    assert!(process.is_alive());
    assert_eq!((signals(identity.pid, "SigBlk"), signals(identity.pid, "SigIgn")), (0, 0));
    // The loader of `sleep` may still have a library open.
    let open = || fs::read_dir(format!("/proc/{}/fd", identity.pid)).unwrap().count();
    eventually("only standard descriptors", || open() == 3).await;

    let report = process.stop(PATIENCE).await;
    assert_eq!((report.outcome, report.exit), (StopOutcome::Graceful, Some(ExitReport::NotOurChild)));
    assert!(adopt(&identity, &marker).is_none());
    assert_eq!(find(&sandbox.scope), []);
}

#[tokio::test]
async fn refuses_reused_pid() {
    let sandbox = Sandbox::new();
    let process = launch(&sandbox.script("exec sleep 1000")).unwrap();
    let identity = process.identity();
    assert_eq!(*identity, identity_of(identity.pid));
    let earlier = Identity { start_ticks: identity.start_ticks - 1, ..identity.clone() };
    let marker = marker(&sandbox.scope, &"r7-0a0b0c0d.0.0".parse().unwrap());
    assert!(adopt(&earlier, &marker).is_none());
    assert!(adopt(&Identity { boot_id: "another boot".to_owned(), ..identity.clone() }, &marker).is_none());
    assert_eq!(reap_session(&earlier, None).await.killed, 0);
    assert!(process.is_alive());
    assert_eq!(process.kill_group(), 1);
    process.exited().await;
}

#[tokio::test]
async fn zombie_is_dead() {
    let sandbox = Sandbox::new();
    let marker = format!("{}/r7-0a0b0c0d.0.0", sandbox.scope);
    let parent = Helper::start(Command::new(PROGRAM).args(["neglect", &marker, "127.0.0.1:20000"]));
    let pid = numbers(&parent.line, "child")[0];
    eventually("leader", || stat(pid)[3] == pid.to_string()).await;
    let identity = identity_of(pid);
    let process = adopt(&identity, &marker).unwrap();
    assert_eq!(find(&sandbox.scope).len(), 1);
    kill(pid);
    assert_eq!(process.exited().await, ExitReport::NotOurChild);
    assert_eq!(stat(pid)[0], "Z", "its parent never asks");
    assert!(!process.is_alive());
    assert!(adopt(&identity, &marker).is_none());
    assert_eq!(find(&sandbox.scope), []);
    assert_eq!(process.stop(PATIENCE).await.outcome, StopOutcome::AlreadyGone);
    assert!(runs(parent.child.id().cast_signed()), "its parent is a stranger");
}

#[tokio::test]
async fn finds_only_own_scope() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    let process = launch(&one.script("exec sleep 1000")).unwrap();
    eventually("an environment", || find(&one.scope).len() == 1).await;
    assert_eq!(find(&other.scope), []);
    assert_eq!(find(&one.scope[..one.scope.len() - 1]), [], "a prefix is another scope");
    process.kill_group();
    process.exited().await;
}

fn launch_error(order: &LaunchOrder) -> String {
    launch(order).unwrap_err().to_string()
}

#[tokio::test]
async fn refusal_names_program_and_remedy() {
    let sandbox = Sandbox::new();
    let write = |name: &str, content: &[u8], mode| {
        fs::write(sandbox.path(name), content).unwrap();
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    write("plain", b"#!/bin/sh\n", 0o644);
    write("no-format", b"\x00\x01\x02\x03", 0o755);
    // An ELF header of a machine that does not exist.
    write(
        "foreign",
        &[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[2, 0, 0xff, 0xfe], &[0; 60]].concat(),
        0o755,
    );
    write("orphan", b"#!/nowhere/venv/bin/python3\n", 0o755);
    for (program, expected) in [
        ("no-such-program", "launch `no-such-program`: no such program in PATH `"),
        ("./absent", "the file cannot be found; check the build command"),
        ("./plain", "it is not executable by this user; use `chmod +x`"),
        ("./no-format", "it is no program for this machine"),
        ("./foreign", "it is no program for this machine"),
        ("./orphan", "its interpreter `/nowhere/venv/bin/python3` does not"),
        ("", "the start command is empty"),
    ] {
        let error = launch_error(&sandbox.order(&[program]));
        assert!(error.contains(expected) && error.contains(program), "{program}: {error}");
    }
    assert!(matches!(launch(&sandbox.order(&[])), Err(LaunchError::EmptyCommand { .. })));
    let mut order = sandbox.order(&["true"]);
    order.env.insert("A=B".to_owned(), String::new());
    assert!(launch_error(&order).contains("`A=B` cannot be the name"));
    let order = LaunchOrder { directory: sandbox.path("absent"), ..sandbox.order(&["true"]) };
    assert!(launch_error(&order).contains("not a directory"));
    let order = LaunchOrder { log: sandbox.path("plain/log"), ..sandbox.order(&["true"]) };
    assert!(launch_error(&order).contains("open its log"));
    assert!(launch_error(&sandbox.order(&["true", "a\0b"])).contains("NUL"));
    assert_eq!(find(&sandbox.scope), []);
}

#[tokio::test]
async fn busy_program_is_tried_again() {
    let sandbox = Sandbox::new();
    fs::copy("/bin/sleep", sandbox.path("copy")).unwrap();
    let order = sandbox.order(&["./copy", "1000"]);
    let writer = fs::OpenOptions::new().append(true).open(sandbox.path("copy")).unwrap();
    assert!(matches!(launch(&order), Err(LaunchError::Refused { .. })));
    let closing = std::thread::spawn(move || drop(writer));
    let process = launch(&order).unwrap();
    closing.join().unwrap();
    assert_eq!(process.stop(PATIENCE).await.outcome, StopOutcome::Graceful);
}
