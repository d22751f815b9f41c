//! A private PostgreSQL for tests: a real server on loopback, in a directory of its own, gone with the test process.
//!
//! A static is never dropped, and a killed process drops nothing, so a small shell stands between: it holds the server and
//! waits for the end of its standard input, which only this process has the other end of. However this process ends,
//! the pipe closes, and the shell thaws what was frozen, stops the server by pid and removes the directory.
//!
//! The server trusts loopback and does not fsync: it is for tests of what is done, not of what survives a power cut.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use thiserror::Error;

use crate::{free_port, wait_for_sync};

/// Where Debian and Ubuntu put the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends postgresql";
/// Starting takes a second; a busy machine may need many.
const START_LIMIT: Duration = Duration::from_secs(60);
const CONNECTIONS_MAX: u32 = 300;
/// `$1` is the directory, the rest is the server's command line. Quotes would keep the list of children together.
const KEEPER: &str = r#"directory=$1
shift
"$@" >"$directory/log" 2>&1 &
server=$!
echo "$server"
read -r end
kill -CONT $server $(cat "/proc/$server/task/$server/children" 2>/dev/null) 2>/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$directory"
"#;

static SHARED: OnceLock<Postgres> = OnceLock::new();
static STARTED: AtomicU32 = AtomicU32::new(0);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    server: Pid,
    keeper: Child,
    /// Closing it ends the server.
    lifeline: Option<ChildStdin>,
}

/// A server that did not start, or did not do as it was told.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// Not installed.
    #[error("find PostgreSQL under `{VERSIONS}`: install it with `{INSTALL}`")]
    Missing,
    /// One of its programs could not be run.
    #[error("run `{program}`")]
    Run {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One of its programs failed.
    #[error("run `{program}`: {output}")]
    Failed {
        /// Which.
        program: String,
        /// What it printed.
        output: String,
    },
    /// It takes no connection.
    #[error("wait for PostgreSQL to take connections: {log}")]
    Start {
        /// What it logged.
        log: String,
    },
    /// A signal was not delivered.
    #[error("signal PostgreSQL")]
    Signal(#[source] Errno),
}

// === impl Postgres ===

impl Postgres {
    /// The server of this test process, started by the first who asks.
    ///
    /// # Panics
    /// When there is none: the test cannot say anything then, and must not pass.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|error| panic!("{error}")))
    }

    /// A server of the caller's own, to be frozen or killed. Gone when this is dropped.
    pub fn start() -> Result<Self, PostgresError> {
        let programs = programs()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("shield-postgres-{}-{number}", process::id()));
        let path = directory.display().to_string();
        if geteuid().is_root() {
            // PostgreSQL refuses to run as root; Debian's package makes this user.
            run("install", &["-d", "-o", "postgres", "-m", "700", &path], None)?;
        } else {
            fs::create_dir(&directory)
                .map_err(|source| PostgresError::Run { program: format!("mkdir {path}"), source })?;
        }
        let initdb = programs.join("initdb").display().to_string();
        let data = directory.join("data").display().to_string();
        let mut initialise = as_postgres();
        initialise.extend([initdb.as_str(), "-D", &data, "-A", "trust", "-U", "postgres"]);
        initialise.extend(["-N", "-E", "UTF8", "--locale=C"]);
        let (first, rest) = initialise.split_first().expect("has the program");
        run(first, rest, Some(&directory))?;
        Self::serve(programs, &directory, &data)
    }

    /// A fresh, empty database, as `postgres://…`.
    pub fn create_database(&self) -> Result<String, PostgresError> {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        let createdb = self.programs.join("createdb").display().to_string();
        run(&createdb, &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name], None)?;
        Ok(format!("postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable"))
    }

    /// Stops all of it (`SIGSTOP`): connections stay, and nobody answers.
    pub fn freeze(&self) -> Result<(), PostgresError> {
        // First the one that makes the others.
        self.signal(Signal::STOP)
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) -> Result<(), PostgresError> {
        self.signal(Signal::CONT)
    }

    fn serve(programs: PathBuf, directory: &Path, data: &str) -> Result<Self, PostgresError> {
        let port = free_port();
        let settings = [
            format!("port={port}"),
            format!("max_connections={CONNECTIONS_MAX}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "dynamic_shared_memory_type=mmap".to_owned(),
            "fsync=off".to_owned(),
        ];
        let program = programs.join("postgres").display().to_string();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", &directory.display().to_string()]);
        command.args(as_postgres()).args([program.as_str(), "-D", data]);
        command.args(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        let failed = |source| PostgresError::Run { program: program.clone(), source };
        let mut keeper = command
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let lifeline = keeper.stdin.take();
        let server = keeper.stdout.take().map(first_line).transpose().map_err(failed)?;
        let server = server.and_then(|line| Pid::from_raw(line.trim().parse().ok()?));
        let server = server.ok_or_else(|| failed(io::Error::other("the shell did not say its pid")))?;
        let started = Self { programs, port, server, keeper, lifeline };
        let answers =
            || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().and(started.ready().then_some(()));
        match wait_for_sync("PostgreSQL", START_LIMIT, answers) {
            Ok(()) => Ok(started),
            Err(_) => {
                let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
                Err(PostgresError::Start { log })
            }
        }
    }

    fn ready(&self) -> bool {
        let program = self.programs.join("pg_isready").display().to_string();
        run(&program, &["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()], None).is_ok()
    }

    fn signal(&self, signal: Signal) -> Result<(), PostgresError> {
        kill_process(self.server, signal).map_err(PostgresError::Signal)?;
        let server = self.server.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let Some(pid) = child.parse().ok().and_then(Pid::from_raw) else { continue };
            match kill_process(pid, signal) {
                // One that ended meanwhile is as still as a stopped one.
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(PostgresError::Signal(error)),
            }
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Nothing can be done about a failure here, and a panic in a drop would hide the test's own.
        drop(self.keeper.wait());
    }
}

/// The programs of the newest version.
fn programs() -> Result<PathBuf, PostgresError> {
    let versions = fs::read_dir(VERSIONS).map_err(|_| PostgresError::Missing)?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter_map(|entry| Some(entry.ok()?.path())).max_by_key(number);
    let programs = newest.map(|version| version.join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).ok_or(PostgresError::Missing)
}

/// What comes before a command that must not run as root: becomes that command, so that its pid is the server's.
fn as_postgres() -> Vec<&'static str> {
    match geteuid().is_root() {
        true => vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"],
        false => Vec::new(),
    }
}

fn run(program: &str, arguments: &[&str], directory: Option<&Path>) -> Result<(), PostgresError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).current_dir(directory.unwrap_or(Path::new("/")));
    let failed = |source| PostgresError::Run { program: program.to_owned(), source };
    let Output { status, stdout, stderr } = command.output().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let output = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Err(PostgresError::Failed { program: format!("{program} {}", arguments.join(" ")), output })
}

fn first_line(stdout: process::ChildStdout) -> io::Result<String> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(stdout), &mut line)?;
    Ok(line)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::time::Duration;

    use super::{Postgres, run};
    use crate::ProcessGuard;

    #[test]
    fn frozen_server_stops_with_its_owner() {
        let postgres = Postgres::start().unwrap();
        let url = postgres.create_database().unwrap();
        let psql = postgres.programs.join("psql").display().to_string();
        run(&psql, &[&url, "-c", "SELECT 1"], None).unwrap();
        let server = u32::try_from(postgres.server.as_raw_nonzero().get()).unwrap();
        let mut watcher = ProcessGuard::of_pid(server).unwrap();
        postgres.freeze().unwrap();
        drop(postgres);
        watcher.wait(Duration::from_secs(30)).unwrap();
    }
}
