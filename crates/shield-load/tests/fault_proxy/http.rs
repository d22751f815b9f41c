//! Requests that the proxy answers itself.

use std::path::Path;

use shield_load::{
    ClientGroup, Connection, FaultProxy, LoadPlan, Protocol, Scheme, Stop, Target, reconcile, run,
};
use shield_testkit::Ledger;
use shield_testkit::backend::{BackendOptions, RunningBackend};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bench::{any_port, fault, read_to_end};

async fn backend(data: &Path) -> RunningBackend {
    RunningBackend::start(BackendOptions { data: Some(data.into()), ..BackendOptions::default() })
        .await
        .unwrap()
}

fn plan(proxy: &FaultProxy, requests: u64) -> LoadPlan {
    let (address, authority) = (proxy.address(), proxy.address().to_string());
    let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority, address });
    plan.stop = Stop::Requests(requests);
    plan.clients.push(ClientGroup::new(4, Protocol::Http1, Connection::KeepAlive));
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_a_share_and_passes_the_rest() {
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path()).await;
    let proxy = FaultProxy::bind(any_port(), backend.address(), 1).unwrap();
    proxy.set(Some(fault(r#"{"kind":"http-status","status":503,"share":"30%"}"#)));
    let report = run(plan(&proxy, 2_000)).await.unwrap();
    let refused = report.statuses.get(&503).copied().unwrap_or(0);
    assert_eq!(refused, proxy.counts().requests_answered);
    assert!((450..750).contains(&refused), "{refused}");
    assert_eq!(report.answered + refused, 2_000, "{:?}", report.failures);
    assert_eq!(report.connections, 4, "none is lost by it");
    let reconciliation = reconcile(&report, &Ledger::read(data.path()).unwrap().ids);
    assert!(reconciliation.holds(), "{reconciliation:?}");
    assert_eq!(reconciliation.exact, report.posted.applied_count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn begins_and_ends_on_open_connections() {
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path()).await;
    let proxy = FaultProxy::bind(any_port(), backend.address(), 1).unwrap();
    let load = shield_load::start(plan(&proxy, 6_000)).unwrap();
    let answered = async |count| {
        let seen = load.wait_until("answers", crate::bench::LIMIT, move |now| now.answered >= count).await;
        seen.unwrap();
    };
    answered(500).await;
    proxy.set(Some(fault(r#"{"kind":"http-status","status":500,"share":"50%"}"#)));
    answered(1_500).await;
    proxy.set(None);
    let report = load.join().await;
    let refused = report.statuses.get(&500).copied().unwrap_or(0);
    assert!(refused > 0);
    assert_eq!((refused, report.connections), (proxy.counts().requests_answered, 4));
    assert_eq!(report.answered + refused, 6_000, "{:?}", report.failures);
    assert!(reconcile(&report, &Ledger::read(data.path()).unwrap().ids).holds());
}

#[tokio::test]
async fn pipelined_posts_are_answered_in_order() {
    const COUNT: usize = 40;
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path()).await;
    let proxy = FaultProxy::bind(any_port(), backend.address(), 1).unwrap();
    proxy.set(Some(fault(r#"{"kind":"http-status","status":503,"share":"50%"}"#)));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    for index in 0..COUNT {
        let close = if index == COUNT - 1 { "connection: close\r\n" } else { "" };
        let body = "POST /apply/not-this HTTP/1.1\r\n\r\n";
        let post = format!(
            "POST /apply/pipelined-{index} HTTP/1.1\r\nhost: a\r\n{close}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(post.as_bytes()).await.unwrap();
    }
    let (answers, end) = read_to_end(&mut client).await;
    end.unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses.len(), COUNT, "{answers}");
    let refused = statuses.iter().filter(|status| **status == "503").count();
    assert_eq!(refused as u64, proxy.counts().requests_answered);
    assert!((5..COUNT - 5).contains(&refused), "{refused}");
    let applied = Ledger::read(data.path()).unwrap().ids;
    for (index, status) in statuses.iter().enumerate() {
        let expected = u64::from(*status != "503");
        let times = applied.get(&format!("pipelined-{index}")).copied().unwrap_or(0);
        assert_eq!(u64::from(times), expected, "{index} was answered {status}");
    }
    assert!(!applied.contains_key("not-this"));
}
