//! All files of a project and of what is installed for it, as the search and our rules see them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Accusation, Claim, Look, Report, Status};
use crate::tree::{Entry, Reason, Settings, Skipped, Tree};

/// Directories that the search did not enter.
const NOT_SEARCHED: [&str; 4] = [".git", "__pycache__", "node_modules", ".pytest_cache"];
/// Endings of the files that it read.
const SEARCHED: [&str; 5] = ["py", "js", "ts", "jsx", "tsx"];
/// What installed files lie below.
const SITE: &str = "site-packages/";

/// Whose files a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// A project's, at this path; what lies below a `site-packages` in it is installed.
    Project(String),
    /// Installed ones: a `site-packages` at this path.
    Installed(String),
}

/// What is known of all files. Paths of the project's are relative to it, of installed ones to their `site-packages`.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    pub(super) project: BTreeMap<String, Place>,
    pub(super) installed: BTreeMap<String, Place>,
    /// The last part of the project's paths, for files that were moved.
    pub(super) by_name: BTreeMap<String, Vec<String>>,
    /// First names of what is installed.
    pub(super) packages: BTreeSet<String>,
    /// Why files could not be read, or not to their end.
    pub skipped: Vec<Skipped>,
}

/// A file and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its whole path.
    pub(super) path: String,
    pub(super) look: Result<Look, Reason>,
}

/// Whether the search read a file.
fn searched(entry: &Entry) -> bool {
    let mut parts = entry.path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, ending)| SEARCHED.contains(&ending))
        && !parts.any(|directory| NOT_SEARCHED.contains(&directory))
}

// === impl Survey ===

impl Survey {
    /// Looks at every file of a tree that the search would read, each once.
    pub fn add(&mut self, root: &Root, tree: &Tree, settings: &Settings) {
        let visited =
            tree.visit(settings, searched, |entry, bytes| (entry.path.clone(), Look::at(&entry.path, bytes)));
        for (path, look) in visited.results {
            self.insert(root, &path, look);
        }
        for Skipped { path, reason } in visited.skipped {
            // Files that were wanted, and all that the walk could not list.
            if reason.leaves_gap() {
                self.insert(root, &path, Err(reason));
            }
        }
    }

    /// Adds one file.
    pub fn insert(&mut self, root: &Root, path: &str, look: Result<Look, Reason>) {
        let (Root::Project(folder) | Root::Installed(folder)) = root;
        let place = Place { path: format!("{}/{path}", folder.trim_end_matches('/')), look };
        let unread = match &place.look {
            Ok(look) => look.unread.as_ref(),
            Err(reason) => Some(reason),
        };
        self.skipped
            .extend(unread.map(|reason| Skipped { path: place.path.clone(), reason: reason.clone() }));
        let below = match root {
            Root::Installed(_) => Some(path),
            Root::Project(_) => below_site(path),
        };
        match below {
            Some(below) => {
                let package = below.split('/').next().unwrap_or(below);
                self.packages.insert(package.to_owned());
                self.installed.insert(below.to_owned(), place);
            }
            None => {
                let name = path.rsplit('/').next().unwrap_or(path);
                self.by_name.entry(name.to_owned()).or_default().push(path.to_owned());
                self.project.insert(path.to_owned(), place);
            }
        }
    }

    /// The list that the search makes of these files today, in the order of their paths.
    #[must_use]
    pub fn search(&self) -> Report {
        let installed = self.installed.iter().map(|(path, place)| (format!("{SITE}{path}"), place));
        let project = self.project.iter().map(|(path, place)| (path.clone(), place));
        let mut evidence: [Vec<String>; 2] = [Vec::new(), Vec::new()];
        for (path, place) in project.chain(installed) {
            let looks = place.look.iter().filter(|look| look.searched);
            for one in looks.flat_map(|look| &look.matches) {
                let of = Accusation::ALL.iter().position(|accusation| *accusation == one.accusation);
                evidence[of.unwrap_or_default()].push(path.clone());
            }
        }
        let claim = |(accusation, evidence): (Accusation, Vec<String>)| Claim {
            rule_id: accusation.rule_id().to_owned(),
            status: Status::NonCompliant,
            message: format!("found in {} files", evidence.len()),
            evidence,
        };
        Report { claims: Accusation::ALL.into_iter().zip(evidence).map(claim).collect() }
    }
}

/// What follows the last `site-packages` of a path.
pub(super) fn below_site(path: &str) -> Option<&str> {
    let at = path.rfind(SITE).filter(|at| *at == 0 || path.as_bytes()[at - 1] == b'/')?;
    Some(&path[at + SITE.len()..])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn search_lists_what_it_read() {
        let root = tempfile::tempdir().unwrap();
        for (path, bytes) in [
            ("app.py", &b"# MD5 and DES\neval(x)"[..]),
            ("web/a.tsx", b"sha1"),
            ("notes.txt", b"MD5"),
            ("stub.pyi", b"MD5"),
            ("node_modules/a.js", b"MD5"),
            ("__pycache__/a.py", b"MD5"),
            ("env/lib/site-packages/used/a.py", b"nodes"),
            ("latin.py", b"# coding: latin-1\n# MD5 \xe9"),
            ("broken.py", b"# MD5 \xe9"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let settings = Settings::default();
        let mut survey = Survey::default();
        let folder = Root::Project(root.path().to_string_lossy().into_owned());
        survey.add(&folder, &Tree::walk(root.path(), &settings).unwrap(), &settings);
        let report = survey.search();
        let lists: Vec<Vec<&str>> =
            report.claims.iter().map(|claim| claim.evidence.iter().map(String::as_str).collect()).collect();
        let weak = vec!["app.py", "app.py", "web/a.tsx", "site-packages/used/a.py"];
        assert_eq!(lists, [weak, vec!["app.py"]]);
        assert_eq!(report.claims[0].claimed(), Some(4));
        let [skipped] = survey.skipped.as_slice() else { panic!("{:?}", survey.skipped) };
        assert!(skipped.path.ends_with("/broken.py"), "{skipped}");
    }

    #[test]
    fn installed_is_what_lies_below_site_packages() {
        for (path, below) in [
            ("env/lib/site-packages/a/b.py", Some("a/b.py")),
            ("site-packages/a.py", Some("a.py")),
            ("my-site-packages/a.py", None),
            ("src/a.py", None),
        ] {
            assert_eq!(below_site(path), below, "{path}");
        }
    }
}
