//! What a load file says of faults: a plan whose processes and upstreams are still to be found.
//!
//! A file outlives the processes that it is about, so it describes them; who fits is looked up when a run begins.

use std::net::SocketAddr;

use crate::fault::plan::model::{Fault, FaultPlan, PlannedFault, PlannedProxy, ProxyKind};
use crate::fault::process::finder::{FindTargetError, TargetFinder};
use crate::fault::process::identity::{ProcessTarget, Reach};

/// `through`, `[[proxy]]` and `[[fault]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultsSection {
    /// The proxy that the load goes through; none: straight to its target.
    pub through: Option<String>,
    /// The proxies.
    pub proxies: Vec<ProxySection>,
    /// What is to break.
    pub faults: Vec<FaultSection>,
}

/// One proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySection {
    /// What faults call it.
    pub name: String,
    /// What it carries.
    pub kind: ProxyKind,
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The service; none: the target of the load.
    pub upstream: Option<SocketAddr>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSection {
    /// Everything but the process that it is aimed at: of those it has none yet.
    pub planned: PlannedFault,
    /// How that process is found; none for a fault that is aimed at no process.
    pub aim: Option<(TargetFinder, Reach)>,
}

/// A fault is aimed at nobody.
#[derive(Debug, thiserror::Error)]
#[error("aim fault `{fault}`")]
pub struct AimFaultError {
    /// Its name.
    pub fault: String,
    /// Why.
    #[source]
    pub source: FindTargetError,
}

// === impl FaultsSection ===

impl FaultsSection {
    /// The plan, of the processes that run now. `target` is where the load's target is.
    pub fn plan(&self, seed: u64, target: SocketAddr) -> Result<FaultPlan, AimFaultError> {
        let faults = self.faults.iter().map(FaultSection::aimed).collect::<Result<_, _>>()?;
        let proxy = |proxy: &ProxySection| PlannedProxy {
            name: proxy.name.clone(),
            kind: proxy.kind,
            listen: proxy.listen,
            upstream: proxy.upstream.unwrap_or(target),
        };
        Ok(FaultPlan { seed, proxies: self.proxies.iter().map(proxy).collect(), faults })
    }
}

// === impl FaultSection ===

impl FaultSection {
    fn aimed(&self) -> Result<PlannedFault, AimFaultError> {
        let mut planned = self.planned.clone();
        if let Some((finder, reach)) = &self.aim {
            let failed = |source| AimFaultError { fault: planned.name.clone(), source };
            let process = finder.find().map_err(failed)?;
            let target = ProcessTarget { process, reach: *reach };
            match &mut planned.fault {
                Fault::Freeze { targets }
                | Fault::Kill { targets, .. }
                | Fault::Restart { targets, .. }
                | Fault::Descriptors { targets, .. }
                | Fault::ClockSkew { targets, .. } => targets.push(target),
                _ => {}
            }
            planned.found_by = Some(finder.clone()).filter(TargetFinder::outlives_process);
        }
        Ok(planned)
    }
}
