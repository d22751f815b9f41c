//! What `/proc/<pid>` says of a process, read without trust. Only text comes in: who reads the files is another matter.

/// The part of `/proc/<pid>/stat` (proc_pid_stat(5)) that tells a process, and whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// The process id.
    pub pid: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// Clock ticks between boot and the start of the process.
    pub start_ticks: u64,
    state: u8,
    threads: u32,
}

// === impl ProcessStat ===

impl ProcessStat {
    /// Reads the line; `None` when it is none. The name in parentheses may hold spaces and parentheses of its own, so fields count
    /// from the last one.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let pid = str::from_utf8(text.get(..open)?).ok()?.trim().parse().ok()?;
        let mut fields = str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace();
        let state = fields.next()?.bytes().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let threads = fields.nth(13)?.parse().ok()?;
        let start_ticks = fields.nth(1)?.parse().ok()?;
        Some(Self { pid, group, session, start_ticks, state, threads })
    }

    /// Whether it runs no more. A zombie is dead: it only waits for a parent that may never ask. A process whose first thread ended
    /// before the others looks like one, and is not.
    pub fn dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }

    /// Whether it is stopped, by a signal or a tracer.
    pub fn stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Whether its session is its own.
    pub fn session_leader(&self) -> bool {
        self.pid == self.session
    }
}

/// The value of `name` in a `/proc/<pid>/environ`; `None` also for one that is not UTF-8.
pub fn environment_variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of a process with this name and state, and so many threads.
    fn line(name: &str, state: &str, threads: u32) -> Option<ProcessStat> {
        let rest = "1 41 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0";
        ProcessStat::parse(format!("42 ({name}) {state} {rest} {threads} 0 12345 99 0\n").as_bytes())
    }

    #[test]
    fn stat_survives_hostile_names() {
        for name in ["shop", "a) R 1 (b", "", ")"] {
            let stat = line(name, "S", 1).unwrap();
            assert_eq!(
                (stat.pid, stat.group, stat.session, stat.start_ticks),
                (42, 41, 40, 12_345),
                "{name}"
            );
        }
        assert_eq!(ProcessStat::parse(b"42 (cut"), None);
        assert_eq!(ProcessStat::parse(b") 1 ("), None);
    }

    #[test]
    fn states_are_told_apart() {
        let states = |state, threads| {
            let stat = line("shop", state, threads).unwrap();
            (stat.dead(), stat.stopped(), stat.session_leader())
        };
        assert_eq!(states("S", 1), (false, false, false));
        assert_eq!(states("Z", 1), (true, false, false));
        assert_eq!(states("Z", 2), (false, false, false));
        assert_eq!(states("T", 2), (false, true, false));
    }

    #[test]
    fn variable_needs_its_whole_name() {
        let environment = b"SHIELD_INSTANCE_ADDRESS=a\0SHIELD_INSTANCE=b\0BYTES=\xff\0";
        assert_eq!(environment_variable(environment, "SHIELD_INSTANCE"), Some("b"));
        assert_eq!(environment_variable(environment, "INSTANCE"), None);
        assert_eq!(environment_variable(environment, "BYTES"), None);
    }
}
