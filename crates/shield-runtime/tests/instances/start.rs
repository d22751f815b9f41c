//! Waiting for health with real instances that are healthy, or only look like it.

use std::time::Duration;

use crate::sandbox::{PATIENCE, Sandbox, eventually};
use shield_runtime::{
    ExitReport, LaunchOrder, ProbeTarget, Process, StartFailure, StartWatch, await_healthy, launch,
};

type Start = (Process, Result<(), StartFailure>, Vec<String>);

/// Starts what `order` says and waits for its health.
async fn start(order: &LaunchOrder) -> Start {
    watch(launch(order).unwrap(), order, PATIENCE).await
}

/// Starts what never becomes healthy, and lets the deadline run only once its log says `ready`.
async fn start_in_vain(sandbox: &Sandbox, order: &LaunchOrder, ready: &str) -> Start {
    let process = launch(order).unwrap();
    eventually(ready, || sandbox.log().contains(ready)).await;
    watch(process, order, Duration::from_secs(1)).await
}

async fn watch(process: Process, order: &LaunchOrder, deadline: Duration) -> Start {
    let target = ProbeTarget {
        path: "/health".to_owned(),
        host: "service.test".to_owned(),
        status_min: 200,
        status_max: 299,
        timeout: Duration::from_secs(5),
    };
    let watch = StartWatch {
        instance: &order.instance,
        process: &process,
        address: order.address,
        log: &order.log,
        target: &target,
        min_healthy: Duration::from_millis(100),
        interval: Duration::from_millis(20),
        start_deadline: deadline,
    };
    let mut observations = Vec::new();
    let result = await_healthy(watch, |observation| observations.push(observation)).await;
    (process, result, observations)
}

#[tokio::test]
async fn healthy_after_several_answers() {
    let sandbox = Sandbox::new();
    let (process, result, observations) = start(&sandbox.program(&["serve", "200 OK"])).await;
    assert_eq!(result, Ok(()));
    assert_eq!(observations.last().unwrap(), "answers; healthy once it has for 100ms");
    process.stop(PATIENCE).await;
}

#[tokio::test]
async fn one_answer_then_death_fails() {
    let sandbox = Sandbox::new();
    let (_, result, observations) = start(&sandbox.program(&["answer-once"])).await;
    let failure = result.unwrap_err();
    assert!(
        matches!(failure, StartFailure::Exited { exit: ExitReport::Exited { code: 7 }, .. }),
        "{failure}"
    );
    assert!(failure.to_string().contains("it exited with code 7 before it was healthy"), "{failure}");
    assert_eq!(failure.log_tail(), ["serves", "database password expired"]);
    assert!(observations.contains(&"answers; healthy once it has for 100ms".to_owned()), "{observations:?}");
}

#[tokio::test]
async fn never_binding_fails_at_deadline() {
    let sandbox = Sandbox::new();
    let order = sandbox.script("echo thinking; exec sleep 1000");
    let (process, result, _) = start_in_vain(&sandbox, &order, "thinking").await;
    let failure = result.unwrap_err();
    let expected = "start `r7-0a0b0c0d.0.0`: not healthy within 1s; the last probe: connection refused";
    assert_eq!(failure.to_string(), expected);
    assert_eq!(failure.log_tail(), ["thinking"]);
    assert!(process.is_alive(), "stopping it is the caller's step");
    process.stop(PATIENCE).await;
}

#[tokio::test]
async fn other_port_is_named() {
    let sandbox = Sandbox::new();
    let order = sandbox.program(&["elsewhere"]);
    let (process, result, _) = start_in_vain(&sandbox, &order, "listens on").await;
    let real = sandbox.log().trim().replace("listens on ", "");
    let expected = format!(
        "start `r7-0a0b0c0d.0.0`: not healthy within 1s; the last probe: connection refused; \
         it listens on {real}, not on {}: the start command, or a variable the service reads, must use {{port}}",
        order.address
    );
    assert_eq!(result.unwrap_err().to_string(), expected);
    process.stop(PATIENCE).await;
}

#[tokio::test]
async fn unhealthy_status_is_named() {
    let sandbox = Sandbox::new();
    let order = sandbox.program(&["serve", "503 Service Unavailable"]);
    let (process, result, _) = start_in_vain(&sandbox, &order, "serves").await;
    let failure = result.unwrap_err().to_string();
    assert!(failure.ends_with("the last probe: answered 503 (expected 200-299)"), "{failure}");
    process.stop(PATIENCE).await;
}

#[tokio::test]
async fn crash_at_start_shows_log() {
    let sandbox = Sandbox::new();
    let order = sandbox.script("echo 'no module named app' >&2; exit 1");
    let (_, result, _) = start(&order).await;
    let failure = result.unwrap_err();
    assert!(failure.to_string().contains("it exited with code 1"), "{failure}");
    assert_eq!(failure.log_tail(), ["no module named app"]);
}
