//! The open model: what is due is due, whatever the target does.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shield_load::{
    ClientGroup, Connection, LoadPlan, Model, Phase, Protocol, RequestMix, Schedule, Scheme, Spacing, Target,
    run, start,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

const ARRIVALS: u64 = 50;

/// Answers nothing until `open` says true.
async fn gated_server(open: Arc<watch::Sender<bool>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut open = open.subscribe();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while socket.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        open.wait_for(|open| *open).await.unwrap();
                        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                }
            });
        }
    });
    address
}

/// 50 GETs in half a second, over one connection first, and at most `clients_max`.
fn plan(address: SocketAddr, clients_max: usize) -> LoadPlan {
    let authority = address.to_string();
    let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority, address });
    let schedule = Schedule::constant(100.0, Duration::from_millis(500), Spacing::Even);
    plan.model = Model::Open { schedule, clients_max };
    plan.clients.push(ClientGroup::new(1, Protocol::Http1, Connection::KeepAlive));
    plan.workload = RequestMix::gets("/").workload();
    plan
}

#[tokio::test]
async fn wait_for_a_client_is_latency() {
    let open = Arc::new(watch::Sender::new(false));
    let address = gated_server(open.clone()).await;
    let load = start(plan(address, 1)).unwrap();
    // The first request is held until all are due: those behind it wait for its connection.
    let held = Duration::from_millis(600);
    tokio::time::sleep(held).await;
    open.send_replace(true);
    let report = load.join().await;
    assert_eq!((report.model.as_str(), report.offered, report.answered), ("open", ARRIVALS, ARRIVALS));
    assert!(report.accounted() && report.connections == 1, "{report:?}");
    assert!(report.latency.longest().unwrap() >= held);
    // The last one was due 490 ms after the first, so every one waited for 110 ms at least.
    assert!(
        report.latency.shortest().unwrap() >= Duration::from_millis(100),
        "{:?}",
        report.latency.shortest()
    );
    assert!(report.service.quantile(0.5).unwrap() < report.latency.quantile(0.5).unwrap());
}

#[tokio::test]
async fn clients_are_made_while_the_target_stands_still() {
    let open = Arc::new(watch::Sender::new(false));
    let address = gated_server(open.clone()).await;
    let load = start(plan(address, 1_000)).unwrap();
    load.wait_until("all sent", Duration::from_secs(60), |counters| counters.sent == ARRIVALS).await.unwrap();
    open.send_replace(true);
    let report = load.join().await;
    assert_eq!((report.answered, report.connections), (ARRIVALS, ARRIVALS));
}

#[tokio::test]
async fn what_was_never_sent_is_counted() {
    let address = gated_server(Arc::new(watch::Sender::new(false))).await;
    let mut plan = plan(address, 2);
    plan.request_timeout = Duration::from_millis(300);
    let report = run(plan).await.unwrap();
    assert_eq!((report.offered, report.answered), (ARRIVALS, 0));
    assert!(report.accounted() && report.unsent > 0 && report.failed_count() > 0, "{report:?}");
}

#[tokio::test]
async fn stopped_run_offers_no_more() {
    let open = Arc::new(watch::Sender::new(true));
    let address = gated_server(open).await;
    let mut plan = plan(address, 1);
    let schedule = Schedule::constant(200.0, Duration::from_secs(3_600), Spacing::Poisson);
    plan.model = Model::Open { schedule, clients_max: 1 };
    let load = start(plan).unwrap();
    load.wait_until("some answers", Duration::from_secs(60), |counters| counters.answered >= 20)
        .await
        .unwrap();
    load.stop();
    let report = load.join().await;
    assert!(report.accounted() && report.answered >= 20 && report.offered < 10_000, "{report:?}");
}

#[tokio::test]
async fn rest_at_the_end_is_kept() {
    let open = Arc::new(watch::Sender::new(true));
    let mut plan = plan(gated_server(open).await, 1);
    let phases = vec![
        Phase::steady(100.0, Duration::from_millis(100)),
        Phase::steady(0.0, Duration::from_millis(700)),
    ];
    let schedule = Schedule { phases, spacing: Spacing::Even };
    let lasts = schedule.duration();
    plan.model = Model::Open { schedule, clients_max: 1 };
    let report = run(plan).await.unwrap();
    assert!(report.accounted() && report.elapsed >= lasts, "{report:?}");
    assert_eq!((report.offered, report.answered), (10, 10));
}
