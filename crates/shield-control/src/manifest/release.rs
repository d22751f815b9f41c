//! `[release]`: how a new release takes over.

use std::time::Duration;

use shield_types::{
    format_duration,
    settings::{Ratio, Refusal, Setting, Table},
};

use super::{
    model::{ReadyProbe, ReleaseSettings, Strategy},
    service::{millis, seconds},
};

/// Probes in a row that make an instance healthy, at least.
const PROBES_MIN: u32 = 3;

/// The settings, and the one that checks against other tables speak of.
pub(crate) struct Release<'r> {
    pub(crate) settings: ReleaseSettings,
    start_deadline: Setting<'r, Duration>,
}

pub(crate) fn read<'r>(table: &Table<'r>) -> Option<Release<'r>> {
    let hour = seconds(3_600);
    let strategy = strategy(table);
    let min_healthy = table.duration("min_healthy", millis(100)..=hour).or(seconds(10));
    let start_deadline = table.duration("start_deadline", seconds(1)..=hour).or(seconds(60));
    let drain = table.duration("drain", Duration::ZERO..=hour).or(seconds(30));
    let watch = table.duration("watch", Duration::ZERO..=hour * 24).or(seconds(60));
    let stop_grace = table.duration("stop_grace", Duration::ZERO..=seconds(600)).or(seconds(10));
    let smallest = Ratio::from_millionths(1);
    let error_ratio_max =
        table.ratio("error_ratio_max", smallest..=Ratio::ONE).or(Ratio::from_millionths(1_000));
    check_order(&min_healthy, &start_deadline);
    Some(Release {
        settings: ReleaseSettings {
            strategy: strategy.take()?,
            min_healthy: min_healthy.take()?,
            start_deadline: *start_deadline.value()?,
            drain: drain.take()?,
            watch: watch.take()?,
            stop_grace: stop_grace.take()?,
            error_ratio_max: error_ratio_max.take()?,
        },
        start_deadline,
    })
}

/// The words of strategies that DESIGN names; `None` stands for one that is not built yet.
fn strategy<'r>(table: &Table<'r>) -> Setting<'r, Strategy> {
    let words = [("blue-green", Some(Strategy::BlueGreen)), ("canary", None), ("rolling", None)];
    table
        .enumeration("strategy", &words)
        .and_then(|known| known.ok_or_else(|| Refusal::new("not built yet", "`blue-green`")))
        .or(Strategy::BlueGreen)
}

fn check_order(min_healthy: &Setting<'_, Duration>, start_deadline: &Setting<'_, Duration>) {
    if let Some((healthy, deadline)) = min_healthy.value().zip(start_deadline.value())
        && deadline <= healthy
    {
        start_deadline.mistaken(Refusal::new(
            format!(
                "over before an instance can be healthy: `min_healthy` is `{}`",
                format_duration(*healthy)
            ),
            "a duration longer than `release.min_healthy`",
        ));
    }
}

// === impl Release ===

impl Release<'_> {
    /// The start deadline must leave room for the probes that it is about.
    pub(crate) fn check_probe(&self, ready: &ReadyProbe) {
        let probes = ready.interval * (PROBES_MIN - 1);
        let deadline = self.settings.start_deadline;
        if deadline <= probes || deadline <= ready.timeout {
            self.start_deadline.mistaken(Refusal::new(
                format!(
                    "`{}` is too short for {PROBES_MIN} probes every `{}` with a timeout of `{}`",
                    format_duration(deadline),
                    format_duration(ready.interval),
                    format_duration(ready.timeout)
                ),
                "a duration longer than `service.ready.timeout` and than two intervals",
            ));
        }
    }
}
