//! What the edge is configured with: limits of the release that has the traffic, probes of every release it routes to.
//!
//! Both belong to the release. A release that fails, or is taken back, takes its limits and its probe with it.

use shield_edge::protocol::{EdgeConfig, TlsConfig};
use shield_release::Environment;
use shield_types::ReleaseId;

use super::Executor;
use crate::{launch::LaunchSettings, manifest::Manifest};

/// The configuration that `environment` calls for; `manifest` stands in until there is a release.
pub(super) fn edge_config(
    environment: &Environment,
    manifest: &Manifest,
    tls: Option<TlsConfig>,
) -> EdgeConfig {
    let settings = |release: &ReleaseId| LaunchSettings::of(environment.release(release)?).ok();
    let live = environment.live().and_then(settings).unwrap_or_else(|| LaunchSettings::production(manifest));
    let routed = environment.table().pools.iter().map(|pool| &pool.release);
    EdgeConfig {
        tls,
        request_body_bytes_max: live.limits.request_body_bytes_max,
        response_timeout: live.limits.response_timeout,
        probe: live.edge_probe(),
        probes: routed
            .filter_map(|release| Some((release.clone(), settings(release)?.edge_probe())))
            .collect(),
    }
}

impl Executor {
    /// Orders the configuration that the present state calls for. The edge takes it before the table that needs it.
    pub(super) fn configure_edge(&self) {
        self.edge.config.send_if_modified(|config| {
            let wanted = edge_config(&self.environment, &self.manifest, config.tls.clone());
            let changed = *config != wanted;
            *config = wanted;
            changed
        });
    }
}
