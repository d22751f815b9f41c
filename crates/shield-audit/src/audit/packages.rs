//! What the project uses of others, and what is known of it.

use std::{collections::BTreeSet, fs, io, path::Path};

use shield_types::chain;

use super::{Settings, known::Known};
use crate::{
    advisories::{Answer, match_packages},
    dependencies::{
        Believed, Environment, Package, Unread, bill::Bill, find_disagreements, read_environment,
        read_project,
    },
    finding::Finding,
    report::{Gap, Part},
    tree::{Origin, Tree},
};

/// What the project uses of others.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Vec<Gap>,
    pub(super) believed: Vec<Believed>,
    pub(super) answer: Answer,
    pub(super) bill: Bill,
}

/// Reads every list of packages in the tree, and what is installed in `sites`.
pub(super) fn look(root: &Path, tree: &Tree, sites: &[String], settings: &Settings) -> Packages {
    let ours = tree.entries().iter().filter(|entry| entry.origin == Origin::Project);
    let paths: Vec<String> = ours.map(|entry| entry.path.clone()).collect();
    let project = read_project(&paths, |path| read(root, path, settings.tree.file_bytes_max));
    let mut gaps: Vec<Gap> = unread(project.manifests.iter().flat_map(|manifest| &manifest.unread)).collect();
    let environments = environments(root, sites, &mut gaps);
    let believed = project.believed();
    let mut bill = bill(root, &believed, &environments, settings);
    let answer = match_packages(settings.advisories.as_ref(), &bill.packages);
    let mut findings = find_disagreements(&project);
    let installed = !environments.is_empty();
    gaps.extend(Known { project: &project, packages: &bill.packages, installed }.gaps(&answer));
    if let Answer::Checked(checked) = &answer {
        findings.extend(checked.findings());
        bill.matches.clone_from(&checked.matches);
    }
    gaps.sort_unstable();
    gaps.dedup();
    Packages { findings, gaps, believed, answer, bill }
}

/// The bytes of a file of the project. A list of packages cannot lead out of the audited directory.
fn read(root: &Path, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    let location = fs::canonicalize(root.join(path))?;
    let base = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
    if !location.starts_with(base) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it lies outside of the audited directory",
        ));
    }
    if fs::metadata(&location)?.len() > bytes_max.saturating_mul(16) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
    }
    fs::read(location)
}

fn unread<'a>(unread: impl Iterator<Item = &'a Unread>) -> impl Iterator<Item = Gap> {
    unread.map(|one| Gap::of(Part::Packages, &one.place.file, one.reason.as_str()))
}

/// What is installed; places are relative to the audited directory.
fn environments(root: &Path, sites: &[String], gaps: &mut Vec<Gap>) -> Vec<Environment> {
    let mut environments = Vec::new();
    for site in sites {
        let shown = Path::new(site).strip_prefix(root).unwrap_or(Path::new(site)).to_string_lossy();
        match read_environment(Path::new(site)) {
            Err(error) => gaps.push(Gap::of(Part::Packages, shown, chain(&error))),
            Ok(mut environment) => {
                for distribution in &mut environment.distributions {
                    let place = &mut distribution.package.place;
                    place.file = format!("{shown}/{}", place.file);
                }
                gaps.extend(unread(environment.unread.iter()));
                environments.push(environment);
            }
        }
    }
    environments
}

/// Everything that is used, each version of each package once: as a list has it before as it is installed, since the list is what
/// can be changed.
fn bill(root: &Path, believed: &[Believed], environments: &[Environment], settings: &Settings) -> Bill {
    let mut bill = Bill {
        name: root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        created: format!("{}T00:00:00Z", settings.today),
        packages: believed.iter().flat_map(|one| one.packages.clone()).collect(),
        ..Bill::default()
    };
    environments.iter().for_each(|environment| bill.add_environment(environment));
    let mut seen = BTreeSet::new();
    let key = |package: &Package| (package.name.clone(), package.version.clone());
    bill.packages.retain(|package| seen.insert(key(package)));
    bill
}
