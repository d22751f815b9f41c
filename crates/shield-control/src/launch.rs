//! From a release's configuration to a running, healthy process.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use shield_edge::protocol::ProbeConfig;
use shield_release::ReleaseSpec;
use shield_runtime::{LaunchOrder, ProbeTarget};
use shield_types::{ArtifactDigest, EnvironmentName, InstanceId};

use crate::{
    layout::Layout,
    manifest::{Manifest, Placeholders, ReadyProbe, StartCommand, Variables},
};

/// How instances of a release are launched and probed: the part of a release that its state machine does not look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchSettings {
    /// Program and arguments.
    pub start: StartCommand,
    /// Environment variables.
    pub env: Variables,
    /// What tells that an instance is ready.
    pub ready: ReadyProbe,
    /// How long it must stay ready.
    #[serde(with = "shield_types::settings::duration_text")]
    pub min_healthy: Duration,
    /// What the edge allows clients while this release has the traffic.
    pub limits: EdgeLimits,
    /// Where it runs.
    pub environment: EnvironmentName,
}

/// Limits of the edge that belong to a release: a rollback brings them back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeLimits {
    /// Largest request body, in bytes.
    pub request_body_bytes_max: u64,
    /// Longest wait for the head of the backend's answer.
    #[serde(with = "shield_types::settings::duration_text")]
    pub response_timeout: Duration,
}

/// A release whose launch settings this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("read the launch settings of release `{release}`")]
pub struct ReadLaunchSettingsError {
    /// The release.
    pub release: String,
    /// What the parser said.
    #[source]
    pub source: serde_json::Error,
}

// === impl LaunchSettings ===

impl LaunchSettings {
    /// The settings inside a release.
    pub fn of(spec: &ReleaseSpec) -> Result<Self, ReadLaunchSettingsError> {
        serde_json::from_value(spec.launch.clone())
            .map_err(|source| ReadLaunchSettingsError { release: spec.id.to_string(), source })
    }

    /// How a service runs in production.
    pub fn production(manifest: &Manifest) -> Self {
        Self::in_environment(manifest, "production", manifest.service.env.clone())
    }

    /// How a service runs in staging: other data, and the variables that `[stage.staging]` changes.
    pub fn staging(manifest: &Manifest) -> Self {
        Self::in_environment(manifest, "staging", manifest.staging_variables())
    }

    fn in_environment(manifest: &Manifest, environment: &str, env: Variables) -> Self {
        Self {
            start: manifest.service.start.clone(),
            env,
            ready: manifest.service.ready.clone(),
            min_healthy: manifest.release.min_healthy,
            limits: EdgeLimits {
                request_body_bytes_max: manifest.edge.request_body_bytes_max,
                response_timeout: manifest.edge.response_timeout,
            },
            environment: environment.parse().expect("a constant name"),
        }
    }

    /// What starts `instance` of `artifact` at `address`. A directory artifact is its own working directory; a file runs in
    /// its environment's data directory.
    pub fn order(
        &self,
        layout: &Layout,
        artifact: ArtifactDigest,
        instance: &InstanceId,
        address: SocketAddr,
    ) -> LaunchOrder {
        let artifact = layout.artifact(artifact);
        let data = layout.data(&self.environment);
        let directory = if artifact.is_dir() { artifact.clone() } else { data.clone() };
        let values = Placeholders {
            artifact: text(artifact),
            address: address.ip(),
            port: address.port(),
            data: text(data),
        };
        LaunchOrder {
            instance: instance.clone(),
            scope: layout.scope().to_owned(),
            argv: self.start.expand(&values),
            env: self.env.expand(&values),
            directory,
            address,
            log: layout.instance_log(instance),
        }
    }

    /// Makes the data directory of the environment.
    pub fn prepare(&self, layout: &Layout) -> std::io::Result<()> {
        fs::create_dir_all(layout.data(&self.environment))
    }

    /// What a new instance is asked.
    pub fn probe_target(&self, address: SocketAddr) -> ProbeTarget {
        let (status_min, status_max) = self.ready.status.bounds();
        ProbeTarget {
            path: self.ready.path.clone(),
            host: address.to_string(),
            status_min,
            status_max,
            timeout: self.ready.timeout,
        }
    }

    /// What the edge asks the instances it routes to.
    pub fn edge_probe(&self) -> ProbeConfig {
        let (status_min, status_max) = self.ready.status.bounds();
        ProbeConfig {
            path: self.ready.path.clone(),
            status_min,
            status_max,
            interval: self.ready.interval,
            timeout: self.ready.timeout,
        }
    }

    /// Pause between the probes of a starting instance: short enough that a short `min_healthy` holds several.
    pub fn start_interval(&self) -> Duration {
        self.ready.interval.min(self.min_healthy / 4).max(Duration::from_millis(10))
    }
}

fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}
