//! The faults of a network, and whom they hit.
//!
//! A fault's `share` is of connections, by their number (from 0, in the order in which they are accepted). Each connection's
//! luck is drawn once from the proxy's seed and that number, so every fault of the same share hits the same connections, and
//! a larger share hits those of a smaller one and more.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use fastrand::Rng;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shield_types::settings::{Ratio, duration_text};

use crate::fault::proxy::line::Shape;

/// One way in which a network misbehaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetworkFault {
    /// Bytes arrive later, in their order; so does the end of a connection. At most 1 MiB is held per direction, so that a
    /// long delay bounds the throughput as a long line would.
    Latency {
        /// How much later.
        #[serde(with = "duration_text")]
        delay: Duration,
        /// Up to this much more or less, drawn evenly for each read; never below zero.
        #[serde(default = "no_time", with = "duration_text")]
        jitter: Duration,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// Bytes arrive no faster than this, after an idle time with up to 50 ms worth at once.
    Bandwidth {
        /// Of each connection and each direction.
        bytes_per_second: NonZeroU64,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// Both sides get an RST.
    Reset {
        /// After exactly this many bytes were sent in the direction (in one of them, if it is both), counted from when the
        /// fault began on the connection; those that the receiver's window had no room for yet are lost with it. 0 resets at
        /// once, also what was open before.
        #[serde(default)]
        after_bytes: u64,
        /// Which way bytes are counted.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// Bytes are taken and never arrive; a FIN is as lost as they are. New connections are accepted, and unless only answers
    /// are lost, the upstream never hears of them. Ended, a connection that lost something is reset.
    Blackhole {
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// The upstream's side is closed and the client is not told: nothing is answered, no FIN is sent. Ended, such a connection
    /// is reset.
    HalfOpen {
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// A FIN arrives later than the bytes before it.
    SlowClose {
        /// How much later.
        #[serde(with = "duration_text")]
        delay: Duration,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// Loss as an application sees it. TCP over loopback loses nothing, so what one read took (16 KiB at most) is held for a
    /// retransmission timeout, 200 ms and twice as long for each further loss of the same; later bytes wait behind it.
    Loss {
        /// How losses come together.
        bursts: Bursts,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// New connections are refused by the kernel, as if nothing listened; open ones stay.
    Refuse {},
    /// New connections reach something else in place of the upstream; open ones stay.
    Divert {
        /// What.
        to: SocketAddr,
        /// Of how many connections.
        #[serde(default = "all")]
        share: Ratio,
    },
    /// HTTP/1.1 requests are answered by the proxy and not forwarded. Requests that were pipelined are then passed one after
    /// the other. On a connection that was open before, it begins at the first read that begins with a request line after the
    /// upstream was the last to send. Anything that is not HTTP/1.x, and what follows an upgrade or a head over 64 KiB, passes.
    HttpStatus {
        /// The answer's status, 200 to 599.
        #[serde(with = "status_number")]
        status: StatusCode,
        /// Of how many requests, drawn for each one.
        #[serde(default = "all")]
        share: Ratio,
    },
}

/// Which way bytes flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the service.
    Upstream,
    /// From the service to the client.
    Downstream,
    /// Either way.
    #[default]
    Both,
}

/// The Gilbert-Elliott model: a line is good or bad, and loses differently in either state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Probability, at each transmission, that a good line becomes bad.
    pub good_to_bad: Ratio,
    /// Probability that a bad line becomes good.
    pub bad_to_good: Ratio,
    /// Loss while it is good.
    pub loss_good: Ratio,
    /// Loss while it is bad.
    pub loss_bad: Ratio,
}

/// What a fault means for one connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Its lines behave like this.
    Lines { upstream: Shape, downstream: Shape },
    /// The upstream is gone.
    HalfOpen,
    /// If it is new, it has another upstream.
    Diverted { to: SocketAddr },
    /// Requests are answered.
    Answers { status: StatusCode, share: Ratio },
}

/// The random choices of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luck {
    seed: u64,
    /// From 0 to 1; a share above it hits the connection.
    drawn: f64,
}

fn all() -> Ratio {
    Ratio::ONE
}

fn no_time() -> Duration {
    Duration::ZERO
}

mod status_number {
    use http::StatusCode;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        let number = u16::deserialize(deserializer)?;
        let status = StatusCode::from_u16(number).ok().filter(|_| (200..=599).contains(&number));
        status.ok_or_else(|| de::Error::custom(format!("status `{number}` is not from 200 to 599")))
    }
}

// === impl NetworkFault ===

impl NetworkFault {
    /// What it does to a connection; none if it leaves it alone.
    pub(crate) fn effect(&self, luck: Luck) -> Option<Effect> {
        let (shape, direction, share) = match self {
            Self::Refuse {} => return None,
            Self::HttpStatus { status, share } => {
                return Some(Effect::Answers { status: *status, share: *share });
            }
            Self::Divert { to, share } => {
                return luck.hit_by(*share).then_some(Effect::Diverted { to: *to });
            }
            Self::HalfOpen { share } => return luck.hit_by(*share).then_some(Effect::HalfOpen),
            Self::Latency { delay, jitter, direction, share } => {
                (Shape::Latency { delay: *delay, jitter: *jitter }, direction, share)
            }
            Self::Bandwidth { bytes_per_second, direction, share } => {
                (Shape::Bandwidth { bytes_per_second: *bytes_per_second }, direction, share)
            }
            Self::Reset { after_bytes, direction, share } => {
                (Shape::Reset { after_bytes: *after_bytes }, direction, share)
            }
            Self::Blackhole { direction, share } => (Shape::Blackhole, direction, share),
            Self::SlowClose { delay, direction, share } => {
                (Shape::SlowClose { delay: *delay }, direction, share)
            }
            Self::Loss { bursts, direction, share } => (Shape::Loss { bursts: *bursts }, direction, share),
        };
        luck.hit_by(*share).then(|| direction.shaped(shape))
    }
}

impl fmt::Display for NetworkFault {
    /// For reports: its kind and the figure that matters most.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { delay, jitter, .. } => write!(formatter, "latency {delay:?} ± {jitter:?}"),
            Self::Bandwidth { bytes_per_second, .. } => {
                write!(formatter, "bandwidth {bytes_per_second} B/s")
            }
            Self::Reset { after_bytes, .. } => write!(formatter, "reset after {after_bytes} B"),
            Self::Blackhole { .. } => formatter.write_str("blackhole"),
            Self::HalfOpen { .. } => formatter.write_str("half-open"),
            Self::SlowClose { delay, .. } => write!(formatter, "slow-close {delay:?}"),
            Self::Loss { bursts, .. } => {
                write!(formatter, "loss {} ({} in bursts)", bursts.loss_good, bursts.loss_bad)
            }
            Self::Refuse {} => formatter.write_str("refuse"),
            Self::Divert { to, share } => write!(formatter, "divert {share} to {to}"),
            Self::HttpStatus { status, share } => {
                write!(formatter, "http-status {} of {share}", status.as_u16())
            }
        }
    }
}

// === impl Direction ===

impl Direction {
    fn shaped(self, shape: Shape) -> Effect {
        match self {
            Self::Upstream => Effect::Lines { upstream: shape, downstream: Shape::Plain },
            Self::Downstream => Effect::Lines { upstream: Shape::Plain, downstream: shape },
            Self::Both => Effect::Lines { upstream: shape.clone(), downstream: shape },
        }
    }
}

// === impl Effect ===

impl Effect {
    /// Nothing happens.
    pub(crate) const NONE: Self = Self::Lines { upstream: Shape::Plain, downstream: Shape::Plain };

    /// Whether a new connection is kept from its upstream.
    pub(crate) fn keeps_silent(&self) -> bool {
        matches!(self, Self::HalfOpen | Self::Lines { upstream: Shape::Blackhole, .. })
    }

    /// Whether a connection is reset before its first byte.
    pub(crate) fn resets_at_once(&self) -> bool {
        const AT_ONCE: Shape = Shape::Reset { after_bytes: 0 };
        matches!(self, Self::Lines { upstream, downstream } if *upstream == AT_ONCE || *downstream == AT_ONCE)
    }
}

// === impl Luck ===

impl Luck {
    /// Of the connection with this number.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        // Neighbouring numbers must not have neighbouring luck: the first generator spreads them.
        let mut random =
            Rng::with_seed(Rng::with_seed(seed).u64(..) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { drawn: random.f64(), seed: random.u64(..) }
    }

    fn hit_by(self, share: Ratio) -> bool {
        self.drawn < share.as_f64()
    }

    /// The choices of one of the connection's lines, or of its requests.
    pub(crate) fn choices(self, part: u64) -> Rng {
        Rng::with_seed(self.seed.wrapping_add(part))
    }
}

#[cfg(test)]
mod tests {
    use shield_types::settings::Ratio;

    use super::{Effect, Luck, NetworkFault};
    use crate::fault::proxy::line::Shape;

    fn parse(text: &str) -> Result<NetworkFault, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn reads_what_it_writes() {
        for text in [
            r#"{"kind":"latency","delay":"50ms","jitter":"5ms","direction":"upstream","share":"12.5%"}"#,
            r#"{"kind":"bandwidth","bytes_per_second":1000,"direction":"both","share":"100%"}"#,
            r#"{"kind":"reset","after_bytes":7,"direction":"downstream","share":"100%"}"#,
            r#"{"kind":"blackhole","direction":"both","share":"100%"}"#,
            r#"{"kind":"half-open","share":"100%"}"#,
            r#"{"kind":"slow-close","delay":"1s","direction":"both","share":"100%"}"#,
            r#"{"kind":"loss","bursts":{"good_to_bad":"1%","bad_to_good":"30%","loss_good":"0%","loss_bad":"50%"},"direction":"both","share":"100%"}"#,
            r#"{"kind":"refuse"}"#,
            r#"{"kind":"divert","to":"127.0.0.1:9","share":"100%"}"#,
            r#"{"kind":"http-status","status":503,"share":"10%"}"#,
        ] {
            assert_eq!(serde_json::to_string(&parse(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for text in [
            r#"{"kind":"bandwidth","bytes_per_second":0}"#,
            r#"{"kind":"http-status","status":101}"#,
            r#"{"kind":"reset","share":"101%"}"#,
            r#"{"kind":"reset","after":1}"#,
            r#"{"kind":"refuse","share":"1%"}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn share_hits_about_its_part() {
        let fault = NetworkFault::HalfOpen { share: Ratio::from_millionths(300_000) };
        let hit = |seed| {
            let hit = (0..1_000).filter(move |number| fault.effect(Luck::new(seed, *number)).is_some());
            hit.collect::<Vec<_>>()
        };
        let (first, other) = (hit.clone()(1), hit.clone()(2));
        assert!((230..370).contains(&first.len()) && (230..370).contains(&other.len()));
        assert_eq!(first, hit(1));
        assert_ne!(first, other);
    }

    #[test]
    fn direction_leaves_the_other_alone() {
        let fault = parse(r#"{"kind":"blackhole","direction":"downstream"}"#).unwrap();
        let effect = fault.effect(Luck::new(1, 1)).unwrap();
        assert_eq!(effect, Effect::Lines { upstream: Shape::Plain, downstream: Shape::Blackhole });
        assert!(!effect.keeps_silent());
    }
}
