//! The standard library: which top-level modules a version of Python brings.

use std::{collections::HashMap, sync::LazyLock};

use serde::Serialize;

/// A version of Python 3, by its minor number: 11 is 3.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PythonVersion(pub u8);

/// Minor versions whose lists are known.
const FIRST: u8 = 10;
const LAST: u8 = 13;

static MODULES: LazyLock<HashMap<&'static str, (u8, u8)>> = LazyLock::new(|| {
    let lines = include_str!("standard_modules.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(entry).collect()
});

/// Whether `version` brings a top-level module of this name. Versions outside of 3.10 to 3.13 count as the nearest one of those.
pub(super) fn is_standard(version: PythonVersion, top: &str) -> bool {
    let version = version.0.clamp(FIRST, LAST);
    MODULES.get(top).is_some_and(|(first, last)| (*first..=*last).contains(&version))
}

fn entry(line: &'static str) -> (&'static str, (u8, u8)) {
    let Some((name, versions)) = line.split_once(' ') else { return (line, (FIRST, LAST)) };
    let numbers =
        versions.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    (name, numbers.expect("the list in this crate has two numbers in every range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_version() {
        assert!(is_standard(PythonVersion(11), "distutils") && !is_standard(PythonVersion(12), "distutils"));
        assert!(!is_standard(PythonVersion(10), "tomllib") && is_standard(PythonVersion(14), "tomllib"));
        assert!(is_standard(PythonVersion(8), "hashlib") && !is_standard(PythonVersion(11), "requests"));
    }

    #[test]
    fn every_line_is_read() {
        assert_eq!(MODULES.len(), 320);
    }
}
