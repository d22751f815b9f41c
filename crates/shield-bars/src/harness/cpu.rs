//! Processor time.

use std::{fs, time::Duration};

use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, Timespec, clock_gettime},
};

use super::{Result, Trouble};

/// Of this thread.
pub(crate) fn thread_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Of this process, all threads.
pub(crate) fn process_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Of the children that ended, from proc_pid_stat(5): `cutime` and `cstime`, the 16th and 17th field.
pub(crate) fn children_time() -> Result<Duration> {
    let trouble = |error| Trouble::caused("read `/proc/self/stat`", error);
    let stat = fs::read_to_string("/proc/self/stat").map_err(trouble)?;
    // The second field, a name, may hold blanks; it ends with the last parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
}

fn duration(time: Timespec) -> Duration {
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(time.tv_sec.unsigned_abs(), nanos)
}
