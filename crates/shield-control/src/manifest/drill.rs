//! `[drill]`: what may be broken on purpose, and how.

use shield_types::{
    EnvironmentName,
    settings::{Refusal, Table},
};

use super::{
    model::{DrillSettings, Stages},
    service::seconds,
    stages::project_file,
};

/// Longest path of a mount point.
const PATH_BYTES_MAX: usize = 4096;

/// What may be drilled.
const ENVIRONMENTS: &str = "a list of environments, such as [\"production\"]";
const DISK: &str = "the mount point of the state directory's own filesystem, such as \"/srv/shop\"";

pub(crate) fn read(table: &Table<'_>) -> Option<DrillSettings> {
    let default = DrillSettings::default();
    let environments = table.list_of("environments", |name| {
        let parsed = name.parse::<EnvironmentName>().ok().filter(|name| name.as_str() == "production");
        parsed.ok_or_else(|| Refusal::new("not an environment with an edge to drill", ENVIRONMENTS))
    });
    let environments = environments.or(default.environments);
    let load = project_file(table, "load").optional();
    let rate = table.integer("rate", 1..=10_000).or(i64::from(default.rate));
    let disk = table.string("disk", PATH_BYTES_MAX, DISK).and_then(|path| {
        if path.starts_with('/') { Ok(path) } else { Err(Refusal::new("not an absolute path", DISK)) }
    });
    let disk = disk.optional();
    let before = table.duration("before", seconds(2)..=seconds(600)).or(default.before);
    let lasts = table.duration("lasts", seconds(1)..=seconds(600)).or(default.lasts);
    let after = table.duration("after", seconds(1)..=seconds(600)).or(default.after);
    Some(DrillSettings {
        environments: environments.take()?,
        load: load.take()?,
        rate: u32::try_from(rate.take()?).ok()?,
        disk: disk.take()?,
        before: before.take()?,
        lasts: lasts.take()?,
        after: after.take()?,
    })
}

/// A pipeline that drills needs an environment that may be drilled.
pub(crate) fn check_stage(stages: &Stages, settings: &DrillSettings, stage: &Table<'_>) {
    if stages.drill.is_some() && settings.environments.is_empty() {
        let accepted = "`[drill]` with `environments = [\"production\"]`, or no `[stage.drill]`";
        stage.mistaken(Refusal::new("given, although no environment may be drilled", accepted));
    }
}
