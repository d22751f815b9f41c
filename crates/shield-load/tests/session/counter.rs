//! What is sent, held against a counter of the target.

use std::future::pending;
use std::net::SocketAddr;

use shield_load::{Reconciled, RunResults, Verdict, Worker, WorkerAddress, WorkerIdentity};

use crate::counting::{Counting, Target};
use crate::shop::Shop;
use crate::{BUYERS, CLOSED, run, undisturbed};

/// Sixty iterations, and a set-up of each user that gets one.
const VISITORS: &str = r#"
[[scenario]]
name = "visit"
[[scenario.setup]]
name = "enter"
get = "/a"
[[scenario.step]]
name = "look"
get = "/a"
[[scenario.step]]
name = "leave"
get = "/b"
"#;

/// Runs these lines against a target, here or on workers, and reads its metrics.
async fn load(address: SocketAddr, rest: &str, workers: Vec<WorkerAddress>) -> RunResults {
    let metrics = format!("[metrics]\nurl = \"http://{address}/metrics\"\nevery = \"100ms\"\n");
    run(address, &format!("{CLOSED}{rest}\n{metrics}"), workers).await
}

/// The visitors' run against a target that counts like this, and what was found.
async fn visit(counting: Counting, counter: &str) -> (RunResults, Reconciled) {
    let (results, reconciled) = visit_with(counting, &format!("[counter]\n{counter}")).await;
    assert_eq!((results.totals.iterations, results.totals.failed), (Some(60), 0));
    (results, reconciled)
}

/// The same with these lines.
async fn visit_with(counting: Counting, rest: &str) -> (RunResults, Reconciled) {
    let (results, ()) = undisturbed(async || {
        let target = Target::open(counting).await;
        (load(target.address, &format!("{VISITORS}{rest}"), Vec::new()).await, ())
    })
    .await;
    let reconciled = results.reconciled.clone().unwrap();
    (results, reconciled)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_counts_agree() {
    let one_route = "metric = \"hits_total\"\nlabels = { route = \"/a\" }\nsteps = [\"enter\", \"look\"]";
    let (results, reconciled) = visit(Counting::Honest, one_route).await;
    assert_eq!(reconciled.source, "hits_total{route=\"/a\"}");
    assert_eq!((results.verdict, reconciled.agrees), (Verdict::Passed, true), "{reconciled:?}");
    let counted = results.totals.answered - 60;
    assert_eq!(reconciled.summary, format!("the counter rose by {counted}: {counted} answered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_of_metrics_are_left_out() {
    // This counter counts that it is read, by this check and by that of the limit.
    let rest = "think = \"5ms\"\n[counter]\nmetric = \"hits_total\"\n\
                [[thresholds.target]]\nmetric = \"hits_total\"\nat_least = 1\n";
    let (results, reconciled) = visit_with(Counting::Honest, rest).await;
    assert_eq!((results.verdict, reconciled.agrees), (Verdict::Passed, true), "{reconciled:?}");
    let told = format!("of it by reading the metrics: {} answered", results.totals.answered);
    assert!(reconciled.summary.contains(&told), "{reconciled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lying_counters_fail_the_run() {
    let all = "metric = \"hits_total\"";
    for (counting, counter, told) in [
        (Counting::OneTwice, all, ": 1 more than this run sent ("),
        (Counting::OneNever, all, ": 1 fewer than the "),
        (Counting::FromNothing, all, "went backwards"),
        (Counting::Honest, "metric = \"visits_total\"", "is not in the target's metrics"),
        // Somebody else's request, as far as this counter is told.
        (
            Counting::Honest,
            "metric = \"hits_total\"\nlabels = { route = \"/a\" }\nsteps = [\"look\"]",
            " more than this run sent (60 answered, 0 failed",
        ),
    ] {
        let (results, reconciled) = visit(counting, counter).await;
        assert_eq!(
            (results.verdict, reconciled.agrees),
            (Verdict::Failed, false),
            "{counting:?}: {reconciled:?}"
        );
        assert!(reconciled.summary.contains(told), "{counting:?}: {reconciled:?}");
        let reason = format!("the target's count does not agree: {}", reconciled.summary);
        assert_eq!(results.reasons, [reason]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_counts_do_not_agree() {
    let address = Target::open(Counting::Honest).await.address;
    let metrics =
        format!("[metrics]\nurl = \"http://{address}/broken\"\n[counter]\nmetric = \"hits_total\"\n");
    let rest = format!("{CLOSED}{VISITORS}{metrics}");
    let (results, ()) = undisturbed(async || (run(address, &rest, Vec::new()).await, ())).await;
    let reconciled = results.reconciled.unwrap();
    assert_eq!((results.verdict, reconciled.agrees), (Verdict::Failed, false), "{reconciled:?}");
    let told = "the counter tells nothing: before the first request: ";
    assert!(reconciled.summary.contains(told) && reconciled.summary.contains("500"), "{reconciled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_counts_are_waited_for() {
    let counter = "metric = \"hits_total\"\nlabels = { route = \"/b\" }\nsteps = [\"leave\"]";
    let (results, reconciled) = visit(Counting::Late, counter).await;
    assert_eq!((results.verdict, reconciled.agrees), (Verdict::Passed, true), "{reconciled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_requests_may_be_counted() {
    let target = Target::open(Counting::Honest).await;
    let failing = "[[scenario]]\nname = \"fail\"\nstep = [{ get = \"/dropped\" }]\n\
                   [[scenario]]\nname = \"err\"\nstep = [{ get = \"/broken\" }]\n\
                   [[scenario]]\nname = \"do\"\nstep = [{ get = \"/a\" }]\n[counter]\nmetric = \"hits_total\"\n";
    let results = load(target.address, failing, Vec::new()).await;
    let reconciled = results.reconciled.unwrap();
    assert!(results.failed_by_kind.contains_key("closed-before-answer"), "{:?}", results.failed_by_kind);
    assert!(reconciled.agrees, "{reconciled:?}");
    let failed = format!("{} failed that may have arrived", results.totals.failed);
    assert!(reconciled.summary.contains(&failed), "{reconciled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_all_workers_are_summed() {
    let target = Target::open(Counting::Honest).await;
    let mut workers = Vec::new();
    for _ in 0..2 {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let worker = Worker::bind(loopback, WorkerIdentity::fresh().unwrap()).await.unwrap();
        workers.push(format!("{}#{}", worker.address().unwrap(), worker.key()).parse().unwrap());
        tokio::spawn(worker.serve(pending()));
    }
    let rest = format!("{VISITORS}[counter]\nmetric = \"hits_total\"\n");
    let results = load(target.address, &rest, workers).await;
    let reconciled = results.reconciled.unwrap();
    assert!(results.model.contains("by 2 workers"), "{}", results.model);
    assert!(reconciled.agrees, "{reconciled:?}");
    assert!(
        reconciled.summary.ends_with(&format!(": {} answered", results.totals.answered)),
        "{reconciled:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledger_and_counter_both_agree() {
    for (forgets, agrees) in [(None, true), (Some(7), false)] {
        let shop = Shop::open(forgets, None).await;
        let results =
            load(shop.address, &format!("{BUYERS}[counter]\nmetric = \"shop_requests\"\n"), Vec::new()).await;
        let reconciled = results.reconciled.unwrap();
        assert_eq!(reconciled.source, "/ledger and shop_requests");
        assert_eq!((reconciled.agrees, reconciled.missing.is_empty()), (agrees, agrees), "{reconciled:?}");
        assert!(
            reconciled.summary.contains("applied exactly once")
                && reconciled.summary.contains("; the counter rose")
        );
    }
}
