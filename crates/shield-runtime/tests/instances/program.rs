//! Instances for the tests: they serve, lie, hang, fork and die, as their first argument says.
//!
//! Every mode that stays announces itself with a line on standard output, so that tests wait for a state and not for time.
#![expect(clippy::disallowed_methods, reason = "its exit codes are what the tests look at")]

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio, exit},
    thread,
};

use shield_runtime::{ADDRESS_VARIABLE, INSTANCE_VARIABLE, LaunchOrder, launch};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", status] => serve(status),
        ["answer-once"] => answer_once(),
        ["elsewhere"] => elsewhere(),
        ["lead"] => lead(),
        ["daemonize"] => daemonize(),
        ["neglect", marker, address] => neglect(marker, address),
        ["control-plane", scope, address, folder, argv @ ..] => control_plane(scope, address, folder, argv),
        other => {
            eprintln!("no mode {other:?}");
            exit(64);
        }
    }
}

fn serve(status: &str) -> ! {
    let listener = bind_own();
    for stream in listener.incoming() {
        answer(stream.expect("accepts"), status);
    }
    unreachable!("incoming() never ends")
}

/// Healthy for one probe, then dead with a reason in its log.
fn answer_once() -> ! {
    let listener = bind_own();
    let (stream, _) = listener.accept().expect("accepts");
    answer(stream, "200 OK");
    // Dies on the second probe, so that the first one's success was certainly noted.
    let _unanswered = listener.accept().expect("accepts");
    eprintln!("database password expired");
    exit(7);
}

/// Ignores the address it was given.
fn elsewhere() -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("listens on {}", listener.local_addr().expect("is bound"));
    stay()
}

/// Leads a session, like a launched instance.
fn lead() -> ! {
    rustix::process::setsid().expect("is no group leader");
    println!("leads");
    stay()
}

/// Leaves a daemon behind that made a session of its own, and stays.
fn daemonize() -> ! {
    println!("daemon {}", own_mode("lead").spawn().expect("spawns").id());
    stay()
}

/// Has a child that looks like an instance, and never asks what became of it.
fn neglect(marker: &str, address: &str) -> ! {
    let mut command = own_mode("lead");
    command.env(INSTANCE_VARIABLE, marker).env(ADDRESS_VARIABLE, address).stdout(Stdio::null());
    println!("child {}", command.spawn().expect("spawns").id());
    stay()
}

/// Launches an instance the way the control plane does, reports its identity, and waits to be killed.
fn control_plane(scope: &str, address: &str, folder: &str, argv: &[&str]) -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let order = LaunchOrder {
        instance: "r7-0a0b0c0d.0.0".parse().expect("an instance id"),
        scope: scope.to_owned(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: [].into(),
        directory: folder.into(),
        address: address.parse().expect("an address"),
        log: format!("{folder}/instance.log").into(),
    };
    let process = launch(&order).expect("launches");
    let identity = process.identity();
    println!("launched {} {} {}", identity.boot_id, identity.pid, identity.start_ticks);
    stay()
}

/// This program in another mode.
fn own_mode(mode: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("knows itself"));
    command.arg(mode);
    command
}

fn bind_own() -> TcpListener {
    let address = env::var(ADDRESS_VARIABLE).expect("was launched as an instance");
    let listener = TcpListener::bind(address).expect("the port is free");
    println!("serves");
    listener
}

fn answer(mut stream: TcpStream, status: &str) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        request.push(byte[0]);
    }
    // The client may have gone: then there is nobody to answer.
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

fn stay() -> ! {
    loop {
        thread::park();
    }
}
