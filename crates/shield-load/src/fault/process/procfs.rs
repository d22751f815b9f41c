//! What `/proc` says about processes. Nothing here fails: what cannot be read is not there, or not ours to see.

use std::fs;

use shield_types::{ProcessStat, environment_variable};

/// One process, dead or alive.
pub(crate) fn stat(pid: i32) -> Option<ProcessStat> {
    ProcessStat::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process.
pub(crate) fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Every process of a group.
pub(crate) fn group(group: i32) -> Vec<ProcessStat> {
    let members = pids().into_iter().filter_map(stat);
    members.filter(|stat| stat.group == group && !stat.dead()).collect()
}

/// The name of a process.
pub(crate) fn command(pid: i32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end_matches('\n').to_owned())
}

/// The soft limit of open files; `None` inside for no limit.
pub(crate) fn open_files_limits(pid: i32) -> Option<(Option<u64>, Option<u64>)> {
    parse_open_files_limits(&fs::read_to_string(format!("/proc/{pid}/limits")).ok()?)
}

/// The highest descriptor that is open.
pub(crate) fn highest_descriptor(pid: i32) -> Option<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).max()
}

/// The value of `name` in the environment a process was started with.
pub(crate) fn variable(pid: i32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment_variable(&environment, name).map(str::to_owned)
}

/// Whether a file whose name contains `part` is mapped.
pub(crate) fn maps_file(pid: i32, part: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains(part))
}

/// Memory that can be taken without swapping, bytes.
pub(crate) fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The kernel's random id of this boot.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn parse_open_files_limits(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut fields = line.split_whitespace().map(|field| match field {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    });
    Some((fields.next()??, fields.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_may_be_unlimited() {
        let text = "Max processes 1 2 processes\nMax open files            1024       unlimited    files\n";
        assert_eq!(parse_open_files_limits(text), Some((Some(1024), None)));
        assert_eq!(parse_open_files_limits("Max open files many 1"), None);
    }

    #[test]
    fn own_group_holds_own_process() {
        let own = stat(std::process::id().cast_signed()).unwrap();
        assert!(!own.dead() && !own.stopped());
        assert!(
            group(own.group).iter().any(|stat| stat.pid == own.pid && stat.start_ticks == own.start_ticks)
        );
    }
}
