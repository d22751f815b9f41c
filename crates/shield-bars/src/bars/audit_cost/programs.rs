//! The programs that are compared, and what a run of one took.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::harness::{Result, Trouble, children_time};

const RUFF: &str = "SHIELD_BAR_RUFF";
const BANDIT: &str = "SHIELD_BAR_BANDIT";
/// How often the memory of a program is looked at. The kernel keeps the highest value; only what is taken after the last look
/// is not seen.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// Everything that `shield audit` may say of a tree.
const AUDITED: &[i32] = &[0, 10, 14, 15];

/// Where they are.
pub(super) struct Programs {
    shield: PathBuf,
    ruff: PathBuf,
    bandit: PathBuf,
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// Time of all its processors, its own and the kernel's for it.
    pub(super) processor: Duration,
    /// The most memory it had.
    pub(super) resident_bytes: u64,
}

// === impl Programs ===

impl Programs {
    pub(super) fn find(shield: PathBuf) -> Result<Self> {
        let named = |variable: &str, what: &str| {
            let path = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
            path.ok_or_else(|| {
                Trouble::new(format!("find {what}: name the path of its program in {variable}"))
            })
        };
        Ok(Self { shield, ruff: named(RUFF, "ruff 0.17.6")?, bandit: named(BANDIT, "bandit 1.9.4")? })
    }
}

// === impl Spent ===

impl Spent {
    pub(super) fn seconds(&self) -> f64 {
        self.processor.as_secs_f64()
    }

    pub(super) fn resident_mib(&self) -> f64 {
        let kib = u32::try_from(self.resident_bytes >> 10).unwrap_or(u32::MAX);
        f64::from(kib) / 1024.0
    }
}

/// Audits a project for the first time: nothing that an earlier audit kept is there.
pub(super) fn shield(programs: &Programs, project: &Path) -> Result<Spent> {
    shield_with(programs, project, directory()?.path(), Stdio::null())
}

/// Audits a project for the first time, and once more: what each took, and whether both said the same.
pub(super) fn shield_twice(programs: &Programs, project: &Path) -> Result<([Spent; 2], bool)> {
    let directory = directory()?;
    let outputs = ["first", "second"].map(|name| directory.path().join(name));
    let audit = |output: &PathBuf| {
        let file = File::create(output).map_err(|error| Trouble::caused("write what is said", error))?;
        shield_with(programs, project, &directory.path().join("cache"), file.into())
    };
    let spent = [audit(&outputs[0])?, audit(&outputs[1])?];
    let [first, second] = outputs.map(|output| fs::read(output).ok());
    Ok((spent, first.is_some() && first == second))
}

fn shield_with(programs: &Programs, project: &Path, cache: &Path, said: Stdio) -> Result<Spent> {
    let mut command = Command::new(&programs.shield);
    command.args(["audit", "--output-format", "json"]).arg(project);
    command.env("XDG_CACHE_HOME", cache).env_remove("SHIELD_ADVISORIES").stdout(said);
    run(&mut command, AUDITED)
}

fn directory() -> Result<TempDir> {
    tempfile::tempdir().map_err(|error| Trouble::caused("make a directory", error))
}

/// Runs ruff with some of its rules.
pub(super) fn ruff(programs: &Programs, rules: &str, project: &Path) -> Result<Spent> {
    let mut command = Command::new(&programs.ruff);
    command.args(["check", "--isolated", "--no-cache", "--exit-zero", "-q", "--select", rules]).arg(project);
    command.stdout(Stdio::null());
    run(&mut command, &[0])
}

/// Runs bandit.
pub(super) fn bandit(programs: &Programs, project: &Path) -> Result<Spent> {
    // Findings are no failure here, but something that it could not run is.
    run(Command::new(&programs.bandit).args(["-r", "-q"]).arg(project).stdout(Stdio::null()), &[0, 1])
}

fn run(command: &mut Command, codes: &[i32]) -> Result<Spent> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error| Trouble::caused(format!("run `{name}`"), error);
    let before = children_time()?;
    let mut child = command.stdin(Stdio::null()).spawn().map_err(failed)?;
    let mut resident_bytes = 0;
    let status = loop {
        resident_bytes = resident_bytes.max(highest_bytes(&child));
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None => thread::sleep(LOOK_INTERVAL),
        }
    };
    if !status.code().is_some_and(|code| codes.contains(&code)) {
        return Err(Trouble::new(format!("run `{name}`: {status}")));
    }
    Ok(Spent { processor: children_time()?.saturating_sub(before), resident_bytes })
}

/// `VmHWM` of proc_pid_status(5); nothing once the process has ended.
fn highest_bytes(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}
