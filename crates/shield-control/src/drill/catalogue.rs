//! The eight drills.
//!
//! Each believes what the documentation promises and no more: what a hypothesis demands is what `ship.kill-anywhere` and the
//! edge's own rules (probes, retries, response timeout) allow to demand.

use std::time::Duration;

use shield_types::{format_duration, settings::Ratio};

use super::model::{Disturbance, Drill, DrillName, FailuresAllowed};
use crate::manifest::Manifest;

/// Probes in a row that must fail before the edge sends an instance nothing any more.
const PROBES_TO_EJECT: u32 = 2;
/// What is granted to a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(1);
/// A request that nothing holds up is answered within this time, also on a busy machine.
const UNTOUCHED: Duration = Duration::from_secs(2);
/// The control plane replaces an edge that died, and the sockets queue what comes meanwhile.
const EDGE_REPLACED: Duration = Duration::from_secs(5);
/// The first restart of an instance waits, the edge probes it, the control plane notes it.
const RESTART: Duration = Duration::from_secs(10);
/// A control plane that starts adopts what runs.
const CONTROL_STARTED: Duration = Duration::from_secs(30);
/// Everything else is as before when the load is.
const CALM: Duration = Duration::from_secs(15);

/// What a drill's demands depend on.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The service.
    pub manifest: &'a Manifest,
    /// The load has only requests that the edge may send again.
    pub repeatable: bool,
}

/// The drill of this name for a service.
pub fn drill(name: DrillName, surroundings: Surroundings<'_>) -> Drill {
    match name {
        DrillName::InstanceKill => instance_kill(surroundings),
        DrillName::InstanceFreeze => instance_freeze(surroundings),
        DrillName::EdgeKill => edge_kill(surroundings),
        DrillName::ControlKill => control_kill(surroundings),
        DrillName::SlowNetwork => slow_network(surroundings),
        DrillName::CpuPressure => cpu_pressure(surroundings),
        DrillName::DiskFull => disk_full(surroundings),
        DrillName::ThunderingHerd => thundering_herd(surroundings),
    }
}

/// What drills have in common: nothing fails, nothing waits.
fn calm(name: DrillName, disturbance: Disturbance, surroundings: Surroundings<'_>) -> Drill {
    Drill {
        name,
        hypothesis: String::new(),
        blast_radius: String::new(),
        undo: String::new(),
        disturbance,
        lasts: surroundings.manifest.drill.lasts,
        failures: FailuresAllowed::None,
        longest: UNTOUCHED,
        restored_within: CALM,
        abort_share: Ratio::from_millionths(250_000),
        abort_over: Duration::from_secs(3),
    }
}

/// Requests that the edge may send again do not fail; others do when they were in flight.
fn repeated(surroundings: Surroundings<'_>) -> FailuresAllowed {
    if surroundings.repeatable { FailuresAllowed::None } else { FailuresAllowed::InFlight }
}

fn instance_kill(surroundings: Surroundings<'_>) -> Drill {
    let failures = repeated(surroundings);
    Drill {
        hypothesis: format!(
            "an instance may die at any moment: {failures}, since what it had is sent to another instance, and it is started again"
        ),
        blast_radius: "requests in flight on one instance; its pool has one instance less until it is back"
            .to_owned(),
        undo: "the control plane starts the instance again".to_owned(),
        failures,
        restored_within: surroundings.manifest.release.start_deadline + RESTART,
        ..calm(DrillName::InstanceKill, Disturbance::KillInstance, surroundings)
    }
}

fn instance_freeze(surroundings: Surroundings<'_>) -> Drill {
    let ready = &surroundings.manifest.service.ready;
    let noticed = (ready.interval + ready.timeout) * PROBES_TO_EJECT + SLACK;
    let base = calm(DrillName::InstanceFreeze, Disturbance::FreezeInstance, surroundings);
    // What may not be sent twice waits for its instance.
    let longest = if surroundings.repeatable { noticed } else { noticed + base.lasts };
    let failures = repeated(surroundings);
    Drill {
        hypothesis: format!(
            "an instance that hangs is noticed by its probes: {failures}, none waits longer than {}, and it is used again once it answers",
            format_duration(longest)
        ),
        blast_radius: "requests on one instance wait until it is ejected; its pool has one instance less until it answers again".to_owned(),
        undo: "the guard lets it go on (SIGCONT)".to_owned(),
        failures,
        longest,
        ..base
    }
}

fn edge_kill(surroundings: Surroundings<'_>) -> Drill {
    let failures = FailuresAllowed::InFlight;
    Drill {
        hypothesis: format!(
            "the edge may die at any moment: {failures}; no connection is refused, new ones wait at most {} for the next edge",
            format_duration(EDGE_REPLACED)
        ),
        blast_radius: "every client: requests in flight fail, open connections are closed".to_owned(),
        undo: "the control plane starts another edge with the same sockets".to_owned(),
        failures,
        longest: EDGE_REPLACED,
        ..calm(DrillName::EdgeKill, Disturbance::KillEdge, surroundings)
    }
}

fn control_kill(surroundings: Surroundings<'_>) -> Drill {
    Drill {
        hypothesis: "the control plane may die at any moment: no request fails or waits, and the next one takes over what runs"
            .to_owned(),
        blast_radius: "no client; meanwhile nothing is released, and an edge or instance that dies is not replaced".to_owned(),
        undo: "the drill starts the control plane again, as it was started last".to_owned(),
        restored_within: CONTROL_STARTED,
        ..calm(DrillName::ControlKill, Disturbance::KillControl, surroundings)
    }
}

fn slow_network(surroundings: Surroundings<'_>) -> Drill {
    let longest = Duration::from_secs(5);
    Drill {
        hypothesis: format!(
            "clients on a slow line are served, too: no request fails, none takes longer than {}",
            format_duration(longest)
        ),
        blast_radius: "the drill's own clients, which go through a proxy of the drill; nobody else"
            .to_owned(),
        undo: "the guard ends the proxy's fault, and with the drill the proxy".to_owned(),
        longest,
        ..calm(DrillName::SlowNetwork, Disturbance::SlowClients, surroundings)
    }
}

fn cpu_pressure(surroundings: Surroundings<'_>) -> Drill {
    Drill {
        hypothesis: format!(
            "a neighbour that wants every processor slows the service down and breaks nothing: no request fails, none takes longer than {}",
            format_duration(UNTOUCHED)
        ),
        blast_radius: "everything on this machine, which gets about half of its processors".to_owned(),
        undo: "the guard ends the busy threads".to_owned(),
        ..calm(DrillName::CpuPressure, Disturbance::Cpu, surroundings)
    }
}

fn disk_full(surroundings: Surroundings<'_>) -> Drill {
    Drill {
        hypothesis: "a full disk stops releases and not the service: no request fails or waits, and all is recorded again afterwards"
            .to_owned(),
        blast_radius: "whatever writes to the filesystem of `drill.disk`: the state directory with the data of the instances, and nothing else"
            .to_owned(),
        undo: "the guard removes its file".to_owned(),
        ..calm(DrillName::DiskFull, Disturbance::FillDisk, surroundings)
    }
}

fn thundering_herd(surroundings: Surroundings<'_>) -> Drill {
    let (times, longest) = (10, Duration::from_secs(5));
    let failures = FailuresAllowed::Share(Ratio::from_millionths(10_000));
    Drill {
        hypothesis: format!(
            "a herd of new clients is served: at {times} times the usual rate, each request on a connection of its own, {failures}, none takes longer than {}, and afterwards all is as before",
            format_duration(longest)
        ),
        blast_radius: "every client: the herd competes with them for the edge and the instances".to_owned(),
        undo: "the herd ends".to_owned(),
        failures,
        longest,
        ..calm(DrillName::ThunderingHerd, Disturbance::Herd { times }, surroundings)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{manifest, sample},
        *,
    };

    #[test]
    fn every_drill_says_what_it_does() {
        for name in DrillName::ALL {
            let drill = sample(name);
            assert_eq!(name.as_str().parse(), Ok(drill.name));
            for text in [&drill.hypothesis, &drill.blast_radius, &drill.undo] {
                assert!(text.len() > 10, "{name}");
            }
            assert!(drill.restored_within >= CALM && drill.abort_over >= SLACK, "{name}");
        }
    }

    #[test]
    fn what_is_sent_once_may_fail() {
        let manifest = manifest();
        let of =
            |repeatable| drill(DrillName::InstanceFreeze, Surroundings { manifest: &manifest, repeatable });
        let (repeated, once) = (of(true), of(false));
        assert_eq!((repeated.failures, once.failures), (FailuresAllowed::None, FailuresAllowed::InFlight));
        assert_eq!(repeated.longest, Duration::from_millis(3_500));
        assert_eq!(once.longest, repeated.longest + once.lasts);
    }
}
