//! Pools that carry traffic, or may, are kept at their size.

use std::time::Duration;

use crate::story::{START_DEADLINE, Story, WATCH, spec};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn replaces_dead_instance() {
    let mut story = Story::with_live();
    assert_eq!(story.exited("r1.0.0"), ["route 3"]);
    assert_eq!(story.table(), "r1 live 100 []");
    assert_eq!(story.instances(), ["r1.0.1 waits 250ms"]);
    assert_eq!(story.wait(Duration::from_millis(249)), [""; 0]);
    assert_eq!(story.wait(Duration::from_millis(1)), ["start r1.0.1"]);
    assert_eq!(story.started("r1.0.1"), ["probe r1.0.1"]);
    assert_eq!(story.healthy("r1.0.1"), ["route 4"]);
    assert_eq!(story.table(), "r1 live 100 [r1.0.1]");
}

#[test]
fn wait_doubles_up_to_limit() {
    let mut story = Story::with_live();
    let mut waits = Vec::new();
    for attempt in 0..9 {
        story.exited(&format!("r1.0.{attempt}"));
        let deadline = story.environment.next_deadline().unwrap();
        let wait = deadline.since(story.now);
        waits.push(wait.as_millis());
        story.wait(wait);
        story.bring_up(&format!("r1.0.{}", attempt + 1));
    }
    assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert_eq!(story.instances(), ["r1.0.9 healthy"]);
}

#[test]
fn stable_instance_resets_wait() {
    let mut story = Story::with_live();
    for attempt in 0..4 {
        story.exited(&format!("r1.0.{attempt}"));
        story.wait(Duration::from_secs(30));
        story.bring_up(&format!("r1.0.{}", attempt + 1));
    }
    story.wait(MINUTE);
    story.exited("r1.0.4");
    assert_eq!(story.instances(), ["r1.0.5 waits 250ms"]);
}

#[test]
fn failed_restart_counts_too() {
    let mut story = Story::with_live();
    story.wait(MINUTE);
    story.exited("r1.0.0");
    story.wait(Duration::from_millis(250));
    story.start_failed("r1.0.1");
    assert_eq!(story.instances(), ["r1.0.2 waits 500ms"]);
    story.wait(Duration::from_millis(500));
    story.started("r1.0.2");
    assert_eq!(story.start_failed("r1.0.2"), ["stop r1.0.2 within 10s"]);
    story.exited("r1.0.2");
    assert_eq!(story.instances(), ["r1.0.3 waits 1000ms"]);
}

#[test]
fn slots_count_apart() {
    let mut story = Story::new();
    let mut wide = spec(1);
    wide.instances = 2;
    story.request(wide);
    story.bring_up("r1.0.0");
    story.bring_up("r1.1.0");
    story.routed();
    story.wait(WATCH);
    story.exited("r1.1.0");
    story.wait(Duration::from_millis(250));
    story.bring_up("r1.1.1");
    story.exited("r1.1.1");
    assert_eq!(story.instances(), ["r1.0.0 healthy", "r1.1.2 waits 500ms"]);
    story.wait(MINUTE);
    story.exited("r1.0.0");
    assert_eq!(story.instances()[0], "r1.0.1 waits 250ms");
}

#[test]
fn silent_restart_is_stopped() {
    let mut story = Story::with_live();
    story.exited("r1.0.0");
    story.wait(Duration::from_millis(250));
    story.started("r1.0.1");
    assert_eq!(story.environment.next_deadline(), Some(story.now.after(START_DEADLINE)));
    assert_eq!(story.wait(START_DEADLINE), ["stop r1.0.1 within 10s"]);
    story.exited("r1.0.1");
    assert!(story.instances()[0].starts_with("r1.0.2 waits"));
}

#[test]
fn warm_pool_is_kept_too() {
    let mut story = Story::watching();
    story.exited("r1.0.0");
    assert_eq!(story.wait(Duration::from_millis(250)), ["start r1.0.1"]);
    story.bring_up("r1.0.1");
    assert_eq!(story.table(), "r2 live 100 [r2.0.0]; r1 warm 0 [r1.0.1]; watch r2 else r1");
    assert!(story.environment.reversible());
}

#[test]
fn new_pool_is_not_refilled() {
    let mut story = Story::starting();
    story.exited("r2.0.0");
    assert_eq!(story.instances(), ["r1.0.0 healthy"]);
}
