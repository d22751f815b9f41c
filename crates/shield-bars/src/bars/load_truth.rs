//! `load.truth`: a server that stands still is seen to stand still.
//!
//! The server is silent for 1 s in every 10 s and writes down when, and when it answered each request that it found at the end
//! of a stall. For an open arrival process the truth follows from that diary and the schedule alone, and is what a client would
//! have seen that was there when it was due: the nth request that is due during a stall waits until the nth answer after it,
//! everybody else not at all. Requests that were not there at the end of the stall, because ten connections carry no more, have
//! waited for its end. Nothing that the generator says of itself is part of it.
//!
//! The measured percentiles are held against it, with ten connections, and with ten at the beginning and as many more as it
//! takes: there the server must have found every request that was due during a stall, so that none was held back. (Anchors, the
//! same test: wrk2 +3 % at p99; Artillery with a pool -88 %, Locust -86 %, autocannon -47 %, h2load -94 %.)

use std::time::Duration;

use shield_load::{ClientGroup, Connection, LoadReport, Model, Protocol, Schedule, Spacing, start};
use shield_testkit::stall::{Stall, monotonic_ns};

use super::Options;
use crate::harness::{Result, StallingServer, Trouble, Verdict};

const RUN: Duration = Duration::from_secs(9);
const STALL: Duration = Duration::from_secs(1);
const PER_SECOND: f64 = 200.0;
const DURATION: Duration = Duration::from_secs(30);
/// Connections that a run begins with.
const POOL: usize = 10;
/// The most that the second one may open.
const UNLIMITED: usize = 2_000;
/// A figure may be off by this share of the truth, or by this time.
const TOLERANCE_SHARE: f64 = 0.02;
const TOLERANCE: Duration = Duration::from_millis(5);
/// Percentiles that are compared; 1 is the longest.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("longest", 1.0)];

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    println!(
        "  {PER_SECOND} requests a second for {DURATION:?}; the server stands still for {STALL:?} after every {RUN:?}"
    );
    let mut verdict = Verdict::default();
    let mut worst: f64 = 0.0;
    for (name, clients_max) in [("10 connections", POOL), ("as many connections as it takes", UNLIMITED)] {
        worst = worst.max(one_run(name, clients_max, &mut verdict).await?);
    }
    Ok(verdict.with_figure(format!("worst percentile {worst:.2} of its tolerance from the truth")))
}

/// Gives the largest distance from the truth, in tolerances.
async fn one_run(name: &str, clients_max: usize, verdict: &mut Verdict) -> Result<f64> {
    let server = StallingServer::start(RUN, STALL).await?;
    let mut plan = server.plan();
    let schedule = Schedule::constant(PER_SECOND, DURATION, Spacing::Even);
    plan.model = Model::Open { schedule: schedule.clone(), clients_max };
    plan.clients.push(ClientGroup::new(POOL, Protocol::Http1, Connection::KeepAlive));
    let seed = plan.seed;
    let load = start(plan).map_err(|error| Trouble::caused("start the load", error))?;
    let began_ns = monotonic_ns() - load.started().elapsed().as_nanos() as u64;
    let report = load.join().await;
    let due: Vec<u64> = schedule.arrivals(seed).map(|offset| began_ns + offset.as_nanos() as u64).collect();
    let stalls = server.stalls()?;
    let truth = truth(&due, &stalls);
    println!(
        "  {name}: offered {} = answered {} + failed {} + unsent {}, {} connections",
        report.offered,
        report.answered,
        report.failed_count(),
        report.unsent,
        report.connections
    );
    verdict.demand(report.accounted() && report.offered == truth.len() as u64, || {
        format!("{name}: {} due, {} offered: not every request is accounted for", truth.len(), report.offered)
    });
    verdict.demand(report.answered == report.offered, || format!("{name}: not every request was answered"));
    verdict.demand(report.audit.valid(), || format!("{name}: {}", report.audit.invalid.join("; ")));
    if clients_max == UNLIMITED {
        demand_all_there(name, &due, &stalls, verdict);
    }
    Ok(compare(name, &report, &truth, verdict))
}

/// Whether the server found everybody who was due during a stall. Who was due shortly before its end may have been on the way.
fn demand_all_there(name: &str, due_ns: &[u64], stalls: &[Stall], verdict: &mut Verdict) {
    for stall in stalls {
        let arrived = stall.ended_ns - TOLERANCE.as_nanos() as u64;
        let due = due_ns.iter().filter(|due| (stall.began_ns..arrived).contains(due)).count();
        let found = stall.answered_ns.len();
        println!("    after a stall the server found {found} requests; {due} were due");
        verdict.demand(found >= due, || format!("{name}: {due} were due in a stall, {found} were there"));
    }
}

/// The latency of each arrival at a server that stands still and needs what its diary says after that, in order of size.
fn truth(due_ns: &[u64], stalls: &[Stall]) -> Vec<Duration> {
    let mut waited = vec![0; stalls.len()];
    let mut wait = |due: &u64| {
        let stall = stalls.iter().position(|stall| (stall.began_ns..stall.ended_ns).contains(due));
        stall.map_or(Duration::ZERO, |index| {
            let Stall { ended_ns, answered_ns, .. } = &stalls[index];
            let answered = answered_ns.get(waited[index]).unwrap_or(ended_ns);
            waited[index] += 1;
            Duration::from_nanos(answered - due)
        })
    };
    let mut waits: Vec<_> = due_ns.iter().map(&mut wait).collect();
    waits.sort_unstable();
    waits
}

fn compare(name: &str, report: &LoadReport, truth: &[Duration], verdict: &mut Verdict) -> f64 {
    let mut worst: f64 = 0.0;
    for (label, share) in QUANTILES {
        let rank = ((truth.len() as f64 * share).ceil() as usize).clamp(1, truth.len());
        let wanted = truth[rank - 1];
        let told = |histogram: &shield_load::Histogram| histogram.quantile(share).unwrap_or_default();
        let (measured, service) = (told(&report.latency), told(&report.service));
        let tolerance = TOLERANCE.max(wanted.mul_f64(TOLERANCE_SHARE));
        let off = measured.abs_diff(wanted);
        println!(
            "    {label:8} truth {:7.1} ms, measured {:7.1} ms (service time alone: {:7.1} ms)",
            milliseconds(wanted),
            milliseconds(measured),
            milliseconds(service)
        );
        verdict.demand(off <= tolerance, || format!("{name}: {label} is off by {:.1} ms", milliseconds(off)));
        worst = worst.max(off.as_secs_f64() / tolerance.as_secs_f64());
    }
    worst
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_testkit::stall::Stall;

    use super::truth;

    #[test]
    fn truth_is_the_rest_of_the_stall() {
        let stalls = [Stall { began_ns: 10, ended_ns: 20, answered_ns: vec![] }];
        let waits = truth(&[5, 10, 19, 20], &stalls);
        assert_eq!(waits, [0, 0, 1, 10].map(Duration::from_nanos));
    }

    #[test]
    fn answers_come_in_turn() {
        let stalls = [Stall { began_ns: 10, ended_ns: 20, answered_ns: vec![22, 23] }];
        let waits = truth(&[10, 12, 19], &stalls);
        assert_eq!(waits, [1, 11, 12].map(Duration::from_nanos));
    }
}
