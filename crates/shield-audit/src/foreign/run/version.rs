//! Which version of a scanner it is.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use regex::Regex;

use super::process::{Ended, Limits, Task};
use crate::foreign::Tool;

/// Longer than the slowest takes to start, on a machine that has much to do.
const TIME_MAX: Duration = Duration::from_secs(30);
const OUTPUT_BYTES_MAX: usize = 64 << 10;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9]+(?:\.[0-9]+)+(?:[-+.]?[0-9A-Za-z]+)*").expect("a constant that a test uses")
});

/// What a program says its version is. It is asked away from the audited tree, whose settings it would read.
pub(super) fn version(tool: &Tool, program: &Path) -> Option<String> {
    let task = Task { program: PathBuf::from(program), arguments: tool.version, directory: Path::new("/") };
    match task.run(&Limits { time: TIME_MAX, bytes: OUTPUT_BYTES_MAX }) {
        Ended::Exited { streams, .. } => streams.iter().find_map(|stream| number(stream)),
        Ended::NotStarted(_) | Ended::TimedOut | Ended::TooMuch => None,
    }
}

/// The first number with a point in it.
fn number(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    NUMBER.find(&text).map(|found| found.as_str().chars().take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_words() {
        for (said, version) in [
            ("bandit 1.9.4\n  python version = 3.11.7 (main)", Some("1.9.4")),
            ("black, 26.10.1 (compiled: yes)", Some("26.10.1")),
            ("7.5.0 (mccabe: 0.7.0, pycodestyle: 2.15.0)", Some("7.5.0")),
            (" ___ _\n| |/ _/ \n  VERSION 9.0.2 (compiled yes)", Some("9.0.2")),
            ("v8.21.0-rc.1+build", Some("8.21.0-rc.1+build")),
            ("osv-scanner version: 1.9.2\ncommit: n/a", Some("1.9.2")),
            ("usage: 2 options", None),
            ("", None),
        ] {
            assert_eq!(number(said.as_bytes()).as_deref(), version, "{said}");
        }
    }
}
