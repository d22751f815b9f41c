//! What `/proc` says about processes, read without trust: any process may vanish between two reads.
//!
//! Nothing here fails: a process that cannot be read is a process that is not there (or not ours to see).

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
};

use shield_types::ProcessStat;

/// Longest environment that is read; the kernel's limit for one is a quarter of the stack limit, far above real ones.
const ENVIRONMENT_BYTES_MAX: u64 = 1 << 20;

/// One process, dead or alive.
pub(crate) fn stat(pid: i32) -> Option<ProcessStat> {
    ProcessStat::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process this one can see, zombies included.
pub(crate) fn stats() -> Vec<ProcessStat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(stat).collect()
}

/// The environment a process was started with; empty when it may not be read.
pub(crate) fn environment(pid: i32) -> Vec<u8> {
    let mut environment = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/environ")) {
        // A read error (the process is gone) leaves what was read before it: an incomplete variable matches nothing.
        let _ = file.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut environment);
    }
    environment
}

/// The user a process runs as.
pub(crate) fn owner(pid: i32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|metadata| metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_is_readable() {
        let pid = std::process::id().cast_signed();
        let listed = stats().into_iter().find(|stat| stat.pid == pid).unwrap();
        assert!(!listed.dead());
        assert_eq!(Some(listed.start_ticks), stat(pid).map(|stat| stat.start_ticks));
    }
}
