//! What `/proc` says about processes, read without trust: any process may vanish between two reads.
//!
//! Nothing here fails: a process that cannot be read is a process that is not there (or not ours to see).

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
};

/// Longest environment that is read; the kernel's limit for one is a quarter of the stack limit, far above real ones.
const ENVIRONMENT_BYTES_MAX: u64 = 1 << 20;

/// The part of `/proc/<pid>/stat` that tells processes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    state: u8,
    threads: u32,
    pub(crate) session: i32,
    /// Clock ticks between boot and the start of the process.
    pub(crate) start_ticks: u64,
}

impl Stat {
    /// A zombie is dead: it runs nothing, it only waits for a parent that may never ask. A process whose first thread ended
    /// before the others looks like one, and is not.
    pub(crate) fn dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }

    pub(crate) fn session_leader(&self) -> bool {
        self.pid == self.session
    }
}

/// One process, dead or alive.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process this one can see, zombies included.
pub(crate) fn stats() -> Vec<Stat> {
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

/// The value of `name` in what [`environment`] returned.
pub(crate) fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    str::from_utf8(value).ok()
}

/// The user a process runs as.
pub(crate) fn owner(pid: i32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|metadata| metadata.uid())
}

/// The name in parentheses may hold spaces and parentheses of its own, so fields count from the last one.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let pid = str::from_utf8(text.get(..open)?).ok()?.trim().parse().ok()?;
    let mut fields = str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?.bytes().next()?;
    let session = fields.nth(2)?.parse().ok()?;
    let threads = fields.nth(13)?.parse().ok()?;
    let start_ticks = fields.nth(1)?.parse().ok()?;
    Some(Stat { pid, state, threads, session, start_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_survives_hostile_names() {
        let line = b"42 (a) R 1 (b) S 1 41 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 0\n";
        assert_eq!(
            parse_stat(line),
            Some(Stat { pid: 42, state: b'S', threads: 1, session: 40, start_ticks: 12_345 })
        );
        assert_eq!(parse_stat(b"42 (cut"), None);
        assert_eq!(parse_stat(b") 1 ("), None);
    }

    #[test]
    fn variable_needs_its_whole_name() {
        let environment = b"SHIELD_INSTANCE_ADDRESS=a\0SHIELD_INSTANCE=b\0";
        assert_eq!(variable(environment, "SHIELD_INSTANCE"), Some("b"));
        assert_eq!(variable(environment, "INSTANCE"), None);
    }

    #[test]
    fn own_process_is_readable() {
        let pid = std::process::id().cast_signed();
        let listed = stats().into_iter().find(|stat| stat.pid == pid).unwrap();
        assert!(!listed.dead());
        assert_eq!(Some(listed.start_ticks), stat(pid).map(|stat| stat.start_ticks));
    }
}
