//! From a disturbance to faults on the load's clock. Pure.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use shield_load::{
    Direction, DiskAmount, Fault, FaultPlan, NetworkFault, PlannedFault, PlannedProxy, ProcessTarget,
    ProxyKind,
};
use shield_types::settings::Ratio;

use super::model::{Disturbance, Drill};

/// Name of the proxy that slow clients go through.
pub(super) const LINE: &str = "line";

/// What a fault could be aimed at.
pub(super) struct Aims {
    pub(super) instance: Option<ProcessTarget>,
    pub(super) edge: Option<ProcessTarget>,
    pub(super) control: Option<ProcessTarget>,
    /// What starts a control plane where none runs, should this process not be there to do it.
    pub(super) start_control: Vec<String>,
    /// Where clients connect.
    pub(super) address: SocketAddr,
    pub(super) processors: u32,
    pub(super) disk: Option<PathBuf>,
}

/// The fault of a drill, after `before`. None for a disturbance that the load makes itself.
pub(super) fn fault_plan(drill: &Drill, before: Duration, seed: u64, aims: Aims) -> Option<FaultPlan> {
    let targets = |target: Option<ProcessTarget>| target.into_iter().collect::<Vec<_>>();
    // The control plane starts them again.
    let supervised = |target| Fault::Kill { targets: targets(target), command: Vec::new() };
    let mut proxies = Vec::new();
    let fault = match drill.disturbance {
        Disturbance::KillInstance => supervised(aims.instance),
        Disturbance::FreezeInstance => Fault::Freeze { targets: targets(aims.instance) },
        Disturbance::KillEdge => supervised(aims.edge),
        Disturbance::KillControl => {
            Fault::Kill { targets: targets(aims.control), command: aims.start_control }
        }
        Disturbance::SlowClients => {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            proxies.push(PlannedProxy {
                name: LINE.to_owned(),
                kind: ProxyKind::Tcp,
                listen,
                upstream: aims.address,
            });
            slow_line()
        }
        Disturbance::Cpu => Fault::Cpu { workers: aims.processors, nice: 0, share_percent: 100..=100 },
        Disturbance::FillDisk => {
            let filesystem = aims.disk.unwrap_or_default();
            Fault::Disk { directory: filesystem.clone(), filesystem, amount: DiskAmount::Leave(0) }
        }
        Disturbance::Herd { .. } => return None,
    };
    let name = drill.name.to_string();
    let planned =
        PlannedFault { name, at: before, lasts: drill.lasts, spread: Duration::ZERO, fault, found_by: None };
    Some(FaultPlan { seed, proxies, faults: vec![planned] })
}

/// A line over a continent.
fn slow_line() -> Fault {
    let fault = NetworkFault::Latency {
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(50),
        direction: Direction::Both,
        share: Ratio::ONE,
    };
    Fault::Network { proxies: vec![LINE.to_owned()], fault }
}

#[cfg(test)]
mod tests {
    use shield_load::ProcessIdentity;

    use super::{
        super::{model::DrillName, sample::sample},
        *,
    };

    fn aims() -> Aims {
        let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
        let target = Some(ProcessTarget::process(own));
        let address = SocketAddr::from(([127, 0, 0, 1], 8443));
        let disk = Some(PathBuf::from("/mnt"));
        Aims {
            instance: target,
            edge: target,
            control: target,
            start_control: Vec::new(),
            address,
            processors: 2,
            disk,
        }
    }

    #[test]
    fn every_drill_has_a_schedule() {
        for name in DrillName::ALL {
            let drill = sample(name);
            let before = Duration::from_secs(4);
            let Some(plan) = fault_plan(&drill, before, 1, aims()) else {
                assert_eq!(name, DrillName::ThunderingHerd);
                continue;
            };
            let schedule = plan.schedule().unwrap();
            assert!(schedule.iter().all(|fault| fault.from == before), "{name}");
            assert!(schedule.iter().all(|fault| fault.until == before + drill.lasts), "{name}");
        }
    }
}
