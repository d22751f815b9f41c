//! `[open]` and `[closed]`: who decides when a request is sent, and how many users there are.

use std::time::Duration;

use serde_json::Value;
use shield_types::settings::{Refusal, Setting, Table};

use crate::engine::arrivals::{Phase, Schedule, Spacing};
use crate::plan::model::{Connection, Protocol, Stop};
use crate::scenario::file::FileModel;
use crate::scenario::read::limits::{PHASES_MAX, RATE_MAX, RUN_MAX, USERS_MAX};
use crate::scenario::read::target::Connecting;

const SHORTEST: Duration = Duration::from_millis(1);
const ONE_KIND: &str = "exactly one of `rate`, `spike`, `steps`, or `from` and `to`";
const RATES: &str = "a list of rates per second, such as [100, 200, 400]";

/// `[open]` or `[closed]`. None is a mistake.
pub(crate) fn read(root: &Table<'_>, connecting: Option<&Connecting>) -> Option<FileModel> {
    let (open_table, closed_table) = (root.table("open"), root.table("closed"));
    let open = open(&open_table);
    let closed = closed(&closed_table, connecting);
    match (open_table.present(), closed_table.present()) {
        (true, false) => open,
        (false, true) => closed,
        (true, true) => {
            closed_table.mistaken(Refusal::new("given beside [open]", "[open] or [closed]"));
            None
        }
        (false, false) => {
            root.missing("open", "[open] or [closed]");
            None
        }
    }
}

fn users(table: &Table<'_>, key: &'static str, default: i64) -> Option<usize> {
    usize::try_from(table.integer(key, 1..=USERS_MAX).or(default).take()?).ok()
}

fn open(table: &Table<'_>) -> Option<FileModel> {
    let spacings = [("poisson", Spacing::Poisson), ("even", Spacing::Even)];
    let spacing = table.enumeration("arrivals", &spacings).or(Spacing::Poisson);
    let tables = table.tables("phases");
    if tables.is_empty() && table.present() {
        table.missing("phases", "a list of phases, such as [{ rate = 100, for = \"30s\" }]");
    }
    let phases: Vec<Option<Vec<Phase>>> = tables.iter().map(phase).collect();
    let users_begun = users(table, "users", 10);
    let users_max =
        table.integer("users_max", 1..=USERS_MAX).or(users_begun.map_or(1, |begun| begun.max(1_000) as i64));
    if let (Some(begun), Some(most)) = (users_begun, users_max.value())
        && i64::try_from(begun).is_ok_and(|begun| begun > *most)
    {
        users_max.mistaken(Refusal::new(format!("less than `users`, which is {begun}"), "that or more"));
    }
    let phases: Vec<Phase> = phases.into_iter().collect::<Option<Vec<_>>>()?.concat();
    check_phases(table, &phases);
    Some(FileModel::Open {
        schedule: Schedule { phases, spacing: spacing.take()? },
        users: users_begun?,
        users_max: usize::try_from(users_max.take()?).ok()?,
    })
}

fn check_phases(table: &Table<'_>, phases: &[Phase]) {
    if phases.len() > PHASES_MAX {
        let problem = format!("{} phases, each step counted", phases.len());
        table.mistaken(Refusal::new(problem, format!("at most {PHASES_MAX}")));
    }
    let idle = |phase: &Phase| phase.from_per_second == 0.0 && phase.to_per_second == 0.0;
    if !phases.is_empty() && phases.iter().all(idle) {
        table.mistaken(Refusal::new("no phase has a rate above 0", "one that has"));
    }
}

/// One phase, or several for `steps`. None is a mistake.
fn phase(table: &Table<'_>) -> Option<Vec<Phase>> {
    let rate = table.number("rate", 0.0..=RATE_MAX).optional();
    let spike = table.number("spike", 0.0..=RATE_MAX).optional();
    let from = table.number("from", 0.0..=RATE_MAX).optional();
    let to = table.number("to", 0.0..=RATE_MAX).optional();
    let steps = table.json_list("steps", PHASES_MAX, RATES, |value| step_rate(&value)).optional();
    let lasting = table.duration("for", SHORTEST..=RUN_MAX).optional();
    let each = table.duration("each", SHORTEST..=RUN_MAX).optional();
    let kinds = [rate.value() != Some(&None), spike.value() != Some(&None), steps.value() != Some(&None)];
    let ramp = from.value() != Some(&None) || to.value() != Some(&None);
    match kinds.into_iter().chain([ramp]).filter(|given| *given).count() {
        0 => {
            table.missing("rate", ONE_KIND);
            return None;
        }
        1 => {}
        _ => {
            table.mistaken(Refusal::new("several kinds of phases in one", ONE_KIND));
            return None;
        }
    }
    if let Some(rates) = steps.take()? {
        let each = duration_of(table, "each", each, &lasting)?;
        return Some(rates.into_iter().map(|rate| Phase::steady(rate, each)).collect());
    }
    let duration = duration_of(table, "for", lasting, &each)?;
    if let Some(rate) = rate.take()?.or(spike.take()?) {
        return Some(vec![Phase::steady(rate, duration)]);
    }
    for (key, end) in [("from", &from), ("to", &to)] {
        if let Some(None) = end.value() {
            table.missing(key, "the rate per second at that end of the ramp");
        }
    }
    Some(vec![Phase { duration, from_per_second: from.take()??, to_per_second: to.take()?? }])
}

/// The duration that a kind of phase has under `key`, and none under the other one.
fn duration_of(
    table: &Table<'_>,
    key: &'static str,
    duration: Setting<'_, Option<Duration>>,
    other: &Setting<'_, Option<Duration>>,
) -> Option<Duration> {
    if let Some(Some(_)) = other.value() {
        other.mistaken(Refusal::new("not for this kind of phase", format!("`{key}`")));
    }
    let duration = duration.take()?;
    if duration.is_none() {
        table.missing(key, "a duration, such as `30s`");
    }
    duration
}

fn step_rate(value: &Value) -> Result<f64, Refusal> {
    let rate = value.as_f64().filter(|rate| (0.0..=RATE_MAX).contains(rate));
    rate.ok_or_else(|| Refusal::new("not a rate", format!("a number from 0 to {RATE_MAX}")))
}

fn closed(table: &Table<'_>, connecting: Option<&Connecting>) -> Option<FileModel> {
    let users_setting = table.integer("users", 1..=USERS_MAX);
    let users_setting = if table.present() { users_setting.required() } else { users_setting };
    let per_connection = table.integer("users_per_connection", 1..=1_000).or(1);
    let lasting = table.duration("for", SHORTEST..=RUN_MAX).optional();
    let iterations = table.integer("iterations", 1..=1_000_000_000_000).optional();
    match (lasting.value(), iterations.value()) {
        (Some(None), Some(None)) if table.present() => table.missing("for", "`for` or `iterations`"),
        (Some(Some(_)), Some(Some(_))) => {
            iterations.mistaken(Refusal::new("given beside `for`", "`for` or `iterations`"));
        }
        _ => {}
    }
    let shareable = connecting.is_none_or(|connecting| {
        connecting.protocol == Protocol::Http2 && connecting.connection == Connection::KeepAlive
    });
    match (users_setting.value(), per_connection.value()) {
        (_, Some(2..)) if !shareable => {
            let accepted = "1, or `protocol = \"h2\"` with connections that are kept";
            per_connection.mistaken(Refusal::new("a connection takes one user here", accepted));
        }
        (Some(users), Some(shared)) if users % shared != 0 => {
            per_connection.mistaken(Refusal::new(
                format!("{users} users do not fill their connections"),
                "a divisor of `users`",
            ));
        }
        _ => {}
    }
    let stop = match (lasting.take()?, iterations.take()?) {
        (Some(duration), _) => Stop::After(duration),
        (None, Some(iterations)) => Stop::Iterations(u64::try_from(iterations).ok()?),
        (None, None) => return None,
    };
    Some(FileModel::Closed {
        users: usize::try_from(users_setting.take()?).ok()?,
        users_per_connection: usize::try_from(per_connection.take()?).ok()?,
        stop,
    })
}
