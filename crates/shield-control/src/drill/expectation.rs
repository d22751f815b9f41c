//! Whether production is as it was before the drill. Pure: statuses in, a reason out.

use std::collections::BTreeSet;

use shield_release::InstancePhase;
use shield_types::ReleaseId;

use crate::admin::StatusReport;

/// What the status said before the drill.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expectation {
    live: ReleaseId,
    instances: usize,
    warnings: BTreeSet<String>,
}

/// A process that a drill kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Instance(i64),
    Edge(u32),
    Control(u32),
}

// === impl Expectation ===

impl Expectation {
    /// What a healthy production looks like from now on; `Err` says what is not healthy.
    pub(crate) fn of(status: &StatusReport, live: &ReleaseId) -> Result<Self, String> {
        let expectation = Self {
            live: live.clone(),
            instances: status.instances.iter().filter(|it| it.instance.release() == live).count(),
            warnings: status.warnings.iter().cloned().collect(),
        };
        expectation.unmet(status).map_or(Ok(expectation), Err)
    }

    /// What differs from before; `None` when nothing does.
    pub(crate) fn unmet(&self, status: &StatusReport) -> Option<String> {
        if let Some(warning) = status.warnings.iter().find(|warning| !self.warnings.contains(*warning)) {
            return Some(format!("the control plane warns: {warning}"));
        }
        let own = || status.instances.iter().filter(|it| *it.instance.release() == self.live);
        if let Some(bad) = own().find(|it| it.phase != InstancePhase::Healthy) {
            return Some(format!("instance {} is not healthy", bad.instance));
        }
        let instances = own().count();
        if instances != self.instances || instances == 0 {
            return Some(format!("{instances} of {} instances run", self.instances));
        }
        let Some(edge) = &status.edge else { return Some("no edge runs".to_owned()) };
        let pool = edge.pools.iter().find(|pool| pool.release == self.live);
        let endpoints = pool.map(|pool| pool.endpoints.as_slice()).unwrap_or_default();
        let healthy = endpoints.iter().filter(|endpoint| endpoint.healthy).count();
        let whole = healthy == self.instances && endpoints.len() == self.instances;
        (!whole).then(|| format!("the edge sends requests to {healthy} of {} instances", self.instances))
    }

    /// Why a drill must not go on: somebody else changed production.
    pub(crate) fn disturbed(&self, status: &StatusReport) -> Option<String> {
        if let Some(underway) = &status.underway {
            return Some(format!("release {} is under way", underway.release));
        }
        if status.live.as_ref() != Some(&self.live) {
            return Some(format!("{} is not the live release any more", self.live));
        }
        (!status.serving).then(|| "production is being taken down".to_owned())
    }
}

// === impl Victim ===

impl Victim {
    /// Whether `status` still shows it: then it is older than the kill.
    pub(crate) fn shown(self, status: &StatusReport) -> bool {
        match self {
            Self::Instance(pid) => status.instances.iter().any(|it| it.pid == Some(pid)),
            Self::Edge(pid) => status.edge.as_ref().is_some_and(|edge| edge.pid == pid),
            Self::Control(pid) => status.pid == pid,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A status with two instances, as the admin API sends it.
    pub(crate) fn status() -> StatusReport {
        let instance = |slot: u16| json!({ "instance": format!("r1-abcdef01.{slot}.0"), "phase": "healthy", "address": "127.0.0.1:20000", "pid": 100 + slot });
        let endpoint =
            |slot: u16| json!({ "instance": format!("r1-abcdef01.{slot}.0"), "healthy": true, "claims": 0 });
        serde_json::from_value(json!({
            "service": "shop", "version": "0", "binary": "", "pid": 1, "live": "r1-abcdef01", "underway": null,
            "generation": 1, "routed": 1, "serving": true, "instances": [instance(0), instance(1)],
            "edge": { "pid": 2, "connections": 0, "pools": [{
                "release": "r1-abcdef01", "claims": 0, "requests": 0, "errors": 0, "retried": 0,
                "endpoints": [endpoint(0), endpoint(1)],
            }] },
            "https": "127.0.0.1:8443", "http": null, "hostnames": ["localhost"], "warnings": [],
        }))
        .unwrap()
    }

    fn expectation() -> Expectation {
        Expectation::of(&status(), &"r1-abcdef01".parse().unwrap()).unwrap()
    }

    fn unmet(change: impl FnOnce(&mut StatusReport)) -> String {
        let mut status = status();
        change(&mut status);
        expectation().unmet(&status).unwrap_or_default()
    }

    #[test]
    fn everything_that_differs_is_named() {
        assert_eq!(unmet(|_| {}), "");
        assert_eq!(unmet(|it| it.warnings.push("disk".to_owned())), "the control plane warns: disk");
        let waiting = InstancePhase::Running;
        assert_eq!(unmet(|it| it.instances[1].phase = waiting), "instance r1-abcdef01.1.0 is not healthy");
        assert_eq!(unmet(|it| drop(it.instances.pop())), "1 of 2 instances run");
        assert_eq!(unmet(|it| it.edge = None), "no edge runs");
        let eject = |it: &mut StatusReport| it.edge.as_mut().unwrap().pools[0].endpoints[0].healthy = false;
        assert_eq!(unmet(eject), "the edge sends requests to 1 of 2 instances");
    }

    #[test]
    fn unhealthy_production_is_no_expectation() {
        let mut status = status();
        status.instances[0].phase = InstancePhase::Running;
        assert!(Expectation::of(&status, &"r1-abcdef01".parse().unwrap()).is_err());
    }

    #[test]
    fn changes_by_others_disturb() {
        let mut status = status();
        assert_eq!(expectation().disturbed(&status), None);
        status.live = None;
        assert!(expectation().disturbed(&status).unwrap().contains("not the live release"));
        assert!(Victim::Instance(101).shown(&status) && !Victim::Edge(9).shown(&status));
    }
}
