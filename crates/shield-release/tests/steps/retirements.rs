//! The way out: unrouted, drained, stopped, in this order.

use std::time::Duration;

use shield_release::ReleaseSpec;

use crate::story::{DRAIN, Story, WATCH, release, spec};

#[test]
fn drain_before_unrouting_is_ignored() {
    let mut story = Story::retiring_old();
    assert_eq!(story.drained("r1"), [""; 0]);
    assert_eq!(story.instances(), ["r1.0.0 healthy", "r2.0.0 healthy"]);
    assert_eq!(story.routed(), ["drain r1"]);
}

#[test]
fn drain_of_live_is_ignored() {
    let mut story = Story::watching();
    assert_eq!(story.drained("r2"), [""; 0]);
    assert_eq!(story.drained("r1"), [""; 0]);
    assert_eq!(story.instances(), ["r1.0.0 healthy", "r2.0.0 healthy"]);
}

#[test]
fn stops_at_drain_deadline() {
    let mut story = Story::retiring_old();
    story.routed();
    assert_eq!(story.environment.next_deadline(), Some(story.now.after(DRAIN)));
    assert_eq!(story.wait(DRAIN - Duration::from_millis(1)), [""; 0]);
    assert_eq!(story.wait(Duration::from_millis(1)), ["stop r1.0.0 within 10s"]);
}

#[test]
fn drain_counts_from_confirmation() {
    let mut story = Story::retiring_old();
    story.wait(DRAIN);
    assert_eq!(story.routed(), ["drain r1"]);
    assert!(story.environment.retiring(&release("r1")));
}

/// It has no weight, so keeping it helps nobody, and would keep the next release from being planned.
#[test]
fn taken_back_side_waits_for_nobody() {
    let mut story = Story::watching();
    story.judged("r2");
    story.exited("r1.0.0");
    story.routed();
    assert_eq!(story.drained("r2"), ["stop r2.0.0 within 10s"]);
    story.exited("r2.0.0");
    assert_eq!((story.ended().as_str(), story.live()), ("r2 rolled back: errors", Some("r1")));
    story.request(spec(3));
    assert_eq!(story.position(), "starting");
}

/// A fix can ship although the live release never becomes healthy, also when the first fix is only half one.
#[test]
fn half_healthy_fix_makes_room() {
    let mut story = Story::with_live();
    story.exited("r1.0.0");
    story.request(ReleaseSpec { instances: 2, ..spec(2) });
    story.bring_up("r2.0.0");
    story.started("r2.1.0");
    story.exited("r2.1.0");
    story.routed();
    story.drained("r2");
    story.stop_all("r2");
    assert_eq!(story.position(), "idle");
}

#[test]
fn dead_sides_do_not_wait() {
    let mut story = Story::watching();
    story.judged("r2");
    story.exited("r1.0.0");
    story.exited("r2.0.0");
    story.routed();
    story.drained("r2");
    assert_eq!(story.ended(), "r2 rolled back: errors");
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn dead_old_side_still_ends() {
    let mut story = Story::retiring_old();
    story.routed();
    story.exited("r1.0.0");
    assert_eq!(story.instances(), ["r2.0.0 healthy"]);
    story.drained("r1");
    assert_eq!(story.ended(), "r2 done");
}

#[test]
fn retired_release_is_forgotten() {
    let mut story = Story::stopping_old();
    assert!(story.environment.release(&release("r1")).is_some());
    story.exited("r1.0.0");
    assert!(story.environment.release(&release("r1")).is_none());
    assert_eq!(story.wait(WATCH), [""; 0]);
}
