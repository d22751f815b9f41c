//! What the project uses of others, and what is known of it.

use std::{collections::BTreeSet, io, path::Path};

use shield_types::chain;

use super::{Settings, known::Known, unlisted::unlisted};
use crate::{
    advisories::{Answer, match_packages},
    dependencies::{
        Believed, Ecosystem, Environment, Origin as PackageOrigin, Package, PackageName, Project, SourceKind,
        Unread, bill::Bill, find_disagreements, read_environment, read_project,
    },
    finding::Finding,
    reachability::{Reachability, Sources, reachability as reach},
    report::{Gap, Part},
    tree::{Origin, Reason, Skipped, Tree, directory_of, locate_in, read_regular},
};

/// What the project uses of others.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Vec<Gap>,
    pub(super) believed: Vec<Believed>,
    pub(super) answer: Answer,
    pub(super) bill: Bill,
    /// The names of PyCrypto are those of `pycryptodome`, which somebody maintains.
    pub(super) crypto_maintained: bool,
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
    let mut listed = bill.packages.clone();
    listed.extend(beside(&project, &bill.packages));
    let answer = match_packages(settings.advisories.as_ref(), &listed);
    let mut findings = find_disagreements(&project);
    let installed = !environments.is_empty();
    gaps.extend(Known { project: &project, packages: &bill.packages, installed }.gaps(&answer));
    gaps.extend(unlisted(&paths, |path| read(root, path, settings.tree.file_bytes_max)));
    if let Answer::Checked(checked) = &answer {
        findings.extend(checked.findings());
        let used: BTreeSet<_> = bill.packages.iter().map(identity).collect();
        let of_bill =
            checked.matches.iter().filter(|one| used.contains(&(&one.package, one.version.as_str(), true)));
        bill.matches = of_bill.cloned().collect();
    }
    gaps.sort_unstable();
    gaps.dedup();
    let uses = |name: &str| {
        let asked = project.manifests.iter().flat_map(|manifest| &manifest.requirements).map(|one| &one.name);
        let mut names = bill.packages.iter().map(|package| &package.name).chain(asked);
        names.any(|other| other.ecosystem() == Ecosystem::PyPi && other.name() == name)
    };
    let crypto_maintained = uses("pycryptodome") && !uses("pycrypto");
    Packages { findings, gaps, believed, answer, bill, crypto_maintained }
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

/// The bytes of a file of the project. A list of packages cannot lead out of the audited directory.
fn read(root: &Path, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    // A single file that is audited is its own list.
    let location = if root.is_file() { root.to_owned() } else { root.join(path) };
    let within = directory_of(root);
    let location = locate_in(within, location.strip_prefix(within).unwrap_or(&location))?;
    read_regular(&location, bytes_max.saturating_mul(16))
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
    let packages = std::mem::take(&mut bill.packages);
    let first: Vec<bool> = packages.iter().map(|package| seen.insert(identity(package))).collect();
    bill.packages =
        packages.into_iter().zip(first).filter_map(|(package, first)| first.then_some(package)).collect();
    bill
}

/// What makes two packages the same. One that comes from elsewhere is another: no advisory is about it, and it must not stand for the
/// one of the index.
fn identity(package: &Package) -> (&PackageName, &str, bool) {
    (&package.name, package.version.as_str(), package.origin == PackageOrigin::Registry)
}

/// Packages of lists that another one beside them is believed before: whoever builds from such a list installs them all the same.
fn beside(project: &Project, used: &[Package]) -> Vec<Package> {
    let mut seen: BTreeSet<_> = used.iter().map(identity).collect();
    // A `go.sum` has every version that was ever considered, most of which are never built.
    let lists = project.manifests.iter().filter(|list| list.kind != SourceKind::GoSum);
    lists.flat_map(|list| &list.packages).filter(|package| seen.insert(identity(package))).cloned().collect()
}
