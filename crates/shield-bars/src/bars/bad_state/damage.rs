//! Which files are damaged, how, and what must come of it.

/// What the next command must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Fail with the reason: the state could not be recorded, or was rebuilt.
    Told,
    /// Work: the file does not matter, or is whole as far as it matters.
    Unharmed,
    /// Either: records are missing at the end, and whole ones before; a crash may leave the same behind.
    Either,
}

/// One way to damage one file.
#[derive(Debug)]
pub(super) struct Damage {
    /// The file, in the state directory.
    pub(super) file: &'static str,
    pub(super) what: &'static str,
    /// The damaged content; `None` removes the file.
    pub(super) make: fn(&[u8]) -> Option<Vec<u8>>,
    /// What must come of it while the control plane runs,
    pub(super) running: Expect,
    /// and while it is killed.
    pub(super) killed: Expect,
}

const JOURNAL: &str = "production/journal";
const LAST_GOOD: &str = "production/last-good.json";
const SERVICE: &str = "service.json";
const LOCK: &str = "control.lock";
const FORMAT: &str = "format";
const KEY_NOTE: &str = "evidence.key-id";
const SOCKETS: &str = "sockets";
/// The first line of a journal.
const HEADER: &[u8] = b"shield-journal 1\n";
/// Bytes before the payload of a record: its length, and two checksums.
const PREFIX_BYTES: usize = 12;

/// Every damage.
pub(super) const DAMAGES: &[Damage] = &[
    journal("cut inside its last record", |bytes| cut(bytes, bytes.len() - 3), Expect::Unharmed),
    journal("cut at a quarter", |bytes| cut(bytes, bytes.len() / 4), Expect::Told),
    journal("cut at three quarters", |bytes| cut(bytes, bytes.len() * 3 / 4), Expect::Told),
    journal("cut before its last three records", |bytes| cut(bytes, last_records(bytes, 3)), Expect::Either),
    journal("cut inside its header", |bytes| cut(bytes, 9), Expect::Told),
    journal("emptied", |_| Some(Vec::new()), Expect::Told),
    journal("garbage", |bytes| Some(garbage(bytes.len() + 7)), Expect::Told),
    journal("garbage behind its header", |_| Some([HEADER, &garbage(5_000)].concat()), Expect::Told),
    journal("garbage at its end", |bytes| Some([bytes, &garbage(100)].concat()), Expect::Told),
    journal("removed", |_| None, Expect::Told),
    harmless(LAST_GOOD, "cut", |bytes| cut(bytes, bytes.len() / 2)),
    harmless(LAST_GOOD, "emptied", |_| Some(Vec::new())),
    harmless(LAST_GOOD, "garbage", |_| Some(garbage(500))),
    harmless(LAST_GOOD, "removed", |_| None),
    harmless(SERVICE, "cut", |bytes| cut(bytes, bytes.len() / 2)),
    harmless(SERVICE, "emptied", |_| Some(Vec::new())),
    harmless(SERVICE, "garbage", |_| Some(garbage(500))),
    harmless(SERVICE, "removed", |_| None),
    harmless(LOCK, "garbage", |_| Some(garbage(500))),
    harmless(LOCK, "removed", |_| None),
    told(FORMAT, "emptied", |_| Some(Vec::new())),
    told(FORMAT, "garbage", |_| Some(garbage(20))),
    harmless(FORMAT, "removed", |_| None),
    harmless(KEY_NOTE, "garbage", |_| Some(garbage(64))),
    harmless(SOCKETS, "garbage", |_| Some(garbage(64))),
    harmless(SOCKETS, "removed", |_| None),
];

/// A journal that is written to notices every change from outside: also one that would pass for a crash.
const fn journal(what: &'static str, make: fn(&[u8]) -> Option<Vec<u8>>, killed: Expect) -> Damage {
    Damage { file: JOURNAL, what, make, running: Expect::Told, killed }
}

/// What decides whether the state may be touched at all.
const fn told(file: &'static str, what: &'static str, make: fn(&[u8]) -> Option<Vec<u8>>) -> Damage {
    Damage { file, what, make, running: Expect::Told, killed: Expect::Told }
}

/// The journal has the state; this file is only for the day it is lost, or written anew at each start.
const fn harmless(file: &'static str, what: &'static str, make: fn(&[u8]) -> Option<Vec<u8>>) -> Damage {
    Damage { file, what, make, running: Expect::Unharmed, killed: Expect::Unharmed }
}

#[expect(clippy::unnecessary_wraps, reason = "a damage may also remove the file")]
fn cut(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    Some(bytes[..length].to_vec())
}

fn garbage(length: usize) -> Vec<u8> {
    (0..length).map(|_| fastrand::u8(..)).collect()
}

/// Where the last `count` records of a journal begin.
fn last_records(bytes: &[u8], count: usize) -> usize {
    let mut starts = Vec::new();
    let mut offset = HEADER.len();
    while let Some(length) = bytes.get(offset..).and_then(<[u8]>::first_chunk::<4>) {
        starts.push(offset);
        offset += PREFIX_BYTES + u32::from_le_bytes(*length) as usize;
    }
    starts[starts.len().saturating_sub(count)]
}

#[cfg(test)]
mod tests {
    use super::{HEADER, last_records};

    #[test]
    fn finds_last_records() {
        let record = |length: u8| [[length, 0, 0, 0].as_slice(), &[0; 8], &vec![1; length.into()]].concat();
        let journal = [HEADER, &record(5), &record(1), &record(9)].concat();
        assert_eq!(last_records(&journal, 1), HEADER.len() + 17 + 13);
        assert_eq!(last_records(&journal, 3), HEADER.len());
        assert_eq!(last_records(&journal, 9), HEADER.len());
    }
}
