//! `down` and `up`, in every position.

use shield_release::Event;

use crate::story::{Story, WATCH, spec};

/// Everything that was ordered happens, until nothing runs.
fn take_down(story: &mut Story) {
    story.tell(Event::DownRequested);
    assert_eq!(story.table(), "");
    for _ in 0..3 {
        story.routed();
        for name in ["r1", "r2"] {
            story.drained(name);
            story.stop_all(name);
        }
    }
    assert!(story.environment.down(), "{:?} {}", story.instances(), story.position());
}

#[test]
fn live_release_goes_in_order() {
    let mut story = Story::with_live();
    assert_eq!(story.tell(Event::DownRequested), ["route 3"]);
    assert_eq!(story.drained("r1"), [""; 0]);
    assert_eq!(story.routed(), ["drain r1"]);
    assert_eq!(story.drained("r1"), ["stop r1.0.0 within 10s"]);
    assert!(!story.environment.down());
    story.exited("r1.0.0");
    assert!(story.environment.down());
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn down_gives_up_what_starts() {
    let mut story = Story::starting();
    take_down(&mut story);
    assert_eq!(story.ended(), "r2 rolled back: the environment was taken down");
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn down_takes_promotion_back() {
    let mut story = Story::promoting();
    take_down(&mut story);
    assert_eq!(story.ended(), "r2 rolled back: the environment was taken down");
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn down_ends_the_watch() {
    let mut story = Story::watching();
    take_down(&mut story);
    assert_eq!(story.ended(), "r2 rolled back: the environment was taken down");
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn down_keeps_what_has_no_way_back() {
    let mut story = Story::watching();
    story.exited("r1.0.0");
    take_down(&mut story);
    let kept = "r2 kept: the watch was cut short: the environment was taken down";
    assert_eq!((story.ended().as_str(), story.live()), (kept, Some("r2")));
}

#[test]
fn down_keeps_decided_release() {
    for mut story in [Story::retiring_old(), Story::stopping_old()] {
        take_down(&mut story);
        assert_eq!((story.ended().as_str(), story.live()), ("r2 done", Some("r2")));
    }
}

#[test]
fn down_keeps_decided_return() {
    let mut story = Story::watching();
    story.judged("r2");
    take_down(&mut story);
    assert_eq!((story.ended().as_str(), story.live()), ("r2 rolled back: errors", Some("r1")));
}

#[test]
fn down_without_release_is_down() {
    let mut story = Story::new();
    story.tell(Event::DownRequested);
    assert!(story.environment.down());
}

#[test]
fn down_does_not_restart() {
    let mut story = Story::with_live();
    story.tell(Event::DownRequested);
    story.exited("r1.0.0");
    assert_eq!(story.instances(), [""; 0]);
}

#[test]
fn down_cancels_waiting_restart() {
    let mut story = Story::with_live();
    story.exited("r1.0.0");
    take_down(&mut story);
    assert_eq!(story.wait(WATCH), [""; 0]);
    assert_eq!(story.instances(), [""; 0]);
}

#[test]
fn up_brings_live_release_back() {
    let mut story = Story::with_live();
    take_down(&mut story);
    story.tell(Event::UpRequested);
    assert_eq!(story.instances().len(), 1);
    assert_eq!(story.wait(WATCH), ["start r1.0.1"]);
    story.bring_up("r1.0.1");
    assert_eq!(story.table(), "r1 live 100 [r1.0.1]");
}

#[test]
fn up_while_draining_carries_on() {
    let mut story = Story::with_live();
    story.tell(Event::DownRequested);
    story.routed();
    assert_eq!(story.tell(Event::UpRequested), ["route 4"]);
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    assert_eq!(story.drained("r1"), [""; 0]);
    assert_eq!(story.instances(), ["r1.0.0 healthy"]);
}

#[test]
fn up_while_stopping_starts_again() {
    let mut story = Story::with_live();
    story.tell(Event::DownRequested);
    story.routed();
    story.drained("r1");
    story.tell(Event::UpRequested);
    story.exited("r1.0.0");
    story.wait(WATCH);
    story.bring_up("r1.0.1");
    assert_eq!(story.table(), "r1 live 100 [r1.0.1]");
}

#[test]
fn up_when_serving_changes_nothing() {
    let mut story = Story::watching();
    let before = story.environment.clone();
    assert_eq!(story.tell(Event::UpRequested), [""; 0]);
    assert_eq!(story.environment, before);
}

#[test]
fn releases_again_after_up() {
    let mut story = Story::with_live();
    take_down(&mut story);
    story.tell(Event::UpRequested);
    story.wait(WATCH);
    story.bring_up("r1.0.1");
    story.routed();
    story.request(spec(2));
    story.bring_up("r2.0.0");
    assert_eq!(story.table(), "r2 live 100 [r2.0.0]; r1 warm 0 [r1.0.1]; watch r2 else r1");
}

/// Two processes with one id would share a log, and a late word about the first would be taken for the second.
#[test]
fn attempts_never_repeat() {
    let mut story = Story::with_live();
    story.exited("r1.0.0");
    story.wait(WATCH);
    story.bring_up("r1.0.1");
    story.routed();
    take_down(&mut story);
    story.tell(Event::UpRequested);
    assert_eq!(story.wait(WATCH), ["start r1.0.2"]);
}

/// The edge never confirmed that it has the traffic.
#[test]
fn down_before_first_swap_is_not_done() {
    let mut story = Story::new();
    story.request(spec(1));
    story.bring_up("r1.0.0");
    take_down(&mut story);
    assert!(!story.environment.history().next_back().unwrap().succeeded(), "{}", story.ended());
}

/// The new side fails while the environment goes down with the old one still draining: the old one stops all the same.
#[test]
fn failure_on_the_way_down_keeps_nothing() {
    for failure in [Story::judged as fn(&mut Story, &str) -> Vec<String>, |story, _| story.exited("r2.0.0")] {
        let mut story = Story::retiring_old();
        story.tell(Event::DownRequested);
        failure(&mut story, "r2");
        take_down(&mut story);
        assert_eq!(story.live(), Some("r1"));
    }
}
