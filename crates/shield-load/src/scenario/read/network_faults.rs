//! Kinds of faults that a proxy makes.

use std::num::NonZeroU64;
use std::time::Duration;

use http::StatusCode;
use shield_types::settings::{Ratio, Refusal, Setting, Table};

use crate::fault::plan::model::{Fault, ProxyKind};
use crate::fault::proxy::{Bursts, Direction, DnsTrouble, NetworkFault};
use crate::scenario::read::faults::{Meant, Scene, needed, share};
use crate::scenario::read::limits::NAME_BYTES_MAX;

/// Longest delay.
const DELAY_MAX: Duration = Duration::from_secs(600);
const SHORTEST: Duration = Duration::from_millis(1);
const BYTES_MAX: u64 = 1 << 40;
const NOTHING: Ratio = Ratio::from_millionths(0);
const ONE_TROUBLE: &str = "exactly one of `drop = true`, `servfail = true`, `delay`";

pub(crate) fn latency(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let delay = needed(table, table.duration("delay", SHORTEST..=DELAY_MAX));
    let jitter = table.duration("jitter", Duration::ZERO..=DELAY_MAX).or(Duration::ZERO);
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        Some(NetworkFault::Latency {
            delay: delay.take()?,
            jitter: jitter.take()?,
            direction: direction.take()?,
            share: share.take()?,
        })
    })
}

pub(crate) fn bandwidth(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let rate = needed(table, table.size("per_second", 1..=BYTES_MAX));
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        Some(NetworkFault::Bandwidth {
            bytes_per_second: NonZeroU64::new(rate.take()?)?,
            direction: direction.take()?,
            share: share.take()?,
        })
    })
}

pub(crate) fn reset(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let after_bytes = table.size("after", 0..=BYTES_MAX).or(0);
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        Some(NetworkFault::Reset {
            after_bytes: after_bytes.take()?,
            direction: direction.take()?,
            share: share.take()?,
        })
    })
}

pub(crate) fn blackhole(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        Some(NetworkFault::Blackhole { direction: direction.take()?, share: share.take()? })
    })
}

pub(crate) fn half_open(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let share = share(table);
    network(table, scene, || Some(NetworkFault::HalfOpen { share: share.take()? }))
}

pub(crate) fn slow_close(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let delay = needed(table, table.duration("delay", SHORTEST..=DELAY_MAX));
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        Some(NetworkFault::SlowClose {
            delay: delay.take()?,
            direction: direction.take()?,
            share: share.take()?,
        })
    })
}

/// Losses at any time, in bursts, or both.
pub(crate) fn loss(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let ratio = |key: &'static str| table.ratio(key, NOTHING..=Ratio::ONE);
    let lost = ratio("lost").or(NOTHING);
    let lost_in_bursts = ratio("lost_in_bursts").or(NOTHING);
    let begins = ratio("burst_begins").or(NOTHING);
    let ends = ratio("burst_ends").or(Ratio::ONE);
    let none = |setting: &Setting<'_, Ratio>| setting.value() == Some(&NOTHING);
    if table.present() && none(&lost) && (none(&lost_in_bursts) || none(&begins)) {
        table.missing("lost", "`lost` above 0%, or `lost_in_bursts` and `burst_begins`");
    }
    let (direction, share) = (direction(table), share(table));
    network(table, scene, || {
        let bursts = Bursts {
            good_to_bad: begins.take()?,
            bad_to_good: ends.take()?,
            loss_good: lost.take()?,
            loss_bad: lost_in_bursts.take()?,
        };
        Some(NetworkFault::Loss { bursts, direction: direction.take()?, share: share.take()? })
    })
}

pub(crate) fn refuse(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    network(table, scene, || Some(NetworkFault::Refuse {}))
}

pub(crate) fn http_status(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let status = needed(table, table.integer("status", 200..=599));
    let share = share(table);
    network(table, scene, || {
        let status = u16::try_from(status.take()?).ok()?;
        Some(NetworkFault::HttpStatus { status: StatusCode::from_u16(status).ok()?, share: share.take()? })
    })
}

pub(crate) fn expired_certificate(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let proxies = scene.proxies_of(table, ProxyKind::Tcp);
    let host = table.string("host", NAME_BYTES_MAX * 4, "a host's name or address").optional();
    let share = share(table);
    let host = host.take()?.or_else(|| scene.host.clone());
    Some((Fault::ExpiredCertificate { proxies: proxies.take()?, host: host?, share: share.take()? }, None))
}

pub(crate) fn dns(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let proxies = scene.proxies_of(table, ProxyKind::Dns);
    let only_true = |key| {
        let truth = table.boolean(key).and_then(|truth| match truth {
            true => Ok(()),
            false => Err(Refusal::new("it is what happens without a fault", ONE_TROUBLE)),
        });
        truth.optional().take()
    };
    let (drop, servfail) = (only_true("drop"), only_true("servfail"));
    let delay = table.duration("delay", SHORTEST..=DELAY_MAX).optional().take();
    let drop = drop?.map(|()| DnsTrouble::Drop {});
    let servfail = servfail?.map(|()| DnsTrouble::Servfail {});
    let delay = delay?.map(|delay| DnsTrouble::Delay { delay });
    let given: Vec<DnsTrouble> = [drop, servfail, delay].into_iter().flatten().collect();
    match given.as_slice() {
        [trouble] => Some((Fault::Dns { proxies: proxies.take()?, trouble: *trouble }, None)),
        [] if table.present() => {
            table.missing("drop", ONE_TROUBLE);
            None
        }
        [] => None,
        _ => {
            table.mistaken(Refusal::new("several troubles in one", ONE_TROUBLE));
            None
        }
    }
}

fn network(
    table: &Table<'_>,
    scene: &Scene<'_>,
    fault: impl FnOnce() -> Option<NetworkFault>,
) -> Option<Meant> {
    let proxies = scene.proxies_of(table, ProxyKind::Tcp).take();
    let fault = fault()?;
    Some((Fault::Network { proxies: proxies?, fault }, None))
}

fn direction<'r>(table: &Table<'r>) -> Setting<'r, Direction> {
    let directions =
        [("both", Direction::Both), ("upstream", Direction::Upstream), ("downstream", Direction::Downstream)];
    table.enumeration("direction", &directions).or(Direction::Both)
}
