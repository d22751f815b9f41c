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
