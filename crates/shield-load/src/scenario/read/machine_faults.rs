//! Kinds of faults of the machine that everything runs on.

use std::path::PathBuf;

use shield_types::settings::{Ratio, Refusal, Setting, Table};

use crate::fault::plan::model::{DiskAmount, Fault};
use crate::scenario::read::faults::{Meant, Scene, needed};
use crate::scenario::read::limits::FILE_BYTES_MAX;

const BYTES_MAX: u64 = 1 << 40;
const ONE_PERCENT: Ratio = Ratio::from_millionths(10_000);
const HALF: Ratio = Ratio::from_millionths(500_000);
const WHOLE_PERCENT: &str = "a whole number of percent in quotes, from `1%` to `100%`";
const ONE_AMOUNT: &str = "exactly one of `leave`, `take`";

pub(crate) fn cpu(table: &Table<'_>, _: &Scene<'_>) -> Option<Meant> {
    let workers = needed(table, table.integer("workers", 1..=1024));
    let nice = table.integer("nice", -20..=19).or(0);
    let share = percent(table, "share", Ratio::ONE);
    let (workers, nice, share) = (workers.take()?, nice.take()?, share.take()?);
    let fault = Fault::Cpu {
        workers: u32::try_from(workers).ok()?,
        nice: i32::try_from(nice).ok()?,
        share_percent: share..=share,
    };
    Some((fault, None))
}

pub(crate) fn memory(table: &Table<'_>, _: &Scene<'_>) -> Option<Meant> {
    let bytes = needed(table, table.size("size", 1..=BYTES_MAX));
    let share_max_percent = percent(table, "share_max", HALF).take();
    let bytes = bytes.take()?;
    Some((Fault::Memory { bytes: bytes..=bytes, share_max_percent: share_max_percent? }, None))
}

pub(crate) fn disk(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let directory = path(table, "directory", "a directory that files can be made in", scene);
    let filesystem = path(table, "filesystem", "the mount point of its filesystem", scene);
    let leave = table.size("leave", 0..=BYTES_MAX).optional();
    let take = table.size("take", 1..=BYTES_MAX).optional();
    match (leave.value(), take.value()) {
        (Some(None), Some(None)) if table.present() => table.missing("leave", ONE_AMOUNT),
        (Some(Some(_)), Some(Some(_))) => take.mistaken(Refusal::new("given beside `leave`", ONE_AMOUNT)),
        _ => {}
    }
    let (directory, filesystem) = (directory.take()?, filesystem.take()?);
    let amount = leave.take()?.map(DiskAmount::Leave).or(take.take()?.map(DiskAmount::Take));
    Some((Fault::Disk { directory, filesystem, amount: amount? }, None))
}

fn path<'r>(table: &Table<'r>, key: &'static str, accepted: &str, scene: &Scene<'_>) -> Setting<'r, PathBuf> {
    let path = table.string(key, FILE_BYTES_MAX, accepted);
    needed(table, path.and_then(|path| Ok(scene.directory.join(path))))
}

/// The guard knows no parts of a percent.
fn percent<'r>(table: &Table<'r>, key: &'static str, default: Ratio) -> Setting<'r, u8> {
    table.ratio(key, ONE_PERCENT..=Ratio::ONE).or(default).and_then(|ratio| {
        let percent = (ratio.as_f64() * 100.0).round();
        match (percent - ratio.as_f64() * 100.0).abs() < 1e-6 {
            true => Ok(percent as u8),
            false => Err(Refusal::new("a part of a percent", WHOLE_PERCENT)),
        }
    })
}
