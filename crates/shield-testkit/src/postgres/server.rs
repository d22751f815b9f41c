//! A private PostgreSQL for tests: a real server on loopback, in a directory of its own, gone with the test process.
//!
//! A static is never dropped, and a killed process drops nothing, so a small shell stands between: it holds the server and
//! waits for the end of its standard input, which only this process has the other end of. However this process ends,
//! the pipe closes, and the shell thaws what was frozen, stops the server by pid and removes the directory.
//!
//! The server trusts loopback and does not fsync: it is for tests of what is done, not of what survives a power cut.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

use super::programs::{KEEPER, VERSIONS, as_postgres, data, make_directory, program, programs, run};
use crate::{ProcessError, ProcessGuard, WaitTimedOut, free_port, wait_for_sync};

const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends postgresql";
/// Starting takes a second; a busy machine may need many.
const START_LIMIT: Duration = Duration::from_secs(60);
const CONNECTIONS_MAX: u32 = 300;
static SHARED: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
    server: Pid,
    keeper: Child,
    /// Closing it ends the server.
    lifeline: Option<ChildStdin>,
    /// Where the keeper says which process is the server.
    pids: BufReader<ChildStdout>,
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
    /// One of its processes was not killed.
    #[error("kill PostgreSQL")]
    Process(#[source] ProcessError),
    /// The standby does not follow.
    #[error("wait for the standby to follow")]
    Follow(#[source] WaitTimedOut),
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
        let (programs, directory) = (programs()?, make_directory()?);
        let (initdb, data) = (program(&programs, "initdb"), data(&directory));
        let mut initialise = as_postgres();
        initialise.extend([initdb.as_str(), "-D", &data, "-A", "trust", "-U", "postgres"]);
        initialise.extend(["-N", "-E", "UTF8", "--locale=C"]);
        let (first, rest) = initialise.split_first().expect("has the program");
        run(first, rest, Some(&directory))?;
        Self::serve(programs, directory)
    }

    /// A copy of this server that follows it, and takes no writes until it is promoted.
    pub fn start_standby(&self) -> Result<Self, PostgresError> {
        let (programs, directory) = (programs()?, make_directory()?);
        let (backup, data, port) =
            (program(&programs, "pg_basebackup"), data(&directory), self.port.to_string());
        let mut copy = as_postgres();
        copy.extend([backup.as_str(), "-D", &data, "-h", "127.0.0.1", "-p", &port, "-U", "postgres"]);
        copy.extend(["-R", "-X", "stream", "-c", "fast", "-N"]);
        let (first, rest) = copy.split_first().expect("has the program");
        run(first, rest, Some(&directory))?;
        Self::serve(programs, directory)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A fresh, empty database, as `postgres://…`.
    pub fn create_database(&self) -> Result<String, PostgresError> {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        run(
            &program(&self.programs, "createdb"),
            &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name],
            None,
        )?;
        Ok(format!("postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable"))
    }

    /// What a statement answers, as psql prints it.
    pub fn ask(&self, statement: &str) -> Result<String, PostgresError> {
        let (psql, port) = (program(&self.programs, "psql"), self.port.to_string());
        let arguments = ["-X", "-A", "-t", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c", statement];
        run(&psql, &arguments, None)
    }

    /// Makes a standby the primary; back when it takes writes.
    pub fn promote(&self) -> Result<(), PostgresError> {
        match self.ask("SELECT pg_promote(true, 60)")?.as_str() {
            "t" => Ok(()),
            output => {
                Err(PostgresError::Failed { program: "pg_promote".to_owned(), output: output.to_owned() })
            }
        }
    }

    /// Ends all of it at once (`SIGKILL`), as the loss of its machine would; back when nothing of it runs.
    pub fn kill(&self) -> Result<(), PostgresError> {
        // None of them makes another one meanwhile.
        self.freeze()?;
        let processes: Vec<u32> =
            self.processes().filter_map(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok()).collect();
        // Those that ended meanwhile are as dead as they should be.
        let mut guards: Vec<_> =
            processes.into_iter().filter_map(|pid| ProcessGuard::of_pid(pid).ok()).collect();
        for guard in &guards {
            guard.kill().map_err(PostgresError::Process)?;
        }
        for guard in &mut guards {
            guard.wait(START_LIMIT).map_err(PostgresError::Process)?;
        }
        Ok(())
    }

    /// Starts a killed one again on its data, as it was but for these settings (`name=value`, without spaces).
    pub fn revive(&mut self, settings: &[&str]) -> Result<(), PostgresError> {
        let more: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
        let failed = |source| PostgresError::Run { program: "postgres".to_owned(), source };
        let lifeline = self.lifeline.as_mut().expect("taken only when this is dropped");
        writeln!(lifeline, "{}", more.join(" ")).map_err(failed)?;
        self.server = next_pid(&mut self.pids).map_err(failed)?;
        self.wait_until_ready()
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

    fn serve(programs: PathBuf, directory: PathBuf) -> Result<Self, PostgresError> {
        let port = free_port();
        let settings = [
            format!("port={port}"),
            format!("max_connections={CONNECTIONS_MAX}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "dynamic_shared_memory_type=mmap".to_owned(),
            "fsync=off".to_owned(),
        ];
        let program = program(&programs, "postgres");
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", &directory.display().to_string()]);
        command.args(as_postgres()).args([program.as_str(), "-D", &data(&directory)]);
        command.args(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        let failed = |source| PostgresError::Run { program: program.clone(), source };
        let mut keeper = command
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let lifeline = keeper.stdin.take();
        let mut pids = BufReader::new(keeper.stdout.take().expect("it was piped"));
        let server = next_pid(&mut pids).map_err(failed)?;
        let started = Self { programs, directory, port, server, keeper, lifeline, pids };
        started.wait_until_ready().map(|()| started)
    }

    fn wait_until_ready(&self) -> Result<(), PostgresError> {
        let answers =
            || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok().and(self.ready().then_some(()));
        wait_for_sync("PostgreSQL", START_LIMIT, answers).map_err(|_| {
            let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            PostgresError::Start { log }
        })
    }

    fn ready(&self) -> bool {
        let program = program(&self.programs, "pg_isready");
        run(&program, &["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()], None).is_ok()
    }

    fn signal(&self, signal: Signal) -> Result<(), PostgresError> {
        for process in self.processes() {
            match kill_process(process, signal) {
                // One that ended meanwhile is as still as a stopped one.
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(PostgresError::Signal(error)),
            }
        }
        Ok(())
    }

    /// The server, then, looked up when it is asked for, its children.
    fn processes(&self) -> impl Iterator<Item = Pid> {
        let server = self.server;
        let children = std::iter::once_with(move || {
            let path = format!("/proc/{0}/task/{0}/children", server.as_raw_nonzero());
            let pids = fs::read_to_string(path).unwrap_or_default();
            let pids: Vec<Pid> =
                pids.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect();
            pids
        });
        std::iter::once(server).chain(children.flatten())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Nothing can be done about a failure here, and a panic in a drop would hide the test's own.
        drop(self.keeper.wait());
    }
}

fn next_pid(pids: &mut BufReader<ChildStdout>) -> io::Result<Pid> {
    let mut line = String::new();
    pids.read_line(&mut line)?;
    let pid = line.trim().parse().ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("the shell did not say its pid"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::time::Duration;

    use super::Postgres;
    use crate::ProcessGuard;

    #[test]
    fn frozen_server_stops_with_its_owner() {
        let postgres = Postgres::start().unwrap();
        postgres.create_database().unwrap();
        assert_eq!(postgres.ask("SELECT 1").unwrap(), "1");
        let server = u32::try_from(postgres.server.as_raw_nonzero().get()).unwrap();
        let mut watcher = ProcessGuard::of_pid(server).unwrap();
        postgres.freeze().unwrap();
        drop(postgres);
        watcher.wait(Duration::from_secs(30)).unwrap();
    }
}
