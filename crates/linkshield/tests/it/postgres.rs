//! A real PostgreSQL for tests: a program of the test kit, which is not linked to the tests, because the pipeline would
//! compile a third of the backend a second time for it. It ends with its input, however the test process ends.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

const PROGRAM: &str = "testkit-postgres";

/// The server of this test process.
static SHARED: Mutex<Option<Server>> = Mutex::new(None);

/// A running server, or a primary with its standby.
pub(crate) struct Server {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it, and answers the address of a fresh database on it.
    pub(crate) fn start(arguments: &[&str]) -> (Self, String) {
        let program = program();
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; make it: cargo build -p shield-testkit --bin {PROGRAM}",
                    program.display()
                )
            });
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut server = Self { _child: child, input, output: BufReader::new(output) };
        let address = server.answer();
        (server, address)
    }

    /// Has it do something; back when that is done.
    pub(crate) fn tell(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer = line.trim().to_owned();
        assert!(!answer.is_empty(), "{PROGRAM} ended; it says above why");
        answer
    }
}

/// A fresh, empty database on the server that all tests of this process share.
pub(crate) fn database() -> String {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *shared {
        Some(server) => server.tell("database"),
        None => {
            let (server, address) = Server::start(&[]);
            *shared = Some(server);
            address
        }
    }
}

/// Beside the directory of the test program.
fn program() -> PathBuf {
    let tests = env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join(PROGRAM)
}
