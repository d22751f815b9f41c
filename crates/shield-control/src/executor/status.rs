//! The state of production, for readers.

use std::sync::Arc;

use shield_edge::protocol::ListenerName;
use shield_release::FinishedRelease;

use super::{Executor, record::recorded_pid};
use crate::admin::{EdgeReport, InstanceReport, StatusReport, UnderwayReport};

impl Executor {
    /// Readers see the newest report without disturbing the executor.
    pub(super) fn publish_status(&self) {
        self.status.send_replace(Arc::new(self.report()));
    }

    fn report(&self) -> StatusReport {
        let environment = &self.environment;
        let base = self.status.borrow().clone();
        StatusReport {
            live: environment.live().cloned(),
            underway: environment.underway().map(|rollout| UnderwayReport {
                release: rollout.id().clone(),
                position: rollout.position(),
                requested_by: rollout.release().requested_by.clone(),
                reversible: environment.reversible(),
            }),
            generation: environment.generation(),
            routed: environment.routed(),
            serving: environment.serving(),
            instances: environment
                .instances()
                .map(|(id, instance)| InstanceReport {
                    instance: id.clone(),
                    phase: instance.phase,
                    address: instance.process.as_ref().map(|process| process.address),
                    pid: instance.process.as_ref().and_then(recorded_pid),
                })
                .collect(),
            edge: self.view.borrow().current.as_ref().map(|status| EdgeReport {
                pid: status.pid,
                connections: status.connections,
                pools: status.pools.clone(),
            }),
            warnings: self
                .notice
                .iter()
                .chain(&self.warnings)
                .chain(self.recorder.warnings())
                .cloned()
                .collect(),
            ..StatusReport::clone(&base)
        }
    }

    /// The history, oldest first.
    pub(crate) fn finished_releases(&self) -> Vec<FinishedRelease> {
        self.environment.history().cloned().collect()
    }
}

/// The parts of a report that do not change while the control plane runs.
pub(super) fn base_report(
    manifest: &crate::manifest::Manifest,
    binary: String,
    sockets: &crate::edge::Sockets,
) -> StatusReport {
    StatusReport {
        service: manifest.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        binary,
        pid: std::process::id(),
        live: None,
        underway: None,
        generation: Default::default(),
        routed: Default::default(),
        serving: true,
        instances: Vec::new(),
        edge: None,
        https: sockets.address(ListenerName::Https),
        http: sockets.address(ListenerName::Http),
        hostnames: manifest.edge.hostnames.clone(),
        warnings: Vec::new(),
    }
}
