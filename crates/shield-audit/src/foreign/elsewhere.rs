//! Paths of a tree that was scanned elsewhere.
//!
//! A build server has its own directory for the project, and many scanners write whole paths. Which directory that was shows
//! when what follows it is a file of the audited tree; the one that explains most of the files is taken for all of them.

use std::{cmp::Reverse, collections::BTreeMap};

use super::Observation;

/// Makes paths relative to the audited tree again, of which `has` knows the files.
pub(crate) fn come_home(observations: &mut [Observation], has: &dyn Fn(&str) -> bool) {
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    for observation in observations.iter().filter(|one| !has(&one.place.file)) {
        let file = observation.place.file.as_str();
        if !is_absolute(file) {
            continue;
        }
        let cuts = file.match_indices('/').map(|(at, _)| at + 1);
        for at in cuts.filter(|at| has(&file[*at..])) {
            *explained.entry(&file[..at]).or_default() += 1;
        }
    }
    // Of those that explain as many the shortest: it leaves the most of the path to be compared.
    let best = explained.iter().max_by_key(|(directory, files)| (**files, Reverse(directory.len())));
    let Some(directory) = best.map(|(directory, _)| (*directory).to_owned()) else { return };
    for observation in observations {
        if let Some(below) = observation.place.file.strip_prefix(&directory) {
            observation.place.file = below.to_owned();
        }
    }
}

/// Of Unix, or of Windows with its strokes turned round already.
fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1..3) == Some(b":/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Place, Severity},
        foreign::About,
    };

    fn home(files: &[&str]) -> Vec<String> {
        let one = |file: &&str| Observation {
            place: Place { file: (*file).to_owned(), span: None },
            tool: "ruff".to_owned(),
            rule: "S102".to_owned(),
            severity: Severity::Low,
            cwes: Vec::new(),
            message: String::new(),
            about: About::Code,
        };
        let mut observations: Vec<_> = files.iter().map(one).collect();
        come_home(&mut observations, &|file| ["setup.py", "src/a.py", "src/b/a.py", "a.py"].contains(&file));
        observations.into_iter().map(|one| one.place.file).collect()
    }

    #[test]
    fn one_directory_is_taken_for_all() {
        assert_eq!(
            home(&["/home/ci/shop/src/a.py", "/home/ci/shop/setup.py", "/usr/lib/x/setup.py", "src/a.py"]),
            ["src/a.py", "setup.py", "/usr/lib/x/setup.py", "src/a.py"]
        );
        assert_eq!(home(&["C:/ci/shop/src/b/a.py", "C:/ci/shop/gone.py"]), ["src/b/a.py", "gone.py"]);
        assert_eq!(home(&["/elsewhere/x.py", "x/a.py"]), ["/elsewhere/x.py", "x/a.py"]);
    }
}
