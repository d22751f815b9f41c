//! Kinds of faults of a process.

use shield_types::settings::{Refusal, Setting, Table};

use crate::fault::plan::model::Fault;
use crate::fault::process::finder::{COMMAND_BYTES_MAX, TargetFinder};
use crate::fault::process::identity::Reach;
use crate::scenario::read::faults::{Meant, Scene, needed};
use crate::scenario::read::limits::FILE_BYTES_MAX;

/// Farthest that a clock is set off: a hundred years.
const SECONDS_MAX: i64 = 3_155_760_000;
const DESCRIPTORS_MAX: i64 = 1_000_000;
const ONE_TARGET: &str = "exactly one of `pid`, `pid_file`, `listens`, `name`";

pub(crate) fn kill(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let aim = aim(table, scene, reach(table));
    Some((Fault::Kill { targets: Vec::new(), command: Vec::new() }, Some(aim?)))
}

pub(crate) fn freeze(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let aim = aim(table, scene, reach(table));
    Some((Fault::Freeze { targets: Vec::new() }, Some(aim?)))
}

pub(crate) fn restart(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let aim = aim(table, scene, reach(table));
    let command = table.list_of("command", Ok).or(Vec::new());
    if command.value().is_some_and(|command| command.first().is_some_and(String::is_empty)) {
        command.mistaken(Refusal::new("it names no program", "a program and its arguments"));
    }
    let command = command.take()?;
    Some((Fault::Restart { targets: Vec::new(), command }, Some(aim?)))
}

pub(crate) fn descriptors(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let aim = aim(table, scene, Some(Reach::Process));
    let spare = needed(table, table.integer("spare", 0..=DESCRIPTORS_MAX)).take()?;
    let spare = u32::try_from(spare).ok()?;
    Some((Fault::Descriptors { targets: Vec::new(), spare: spare..=spare }, Some(aim?)))
}

pub(crate) fn clock_skew(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let aim = aim(table, scene, Some(Reach::Process));
    let seconds = needed(table, table.integer("seconds", -SECONDS_MAX..=SECONDS_MAX)).take()?;
    Some((Fault::ClockSkew { targets: Vec::new(), seconds: seconds..=seconds }, Some(aim?)))
}

fn reach(table: &Table<'_>) -> Option<Reach> {
    let reaches = [("process", Reach::Process), ("group", Reach::Group)];
    table.enumeration("reach", &reaches).or(Reach::Process).take()
}

/// Who is meant.
fn aim(table: &Table<'_>, scene: &Scene<'_>, reach: Option<Reach>) -> Option<(TargetFinder, Reach)> {
    let pid = table.integer("pid", 2..=i64::from(i32::MAX));
    let pid = found(pid, |pid| i32::try_from(pid).map(TargetFinder::Pid).ok());
    let file = table.string("pid_file", FILE_BYTES_MAX, "the path of a file that holds a process id");
    let file = found(file, |file| Some(TargetFinder::PidFile(scene.directory.join(file))));
    let port = table.integer("listens", 1..=i64::from(u16::MAX));
    let port = found(port, |port| u16::try_from(port).map(TargetFinder::Listens).ok());
    let name = table.string("name", COMMAND_BYTES_MAX, "the name of one process, as `ps -o comm` shows it");
    let name = found(name, |name| Some(TargetFinder::Name(name)));
    let given: Vec<TargetFinder> = [pid?, file?, port?, name?].into_iter().flatten().collect();
    match <[TargetFinder; 1]>::try_from(given) {
        Ok([target]) => Some((target, reach?)),
        Err(given) => {
            match given.is_empty() {
                false => table.mistaken(Refusal::new("several processes are meant", ONE_TARGET)),
                true if table.present() => table.missing("listens", ONE_TARGET),
                true => {}
            }
            None
        }
    }
}

/// The outer `None` is a mistake, the inner one nothing written.
fn found<T>(
    setting: Setting<'_, T>,
    finder: impl FnOnce(T) -> Option<TargetFinder>,
) -> Option<Option<TargetFinder>> {
    setting.optional().take().map(|written| written.and_then(finder))
}
