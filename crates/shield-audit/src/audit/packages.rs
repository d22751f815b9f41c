//! What the project uses of others, and what is known of it.

use std::{collections::BTreeSet, fs, io, path::Path};

use shield_types::chain;

use super::Settings;
use crate::{
    advisories::{Answer, match_packages},
    dependencies::{
        Believed, Environment, Manifest, Package, PackageName, Project, Requirement, Unread, bill::Bill,
        find_disagreements, read_environment, read_project,
    },
    finding::Finding,
    reachability::{Reachability, Sources, reachability as reach},
    report::{Gap, Part},
    tree::{Origin, Reason, Skipped, Tree},
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
    if let Answer::Checked(checked) = &answer {
        findings.extend(checked.findings());
        gaps.extend(checked.unchecked.iter().map(|one| {
            Gap::of(Part::Packages, format!("{} {}", one.package, one.version), one.reason.as_str())
        }));
        let refused = checked.summary.quarantined.iter();
        gaps.extend(refused.map(|one| Gap::of(Part::Advisories, &one.file, one.reason.as_str())));
        bill.matches.clone_from(&checked.matches);
    }
    if matches!(answer, Answer::Checked(_)) {
        let known = bill.packages.iter().map(|package| &package.name).collect();
        gaps.extend(project.manifests.iter().filter_map(|manifest| without_version(manifest, &known)));
    } else if asks_for_packages(&project) {
        let reason = "there is no database of advisories: nothing is known of their vulnerabilities";
        gaps.push(Gap::of(Part::Advisories, "all packages", reason));
    }
    gaps.sort_unstable();
    gaps.dedup();
    Packages { findings, gaps, believed, answer, bill }
}

/// How near the project comes to what the advisories say of packages that are not Python's. Where a part of the tree could not be looked
/// at, something there may lead anywhere.
pub(super) fn reachability(
    root: &Path,
    tree: &Tree,
    skipped: &[Skipped],
    settings: &Settings,
    answer: &Answer,
) -> Reachability {
    let unseen = |one: &Skipped| match one.reason {
        Reason::Unreadable { .. } => true,
        Reason::LinkOutside => root.join(&one.path).is_dir(),
        _ => false,
    };
    let Answer::Checked(checked) = answer else { return Reachability::default() };
    if skipped.iter().any(unseen) {
        return Reachability::default();
    }
    let of =
        |origin| tree.entries().iter().filter(move |entry| entry.origin == origin).map(|entry| &*entry.path);
    let read = |path: &str| read(root, path, settings.tree.file_bytes_max);
    reach(&Sources::new(of(Origin::Project), of(Origin::Dependency), &read), &checked.matches)
}

fn asks_for_packages(project: &Project) -> bool {
    project.manifests.iter().any(|one| !one.packages.is_empty() || !one.requirements.is_empty())
}

/// What a list asks for without saying in which version, where nothing else of the project says so either: it cannot be looked up.
fn without_version(manifest: &Manifest, known: &BTreeSet<&PackageName>) -> Option<Gap> {
    // Where versions are known at all, an extra of which none is stated was not asked for.
    let used = |one: &&Requirement| !one.constraint && (one.group.is_none() || known.is_empty());
    let asked = manifest.requirements.iter().filter(used).map(|one| &one.name);
    let unknown: BTreeSet<_> = asked.filter(|name| !known.contains(name)).collect();
    let reason = match unknown.len() {
        0 => return None,
        1 => "nothing says which version of one package is used, so that nothing is known of its vulnerabilities".to_owned(),
        count => format!(
            "nothing says which versions of {count} packages are used, so that nothing is known of their vulnerabilities"
        ),
    };
    Some(Gap::of(Part::Packages, &manifest.file, reason))
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
