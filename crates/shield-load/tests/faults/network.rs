//! Faults that the guard's proxies make, beside those of a line.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use shield_load::{DnsTrouble, Fault, FaultRunner, PlannedProxy, PreparedFaults, ProxyKind};
use shield_types::settings::Ratio;

use crate::stage::{LIMIT, plan, program, settled, wait_until};

/// How long an answer is waited for before the question is asked again.
const PATIENCE: Duration = Duration::from_millis(200);

/// A proxy in front of `upstream`, and the fault that it will have, with where it listens.
fn prepare(
    kind: ProxyKind,
    upstream: SocketAddr,
    fault: Fault,
    journals: &Path,
) -> (PreparedFaults, SocketAddr) {
    let mut plan = plan(vec![fault]);
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    plan.proxies.push(PlannedProxy { name: "it".to_owned(), kind, listen, upstream });
    let prepared = PreparedFaults::start(&plan, &program(), journals).unwrap();
    let address = prepared.address("it").unwrap();
    (prepared, address)
}

fn begun(prepared: PreparedFaults) -> FaultRunner {
    let runner = prepared.run(Instant::now());
    let events = settled(&runner);
    assert_eq!(events[0].failed, None);
    runner
}

/// Answers every query with itself.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut message) {
            message[2] |= 0x80;
            drop(socket.send_to(&message[..length], client));
        }
    });
    address
}

/// The flags of an answer to a query of `a.`; none in time.
fn ask(forwarder: SocketAddr) -> Option<[u8; 2]> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let query = [0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
    socket.send_to(&query, forwarder).unwrap();
    let mut answer = [0; 512];
    match socket.recv(&mut answer) {
        Ok(_) => Some([answer[2], answer[3]]),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn names_are_not_resolved_while_it_lasts() {
    let journals = tempfile::tempdir().unwrap();
    let fault = Fault::Dns { proxies: vec!["it".to_owned()], trouble: DnsTrouble::Servfail {} };
    let (prepared, address) = prepare(ProxyKind::Dns, name_server(), fault, journals.path());
    assert_eq!(wait_until("an answer", || ask(address)), [0x81, 0]);
    let runner = begun(prepared);
    assert_eq!(wait_until("an answer", || ask(address)), [0x81, 0x82]);
    let events = runner.finish();
    assert!(events[0].undone_s.is_some() && events[0].effect == "names at `it`: servfail", "{events:?}");
}

/// Says `!` to whom sends something.
fn server() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                while client.read(&mut [0; 64]).is_ok_and(|count| count > 0) {
                    drop(client.write_all(b"!"));
                }
            });
        }
    });
    address
}

/// The first byte that a client hears; none if it is closed.
fn hear(client: &mut TcpStream, said: &[u8]) -> Option<u8> {
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.write_all(said).unwrap();
    let mut heard = [0];
    let count = client.read(&mut heard).unwrap();
    (count > 0).then_some(heard[0])
}

#[test]
fn new_connections_meet_the_expired_certificate() {
    /// What begins a TLS alert: the server expected a greeting.
    const ALERT: u8 = 21;
    let journals = tempfile::tempdir().unwrap();
    let fault = Fault::ExpiredCertificate {
        proxies: vec!["it".to_owned()],
        host: "localhost".to_owned(),
        share: Ratio::ONE,
    };
    let (prepared, address) = prepare(ProxyKind::Tcp, server(), fault, journals.path());
    let mut old = TcpStream::connect(address).unwrap();
    assert_eq!(hear(&mut old, b"?"), Some(b'!'));
    let runner = begun(prepared);
    let mut new = TcpStream::connect(address).unwrap();
    assert_eq!(hear(&mut new, b"GET / HTTP/1.1\r\n\r\n"), Some(ALERT));
    assert_eq!(hear(&mut old, b"?"), Some(b'!'), "what was open stays");
    let events = runner.finish();
    assert!(events[0].undone_s.is_some() && events[0].failed.is_none(), "{events:?}");
}
