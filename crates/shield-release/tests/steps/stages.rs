//! What the edge is told to route by, in every position.

use shield_release::PoolRole;

use crate::story::{Story, release, spec, table_line};

#[test]
fn table_follows_the_position() {
    let mut story = Story::starting();
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    story.bring_up("r2.0.0");
    let swapped = "r2 live 100 [r2.0.0]; r1 warm 0 [r1.0.0]; watch r2 else r1";
    assert_eq!(story.table(), swapped);
    story.routed();
    assert_eq!(story.table(), swapped);
    assert_eq!(Story::retiring_old().table(), "r2 live 100 [r2.0.0]");
    assert_eq!(Story::stopping_old().table(), "r2 live 100 [r2.0.0]");
}

#[test]
fn first_release_has_no_fallback() {
    let mut story = Story::new();
    assert_eq!(story.table(), "");
    story.request(spec(1));
    assert_eq!(story.table(), "");
    story.bring_up("r1.0.0");
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]; watch r1 else nothing");
}

#[test]
fn return_swaps_in_one_table() {
    let mut story = Story::watching();
    let before = story.environment.generation();
    assert_eq!(story.judged("r2"), ["route 4"]);
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    assert_eq!(story.environment.generation(), before.next());
}

#[test]
fn unhealthy_instance_gets_no_endpoint() {
    let mut story = Story::with_live();
    let mut wide = spec(2);
    wide.instances = 2;
    story.request(wide);
    story.bring_up("r2.0.0");
    story.started("r2.1.0");
    assert_eq!(story.table(), "r1 live 100 [r1.0.0]");
    story.healthy("r2.1.0");
    assert_eq!(story.table(), "r2 live 100 [r2.0.0 r2.1.0]; r1 warm 0 [r1.0.0]; watch r2 else r1");
}

#[test]
fn dead_fallback_is_not_offered() {
    let mut story = Story::watching();
    story.exited("r1.0.0");
    assert_eq!(story.table(), "r2 live 100 [r2.0.0]; r1 warm 0 []; watch r2 else nothing");
}

#[test]
fn same_contents_keep_the_number() {
    let mut story = Story::with_live();
    let generation = story.environment.generation();
    story.wait(crate::story::WATCH);
    story.routed();
    story.started("r1.0.0");
    story.healthy("r1.0.0");
    assert_eq!(story.environment.generation(), generation);
}

#[test]
fn orders_carry_objective_and_record() {
    let story = Story::promoting();
    let table = story.environment.table();
    let watch = table.watch.as_ref().unwrap();
    assert_eq!((watch.error_ratio_max, watch.alpha), (0.001, 0.01));
    let pool = table.pool(&release("r2")).unwrap();
    assert_eq!(pool.role, PoolRole::Live);
    assert_eq!(serde_json::from_value::<shield_release::ReleaseSpec>(pool.record.clone()).unwrap(), spec(2));
    assert_eq!(table.weight(&release("r2")) + table.weight(&release("r1")), 100);
    assert_eq!(table_line(table), story.table());
}

#[test]
fn stale_confirmation_settles_nothing() {
    let mut story = Story::promoting();
    story.routed_as(2);
    assert_eq!(story.position(), "promoting");
    story.routed_as(99);
    assert_eq!((story.position(), story.environment.settled()), ("promoting", false));
    story.routed_as(3);
    assert_eq!((story.position(), story.environment.settled()), ("watching", true));
    story.routed_as(1);
    assert_eq!(story.environment.routed().0, 3);
}
