//! What `Configure` sets, in a form that requests read without a lock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, uri::PathAndQuery};
use shield_types::ReleaseId;
use tokio_rustls::TlsAcceptor;

use crate::{
    protocol::{EdgeConfig, ProbeConfig},
    tls::{self, TlsConfigError},
};

/// Shortest time between two probes of an instance.
const PROBE_INTERVAL_MIN: Duration = Duration::from_millis(50);

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigureError {
    #[error("use the certificate")]
    Tls(#[source] TlsConfigError),
    #[error("use probe path `{path}`: not a path that starts with `/`")]
    ProbePath { path: String },
    #[error("use probe statuses {min} to {max}: expected 100 to 599 in rising order")]
    ProbeStatus { min: u16, max: u16 },
    #[error("use `{name}` = {value:?}: expected more than zero")]
    Zero { name: &'static str, value: Duration },
}

/// How instances are probed, checked.
#[derive(Debug)]
pub(crate) struct Probing {
    pub(crate) path: PathAndQuery,
    pub(crate) host: HeaderValue,
    pub(crate) config: ProbeConfig,
}

/// The configuration in force.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    configured: AtomicBool,
    request_body_bytes_max: AtomicU64,
    response_timeout_ms: AtomicU64,
    slow: RwLock<Slow>,
}

/// What is read once per connection or probe.
#[derive(Default)]
struct Slow {
    tls: Option<TlsAcceptor>,
    probing: Option<Arc<Probing>>,
    probings: BTreeMap<ReleaseId, Arc<Probing>>,
}

// === impl Settings ===

impl Settings {
    /// Replaces everything, or nothing.
    pub(crate) fn configure(&self, config: EdgeConfig) -> Result<(), ConfigureError> {
        let probing = Probing::new(config.probe)?;
        let of_release = |(release, probe)| Ok((release, Arc::new(Probing::new(probe)?)));
        let probings = config.probes.into_iter().map(of_release).collect::<Result<_, ConfigureError>>()?;
        if config.response_timeout.is_zero() {
            return Err(ConfigureError::Zero { name: "response_timeout", value: config.response_timeout });
        }
        let tls = config.tls.map(|tls| tls::acceptor(&tls)).transpose().map_err(ConfigureError::Tls)?;
        let mut slow = self.slow.write().unwrap_or_else(PoisonError::into_inner);
        *slow = Slow { tls, probing: Some(Arc::new(probing)), probings };
        self.request_body_bytes_max.store(config.request_body_bytes_max, Ordering::Release);
        let timeout_ms = u64::try_from(config.response_timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        self.response_timeout_ms.store(timeout_ms, Ordering::Release);
        self.configured.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn configured(&self) -> bool {
        self.configured.load(Ordering::Acquire)
    }

    pub(crate) fn request_body_bytes_max(&self) -> u64 {
        self.request_body_bytes_max.load(Ordering::Acquire)
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout_ms.load(Ordering::Acquire))
    }

    pub(crate) fn tls(&self) -> Option<TlsAcceptor> {
        self.slow.read().unwrap_or_else(PoisonError::into_inner).tls.clone()
    }

    /// How instances of `release` are probed.
    pub(crate) fn probing(&self, release: &ReleaseId) -> Option<Arc<Probing>> {
        let slow = self.slow.read().unwrap_or_else(PoisonError::into_inner);
        slow.probings.get(release).or(slow.probing.as_ref()).cloned()
    }
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tls = self.tls.is_some();
        formatter.debug_struct("Slow").field("tls", &tls).field("probing", &self.probing).finish()
    }
}

// === impl Probing ===

impl Probing {
    fn new(mut config: ProbeConfig) -> Result<Self, ConfigureError> {
        let path = config.path.parse::<PathAndQuery>().ok().filter(|_| config.path.starts_with('/'));
        let Some(path) = path else { return Err(ConfigureError::ProbePath { path: config.path }) };
        let (min, max) = (config.status_min, config.status_max);
        if !(100..=599).contains(&min) || !(min..=599).contains(&max) {
            return Err(ConfigureError::ProbeStatus { min, max });
        }
        if config.timeout.is_zero() {
            return Err(ConfigureError::Zero { name: "probe.timeout", value: config.timeout });
        }
        config.interval = config.interval.max(PROBE_INTERVAL_MIN);
        Ok(Self { path, host: HeaderValue::from_static("localhost"), config })
    }
}
