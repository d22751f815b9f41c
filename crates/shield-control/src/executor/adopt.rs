//! Taking over what runs: instances that an earlier control plane started, recorded or not.

use std::{fs, time::Duration};

use shield_release::{Event, InstancePhase, ProcessRef};
use shield_runtime::{Found, find, marker, reap_session};
use shield_types::InstanceId;

use super::{Executor, record::recorded_process};
use crate::{edge::EDGE_NAME, staging::STAGING_PREFIX};

/// How long a process may take from fork to exec.
const LATE_STARTERS: Duration = Duration::from_secs(20);

impl Executor {
    /// Takes over what runs and is wanted, notes what is gone, and stops what nobody wants.
    pub(super) async fn adopt_all(&mut self, found: &[Found]) {
        let wanted: Vec<_> =
            self.environment.instances().map(|(id, instance)| (id.clone(), instance.clone())).collect();
        let mut events = Vec::new();
        for (id, instance) in &wanted {
            events.extend(match &instance.process {
                Some(process) => self.adopt_known(id, process).await,
                None => self.adopt_unrecorded(id, instance.phase, found),
            });
        }
        // Not before all are known: what one event leads to may concern any of them.
        events.into_iter().for_each(|event| self.take(event));
        self.stop_unwanted(found).await;
    }

    /// A process between fork and exec does not say yet what it is, so a control plane that starts right after another died
    /// looks again for a while.
    pub(super) async fn look_for_late_starters(&mut self) {
        if self.started.elapsed() < LATE_STARTERS {
            let found = find(self.layout.scope());
            self.stop_unwanted(&found).await;
        }
    }

    async fn stop_unwanted(&self, found: &[Found]) {
        for orphan in found.iter().filter(|found| !self.wanted(found)) {
            tracing::warn!(instance = %orphan.instance, pid = orphan.identity.pid, "stopping an instance that nobody wants");
            // What carries the name of a wanted instance may be its own.
            let named_apart = self.environment.instance(&orphan.instance).is_none();
            let marker = named_apart.then(|| marker(self.layout.scope(), &orphan.instance));
            reap_session(&orphan.identity, marker).await;
        }
    }

    /// Staging instances and edges have owners of their own, except those that an earlier control plane left behind.
    fn wanted(&self, found: &Found) -> bool {
        let name = found.instance.release().as_str();
        match self.environment.instance(&found.instance) {
            Some(instance) => instance.process.as_ref().is_none_or(|process| self.of_process(found, process)),
            None => {
                name == EDGE_NAME
                    || name.starts_with(STAGING_PREFIX) && found.identity.start_ticks >= self.start_ticks
            }
        }
    }

    /// The process itself, or one that it started: a daemon carries the same name in a session of its own, and is younger.
    fn of_process(&self, found: &Found, process: &ProcessRef) -> bool {
        recorded_process(self.layout.scope(), process).is_some_and(|leader| {
            found.identity == leader || leader.is_alive() && found.identity.start_ticks >= leader.start_ticks
        })
    }

    /// Workers whose leader is gone would keep its port, and the data.
    async fn adopt_known(&mut self, id: &InstanceId, process: &ProcessRef) -> Option<Event> {
        let identity = recorded_process(self.layout.scope(), process);
        let adopted =
            identity.as_ref().and_then(|identity| self.instances.adopt(id, process.address, identity));
        if adopted.is_some() {
            return None;
        }
        if let Some(identity) = identity.filter(|identity| !identity.is_alive()) {
            reap_session(&identity, Some(marker(self.layout.scope(), id))).await;
        }
        let reason = "it was gone when the control plane started".to_owned();
        Some(Event::Exited { instance: id.clone(), reason })
    }

    /// The control plane died between the spawn and the journal record.
    fn adopt_unrecorded(&mut self, id: &InstanceId, phase: InstancePhase, found: &[Found]) -> Option<Event> {
        let running = found.iter().find(|found| found.instance == *id)?;
        let event = self.instances.adopt_found(running);
        tracing::info!(instance = %id, ?phase, "adopted an instance whose start was not recorded");
        event
    }
}

/// When this process started, in the kernel's ticks: staging instances that are older belong to nobody.
pub(super) fn own_start_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}
