//! A project to ship, in a directory of its own, and its end.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;
use shield_testkit::{backend_program, free_port, wait_for_sync};
use tempfile::TempDir;

use super::{
    client::get,
    leftovers::{kill_all, processes_of},
    run::{Run, Running},
    text::Filters,
};

/// Longest wait for anything. Far above what is needed: it ends a test that hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Exit code of an invalid run.
const INVALID: i32 = 12;
/// How often something is measured that was held up. Beside six busy loops on two cores, every second run is.
const ATTEMPTS: usize = 20;

const MANIFEST: &str = r#"
format = 1
name = "shop"

[service]
start = "{artifact} --address {address} --port {port}"

[service.ready]
path = "/ready"
interval = "50ms"

[stage.build]
command = "cp source app"
artifact = "app"

[stage.test]
command = "true"

[[stage.smoke.request]]
name = "answers"
path = "/ready"

[release]
min_healthy = "300ms"
start_deadline = "20s"
watch = "300ms"
drain = "5s"
stop_grace = "2s"

[edge]
https = "127.0.0.1:HTTPS"
http = "127.0.0.1:HTTP"
"#;

/// A directory with (or without) a project. Whatever runs for it ends when this is dropped.
pub(crate) struct Project {
    parent: TempDir,
    pub(crate) https: u16,
    /// Where clients connect without TLS.
    pub(crate) http: u16,
}

// === impl Project: the files ===

impl Project {
    /// A directory with these files.
    pub(crate) fn of_files(files: &[(&str, &str)]) -> Self {
        let project = Self { parent: tempfile::tempdir().unwrap(), https: free_port(), http: free_port() };
        for directory in ["shop", "run", "outputs"] {
            fs::create_dir(project.parent.path().join(directory)).unwrap();
        }
        fs::set_permissions(project.parent.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A service whose artifact is a few lines of shell that become the test backend, at version `v1`.
    pub(crate) fn new() -> Self {
        let project = Self::of_files(&[]);
        let manifest = MANIFEST.replace("HTTPS", &project.https.to_string());
        project.write("shield.toml", &manifest.replace("HTTP", &project.http.to_string()));
        project.source("v1", "honest");
        project
    }

    /// The same, with `v1` live.
    pub(crate) fn shipped() -> Self {
        let project = Self::new();
        project.shield(&["ship"]).expect(0);
        project
    }

    pub(crate) fn path(&self) -> PathBuf {
        fs::canonicalize(self.parent.path()).unwrap().join("shop")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join(".shield")
    }

    /// The base of the sockets.
    pub(crate) fn runtime_directory(&self) -> PathBuf {
        self.parent.path().join("run")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a part of `shield.toml`.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("shield.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Makes the next artifact another version with this behaviour.
    pub(crate) fn source(&self, version: &str, behaviour: &str) {
        let line = format!("exec {} --version {version} --behaviour {behaviour} \"$@\"", backend().display());
        self.script(&format!("echo starting {version}\n{line}"));
    }

    /// Makes the next artifact these lines of shell.
    pub(crate) fn script(&self, lines: &str) {
        self.write("source", &format!("#!/bin/sh\n{lines}\n"));
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path().join("source"), executable).unwrap();
    }
}

// === impl Project: running ===

impl Project {
    /// Runs `shield` to its end.
    pub(crate) fn shield(&self, arguments: &[&str]) -> Run {
        self.start(arguments).finish()
    }

    /// Runs something that measures until its generator was not held up by other tests: a run that was says so, and proves
    /// nothing.
    pub(crate) fn measured(&self, arguments: &[&str]) -> Run {
        for _ in 0..ATTEMPTS {
            let run = self.shield(arguments);
            if run.code != INVALID && !run.stderr.contains("INVALID") {
                return run;
            }
        }
        panic!("the generator was held up {ATTEMPTS} times in a row");
    }

    /// Runs `shield` to its end, with these variables.
    pub(crate) fn shield_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        self.start_having(arguments, variables).finish()
    }

    /// Starts `shield` with these variables.
    pub(crate) fn start_having(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        self.start_with(Path::new(env!("CARGO_BIN_EXE_shield")), arguments, variables)
    }

    /// Starts `shield`.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_program(Path::new(env!("CARGO_BIN_EXE_shield")), arguments)
    }

    /// Starts another copy of `shield`.
    pub(crate) fn start_program(&self, program: &Path, arguments: &[&str]) -> Running {
        self.start_with(program, arguments, &[])
    }

    fn start_with(&self, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path());
        for name in ["SHIELD_PROJECT", "SHIELD_STATE", "SHIELD_LOG", "SHIELD_FAILPOINT", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("USER", "ada").env("XDG_RUNTIME_DIR", self.runtime_directory());
        command.env("XDG_STATE_HOME", self.parent.path().join("state-home"));
        command.env("XDG_CACHE_HOME", self.parent.path().join("cache-home"));
        command.envs(variables.iter().copied());
        Running::start(&mut command, &self.parent.path().join("outputs"), self.filters(program))
    }

    fn filters(&self, program: &Path) -> Filters {
        Filters::default()
            .literal(self.path().parent().unwrap().to_string_lossy(), "[DIR]")
            .literal(program.parent().unwrap().to_string_lossy(), "[BIN]")
            .literal(backend().to_string_lossy(), "[BACKEND]")
            .literal(format!("127.0.0.1:{}", self.https), "[HTTPS]")
            .literal(format!("127.0.0.1:{}", self.http), "[HTTP]")
    }

    /// What runs now.
    pub(crate) fn status(&self) -> Value {
        let run = self.shield(&["status", "--output-format", "json"]).expect(0);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Pids of the instances, in order of their names.
    pub(crate) fn instance_pids(&self) -> Vec<u64> {
        let status = self.status();
        status["instances"].as_array().unwrap().iter().map(|it| it["pid"].as_u64().unwrap()).collect()
    }

    /// Pid and name of every process that runs for this project.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        processes_of(&self.state())
    }

    /// What clients get from `/`: the version, or the status.
    pub(crate) fn served(&self) -> String {
        match get(self.http, "/") {
            Some((200, answer)) => {
                let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
                let version = body.split("\"version\":\"").nth(1).and_then(|rest| rest.split('"').next());
                version.unwrap_or(body).to_owned()
            }
            Some((status, _)) => status.to_string(),
            None => "no connection".to_owned(),
        }
    }

    /// Waits until clients get `version`.
    pub(crate) fn wait_until_served(&self, version: &str) {
        let look = || (self.served() == version).then_some(());
        wait_for_sync(&format!("{version} behind the edge"), LIMIT, look).unwrap();
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.processes().is_empty() {
            return;
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.state().join("logs/control.log")).unwrap_or_default();
            eprintln!("-- control.log\n{log}");
        } else {
            drop(self.start(&["down"]).finish());
        }
        kill_all(&self.state());
    }
}

/// The test backend: where `scripts/test` put it, or built now.
fn backend() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| backend_program().unwrap_or_else(|_| build_backend()))
}

/// Builds into the directory that this test was built into: `<target>/debug/deps/<this>`.
fn build_backend() -> PathBuf {
    let current = std::env::current_exe().unwrap();
    let profile = current.ancestors().nth(2).unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "-p", "shield-testkit", "--bin", "testkit-backend"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let target = profile.parent().unwrap();
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target).status();
    assert!(built.unwrap().success(), "build testkit-backend");
    backend_program().unwrap()
}
