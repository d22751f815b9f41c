//! A project to release: a `shield.toml`, an artifact that changes with each release, a state directory, and the real
//! `shield` to drive. When it is dropped, everything that it started is stopped.

use std::{env, ffi::OsStr, fs, net::TcpListener, path::PathBuf, time::Duration};

use shield_control::admin::StatusReport;
use shield_load::LoadPlan;
use shield_release::InstancePhase;
use shield_testkit::wait_for;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Finished, ManifestSettings, Programs, Result, Running, Trouble, https, kill, run, running};

/// Longest command: the first `ship` of a Python service downloads its dependencies.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
/// Longest time until a state is quiet again.
const SETTLE_LIMIT: Duration = Duration::from_secs(30);
/// Longest `shield down` while cleaning up, in seconds.
const CLEANUP_LIMIT_S: &str = "60";

/// A project in a temporary directory.
#[derive(Debug)]
pub(crate) struct Project {
    directory: TempDir,
    programs: Programs,
    state: PathBuf,
    port: u16,
    version: u64,
}

// === impl Project ===

impl Project {
    /// A project of the test backend, with nothing released yet.
    pub(crate) fn create(programs: &Programs, settings: &ManifestSettings) -> Result<Self> {
        let mut project = Self::around(programs, free_edge_port()?)?;
        let artifact = project.path("artifact");
        fs::create_dir(&artifact).map_err(|error| Trouble::caused("make the artifact", error))?;
        fs::copy(&programs.backend, artifact.join("testkit-backend"))
            .map_err(|error| Trouble::caused(format!("copy `{}`", programs.backend.display()), error))?;
        project.configure(settings)?;
        project.change()?;
        Ok(project)
    }

    /// An empty project whose edge will listen on `port`.
    pub(crate) fn around(programs: &Programs, port: u16) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("shield-bar-").tempdir();
        let directory = directory.map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let root = fs::canonicalize(directory.path())
            .map_err(|error| Trouble::caused("resolve the temporary directory", error))?;
        let state = root.join("project/.shield");
        for name in ["project", "run"] {
            let made = fs::create_dir(root.join(name));
            made.map_err(|error| Trouble::caused(format!("make `{name}`"), error))?;
        }
        Ok(Self { directory, programs: programs.clone(), state, port, version: 0 })
    }

    /// The state lies in `state` from now on.
    pub(crate) fn with_state(mut self, state: PathBuf) -> Self {
        self.state = state;
        self
    }

    /// `shield` is this program from now on.
    pub(crate) fn with_shield(mut self, shield: PathBuf) -> Self {
        self.programs.shield = shield;
        self
    }

    /// A path in the project.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join("project").join(relative)
    }

    /// A path beside the project, which goes when it goes.
    pub(crate) fn beside(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// A path in the state directory.
    pub(crate) fn state(&self, relative: &str) -> PathBuf {
        self.state.join(relative)
    }

    /// Where the ledger of production is kept.
    pub(crate) fn data(&self) -> PathBuf {
        self.state("data/production")
    }

    /// Writes `shield.toml` anew.
    pub(crate) fn configure(&self, settings: &ManifestSettings) -> Result<()> {
        fs::write(self.path("shield.toml"), settings.render(self.port))
            .map_err(|error| Trouble::caused("write `shield.toml`", error))
    }

    /// Changes the artifact, so that the next release has another digest.
    pub(crate) fn change(&mut self) -> Result<()> {
        self.version += 1;
        fs::write(self.path("artifact/version"), format!("{}\n", self.version))
            .map_err(|error| Trouble::caused("change the artifact", error))
    }

    /// Runs `shield` with these arguments, and no variable of the caller's that would change what it does.
    pub(crate) async fn shield(&self, arguments: &[&str]) -> Result<Finished> {
        self.shield_with(arguments, &[]).await
    }

    /// The same with variables.
    pub(crate) async fn shield_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Finished> {
        let mut command = self.command(&self.programs.shield);
        command.args(arguments).envs(variables.iter().copied());
        run(command, COMMAND_LIMIT).await
    }

    /// A program that runs in the project, without the caller's `SHIELD_` variables.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SHIELD_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.path(""))
            .env("XDG_RUNTIME_DIR", self.beside("run"))
            .env("SHIELD_STATE", &self.state);
        command
    }

    /// `shield release`, whatever becomes of it.
    pub(crate) async fn release(&self) -> Result<Finished> {
        self.shield(&["release", "--output-format", "json"]).await
    }

    /// Changes the artifact and releases it; anything but success is an error.
    pub(crate) async fn must_release(&mut self) -> Result<Finished> {
        self.change()?;
        let finished = self.release().await?;
        if finished.succeeded() {
            return Ok(finished);
        }
        let reason = finished.reason();
        Err(Trouble::new(format!(
            "release version {}: exit code {}: {reason}",
            self.version,
            finished.code()
        )))
    }

    /// `shield status`; an error when nobody answers.
    pub(crate) async fn status(&self) -> Result<StatusReport> {
        let finished = self.shield(&["status", "--output-format", "json"]).await?;
        if !finished.succeeded() {
            return Err(Trouble::new(format!("ask for the status: {}", finished.reason())));
        }
        serde_json::from_str(&finished.stdout).map_err(|error| Trouble::caused("read the status", error))
    }

    /// Waits until no release is under way, the live one is healthy and routed, and nothing else runs; gives the status.
    pub(crate) async fn settled(&self) -> Result<StatusReport> {
        let settled = wait_for("a quiet state", SETTLE_LIMIT, async || {
            let status = self.status().await.ok()?;
            (quiet(&status) && self.surplus(&status).is_empty()).then_some(status)
        });
        if let Ok(status) = settled.await {
            return Ok(status);
        }
        let status = self.status().await?;
        let surplus = self.surplus(&status);
        Err(Trouble::new(format!(
            "come to rest within {SETTLE_LIMIT:?}: processes {surplus:?}, status {status:?}"
        )))
    }

    /// Where the processes differ from one control plane, one edge and exactly the live instances.
    fn surplus(&self, status: &StatusReport) -> Vec<Running> {
        let pids: Vec<_> = status.instances.iter().filter_map(|instance| instance.pid).collect();
        let edge = status.edge.as_ref().map(|edge| edge.pid);
        let belongs = |running: &Running| match running {
            Running::Control { pid } => *pid == status.pid,
            Running::Edge { pid } => Some(*pid) == edge,
            Running::Instance { pid, .. } => pids.contains(&i64::from(*pid)),
        };
        self.running().into_iter().filter(|running| !belongs(running)).collect()
    }

    /// Everything that runs for this project.
    pub(crate) fn running(&self) -> Vec<Running> {
        running(&self.state)
    }

    /// Kills the control plane (`SIGKILL`) and waits until it is gone.
    pub(crate) async fn kill_control(&self) -> Result<()> {
        let control =
            || self.running().into_iter().find(|running| matches!(running, Running::Control { .. }));
        let gone = wait_for("the end of the control plane", SETTLE_LIMIT, async || match control() {
            Some(running) => {
                kill(running.pid());
                None
            }
            None => Some(()),
        });
        gone.await.map_err(|error| Trouble::caused("kill the control plane", error))
    }

    /// Load on the edge, without clients yet.
    pub(crate) fn load(&self) -> Result<LoadPlan> {
        https(self.port, &self.state("ca/ca.pem"))
    }

    /// `shield down`, then looks whether anything was left behind.
    pub(crate) async fn close(self) -> Result<()> {
        let down = self.shield(&["down"]).await?;
        let gone = wait_for("the end of every process", SETTLE_LIMIT, async || {
            self.running().is_empty().then_some(())
        });
        match (down.succeeded(), gone.await) {
            (true, Ok(())) => Ok(()),
            (false, _) => Err(Trouble::new(format!("take everything down: {}", down.reason()))),
            (true, Err(_)) => Err(Trouble::new(format!("leave nothing behind: {:?}", self.running()))),
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.running().is_empty() {
            return;
        }
        // Blocking, since a drop cannot wait otherwise; what does not go politely is killed.
        let down = std::process::Command::new("timeout")
            .arg(CLEANUP_LIMIT_S)
            .arg(&self.programs.shield)
            .arg("down")
            .current_dir(self.path(""))
            .env("XDG_RUNTIME_DIR", self.beside("run"))
            .env("SHIELD_STATE", &self.state)
            .output();
        drop(down);
        // A control plane that dies last may have started something: look again.
        for _ in 0..3 {
            self.running().iter().for_each(|running| kill(running.pid()));
        }
    }
}

fn quiet(status: &StatusReport) -> bool {
    let of_live = status.instances.iter().all(|instance| {
        Some(instance.instance.release()) == status.live.as_ref() && instance.phase == InstancePhase::Healthy
    });
    status.underway.is_none()
        && of_live
        && !status.instances.is_empty()
        && status.edge.is_some()
        && status.routed >= status.generation
}

/// A port that the manifest accepts, outside the ranges of instances and of the kernel.
pub(crate) fn free_edge_port() -> Result<u16> {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..100)
        .map(|_| fastrand::u16(10_000..20_000))
        .find(free)
        .ok_or_else(|| Trouble::new("find a free port between 10000 and 20000"))
}
