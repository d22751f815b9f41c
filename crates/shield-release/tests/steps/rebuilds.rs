//! The state is rebuilt from what is left of it.

use std::collections::BTreeMap;

use serde_json::json;
use shield_release::{Environment, ProcessRef, Remains};
use shield_types::{InstanceId, Timestamp};

use crate::story::{Story, instance, spec};

fn processes(names: &[&str]) -> BTreeMap<InstanceId, ProcessRef> {
    let process = ProcessRef { address: ([127, 0, 0, 1], 20_000).into(), identity: json!(7) };
    names.iter().map(|name| (instance(name), process.clone())).collect()
}

fn rebuilt(remains: Remains) -> Story {
    Story { environment: Environment::rebuild(remains), now: Timestamp(2_000_000) }
}

#[test]
fn edge_table_decides_who_is_live() {
    for before in [Story::starting(), Story::promoting(), Story::watching(), Story::retiring_old()] {
        let table = before.environment.table().clone();
        let (generation, live) = (table.generation, table.pools[0].release.clone());
        let remains = Remains {
            last_good: Some(Story::with_live().environment),
            table: Some(table),
            processes: processes(&["r1.0.0", "r2.0.0"]),
        };
        let story = rebuilt(remains);
        assert_eq!(story.live(), Some(live.as_str()));
        assert_eq!((story.position(), story.instances()), ("idle", vec![format!("{live}.0.0 healthy")]));
        assert_eq!(story.table(), format!("{live} live 100 [{live}.0.0]"));
        assert_eq!(story.environment.generation(), generation.next());
        assert!(!story.environment.settled());
    }
}

#[test]
fn history_comes_from_snapshot() {
    let last_good = Story::with_live().environment;
    let story = rebuilt(Remains { last_good: Some(last_good), ..Remains::default() });
    assert_eq!((story.live(), story.ended().as_str()), (Some("r1"), "r1 done"));
    assert_eq!(story.instances(), ["r1.0.1 waits 0ms"]);
}

#[test]
fn unrouted_process_is_probed_again() {
    let last_good = Some(Story::with_live().environment);
    let mut story = rebuilt(Remains { last_good, table: None, processes: processes(&["r1.0.3"]) });
    assert_eq!(story.instances(), ["r1.0.3 running"]);
    assert_eq!(story.table(), "r1 live 100 []");
    story.healthy("r1.0.3");
    assert_eq!(story.table(), "r1 live 100 [r1.0.3]");
}

#[test]
fn attempts_continue_those_that_run() {
    let last_good = Some(Story::with_live().environment);
    let mut story = rebuilt(Remains { last_good, table: None, processes: processes(&["r1.0.6"]) });
    story.exited("r1.0.6");
    assert_eq!(story.instances(), ["r1.0.7 waits 250ms"]);
}

#[test]
fn strangers_are_left_to_the_caller() {
    let last_good = Some(Story::with_live().environment);
    let story = rebuilt(Remains { last_good, table: None, processes: processes(&["r1.0.0", "r5.0.0"]) });
    assert_eq!(story.instances(), ["r1.0.0 running"]);
    assert_eq!(story.environment.newest_number(), 5);
}

#[test]
fn next_release_gets_new_number() {
    let table = Some(Story::watching().environment.table().clone());
    let mut story = rebuilt(Remains { last_good: None, table, processes: processes(&["r2.0.0"]) });
    assert_eq!(story.environment.newest_number(), 2);
    story.routed();
    story.ship(3);
    assert_eq!(story.live(), Some("r3"));
}

#[test]
fn unreadable_record_falls_back() {
    let mut table = Story::watching().environment.table().clone();
    table.pools.iter_mut().for_each(|pool| pool.record = json!("not a release"));
    let generation = table.generation;
    let last_good = Some(Story::with_live().environment);
    let story = rebuilt(Remains { last_good, table: Some(table), processes: processes(&["r1.0.0"]) });
    assert_eq!(story.live(), Some("r1"));
    assert!(story.environment.generation() > generation);
}

#[test]
fn down_is_remembered() {
    let mut before = Story::with_live();
    before.tell(shield_release::Event::DownRequested);
    let story = rebuilt(Remains { last_good: Some(before.environment), ..Remains::default() });
    assert!(!story.environment.serving());
    assert_eq!((story.live(), story.instances()), (Some("r1"), Vec::new()));
}

#[test]
fn spec_survives_in_the_table() {
    let table = Some(Story::watching().environment.table().clone());
    let story = rebuilt(Remains { last_good: None, table, processes: BTreeMap::new() });
    assert_eq!(story.environment.release(&spec(2).id), Some(&spec(2)));
}
