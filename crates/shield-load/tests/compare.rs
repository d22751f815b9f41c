//! Two variants that take turns under real load.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use shield_load::{
    ClientGroup, CompareError, CompareSettings, Connection, Finding, LoadPlan, Metric, Model, Protocol,
    Recording, RequestMix, Schedule, Scheme, Spacing, Target, analyse, compare, record, start,
};
use shield_testkit::stall::{StallServer, read_stalls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const BAD: &[u8] = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// Answers everything with `answer`.
async fn server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while socket.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        socket.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

fn closed(address: SocketAddr) -> LoadPlan {
    let authority = address.to_string();
    let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority, address });
    plan.clients.push(ClientGroup::new(4, Protocol::Http1, Connection::KeepAlive));
    plan.workload = RequestMix::gets("/").workload();
    plan.failure_pause = Duration::from_millis(1);
    plan
}

fn open(address: SocketAddr, phases: usize) -> LoadPlan {
    let mut plan = closed(address);
    let mut schedule = Schedule::constant(500.0, Duration::from_secs(1), Spacing::Even);
    schedule.phases = vec![schedule.phases[0]; phases];
    plan.model = Model::Open { schedule, clients_max: 8 };
    plan
}

/// Short slices, and no more blocks than a verdict about failures takes.
fn settings() -> CompareSettings {
    CompareSettings {
        slice: Duration::from_millis(8),
        settle: Duration::from_millis(2),
        blocks_min: 20,
        blocks_max: 20,
        metrics: Metric::ALL.to_vec(),
        ..CompareSettings::default()
    }
}

#[tokio::test]
async fn failing_variant_is_a_regression() {
    let (good, bad) = (server(GOOD).await, server(BAD).await);
    let comparison = compare(closed(good), closed(bad), &settings()).await.unwrap();
    let errors = comparison.metric(Metric::ErrorShare).unwrap();
    assert_eq!((errors.a, errors.b, errors.finding), (Some(0.0), Some(1.0), Finding::Regression));
    assert_eq!(comparison.metric(Metric::Throughput).unwrap().finding, Finding::Regression);
    let other_way = compare(closed(bad), closed(good), &settings()).await.unwrap();
    assert_eq!(other_way.metric(Metric::ErrorShare).unwrap().finding, Finding::Improvement);
}

#[tokio::test]
async fn blocks_hold_what_was_answered() {
    let (one, other) = (server(GOOD).await, server(GOOD).await);
    let recording = record(closed(one), closed(other), &settings()).await.unwrap();
    assert_eq!(recording.blocks.len(), 20);
    for side in recording.blocks.iter().flat_map(|block| [block.a, block.b]) {
        assert!(side.seconds >= 0.016 && side.failed == 0);
        // Counted one after the other: an answer of each client may lie between.
        assert!(side.answered + 2 * 4 >= side.answered_in_time);
    }
}

/// A server that stands still for as long as it answers, again and again.
fn stalling(diary: &Path) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, diary) = (listener.local_addr().unwrap(), File::create(diary).unwrap());
    let server = StallServer::new(listener).unwrap();
    let half = Duration::from_millis(300);
    // For as long as the test's process.
    std::thread::spawn(move || server.serve(half, half, diary));
    address
}

#[tokio::test]
async fn recorded_pauses_never_pass() {
    let directory = tempfile::tempdir().unwrap();
    let diary = directory.path().join("diary");
    let (good, stalls) = (server(GOOD).await, stalling(&diary));
    let settings = CompareSettings { blocks_max: 4_000, limit: Duration::from_secs(4), ..settings() };
    let Recording { mut blocks, settings, .. } =
        record(closed(good), closed(stalls), &settings).await.unwrap();
    let comparison = analyse(&blocks, &settings).unwrap();
    let pauses = &comparison.pauses;
    assert!(pauses.b.times >= 2 && pauses.lost.unwrap() > pauses.tolerated, "{comparison}");
    assert_ne!(pauses.finding, Finding::NoDifferenceSeen, "{comparison}");
    assert!(
        ![Finding::NoDifferenceSeen, Finding::Improvement].contains(&comparison.finding()),
        "{comparison}"
    );
    assert!(read_stalls(&diary).unwrap().len() as u64 >= pauses.b.times);
    // The same the other way round: whoever stands still less often passes.
    blocks.iter_mut().for_each(|block| std::mem::swap(&mut block.a, &mut block.b));
    let swapped = analyse(&blocks, &settings).unwrap();
    assert_eq!(swapped.pauses.finding, Finding::NoDifferenceSeen, "{swapped}");
}

#[tokio::test]
async fn open_model_has_no_throughput() {
    let (one, other) = (server(GOOD).await, server(GOOD).await);
    let comparison = compare(open(one, 1), open(other, 1), &settings()).await.unwrap();
    assert!(comparison.metric(Metric::Throughput).is_none());
    assert!(comparison.metric(Metric::LatencyP50).unwrap().a.is_some());
}

#[tokio::test]
async fn time_limit_ends_a_comparison() {
    let (one, other) = (server(GOOD).await, server(GOOD).await);
    let settings = CompareSettings { blocks_max: 4_000, limit: Duration::from_millis(1), ..settings() };
    let recording = record(closed(one), closed(other), &settings).await.unwrap();
    assert_eq!((recording.blocks.len(), recording.settings.blocks_max), (12, 12));
}

#[tokio::test]
async fn refuses_what_cannot_be_compared() {
    let address = server(GOOD).await;
    let models = compare(closed(address), open(address, 1), &settings()).await;
    assert!(matches!(models, Err(CompareError::Models { a: "closed", b: "open" })));
    let ramps = compare(open(address, 2), open(address, 2), &settings()).await;
    assert!(matches!(ramps, Err(CompareError::Schedule { phases: 2 })));
    let mut nobody = closed(address);
    nobody.clients.clear();
    let refused = compare(closed(address), nobody, &settings()).await;
    assert!(matches!(refused, Err(CompareError::Start { variant: 'B', .. })));
}

#[tokio::test]
async fn held_run_sends_nothing_and_goes_on_warm() {
    let address = server(GOOD).await;
    let load = start(closed(address)).unwrap();
    load.wait_until("answers", LIMIT, |counters| counters.answered >= 100).await.unwrap();
    load.pause();
    let idle = load
        .wait_until("nothing under way", LIMIT, |counters| counters.begun == counters.answered)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    // A client that was just past the gate may have taken one more on.
    assert!(load.counters().begun <= idle.begun + 4);
    load.resume();
    load.wait_until("more", LIMIT, |counters| counters.answered >= idle.answered + 100).await.unwrap();
    load.pause();
    load.stop();
    let report = load.join().await;
    assert_eq!((report.connections, report.failed_count(), report.accounted()), (4, 0, true));
}

#[tokio::test]
async fn held_schedule_is_not_late() {
    let address = server(GOOD).await;
    let load = start(open(address, 1)).unwrap();
    load.pause();
    let held = Duration::from_secs(2);
    tokio::time::sleep(held).await;
    load.resume();
    let report = load.join().await;
    assert_eq!((report.offered, report.answered), (500, 500));
    // Had the schedule gone on, its first request would have been due two seconds before it was sent.
    assert!(report.latency.longest().unwrap() < held);
}
