//! An operator takes a release back, in every position.

use crate::story::{Story, WATCH, spec};

fn taken_back(mut story: Story) {
    assert!(story.environment.reversible());
    story.rollback();
    assert_eq!((story.position(), story.live()), ("retiring new", Some("r1")));
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    story.finish();
    assert_eq!(story.ended(), "r2 rolled back: asked");
    assert_eq!(story.instances(), ["r1.0.0 healthy"]);
}

#[test]
fn takes_back_while_starting() {
    taken_back(Story::starting());
}

#[test]
fn takes_back_while_promoting() {
    taken_back(Story::promoting());
}

#[test]
fn takes_back_while_watching() {
    taken_back(Story::watching());
}

#[test]
fn takes_back_before_old_is_unrouted() {
    taken_back(Story::retiring_old());
}

#[test]
fn takes_back_while_old_drains() {
    let mut story = Story::retiring_old();
    story.routed();
    taken_back(story);
}

#[test]
fn refuses_after_no_return() {
    let mut story = Story::stopping_old();
    assert!(!story.environment.reversible());
    assert_eq!(story.rollback(), [""; 0]);
    story.exited("r1.0.0");
    assert_eq!((story.ended().as_str(), story.live()), ("r2 done", Some("r2")));
}

#[test]
fn refuses_when_fallback_is_dead() {
    let mut story = Story::watching();
    story.exited("r1.0.0");
    assert!(!story.environment.reversible());
    assert_eq!(story.rollback(), [""; 0]);
    assert_eq!((story.position(), story.live()), ("watching", Some("r2")));
}

#[test]
fn second_request_changes_nothing() {
    let mut story = Story::watching();
    story.rollback();
    let before = story.environment.clone();
    assert_eq!(story.rollback(), [""; 0]);
    assert_eq!(story.environment, before);
}

#[test]
fn idle_has_nothing_to_take_back() {
    let mut story = Story::with_live();
    assert!(!story.environment.reversible());
    assert_eq!(story.rollback(), [""; 0]);
    assert_eq!(story.live(), Some("r1"));
}

#[test]
fn first_release_cannot_be_swapped() {
    let mut story = Story::new();
    story.request(spec(1));
    assert!(story.environment.reversible());
    story.bring_up("r1.0.0");
    assert!(!story.environment.reversible());
    story.routed();
    assert_eq!(story.rollback(), [""; 0]);
    assert_eq!(story.position(), "watching");
}

#[test]
fn target_is_newest_that_worked() {
    let mut story = Story::with_live();
    assert!(story.environment.rollback_target().is_none());
    story.ship(2);
    assert_eq!(story.environment.rollback_target().unwrap().number, 1);
    story.request(spec(3));
    story.bring_up("r3.0.0");
    story.routed();
    story.judged("r3");
    story.finish();
    assert_eq!(story.environment.rollback_target().unwrap().number, 1);
}

#[test]
fn target_differs_from_live() {
    let mut story = Story::with_live();
    story.ship(2);
    let mut restored = spec(3);
    restored.digest = spec(1).digest;
    story.request(restored);
    story.bring_up("r3.0.0");
    story.routed();
    story.wait(WATCH);
    story.finish();
    assert_eq!((story.live(), story.environment.rollback_target().unwrap().number), (Some("r3"), 2));
}
