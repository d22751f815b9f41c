//! A release that fails, in every position.

use shield_release::Event;

use crate::story::{PROMOTE_DEADLINE, REPORT_SLACK, START_DEADLINE, Story, WATCH, instance, spec};

#[test]
fn failed_start_undoes_release() {
    let mut story = Story::starting();
    assert_eq!(story.start_failed("r2.0.0"), ["drain r2"]);
    assert_eq!((story.position(), story.live()), ("retiring new", Some("r1")));
    story.drained("r2");
    assert_eq!(story.ended(), "r2 rolled back: instance r2.0.0: no probe passed");
    assert_eq!(story.instances(), ["r1.0.0 healthy"]);
}

#[test]
fn unhealthy_process_is_stopped() {
    let mut story = Story::starting();
    story.started("r2.0.0");
    assert_eq!(story.start_failed("r2.0.0"), ["stop r2.0.0 within 10s", "drain r2"]);
    story.drained("r2");
    assert_eq!(story.position(), "retiring new");
    story.exited("r2.0.0");
    assert_eq!(story.ended(), "r2 rolled back: instance r2.0.0: no probe passed");
}

#[test]
fn exit_while_starting_stops_siblings() {
    let mut story = Story::with_live();
    let mut wide = spec(2);
    wide.instances = 3;
    story.request(wide);
    story.bring_up("r2.0.0");
    story.started("r2.1.0");
    assert_eq!(story.exited("r2.1.0"), ["drain r2"]);
    assert_eq!(story.drained("r2"), ["stop r2.0.0 within 10s", "stop r2.2.0 within 10s"]);
    story.exited("r2.0.0");
    // Its start was ordered, and is answered in the end.
    story.start_failed("r2.2.0");
    assert_eq!(story.ended(), "r2 rolled back: instance r2.1.0: exit status 1");
}

#[test]
fn start_that_comes_late_is_stopped() {
    let mut story = Story::starting();
    story.rollback();
    assert_eq!(story.drained("r2"), ["stop r2.0.0 within 10s"]);
    assert_eq!(story.started("r2.0.0"), [""; 0]);
    assert_eq!(story.instances(), ["r1.0.0 healthy", "r2.0.0 stopping"]);
    assert_eq!(story.healthy("r2.0.0"), [""; 0]);
    story.exited("r2.0.0");
    assert_eq!(story.position(), "idle");
}

#[test]
fn silent_start_ends_at_deadline() {
    let mut story = Story::starting();
    story.started("r2.0.0");
    story.wait(START_DEADLINE);
    assert_eq!(story.position(), "starting");
    assert_eq!(story.wait(REPORT_SLACK), ["drain r2"]);
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: not every instance was healthy within start_deadline = 50s");
}

#[test]
fn exit_while_promoting_goes_back() {
    let mut story = Story::promoting();
    assert_eq!(story.exited("r2.0.0"), ["route 4"]);
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: instance r2.0.0: exit status 1");
}

#[test]
fn silent_edge_ends_promotion() {
    let mut story = Story::promoting();
    assert_eq!(story.wait(PROMOTE_DEADLINE), ["route 4"]);
    assert_eq!(story.position(), "retiring new");
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: the edge did not confirm the swap in time");
    assert_eq!(story.environment.history().next_back().unwrap().promoted_at, None);
}

#[test]
fn first_promotion_waits_for_edge() {
    let mut story = Story::new();
    story.request(spec(1));
    story.bring_up("r1.0.0");
    assert_eq!(story.wait(PROMOTE_DEADLINE * 4), [""; 0]);
    assert_eq!(story.position(), "promoting");
    story.routed();
    assert_eq!(story.position(), "watching");
}

#[test]
fn exit_while_watching_goes_back() {
    let mut story = Story::watching();
    assert_eq!(story.exited("r2.0.0"), ["route 4"]);
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: instance r2.0.0: exit status 1");
    assert_eq!(story.instances(), ["r1.0.0 healthy"]);
}

#[test]
fn verdict_sends_release_back() {
    let mut story = Story::watching();
    assert_eq!(story.judged("r2"), ["route 4"]);
    assert_eq!(story.routed(), ["drain r2"]);
    assert_eq!(story.drained("r2"), ["stop r2.0.0 within 10s"]);
    story.exited("r2.0.0");
    assert_eq!((story.ended().as_str(), story.live()), ("r2 rolled back: errors", Some("r1")));
}

#[test]
fn verdict_without_fallback_keeps() {
    let mut story = Story::new();
    story.request(spec(1));
    story.bring_up("r1.0.0");
    story.routed();
    assert_eq!(story.judged("r1"), [""; 0]);
    assert_eq!(story.position(), "watching");
    story.wait(WATCH);
    assert_eq!((story.ended().as_str(), story.live()), ("r1 kept: errors", Some("r1")));
}

#[test]
fn first_reason_is_kept() {
    let mut story = Story::new();
    story.request(spec(1));
    story.bring_up("r1.0.0");
    story.routed();
    story.judged("r1");
    story.exited("r1.0.0");
    story.wait(WATCH);
    assert_eq!(story.ended(), "r1 kept: errors");
}

#[test]
fn verdict_with_dead_fallback_keeps() {
    let mut story = Story::watching();
    story.exited("r1.0.0");
    story.judged("r2");
    assert_eq!((story.position(), story.live()), ("watching", Some("r2")));
    story.wait(WATCH);
    story.finish();
    assert_eq!(story.ended(), "r2 kept: errors");
}

#[test]
fn verdict_while_promoting_goes_back() {
    let mut story = Story::promoting();
    story.judged("r2");
    assert_eq!((story.position(), story.live()), ("retiring new", Some("r1")));
}

#[test]
fn verdict_elsewhere_is_ignored() {
    let mut starting = Story::starting();
    assert_eq!(starting.judged("r2"), [""; 0]);
    assert_eq!(starting.position(), "starting");
    let mut watching = Story::watching();
    assert_eq!(watching.judged("r1"), [""; 0]);
    assert_eq!(watching.position(), "watching");
    let mut idle = Story::with_live();
    assert_eq!(idle.judged("r1"), [""; 0]);
    let mut back = Story::watching();
    back.judged("r2");
    assert_eq!(back.judged("r2"), [""; 0]);
}

#[test]
fn verdict_while_old_drains_goes_back() {
    let mut story = Story::retiring_old();
    story.routed();
    assert_eq!(story.judged("r2"), ["route 5"]);
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: errors");
}

#[test]
fn last_exit_while_old_drains_goes_back() {
    let mut story = Story::retiring_old();
    story.routed();
    story.exited("r2.0.0");
    assert_eq!((story.position(), story.live()), ("retiring new", Some("r1")));
}

#[test]
fn one_exit_of_two_is_replaced() {
    let mut story = Story::with_live();
    let mut wide = spec(2);
    wide.instances = 2;
    story.request(wide);
    story.bring_up("r2.0.0");
    story.bring_up("r2.1.0");
    story.routed();
    story.wait(WATCH);
    story.exited("r2.1.0");
    assert_eq!((story.position(), story.live()), ("retiring old", Some("r2")));
    assert_eq!(story.instances(), ["r1.0.0 healthy", "r2.0.0 healthy", "r2.1.1 waits 250ms"]);
}

#[test]
fn exit_after_no_return_keeps() {
    let mut story = Story::stopping_old();
    story.exited("r2.0.0");
    assert_eq!((story.position(), story.live()), ("retiring old", Some("r2")));
    assert_eq!(story.table(), "r2 live 100 []");
    story.exited("r1.0.0");
    assert_eq!(story.ended(), "r2 kept: instance r2.0.0: exit status 1");
    assert_eq!(story.instances(), ["r2.0.1 waits 250ms"]);
}

#[test]
fn first_release_that_dies_leaves_nothing() {
    let mut story = Story::new();
    story.request(spec(1));
    story.started("r1.0.0");
    story.exited("r1.0.0");
    story.drained("r1");
    assert_eq!(
        (story.ended().as_str(), story.live()),
        ("r1 rolled back: instance r1.0.0: exit status 1", None)
    );
    assert_eq!(story.table(), "");
    story.ship(2);
    assert_eq!(story.live(), Some("r2"));
}

#[test]
fn events_of_strangers_change_nothing() {
    let mut story = Story::watching();
    let before = story.environment.clone();
    story.exited("r9.0.0");
    story.started("r2.7.0");
    story.healthy("r2.0.4");
    story.start_failed("r8.0.0");
    story.drained("r9");
    story.tell(Event::Exited { instance: instance("r1.0.9"), reason: String::new() });
    assert_eq!(story.environment, before);
}
