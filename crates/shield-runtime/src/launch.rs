//! Starts an instance that will outlive the control plane.
//!
//! Output goes to a file and never to a pipe: a pipe's reader dies with the control plane, and the next line the instance
//! prints would kill it. Every refusal names the program and what to do about it.

use std::{
    collections::BTreeMap,
    ffi::{NulError, OsStr},
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::Duration,
};

use shield_types::InstanceId;

use crate::{
    environment::{environment, marker},
    identity::Identity,
    process::Process,
    program::{interpreter, resolve},
    spawn::{Image, spawn},
};

/// How often a program that is open for writing is tried again: a fork elsewhere in the control plane can hold the
/// descriptor of a just copied artifact until its own exec.
const BUSY_RETRIES: u32 = 50;
/// Pause between those tries.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Everything that determines one instance.
#[derive(Clone, Debug)]
pub struct LaunchOrder {
    /// The instance to start.
    pub instance: InstanceId,
    /// Hash that names the state directory: two control planes on one machine never adopt each other's children.
    pub scope: String,
    /// The program and its arguments, placeholders already filled in.
    pub argv: Vec<String>,
    /// Variables besides the few that are inherited.
    pub env: BTreeMap<String, String>,
    /// Where it runs, and where a relative program path starts.
    pub directory: PathBuf,
    /// Where it was told to listen.
    pub address: SocketAddr,
    /// The file that takes its output; created when absent, in a folder that exists.
    pub log: PathBuf,
}

/// Why an instance was not started. Nothing runs after any of these.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The start command has no words.
    #[error("launch `{instance}`: the start command is empty; write the program and its arguments")]
    EmptyCommand {
        /// The instance it was for.
        instance: InstanceId,
    },
    /// A bare name is in no folder of `PATH`.
    #[error("launch `{program}`: no such program in PATH `{search}`; install it, or write its path")]
    NotInPath {
        /// The name.
        program: String,
        /// The folders searched.
        search: String,
    },
    /// A path leads nowhere.
    #[error(
        "launch `{program}`: the file cannot be found; check the build command and the artifact path",
        program = program.display()
    )]
    FileNotFound {
        /// The path.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is there and may not be executed.
    #[error(
        "launch `{program}`: it is not executable by this user; use `chmod +x`, a regular file, and a file system without `noexec`",
        program = program.display()
    )]
    NotExecutable {
        /// The file.
        program: PathBuf,
    },
    /// The file is there, what runs it is not.
    #[error(
        "launch `{program}`: the file exists, its interpreter `{interpreter}` does not; \
         start the interpreter by name in the start command, or build the artifact on this machine",
        program = program.display()
    )]
    InterpreterMissing {
        /// The file.
        program: PathBuf,
        /// What it needs.
        interpreter: String,
    },
    /// The kernel does not know the format.
    #[error(
        "launch `{program}`: it is no program for this machine ({machine}); build it for this architecture, \
         or give a script a `#!` line",
        program = program.display(), machine = std::env::consts::ARCH
    )]
    WrongFormat {
        /// The file.
        program: PathBuf,
    },
    /// The working directory cannot be entered.
    #[error("launch `{program}` in `{directory}`: not a directory that can be entered", directory = directory.display())]
    Directory {
        /// The program.
        program: String,
        /// The directory.
        directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The log file cannot be opened for appending.
    #[error("launch `{program}`: open its log `{log}`", log = log.display())]
    Log {
        /// The program.
        program: String,
        /// The file.
        log: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A variable name is empty or holds `=`.
    #[error("launch `{program}`: `{name}` cannot be the name of an environment variable")]
    VariableName {
        /// The program.
        program: String,
        /// The name.
        name: String,
    },
    /// An argument or variable holds a NUL byte.
    #[error("launch `{program}`: an argument or variable contains a NUL byte")]
    NulByte {
        /// The program.
        program: String,
        /// Where.
        source: NulError,
    },
    /// The operating system refused for a reason of its own (processes, memory, argument size).
    #[error("launch `{program}`: the operating system refused", program = program.display())]
    Refused {
        /// The file.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It started and could not be watched, so it was killed.
    #[error("watch `{program}`, which was started and killed again", program = program.display())]
    Unwatchable {
        /// The file.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Starts the instance. Blocks for the length of a fork and exec; must be called inside a Tokio runtime.
///
/// The process is reaped when it ends, also when the returned handle was dropped long ago.
pub fn launch(order: &LaunchOrder) -> Result<Process, LaunchError> {
    let name = order
        .argv
        .first()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| LaunchError::EmptyCommand { instance: order.instance.clone() })?;
    check_variables(name, order)?;
    check_directory(name, &order.directory)?;
    let environment = environment(order);
    let search = environment.get(OsStr::new("PATH")).map(|path| path.as_os_str()).unwrap_or_default();
    let program = resolve(name, &order.directory, search)?;
    let log = open_log(&order.log).map_err(|source| LaunchError::Log {
        program: name.clone(),
        log: order.log.clone(),
        source,
    })?;
    let child = spawn_patiently(&program, &order.directory, &log, || {
        Image::new(&program, &order.argv, environment.iter())
            .map_err(|source| LaunchError::NulByte { program: name.clone(), source })
    })?;
    watch(child, marker(&order.scope, &order.instance))
        .map_err(|source| LaunchError::Unwatchable { program, source })
}

fn check_variables(program: &str, order: &LaunchOrder) -> Result<(), LaunchError> {
    match order.env.keys().find(|name| name.is_empty() || name.contains('=')) {
        Some(name) => Err(LaunchError::VariableName { program: program.to_owned(), name: name.clone() }),
        None => Ok(()),
    }
}

/// Checked before the fork: afterwards, the same error number would also mean a missing interpreter.
fn check_directory(program: &str, directory: &Path) -> Result<(), LaunchError> {
    let refusal = |source| LaunchError::Directory {
        program: program.to_owned(),
        directory: directory.to_owned(),
        source,
    };
    let metadata = fs::metadata(directory).map_err(refusal)?;
    if !metadata.is_dir() {
        return Err(refusal(ErrorKind::NotADirectory.into()));
    }
    rustix::fs::access(directory, rustix::fs::Access::EXEC_OK).map_err(|error| refusal(error.into()))
}

/// Owner only: what a backend prints may hold what its users typed. A directory that somebody cleaned away is made again.
fn open_log(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn spawn_patiently(
    program: &Path,
    directory: &Path,
    log: &File,
    image: impl Fn() -> Result<Image, LaunchError>,
) -> Result<Child, LaunchError> {
    let mut tries = 0;
    loop {
        let log = log.try_clone().map_err(|error| refusal(program, error))?;
        match spawn(image()?, directory, log) {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < BUSY_RETRIES => {
                tries += 1;
                thread::sleep(BUSY_PAUSE);
            }
            Err(error) => return Err(refusal(program, error)),
        }
    }
}

/// What an error number of `execve` means for somebody who wrote a start command.
fn refusal(program: &Path, source: io::Error) -> LaunchError {
    let program = program.to_owned();
    match source.raw_os_error() {
        Some(libc::ENOENT) => LaunchError::InterpreterMissing { interpreter: interpreter(&program), program },
        Some(libc::ENOEXEC) => LaunchError::WrongFormat { program },
        Some(libc::EACCES | libc::EPERM) => LaunchError::NotExecutable { program },
        _ => LaunchError::Refused { program, source },
    }
}

fn watch(mut child: Child, marker: String) -> io::Result<Process> {
    // The pid cannot be reused here: nobody has reaped the child yet.
    let watched = i32::try_from(child.id())
        .ok()
        .and_then(Identity::of)
        .ok_or_else(|| io::Error::other("`/proc` shows no such process; is it mounted?"))
        .and_then(|identity| Process::watch_child(identity, marker));
    if watched.is_err() {
        // The caller learns why it could not be watched; that it is gone already is no second failure.
        let _ = child.kill();
        let _ = child.wait();
    }
    watched
}
