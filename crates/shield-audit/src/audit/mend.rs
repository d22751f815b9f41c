//! What can be done about the findings of a report.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{
    Settings,
    graph::{Parts, with_parts},
    run::sites,
};
use crate::{
    advisories::Answer,
    finding::Finding,
    imports::{Disk, missing_manifest},
    remedy::{Imports, Packaging, Project, Remedy, for_dependencies, for_python, python_minimum},
    report::{Report, Standing},
    tree::{Origin, REGULAR_BYTES_MAX, Tree, WalkError, read_regular},
};

/// The remedies for the project's own findings of a report, by the part that knows them. `settings` are those of the audit. Nothing
/// is changed.
///
/// # Errors
/// If the audited directory is not there any more.
pub fn remedies(root: &Path, settings: &Settings, report: &Report) -> Result<Vec<Remedy>, WalkError> {
    let failed = |source| WalkError { root: root.to_owned(), source };
    let root = fs::canonicalize(root).map_err(failed)?;
    let tree = Tree::walk(&root, &settings.tree)?;
    let sites = sites(&root, &tree, settings);
    let own = report.found.iter().filter(|one| one.standing == Standing::Own);
    let findings: Vec<Finding> = own.map(|one| one.finding.clone()).collect();
    let mut remedies = python(&root, &tree, &findings, report);
    if let Answer::Checked(checked) = &report.advisories {
        let vulnerable = of_area(&findings, &["dependencies/"]);
        remedies.extend(for_dependencies(&checked.matches, &vulnerable, |file| {
            read_regular(&root.join(file), REGULAR_BYTES_MAX).ok()
        }));
    }
    let imports = with_parts(&Disk, (&root, &sites), settings.python, |parts| imports(parts, &findings));
    // Without a graph there were no findings about imports either.
    remedies.extend(imports.ok().flatten().unwrap_or_default());
    Ok(remedies)
}

fn of_area(findings: &[Finding], areas: &[&str]) -> Vec<Finding> {
    let of = |finding: &&Finding| areas.iter().any(|area| finding.rule.id.starts_with(area));
    findings.iter().filter(of).cloned().collect()
}

/// Remedies for what calls do, file by file.
fn python(root: &Path, tree: &Tree, findings: &[Finding], report: &Report) -> Vec<Remedy> {
    let installed = report.bill.packages.iter().map(|package| package.name.name().to_owned());
    let project = Project {
        python_minimum: root.to_str().and_then(|root| python_minimum(&Disk, root)),
        installed: installed.collect(),
        modules: own_modules(tree),
    };
    let mut files: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.rule.id.starts_with("python/")) {
        files.entry(&finding.place.file).or_default().push(finding.clone());
    }
    let read = files.iter().filter_map(|(file, findings)| {
        Some((file, read_regular(&root.join(file), REGULAR_BYTES_MAX).ok()?, findings))
    });
    read.flat_map(|(file, bytes, findings)| for_python(file, &bytes, findings, &project)).collect()
}

/// The last names of the project's own modules and packages.
fn own_modules(tree: &Tree) -> BTreeSet<String> {
    let own = tree.entries().iter().filter(|entry| entry.origin == Origin::Project);
    let names = own.filter_map(|entry| {
        let module = entry.path.strip_suffix(".py")?;
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        Some(module.rsplit('/').next().unwrap_or(module).to_owned())
    });
    names.collect()
}

/// Remedies for imports that cannot work and for packaging.
fn imports(parts: &Parts<'_>, findings: &[Finding]) -> Vec<Remedy> {
    let Parts { project, layout, library, .. } = *parts;
    let (surveyor, inventory) = (parts.surveyor(), library.inventory);
    let survey = surveyor.survey(&layout.sources);
    let imports = Imports { files: &Disk, project, inventory, surveyor: &surveyor, survey: &survey };
    let mut remedies = imports.remedies(&of_area(findings, &["imports/"]));
    let manifest = missing_manifest(&Disk, project, layout, inventory);
    let packaging = Packaging { files: &Disk, project, manifest: manifest.as_ref() };
    remedies.extend(packaging.remedies(&of_area(findings, &["packaging/"])));
    remedies
}
