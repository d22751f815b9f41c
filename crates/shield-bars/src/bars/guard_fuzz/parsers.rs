//! The parsers of what strangers send, a target each: what is fed to them, and what must hold whatever they answer.

mod credentials;
mod fields;

use std::{
    any::Any,
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use fastrand::Rng;

use super::mutate::Mutator;

/// Findings of one target that are told.
const FINDINGS_MAX: usize = 5;
/// Executions between looks at the clock.
const BATCH: u64 = 512;
/// Bytes of an input that a finding shows.
const SHOWN_BYTES_MAX: usize = 512;

/// How a parser answered, in a few bits: inputs that are answered in new ways are worth going on from. `Err` says what did not
/// hold.
type Check = dyn Fn(&[u8]) -> Result<u64, String> + Send;

/// A parser under test.
pub(super) struct Target {
    pub(super) name: &'static str,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
    check: Box<Check>,
}

/// What became of a target.
pub(super) struct Report {
    pub(super) name: &'static str,
    pub(super) executions: u64,
    /// Ways in which it answered.
    pub(super) answers: usize,
    pub(super) findings: Vec<String>,
}

/// All of them.
pub(super) fn targets() -> Vec<Target> {
    vec![credentials::tokens(), credentials::cookies(), credentials::keys(), fields::headers()]
}

// === impl Target ===

impl Target {
    /// Feeds it for as long as `time`; the seeds first, as they are.
    pub(super) fn run(self, time: Duration, seed: u64) -> Report {
        let Self { name, seeds, words, check } = self;
        let mut report = Report { name, executions: 0, answers: 0, findings: Vec::new() };
        let mut answers = HashSet::new();
        let mut mutator = Mutator::new(Rng::with_seed(seed), seeds.clone(), words);
        let mut waiting = seeds;
        let began = Instant::now();
        while began.elapsed() < time && report.findings.len() < FINDINGS_MAX {
            for _ in 0..BATCH {
                let input = waiting.pop().unwrap_or_else(|| mutator.next());
                report.executions += 1;
                match catch_unwind(AssertUnwindSafe(|| check(&input))) {
                    Ok(Ok(answer)) if answers.insert(answer) => mutator.keep(input),
                    Ok(Ok(_known)) => {}
                    Ok(Err(broken)) => report.findings.push(finding(&broken, &input)),
                    Err(panic) => report.findings.push(finding(panic_text(&*panic), &input)),
                }
            }
        }
        report.answers = answers.len();
        report
    }
}

fn finding(what: &str, input: &[u8]) -> String {
    let shown = input[..input.len().min(SHOWN_BYTES_MAX)].escape_ascii();
    format!("{what}: `{shown}` ({} bytes)", input.len())
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

/// What an error says, as bits.
fn bits_of(error: &impl std::fmt::Debug) -> u64 {
    // Values in it would make every input a new answer: the name of the variant is what stands before them.
    let text = format!("{error:?}");
    let name = text.split(['(', '{', ' ']).next().unwrap_or_default();
    name.bytes().fold(0, |bits, byte| (bits ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Two answers as one.
fn mix(bits: u64, more: u64) -> u64 {
    bits.wrapping_mul(31).wrapping_add(more)
}

/// What must hold.
fn holds(condition: bool, otherwise: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Target, targets};

    #[test]
    fn what_does_not_hold_is_found() {
        let check = |input: &[u8]| match input {
            [b'a', b'b', b'c', b'!', ..] => Err("said so".to_owned()),
            [b'x', ..] => panic!("on purpose"),
            input => Ok(input.len().min(8) as u64),
        };
        let seeds = vec![b"abc".to_vec()];
        let target = Target { name: "test", seeds, words: &["!", "x"], check: Box::new(check) };
        let report = target.run(Duration::from_secs(60), 1);
        assert!(report.findings.len() >= 5, "{:?}", report.findings);
        assert!(report.executions < 10_000_000);
    }

    #[test]
    fn each_target_takes_its_seeds() {
        for target in targets() {
            let Target { name, seeds, check, .. } = target;
            assert!(!seeds.is_empty(), "{name}");
            for seed in seeds {
                assert!(check(&seed).is_ok(), "{name}: {}", seed.escape_ascii());
            }
        }
    }
}
