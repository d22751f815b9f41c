//! WebSocket steps against servers that speak and misbehave frame by frame.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod hostile;
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use shield_load::{
    Action, Check, ClientGroup, Connection, Demand, Escape, Extract, FailureKind, HttpRequest, LoadPlan,
    LoadReport, Model, Part, Phase, Place, Protocol, Scenario, Schedule, Scheme, Spacing, Step, Stop, Target,
    Template, Value, Workload, run, start,
};
use shield_testkit::{TestAuthority, wait_for};
use tokio::sync::watch;

use crate::server::{BINARY, CLOSE, Server, Session, TEXT, frame};

const LIMIT: Duration = Duration::from_secs(60);

/// Text with the number of the iteration behind it.
fn numbered(text: &str) -> Template {
    let number = Part::Value { value: Value::Iteration, escape: Escape::None };
    Template { parts: vec![Part::Text(text.into()), number] }
}

fn step(action: Action, status: u16) -> Step {
    Step {
        name: "step".into(),
        action,
        expect: vec![status..=status],
        checks: Vec::new(),
        extract: Vec::new(),
        think: Duration::ZERO..=Duration::ZERO,
        ledger: false,
    }
}

fn says(path: Template, message: Template) -> Step {
    step(Action::WebSocket { path, headers: Vec::new(), message }, 101)
}

/// Sends `{"n":ITERATION}` and wants it back.
fn counts() -> Step {
    let mut message = numbered("{\"n\":");
    message.parts.push(Part::Text("}".into()));
    let mut step = says(Template::text("/live"), message);
    step.extract.push(Extract { place: Place::Pointer("/n".into()), variable: 0 });
    step.ledger = true;
    step
}

fn plan(address: SocketAddr, steps: Vec<Step>, iterations: u64) -> LoadPlan {
    let target = Target { scheme: Scheme::Http, authority: address.to_string(), address };
    let scenario = Scenario { name: "talk".into(), weight: 1, setup: Vec::new(), refresh: None, steps };
    let mut plan = LoadPlan::new(target);
    plan.workload = Workload {
        scenarios: vec![scenario],
        variables: vec!["n".into()],
        id_prefix: "ws".into(),
        ..Workload::default()
    };
    plan.clients.push(ClientGroup::new(1, Protocol::Http1, Connection::KeepAlive));
    plan.stop = Stop::Iterations(iterations);
    plan.failure_pause = Duration::from_millis(1);
    plan
}

async fn finish(plan: LoadPlan) -> LoadReport {
    let report = run(plan).await.unwrap();
    assert!(report.accounted(), "{report:?}");
    report
}

/// Some messages to a server that treats each of its connections the same.
async fn talk<F>(
    iterations: u64,
    script: impl Fn(Session) -> F + Clone + Send + Sync + 'static,
) -> (LoadReport, Server)
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = Server::start(None, script).await;
    (finish(plan(server.address, vec![counts()], iterations)).await, server)
}

async fn echo(mut session: Session) {
    session.upgrade().await;
    session.echo().await;
}

async fn sees_closes(server: &Server, codes: &[u16]) {
    let seen = async || (server.seen.lock().unwrap().closes == codes).then_some(());
    wait_for(&format!("close frames {codes:?}"), LIMIT, seen).await.unwrap();
}

#[tokio::test]
async fn kept_socket_stays_over_iterations() {
    let (report, server) = talk(20, echo).await;
    assert_eq!((report.answered, report.connections), (20, 1), "{:?}", report.failures);
    assert_eq!((report.statuses[&101], report.latency.count()), (20, 20));
    assert_eq!(report.posted.applied_count(), 20);
    let expected: Vec<_> = (0..20).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert_eq!(server.seen.lock().unwrap().messages, expected);
    sees_closes(&server, &[1001]).await;
}

#[tokio::test]
async fn fresh_socket_is_closed_after_message() {
    let server = Server::start(None, echo).await;
    let mut plan = plan(server.address, vec![counts()], 5);
    plan.clients[0].connection = Connection::Fresh;
    let report = finish(plan).await;
    assert_eq!((report.answered, report.connections), (5, 5), "{:?}", report.failures);
    sees_closes(&server, &[1000; 5]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_carries_messages_of_any_size() {
    let authority = TestAuthority::new().unwrap();
    let config = authority.issue(&["localhost"]).unwrap().server_config(&[b"http/1.1"]).unwrap();
    let server = Server::start(Some(config), echo).await;
    let sizes = [0, 1, 125, 126, 65_535, 65_536, 1024 * 1024 - 8];
    let steps = sizes.map(|size| {
        let message = "x".repeat(size);
        let mut step = says(Template::text("/live"), Template::text(message.as_str()));
        let demand = Demand::Equals(message.into());
        step.checks.push(Check { name: "echo".into(), place: Place::Body, demand });
        step
    });
    for connection in [Connection::KeepAlive, Connection::Fresh] {
        let mut plan = plan(server.address, steps.to_vec(), 4);
        (plan.target.scheme, plan.target.authority) = (Scheme::Https, "localhost".into());
        plan.trust_pem = Some(authority.certificate_pem().to_owned());
        plan.clients[0] = ClientGroup::new(2, Protocol::Http1, connection);
        let report = finish(plan).await;
        assert_eq!((report.iterations, report.failed_count()), (4, 0), "{:?}", report.failures);
    }
}

#[tokio::test]
async fn reply_in_pieces_with_ping_between_is_one() {
    let (report, _) = talk(3, async |mut session: Session| {
        session.upgrade().await;
        while let Some(message) = session.receive().await {
            let (begin, end) = message.as_bytes().split_at(2);
            session.write(frame(TEXT & 0x0F, begin)).await;
            if session.pinged(b"are you there").await {
                session.write([frame(0x00, b""), frame(0x80, end)].concat()).await;
            }
        }
    })
    .await;
    assert_eq!((report.answered, report.connections), (3, 1), "{:?}", report.failures);
}

#[tokio::test]
async fn binary_reply_is_reply() {
    let (report, _) = talk(3, async |mut session: Session| {
        session.upgrade().await;
        while let Some(message) = session.receive().await {
            session.write(frame(BINARY, message.as_bytes())).await;
        }
    })
    .await;
    assert_eq!(report.answered, 3, "{:?}", report.failures);
}

#[tokio::test]
async fn message_sent_before_question_is_no_answer() {
    let (report, _) = talk(5, async |mut session: Session| {
        let unasked = frame(TEXT, b"unasked");
        let (begin, end) = unasked.split_at(4);
        let welcome = session.welcome("");
        session.write([welcome.as_bytes(), &unasked, begin].concat()).await;
        while let Some(message) = session.receive().await {
            // Begun before the question, and ended after it.
            let reply = frame(TEXT, message.as_bytes());
            session.write([end, &reply, &unasked, begin].concat()).await;
        }
    })
    .await;
    assert_eq!((report.answered, report.connections), (5, 1), "{:?}", report.failures);
}

#[tokio::test]
async fn socket_closed_while_idle_is_reopened() {
    let (report, server) = talk(5, async |mut session: Session| {
        session.upgrade().await;
        let message = session.receive().await.unwrap();
        let reply = frame(TEXT, message.as_bytes());
        session.say_last([reply, frame(CLOSE, &1001_u16.to_be_bytes())].concat()).await;
    })
    .await;
    assert_eq!((report.answered, report.connections), (5, 5), "{:?}", report.failures);
    // Each is answered with its own code; the last one by the end of the run.
    sees_closes(&server, &[1001; 5]).await;
}

#[tokio::test]
async fn late_reply_is_never_taken_for_another() {
    let second = watch::Sender::new(false);
    let told = second.clone();
    let server = Server::start(None, move |mut session: Session| {
        let second = told.clone();
        async move {
            session.upgrade().await;
            let message = session.receive().await.unwrap();
            if session.number == 0 {
                // Answered in the very moment in which the second message waits for its own answer.
                second.subscribe().wait_for(|told| *told).await.unwrap();
            } else {
                second.send_replace(true);
            }
            session.write(frame(TEXT, message.as_bytes())).await;
            session.echo().await;
        }
    })
    .await;
    let mut step = counts();
    // The first message belongs to iteration 0, and only the second may be answered.
    let demand = Demand::Equals(1.into());
    step.checks.push(Check { name: "second".into(), place: Place::Pointer("/n".into()), demand });
    let mut plan = plan(server.address, vec![step], 2);
    plan.request_timeout = Duration::from_secs(1);
    let report = finish(plan).await;
    let failed: Vec<_> = report.failed.into_iter().collect();
    assert_eq!((failed, report.answered), (vec![(FailureKind::Timeout, 1)], 1), "{:?}", report.failures);
    assert_eq!((report.connections, report.posted.unknown_count()), (2, 1));
}

/// Answers one message and then wants to know whether anybody is there.
async fn ask_idle(mut session: Session) {
    session.upgrade().await;
    let message = session.receive().await.unwrap();
    session.write(frame(TEXT, message.as_bytes())).await;
    if session.pinged(b"").await {
        session.write(frame(CLOSE, &1012_u16.to_be_bytes())).await;
        session.receive().await;
    }
}

#[tokio::test]
async fn idle_socket_answers_ping_and_close() {
    let hour = Duration::from_secs(3600);
    let resting = |plan: &mut LoadPlan| plan.clients[0].pause = hour;
    let waiting = |plan: &mut LoadPlan| {
        // One at once, the next an hour later.
        let phases = vec![Phase::steady(1.0 / hour.as_secs_f64(), hour * 2)];
        let schedule = Schedule { phases, spacing: Spacing::Even };
        plan.model = Model::Open { schedule, clients_max: 1 };
    };
    for idle in [&resting as &dyn Fn(&mut LoadPlan), &waiting] {
        let server = Server::start(None, ask_idle).await;
        let mut plan = plan(server.address, vec![counts()], 1);
        plan.stop = Stop::WhenTold;
        idle(&mut plan);
        let load = start(plan).unwrap();
        sees_closes(&server, &[1012]).await;
        assert_eq!(server.seen.lock().unwrap().pongs, 1);
        load.stop();
        let report = load.join().await;
        assert_eq!((report.answered, report.failed_count()), (1, 0), "{:?}", report.failures);
    }
}

#[tokio::test]
async fn each_path_has_its_socket() {
    let server = Server::start(None, echo).await;
    let steps = ["/a", "/b"].map(|path| says(Template::text(path), Template::text("hello")));
    let report = finish(plan(server.address, steps.to_vec(), 6)).await;
    assert_eq!((report.answered, report.connections), (12, 2), "{:?}", report.failures);
    let report = finish(plan(server.address, vec![says(numbered("/"), numbered(""))], 12)).await;
    assert_eq!((report.answered, report.connections), (12, 12), "{:?}", report.failures);
    // More than a user holds: those that made room were told so, and at the end the rest.
    sees_closes(&server, &[1001; 14]).await;
}

#[tokio::test]
async fn handshake_carries_and_takes_cookies() {
    let server = Server::start(None, async |mut session: Session| {
        if session.head.contains("upgrade: websocket") {
            let welcome = session.welcome("Set-Cookie: room=7\r\n");
            session.write(welcome).await;
            return session.echo().await;
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: session=abc\r\n\r\n";
        session.write(answer).await;
        while session.read_head().await {
            session.write(answer).await;
        }
    })
    .await;
    let get = |path: &str| {
        let path = Template::text(path);
        step(Action::Http(HttpRequest { method: Method::GET, path, headers: Vec::new(), body: None }), 200)
    };
    let steps = vec![get("/login"), says(Template::text("/live"), Template::text("hello")), get("/room")];
    let report = finish(plan(server.address, steps, 2)).await;
    assert_eq!((report.iterations, report.connections), (2, 2), "{:?}", report.failures);
    let seen = server.seen.lock().unwrap();
    let lines = |head: &String| {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        (path, head.lines().find_map(|line| line.strip_prefix("cookie: ")).unwrap_or_default().to_owned())
    };
    let heads: Vec<_> = seen.heads.iter().map(lines).collect();
    let expected = [
        ("/login", ""),
        ("/live", "session=abc"),
        ("/room", "session=abc; room=7"),
        ("/login", "room=7; session=abc"),
    ];
    let expected = expected.map(|(path, cookies)| (path.to_owned(), cookies.to_owned()));
    assert_eq!(heads[..4], expected);
}

#[tokio::test]
async fn stop_abandons_message_whose_handshake_hangs() {
    let silent = Server::start(None, async |mut session: Session| while session.read_head().await {}).await;
    let load = start(plan(silent.address, vec![counts()], 5)).unwrap();
    let seen = async || (silent.seen.lock().unwrap().heads.len() == 1).then_some(());
    wait_for("the handshake", LIMIT, seen).await.unwrap();
    load.stop();
    let report = load.join().await;
    assert_eq!((report.offered, report.failed_count(), report.unsent), (5, 0, 5));
}
