//! The proof that a package is out of reach: made from the import graph, and held against a tree again.
//!
//! Whoever gets an OpenVEX document of `shield audit` and has the tree need not believe it: every claim with a proof is derived anew from
//! the tree, by the same code that wrote it. The document is a stranger's: nothing in it is taken for granted. A claim that
//! rests on something else than this proof is not refuted, but it is not proven either.

use std::{fs, path::Path};

use serde::Serialize;

use super::{ImportGraph, Settings, graph, packages, run::sites};
use crate::{
    advisories::{
        Answer, Match,
        vex::{Claim, Justification, Proof},
    },
    dependencies::{Ecosystem, Package, PackageName},
    report::Gap,
    tree::{Tree, WalkError},
};

/// How every proof of this kind begins; what follows is for people.
const METHOD: &str = "import graph of `shield audit`";

/// What is said of a claim with another proof, or none.
const UNPROVEN: &str = "it has no proof by the import graph";

/// A statement of a document, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayedClaim {
    /// The name of the vulnerability.
    pub vulnerability: String,
    /// The package URL of what it is in; empty if the statement names none.
    pub package: String,
    /// What is said of it, in OpenVEX's words.
    pub status: String,
    /// Whether it can be derived.
    pub replayed: Replayed,
}

/// Whether a claim can be derived from a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub enum Replayed {
    /// It can, from the very same graph.
    Holds,
    /// It can, from another graph: the tree has changed, and the claim is as true as before.
    HoldsAnew,
    /// It cannot: the tree says otherwise, or the claim has no proof of this kind.
    Fails(String),
    /// Nobody knows: part of the tree could not be read.
    Open(String),
    /// Nothing was claimed that needs a proof: it says what to do, or that nobody has looked.
    NoClaim,
}

// === impl ImportGraph ===

impl ImportGraph {
    /// The proof that nothing of the project imports an installed package; none if something does, or if that cannot be said. It
    /// is worth nothing where a part of the graph could not be read.
    #[must_use]
    pub fn proof_of_never_imported(&self, package: &PackageName) -> Option<Proof> {
        let targets = self.modules_never_imported(package)?.to_vec();
        let method = format!(
            "{METHOD}: no import of the project's modules, tests apart, leads to a module of the package; what the {} modules could mean \
             that import by a name made at run time counts as reached",
            self.open.len()
        );
        Some(Proof { method, roots: self.roots.clone(), targets, graph: self.digest? })
    }
}

/// Holds the statements of an OpenVEX document against the tree at `root`: derives what it claims anew. `settings` have to say the same
/// of installed packages and of Python as when it was written.
///
/// # Errors
/// If there is nothing at `root`.
pub fn replay_claims(
    root: &Path,
    settings: &Settings,
    claims: &[Claim],
) -> Result<Vec<ReplayedClaim>, WalkError> {
    let root = fs::canonicalize(root).map_err(|source| WalkError { root: root.to_owned(), source })?;
    let tree = Tree::walk(&root, &settings.tree)?;
    let sites = sites(&root, &tree, settings);
    let mut imports = graph::look(&root, &sites, settings);
    let packages = packages::look(&root, &tree, &sites, settings);
    let skipped = tree.visit(&settings.tree, |_| false, |_, _| ()).skipped;
    imports.graph.others = packages::reachability(&root, &tree, &skipped, settings, &packages.answer);
    let matches = match &packages.answer {
        Answer::Checked(checked) => Some(&checked.matches[..]),
        _ => None,
    };
    let known =
        Known { graph: &imports.graph, gaps: &imports.gaps, packages: &packages.bill.packages, matches };
    Ok(claims.iter().map(|claim| known.replay(claim)).collect())
}

/// What claims are held against.
struct Known<'a> {
    graph: &'a ImportGraph,
    gaps: &'a [Gap],
    packages: &'a [Package],
    /// What is known to be wrong with them; none without a database.
    matches: Option<&'a [Match]>,
}

// === impl Known ===

impl Known<'_> {
    fn replay(&self, claim: &Claim) -> ReplayedClaim {
        let replayed = match &*claim.status {
            "not_affected" => self.derive(claim).unwrap_or_else(Replayed::Fails),
            _ => Replayed::NoClaim,
        };
        ReplayedClaim {
            vulnerability: claim.vulnerability.clone(),
            package: claim.packages.join(", "),
            status: claim.status.clone(),
            replayed,
        }
    }

    /// # Errors
    /// Why it cannot be derived.
    fn derive(&self, claim: &Claim) -> Result<Replayed, String> {
        let justification = Justification::VulnerableCodeNotInExecutePath;
        let (Some(written), true) = (&claim.proof, claim.justification == Some(justification)) else {
            return Err(UNPROVEN.to_owned());
        };
        let [purl] = &claim.packages[..] else {
            return Err(format!("a proof is about one package, and this names {}", claim.packages.len()));
        };
        let Some(package) =
            self.packages.iter().find(|package| package.name.purl_of(&package.version) == *purl)
        else {
            return Err("no such version of the package is in use here".to_owned());
        };
        if package.name.ecosystem() != Ecosystem::PyPi {
            return self.derive_reach(claim, package, written);
        }
        if !written.method.starts_with(METHOD) {
            return Err(UNPROVEN.to_owned());
        }
        let Some(derived) = self.graph.proof_of_never_imported(&package.name) else {
            return Err(self.reached(&package.name));
        };
        if let Some(gap) = self.gaps.first() {
            return Ok(Replayed::Open(format!("the import graph has a hole: {}: {}", gap.what, gap.reason)));
        }
        match () {
            () if written.graph != derived.graph => Ok(Replayed::HoldsAnew),
            () if (&written.roots, &written.targets) == (&derived.roots, &derived.targets) => {
                Ok(Replayed::Holds)
            }
            () => Err("its proof names the graph of this tree, and other modules than are in it".to_owned()),
        }
    }

    /// Of a package that is not Python's: whether it is out of reach depends on which part of it is affected.
    ///
    /// # Errors
    /// Why it cannot be derived.
    fn derive_reach(&self, claim: &Claim, package: &Package, written: &Proof) -> Result<Replayed, String> {
        let Some(matches) = self.matches else {
            return Ok(Replayed::Open(
                "there is no database of advisories here to say what is affected".to_owned(),
            ));
        };
        let is_it = |one: &&Match| {
            let named = one.vulnerability == claim.vulnerability || one.names.contains(&claim.vulnerability);
            named && one.package == package.name && one.version == package.version
        };
        let Some(found) = matches.iter().find(is_it) else {
            return Err("no advisory of this name is about it here".to_owned());
        };
        let Some(search) = self.graph.others.search(package.name.ecosystem()) else {
            return Ok(Replayed::Open("what the project leads to cannot be said".to_owned()));
        };
        if !self.graph.tier(found).is_out_of_reach() {
            return Err("something of the project may lead to it".to_owned());
        }
        match () {
            () if written.method != search.method => Err(UNPROVEN.to_owned()),
            () if written.graph != search.graph => Ok(Replayed::HoldsAnew),
            () if written.roots == search.roots => Ok(Replayed::Holds),
            () => {
                Err("its proof names the graph of this tree, and other files than it began with".to_owned())
            }
        }
    }

    /// Why a package cannot be said to be out of reach.
    fn reached(&self, package: &PackageName) -> String {
        match self.graph.usage.get(package.name()).filter(|usage| usage.reached > 0) {
            Some(usage) => format!("{} of its {} modules are imported", usage.reached, usage.modules),
            None => "it is not installed here, or has no modules: what is imported of it cannot be said"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date};
    use serde_json::Value;

    use super::*;
    use crate::{
        advisories::Builder,
        audit::audit,
        report::{self, Part, Standing},
    };

    const SITE: &str = "venv/lib/python3.12/site-packages";

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A project that imports one of two packages with the same vulnerability.
    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "app.py", "import used\n");
        for name in ["used", "unused"] {
            write(folder.path(), &format!("{SITE}/{name}/__init__.py"), "");
            let info = format!("{SITE}/{name}-1.0.dist-info");
            write(
                folder.path(),
                &format!("{info}/METADATA"),
                &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"),
            );
            write(folder.path(), &format!("{info}/RECORD"), &format!("{name}/__init__.py,,\n"));
        }
        folder
    }

    fn settings() -> Settings {
        let mut builder = Builder::new();
        for name in ["used", "unused"] {
            let record = format!(
                r#"{{"id": "T-{name}", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "{name}"}}, "versions": ["1.0"]}}]}}"#
            );
            builder.add(&format!("{name}.json"), record.as_bytes());
        }
        Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) }
    }

    /// What `--vex` writes.
    fn document(root: &Path) -> Value {
        let report = audit(root, &settings(), &|_| {}).unwrap();
        serde_json::from_str(&report::vex(&report, "me", Timestamp::UNIX_EPOCH).unwrap()).unwrap()
    }

    /// What becomes of the claim about `unused`, whose statement is the first.
    fn replayed(root: &Path, document: &Value) -> Replayed {
        let claims = Claim::all_in(document).unwrap();
        let replayed = replay_claims(root, &settings(), &claims).unwrap();
        assert_eq!((replayed.len(), &replayed[1].replayed), (2, &Replayed::NoClaim));
        assert_eq!(replayed[0].package, "pkg:pypi/unused@1.0");
        replayed[0].replayed.clone()
    }

    fn failure(root: &Path, document: &Value) -> String {
        match replayed(root, document) {
            Replayed::Fails(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_is_derived_again() {
        let folder = project();
        let document = document(folder.path());
        assert_eq!(document["statements"][0]["status"], "not_affected");
        assert_eq!(replayed(folder.path(), &document), Replayed::Holds);
        write(folder.path(), "other.py", "import json\n");
        assert_eq!(replayed(folder.path(), &document), Replayed::HoldsAnew);
    }

    #[test]
    fn attacks_count_though_nothing_imports_them() {
        let folder = project();
        let mut builder = Builder::new();
        let record = r#"{"id": "MAL-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "unused"}, "versions": ["1.0"]}]}"#;
        builder.add("1.json", record.as_bytes());
        let settings = Settings { advisories: Some(builder.finish()), ..settings() };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let attack = report.found.iter().find(|one| one.finding.rule.id == "dependencies/malicious").unwrap();
        assert_eq!(attack.standing, Standing::Own);
    }

    #[test]
    fn other_ecosystems_are_derived_again() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |dev: &str| {
            format!(
                "[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"time\"]\n\n[[package]]\nname = \"time\"\nversion = \"0.2.22\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n{dev}"
            )
        };
        let manifest = |table: &str| {
            format!("[package]\nname = \"app\"\nversion = \"1.0.0\"\n[{table}]\ntime = \"0.2\"\n")
        };
        write(folder.path(), "Cargo.toml", &manifest("dev-dependencies"));
        write(folder.path(), "src/main.rs", "fn main() {}\n");
        write(folder.path(), "Cargo.lock", &lock(""));
        let record = r#"{"id": "T-time", "affected": [{"package": {"ecosystem": "crates.io", "name": "time"}, "versions": ["0.2.22"]}]}"#;
        let mut builder = Builder::new();
        builder.add("time.json", record.as_bytes());
        let settings = Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let document: Value =
            serde_json::from_str(&report::vex(&report, "me", Timestamp::UNIX_EPOCH).unwrap()).unwrap();
        let claims = Claim::all_in(&document).unwrap();
        let replayed = || replay_claims(folder.path(), &settings, &claims).unwrap()[0].replayed.clone();
        assert_eq!(replayed(), Replayed::Holds);
        write(folder.path(), "Cargo.toml", &manifest("dependencies"));
        assert_eq!(replayed(), Replayed::Fails("something of the project may lead to it".to_owned()));
    }

    #[test]
    fn imports_refute_it() {
        let folder = project();
        let document = document(folder.path());
        write(folder.path(), "app.py", "import used\n\n\ndef late():\n    import unused\n");
        assert_eq!(failure(folder.path(), &document), "1 of its 1 modules are imported");
    }

    #[test]
    fn other_versions_refute_it() {
        let folder = project();
        let document = document(folder.path());
        let metadata = format!("{SITE}/unused-1.0.dist-info/METADATA");
        write(folder.path(), &metadata, "Metadata-Version: 2.1\nName: unused\nVersion: 1.1\n");
        assert_eq!(failure(folder.path(), &document), "no such version of the package is in use here");
    }

    #[test]
    fn forged_proofs_fail() {
        let folder = project();
        let document = document(folder.path());
        let forged = |from: &str, to: &str| {
            let text = document.to_string();
            assert!(text.contains(from), "{from} in {text}");
            failure(folder.path(), &serde_json::from_str(&text.replace(from, to)).unwrap())
        };
        assert!(
            forged(r#"[\"app.py\"]"#, r#"[\"b.py\"]"#).starts_with("its proof names the graph of this tree")
        );
        assert!(forged(r#"[\"unused\"]"#, "[]").starts_with("its proof names the graph of this tree"));
        let unproven = "it has no proof by the import graph";
        assert_eq!(forged("vulnerable_code_not_in_execute_path", "component_not_present"), unproven);
        assert_eq!(forged("import graph of `shield audit`", "trust"), unproven);
        // The proof of another package does not prove this one.
        let mut moved = document.clone();
        for key in ["status", "justification", "status_notes"] {
            moved["statements"][1][key] = document["statements"][0][key].clone();
        }
        let claims = Claim::all_in(&moved).unwrap();
        let replayed = replay_claims(folder.path(), &settings(), &claims).unwrap();
        assert_eq!(replayed[1].replayed, Replayed::Fails("1 of its 1 modules are imported".to_owned()));
    }

    #[test]
    fn holes_leave_it_open() {
        let folder = project();
        let claims = Claim::all_in(&document(folder.path())).unwrap();
        let report = audit(folder.path(), &settings(), &|_| {}).unwrap();
        let gaps = [Gap::of(Part::Imports, "broken.py", "permission denied")];
        let of = |gaps| {
            Known { graph: &report.graph, gaps, packages: &report.bill.packages, matches: None }
                .replay(&claims[0])
        };
        assert_eq!(of(&[]).replayed, Replayed::Holds);
        let why = "the import graph has a hole: broken.py: permission denied";
        assert_eq!(of(&gaps).replayed, Replayed::Open(why.to_owned()));
    }
}
