//! `testkit-backend` from outside: each behaviour, as a release would meet it.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use shield_testkit::backend::{BackendOptions, Behaviour};
use shield_testkit::{Ledger, ProcessError, TestBackend, wait_for_sync};

/// Far beyond what anything here takes.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a backend must stay silent to count as silent; a slow machine only makes the test weaker, never fail.
const SILENCE: Duration = Duration::from_millis(300);

fn spawn(options: &BackendOptions) -> TestBackend {
    TestBackend::spawn(Path::new(env!("CARGO_BIN_EXE_testkit-backend")), options).unwrap()
}

fn spawn_behaving(behaviour: Behaviour) -> TestBackend {
    spawn(&BackendOptions { behaviour, ..BackendOptions::default() })
}

fn connect(address: SocketAddr) -> TcpStream {
    let connected = || TcpStream::connect(address).ok();
    let socket = wait_for_sync("the backend to listen", LIMIT, connected).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

fn send(address: SocketAddr, method: &str, path: &str) -> TcpStream {
    let mut socket = connect(address);
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    socket
}

/// Status and body; status 0 when the connection closed without an answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut text = String::new();
    send(address, method, path).read_to_string(&mut text).unwrap_or_default();
    let status = text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn silent(mut socket: TcpStream) -> bool {
    socket.set_read_timeout(Some(SILENCE)).unwrap();
    socket.read(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn tells_version_and_pid() {
    let backend = spawn(&BackendOptions { version: "v7".into(), ..BackendOptions::default() });
    let (status, body) = ask(backend.address(), "GET", "/");
    assert_eq!(status, 200);
    assert_eq!(body, format!("{{\"pid\":{},\"version\":\"v7\"}}", backend.process.pid()));
}

#[test]
fn applied_ids_survive_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let backend = spawn(&BackendOptions { data: Some(data.path().into()), ..BackendOptions::default() });
    assert_eq!(ask(backend.address(), "POST", "/apply/one"), (200, "one".into()));
    assert_eq!(ask(backend.address(), "POST", "/apply/one").0, 200);
    assert_eq!(ask(backend.address(), "POST", "/apply/a%20b").0, 400);
    assert_eq!(ask(backend.address(), "GET", "/apply/two").0, 405);
    backend.process.kill().unwrap();
    let ledger = Ledger::read(data.path()).unwrap();
    assert_eq!(ledger.duplicated(), [("one", 2)]);
    assert_eq!(ledger.ids.len(), 1);
}

#[test]
fn termination_cuts_what_is_in_flight() {
    let data = tempfile::tempdir().unwrap();
    let delay = Duration::from_secs(600);
    let data_option = Some(data.path().to_owned());
    let mut backend = spawn(&BackendOptions { data: data_option, delay, ..BackendOptions::default() });
    let mut waiting = send(backend.address(), "POST", "/apply/cut");
    let applied = || Ledger::read(data.path()).unwrap().ids.contains_key("cut").then_some(());
    wait_for_sync("the id to be applied", LIMIT, applied).unwrap();
    backend.process.terminate().unwrap();
    assert_eq!(backend.process.wait(LIMIT).unwrap().unwrap().code(), Some(0));
    assert_eq!(waiting.read(&mut [0; 1]).unwrap_or(0), 0, "no answer");
}

#[test]
fn graceful_one_finishes_first() {
    let data = tempfile::tempdir().unwrap();
    let delay = Duration::from_millis(500);
    let data_option = Some(data.path().to_owned());
    let mut backend =
        spawn(&BackendOptions { data: data_option, delay, graceful: true, ..BackendOptions::default() });
    let mut waiting = send(backend.address(), "POST", "/apply/kept");
    let applied = || Ledger::read(data.path()).unwrap().ids.contains_key("kept").then_some(());
    wait_for_sync("the id to be applied", LIMIT, applied).unwrap();
    backend.process.terminate().unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(backend.process.wait(LIMIT).unwrap().unwrap().code(), Some(0));
}

#[test]
fn dies_after_first_probe() {
    let mut backend = spawn_behaving(Behaviour::DiesAfterFirstProbe);
    assert_eq!(ask(backend.address(), "GET", "/ready"), (200, "ready".into()));
    assert_eq!(backend.process.wait(LIMIT).unwrap().unwrap().code(), Some(1));
}

#[test]
fn hangs_after_first_probe() {
    let mut backend = spawn_behaving(Behaviour::HangsAfterFirstProbe);
    assert_eq!(ask(backend.address(), "GET", "/ready").0, 200);
    assert!(silent(send(backend.address(), "GET", "/ready")));
    assert!(silent(send(backend.address(), "GET", "/")));
    assert!(!backend.process.ended().unwrap());
}

#[test]
fn hangs_a_while_after_first_request() {
    let options = BackendOptions {
        behaviour: Behaviour::HangsAfter,
        hang_after: Duration::ZERO,
        ..BackendOptions::default()
    };
    let backend = spawn(&options);
    assert_eq!(ask(backend.address(), "GET", "/ready").0, 200, "probes do not start the clock");
    // Held open: a request whose client is gone may never reach the backend.
    let _first = send(backend.address(), "GET", "/");
    let hanging = || silent(send(backend.address(), "GET", "/ready")).then_some(());
    wait_for_sync("the backend to hang", LIMIT, hanging).unwrap();
}

#[test]
fn never_listens() {
    let mut backend = spawn_behaving(Behaviour::NeverBinds);
    assert!(matches!(backend.process.wait(SILENCE), Err(ProcessError::StillRuns { .. })));
    assert!(TcpStream::connect(backend.address()).is_err());
}

#[test]
fn listens_late() {
    let started = Instant::now();
    let bind_after = Duration::from_millis(200);
    let behaviour = Behaviour::BindsLate;
    let backend = spawn(&BackendOptions { behaviour, bind_after, ..BackendOptions::default() });
    assert_eq!(ask(backend.address(), "GET", "/ready").0, 200);
    assert!(started.elapsed() >= bind_after, "a connection before that would have been too early");
}

#[test]
fn errs_everywhere_but_on_probe() {
    let backend = spawn_behaving(Behaviour::ErrorsOnRoot);
    assert_eq!(ask(backend.address(), "GET", "/ready").0, 200);
    assert_eq!(ask(backend.address(), "GET", "/").0, 500);
}

#[test]
fn exits_at_start() {
    let mut backend = spawn_behaving(Behaviour::ExitsAtStart);
    assert_eq!(backend.process.wait(LIMIT).unwrap().unwrap().code(), Some(3));
}

#[test]
fn flaps() {
    let backend = spawn_behaving(Behaviour::Flaps);
    let statuses: Vec<u16> = (0..6).map(|_| ask(backend.address(), "GET", "/ready").0).collect();
    assert_eq!(statuses, [200, 200, 503, 503, 200, 200]);
}

#[test]
fn closes_idle_connection() {
    let keep_alive = Duration::from_millis(50);
    let backend = spawn(&BackendOptions { keep_alive, ..BackendOptions::default() });
    let mut socket = connect(backend.address());
    write!(socket, "GET /ready HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("ready"), "answered, then closed: {text}");
}

#[test]
fn streams_and_waits_as_asked() {
    let backend = spawn_behaving(Behaviour::Honest);
    let (status, body) = ask(backend.address(), "GET", "/stream?ms=20");
    assert_eq!((status, body.matches("chunk").count()), (200, 10));
    assert_eq!(ask(backend.address(), "GET", "/slow?ms=1"), (200, "slow".into()));
    assert_eq!(ask(backend.address(), "GET", "/slow?ms=x").0, 400);
}

#[test]
fn echoes_request_as_received() {
    let backend = spawn_behaving(Behaviour::Honest);
    let (_, body) = ask(backend.address(), "GET", "/echo-headers?a=b");
    assert!(body.contains("\"line\":\"GET /echo-headers?a=b HTTP/1.1\""), "{body}");
    assert!(body.contains("[\"host\",\"test\"]"), "{body}");
}

#[test]
fn upgraded_connection_echoes() {
    let backend = spawn_behaving(Behaviour::Honest);
    let mut socket = connect(backend.address());
    let request = "GET /upgrade HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    socket.write_all(request.as_bytes()).unwrap();
    socket.write_all(b"ping").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 101") && text.ends_with("\r\n\r\nping"), "{text}");
}
