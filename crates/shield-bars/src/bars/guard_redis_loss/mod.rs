//! `guard.redis-loss`: Redis dies, freezes and fails over under load, and nobody notices but its limits.
//!
//! Three LinkShields share a PostgreSQL and a Redis under three Sentinels. Meanwhile, without a pause:
//!
//! - *holders* ask with cookies and access tokens that are good: one that is refused is a session lost;
//! - a *flood* from one address, without a credential, asks all nodes for more than its limit: what is admitted is counted. Each
//!   fault has an address of its own, so that each is counted from nothing;
//! - *strangers*, each from an address of its own, ask for one check each: none of them was ever lent anything, so each of them asks
//!   Redis, and has a share of its limit without it: none is refused;
//! - a *guesser* tries wrong passwords of one account on all nodes: whoever is told that a password is wrong had an attempt;
//! - *leavers* log out while Redis is away, and ask again with the token that they gave back.
//!
//! How long requests wait for Redis is what the nodes count themselves (`linkshield_redis_wait_seconds`), since a client cannot
//! tell that wait from any other; when they use Redis again is when their gauge `linkshield_redis_masters_present` says so, counted from
//! the moment when a client of the bar's own is answered by it.

mod crowd;
mod metrics;
mod scene;

use std::time::Duration;

use super::Options;
use crate::harness::{Result, Verdict};
use scene::{Fault, LIMIT, Outcome, Scene};

/// Attempts that a stranger has per account and address block in a window.
const GUESSES_MAX: u64 = 5;
const RECOVERY_BAR: Duration = Duration::from_secs(1);

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut scene = Scene::set().await?;
    let mut outcomes = Vec::new();
    for fault in Fault::ALL {
        let outcome = scene.play(fault).await?;
        println!("  {}: {outcome}", fault.name());
        judge(&mut verdict, fault, &outcome);
        outcomes.push(outcome);
    }
    let most = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).max().unwrap_or_default();
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let recovery = outcomes.iter().map(|outcome| outcome.recovery).max().unwrap_or_default();
    Ok(verdict.with_figure(format!(
        "{} of {} waits beyond 25 ms, {} of {} strangers refused, {} sessions lost of {} requests, {} revoked tokens accepted, admitted {:.2} x the limit, \
         {} guesses of {GUESSES_MAX}, used again after {} ms",
        sum(|outcome| outcome.waited_long),
        sum(|outcome| outcome.waits),
        sum(|outcome| outcome.strangers_refused),
        sum(|outcome| outcome.strangers),
        sum(|outcome| outcome.sessions_refused),
        sum(|outcome| outcome.sessions_asked),
        sum(|outcome| outcome.revoked_accepted),
        most(|outcome| outcome.admitted) as f64 / f64::from(LIMIT),
        most(|outcome| outcome.guesses),
        recovery.as_millis(),
    )))
}

fn judge(verdict: &mut Verdict, fault: Fault, outcome: &Outcome) {
    let name = fault.name();
    let Outcome { waited_long, sessions_refused, sessions_asked, revoked_accepted, admitted, .. } = *outcome;
    verdict.demand(waited_long == 0, || {
        format!("{name}: {waited_long} requests waited more than 25 ms for Redis")
    });
    verdict.demand(sessions_refused == 0, || {
        format!("{name}: {sessions_refused} requests with a good session refused")
    });
    verdict.demand(revoked_accepted == 0, || format!("{name}: {revoked_accepted} revoked tokens accepted"));
    let most = u64::from(LIMIT) * 3 / 2;
    verdict.demand(admitted <= most, || format!("{name}: {admitted} admitted, more than {most}"));
    // Part of the limit must have been lent by Redis before, and the flood must have come up against it, or it says nothing; likewise
    // the others.
    let before = outcome.admitted_before;
    verdict.demand((50..u64::from(LIMIT)).contains(&before), || {
        format!("{name}: {before} of {LIMIT} admitted before the fault")
    });
    let flooded = outcome.flood > 2 * most;
    verdict.demand(flooded, || format!("{name}: only {} requests of the flood", outcome.flood));
    let guesses = outcome.guesses;
    verdict.demand((1..=GUESSES_MAX).contains(&guesses), || {
        format!("{name}: {guesses} attempts at a password, not 1 to {GUESSES_MAX}")
    });
    let strangers_refused = outcome.strangers_refused;
    verdict.demand(strangers_refused == 0, || format!("{name}: {strangers_refused} strangers refused"));
    let enough = sessions_asked > 100 && outcome.waits > 200 && outcome.strangers > outcome.waits;
    verdict.demand(enough, || format!("{name}: too little was asked"));
    let recovery = outcome.recovery;
    verdict.demand(recovery <= RECOVERY_BAR, || format!("{name}: used again only after {recovery:?}"));
}
