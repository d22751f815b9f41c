//! Failovers as sequences of sightings.

use super::*;

const CLUSTER: i64 = 7;

fn role(writable: bool, timeline: i64) -> Role {
    Role { writable, cluster: CLUSTER, timeline, synchronous_commit: "on".to_owned() }
}

fn primary(timeline: i64) -> Sighting {
    Sighting::Seen(role(true, timeline))
}

fn standby(timeline: i64) -> Sighting {
    Sighting::Seen(role(false, timeline))
}

fn silent() -> Sighting {
    Sighting::Silent("no answer".to_owned())
}

fn serve(host: usize, timeline: i64) -> Change {
    Change::Serve(Primary { host, timeline, cluster: CLUSTER })
}

/// The first host is the primary, the second its standby.
fn settled() -> Election {
    let mut election = Election::new(2);
    assert_eq!(election.observe(1, standby(1)), Change::None);
    assert_eq!(election.observe(0, primary(1)), serve(0, 1));
    assert_eq!(election.epoch(), 1);
    election
}

#[test]
fn waits_until_all_were_seen() {
    let mut election = Election::new(2);
    assert_eq!(election.observe(0, primary(1)), Change::None);
    assert_eq!(election.observe(1, primary(2)), serve(1, 2), "the slower one is the newer one");
    let mut election = Election::new(2);
    assert_eq!(election.observe(0, primary(1)), Change::None);
    assert_eq!(election.observe(1, silent()), serve(0, 1));
}

#[test]
fn promoted_standby_takes_over() {
    let mut election = settled();
    assert_eq!(election.observe(0, silent()), Change::Search);
    assert_eq!(election.epoch(), 1, "it may be the network");
    assert_eq!(election.observe(1, primary(2)), serve(1, 2));
    assert_eq!(election.epoch(), 3, "the old epoch ended, and a new one began");
}

#[test]
fn old_primary_is_not_the_new_one() {
    let mut election = settled();
    election.observe(0, silent());
    election.observe(1, primary(2));
    assert_eq!(election.observe(0, primary(1)), Change::None);
    assert_eq!(election.observe(1, silent()), Change::Search, "not even when the new one is away");
    assert_eq!(election.observe(0, primary(1)), Change::None);
    assert_eq!(election.observe(1, primary(2)), serve(1, 2));
}

#[test]
fn promotion_beside_a_living_primary_wins() {
    let mut election = settled();
    assert_eq!(election.observe(1, primary(2)), serve(1, 2));
    assert_eq!(election.observe(0, primary(1)), Change::None);
}

#[test]
fn standby_of_an_unseen_primary_is_believed() {
    let mut election = settled();
    assert_eq!(election.observe(1, standby(2)), Change::Search);
    assert_eq!(election.epoch(), 2, "whoever was promoted, it was not this one");
    assert_eq!(election.observe(0, primary(1)), Change::None);
}

#[test]
fn silence_keeps_the_epoch() {
    let mut election = settled();
    election.observe(0, silent());
    assert_eq!(election.observe(0, primary(1)), serve(0, 1));
    assert_eq!(election.epoch(), 1);
}

#[test]
fn refused_write_ends_the_epoch() {
    let mut election = settled();
    assert_eq!(election.deny(0), Change::Search);
    assert_eq!(election.epoch(), 2);
    assert_eq!(election.observe(0, primary(1)), serve(0, 1), "it was asked again");
    assert_eq!(election.epoch(), 3);
}

#[test]
fn another_cluster_is_none_of_ours() {
    let stranger = |timeline| Sighting::Seen(Role { cluster: 8, ..role(true, timeline) });
    let mut election = settled();
    assert_eq!(election.observe(1, stranger(9)), Change::None);
    assert_eq!(election.observe(0, silent()), Change::Search);
    assert_eq!(election.observe(0, stranger(9)), Change::None);
    let mut election = Election::new(2);
    election.observe(0, primary(1));
    assert_eq!(election.observe(1, stranger(1)), Change::None, "which of the two is meant?");
}

#[test]
fn two_of_one_timeline_are_not_chosen_from() {
    let mut election = settled();
    election.observe(0, silent());
    election.observe(1, silent());
    election.observe(0, primary(2));
    assert_eq!(election.observe(1, primary(2)), Change::None, "the chosen one stays");
    let mut election = Election::new(2);
    election.observe(0, primary(2));
    assert_eq!(election.observe(1, primary(2)), Change::None);
    assert_eq!(election.observe(0, silent()), serve(1, 2));
}

#[test]
fn forgetful_host_is_no_primary() {
    for forgetful in ["off", "local"] {
        let mut election = Election::new(1);
        let role = Role { synchronous_commit: forgetful.to_owned(), ..role(true, 1) };
        assert_eq!(election.observe(0, Sighting::Seen(role)), Change::None);
    }
}
