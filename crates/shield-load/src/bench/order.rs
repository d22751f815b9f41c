//! What is to be measured.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::settings::duration_text;

use crate::scenario::file::LoadFile;

/// A histogram of this name is what services of ours have.
pub const COMPONENT_METRIC: &str = "shield_component_duration_seconds";
/// And a gauge of this name its longest value.
pub const COMPONENT_LONGEST_METRIC: &str = "shield_component_duration_max_seconds";

/// A measurement that is asked for.
#[derive(Clone, Debug)]
pub struct BenchOrder {
    /// What is measured, for reports.
    pub service: String,
    /// Who sends what to whom. Its model, thresholds, abort condition, faults, ledger, counter and metrics do not apply, but the
    /// number of its users.
    pub file: LoadFile,
    /// What the target's certificate is verified against, PEM; for `https` only.
    pub trust_pem: Option<String>,
    /// Where the service's own metrics are, as a URL; none: it is measured from outside alone.
    pub metrics: Option<String>,
    /// What is measured of it.
    pub components: Vec<BenchComponent>,
    /// How long all of it may take, about: 4 s at least.
    pub budget: Duration,
}

/// A component, what it may cost, and how its cost is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchComponent {
    /// What reports call it.
    pub name: String,
    /// What it may take: on average, and at the longest under load where that is known.
    #[serde(with = "duration_text")]
    pub target: Duration,
    /// How many times shorter the average must be; 1 or more.
    pub margin: u32,
    /// The scenario of the load file whose requests pass through the component.
    pub with: String,
    /// The scenario of the same requests without it.
    pub without: Option<String>,
    /// The histogram in the service's metrics, in seconds.
    pub metric: String,
    /// Labels that its samples have.
    pub labels: BTreeMap<String, String>,
    /// The gauge of its longest value since the start of the service, in seconds, with the same labels.
    pub longest_metric: Option<String>,
    /// What no implementation of it can do without.
    pub primitive: Option<Primitive>,
}

/// An operation on so many bytes, done by this process on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primitive {
    /// Which.
    pub kind: PrimitiveKind,
    /// Bytes that it works on.
    pub bytes: u32,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrimitiveKind {
    /// The hash.
    #[serde(rename = "sha-256")]
    Sha256,
    /// The code, with a key that is prepared.
    #[serde(rename = "hmac-sha-256")]
    HmacSha256,
    /// The verification of a signature.
    Ed25519Verify,
    /// A reading of the monotonic clock and a compare-and-swap; of no bytes.
    ClockAndSwap,
}

// === impl PrimitiveKind ===

impl PrimitiveKind {
    /// Every kind, with its name.
    pub const ALL: [(&str, Self); 4] = [
        ("sha-256", Self::Sha256),
        ("hmac-sha-256", Self::HmacSha256),
        ("ed25519-verify", Self::Ed25519Verify),
        ("clock-and-swap", Self::ClockAndSwap),
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}
