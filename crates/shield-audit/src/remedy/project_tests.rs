//! Remedies for whole projects of text: imports and packaging.

use super::{Packaging as PackagingMends, edit::Edits, *};
use crate::imports::{
    Declared, Distributions, Inventory, Layout, Library, LoadCause, Loader, Memory, NewFile, Packaging,
    PythonVersion, Surroundings, Surveyor, Target, missing_manifest,
};

/// The remedies of a project, its files after those with changes, and why `entry` cannot be loaded before.
fn mended(texts: &[(&str, &str)], entry: &str) -> (Vec<Remedy>, Vec<(String, String)>, Option<LoadCause>) {
    let files = Memory::new(texts.iter().map(|(name, text)| (format!("/p/{name}"), *text)));
    let around = Surroundings { project: "/p".to_owned(), ..Surroundings::default() };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&files, &around);
    let mut inventory = Inventory::read(&files, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = Library::new(&files, &inventory, target);
    let (declared, distributions) = (Declared::read(&files, "/p"), Distributions::read(&files, &[]));
    let roots = layout.roots.iter().map(|root| root.folder.as_str()).collect();
    let surveyor = Surveyor::new(&library, ("/p", roots), &declared, &distributions);
    let survey = surveyor.survey(&layout.sources);
    let packaging = Packaging { files: &files, project: "/p", library: &library };
    let mut remedies =
        Imports { files: &files, project: "/p", inventory: &inventory, surveyor: &surveyor, survey: &survey }
            .remedies(&packaging.broken(&survey));
    let (undefined, settings): (Vec<_>, Vec<_>) =
        packaging.project(&layout).into_iter().partition(|one| one.rule.id == "imports/undefined-name");
    remedies.extend(
        Imports { files: &files, project: "/p", inventory: &inventory, surveyor: &surveyor, survey: &survey }
            .remedies(&undefined),
    );
    let manifest: Option<NewFile> = missing_manifest(&files, "/p", &layout, &inventory);
    let mends = PackagingMends { files: &files, project: "/p", manifest: manifest.as_ref() };
    remedies.extend(mends.remedies(&settings));
    let failure =
        inventory.at(&format!("/p/{entry}")).and_then(|id| Loader::new(&library, &survey).load(id).err());
    let mut names: Vec<&str> = remedies.iter().flat_map(|remedy| &remedy.changes).map(Change::file).collect();
    names.sort_unstable();
    names.dedup();
    let after = names.into_iter().map(|name| {
        let before = texts.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_bytes());
        let bytes = Edits::of(name, &remedies).apply(before).unwrap();
        (name.to_owned(), String::from_utf8(bytes).unwrap())
    });
    let after = after.collect();
    (remedies, after, failure.map(|failure| failure.why))
}

const MANIFEST: (&str, &str) = ("pyproject.toml", "");

#[test]
fn imports_are_mended_in_place() {
    let (remedies, after, failure) = mended(
        &[
            MANIFEST,
            ("src/pkg/__init__.py", ""),
            ("src/pkg/models.py", "A = 1\nB = 2\n"),
            ("src/pkg/other.py", "C = 3\n"),
            (
                "tests/test_a.py",
                "from models import A, B  # both\r\nfrom pkg.models import (\r\n    A,\r\n    C,\r\n)\r\n",
            ),
        ],
        "tests/test_a.py",
    );
    assert!(matches!(failure, Some(LoadCause::Broken { .. })), "{failure:?}");
    let [(file, text)] = &after[..] else { panic!("{after:?}") };
    assert_eq!(file, "tests/test_a.py");
    // The list keeps its layout; the name that lies elsewhere gets a statement of its own.
    assert!(
        text.starts_with(
            "from pkg.models import A, B  # both\r\nfrom pkg.other import C\r\nfrom pkg.models import (\r\n    A"
        ),
        "{text}"
    );
    assert_eq!(remedies.iter().map(|remedy| remedy.class).collect::<Vec<_>>(), [Class::A; 3]);
}

#[test]
fn caught_failures_are_judged_by_tests() {
    let (remedies, ..) = mended(
        &[
            MANIFEST,
            ("src/pkg/__init__.py", ""),
            ("src/pkg/models.py", "A = 1\n"),
            (
                "src/pkg/a.py",
                "try:\n    from models import A\nexcept ImportError:\n    A = None\nimport nobody.knows\n",
            ),
        ],
        "src/pkg/a.py",
    );
    let classes: Vec<_> = remedies.iter().map(|remedy| (remedy.class, remedy.changes.len())).collect();
    assert_eq!(classes, [(Class::B, 1), (Class::C, 0)]);
}

#[test]
fn forgotten_imports_are_added_and_foretold() {
    let text = "'''doc'''\nimport os\nsys.path.insert(0, os.sep)\nnobody\n";
    let (remedies, after, failure) = mended(&[MANIFEST, ("tests/test_a.py", text)], "tests/test_a.py");
    assert_eq!(failure, Some(LoadCause::Undefined { name: "sys".to_owned() }));
    assert_eq!(after, [("tests/test_a.py".to_owned(), text.replace("import os", "import sys\nimport os"))]);
    let said: Vec<_> = remedies.iter().map(|one| (one.finding.subject.as_str(), one.class)).collect();
    assert_eq!(said, [("sys", Class::A), ("nobody", Class::C)]);
}

#[test]
fn first_failure_is_the_one_foretold() {
    let of = |text: &str| mended(&[MANIFEST, ("tests/test_a.py", text)], "tests/test_a.py").2;
    let undefined = Some(LoadCause::Undefined { name: "sys".to_owned() });
    assert_eq!(of("sys.path\nimport nobody.knows\n"), undefined);
    assert!(matches!(of("import nobody.knows\nsys.path\n"), Some(LoadCause::Broken { .. })));
    assert_eq!(of("def f():\n    sys.path\n"), None);
}

#[test]
fn names_in_strings_are_mended() {
    let (remedies, after, _) = mended(
        &[
            MANIFEST,
            ("src/pkg/__init__.py", ""),
            ("src/pkg/models.py", "A = 1\n"),
            ("tests/test_a.py", "from unittest.mock import patch\n\n@patch('models.A')\ndef test(a): pass\n"),
        ],
        "tests/test_a.py",
    );
    assert_eq!(remedies.len(), 1, "{remedies:?}");
    assert!(after[0].1.contains("@patch('pkg.models.A')"), "{after:?}");
    assert_eq!(remedies[0].finding.place.span.unwrap().line, 3);
}

#[test]
fn missing_files_are_written() {
    let (remedies, after, _) = mended(
        &[("pkg/__init__.py", ""), ("pkg/sub/deep/a.py", "x = 1\n"), ("pkg/sub/b.py", "")],
        "pkg/sub/b.py",
    );
    let names: Vec<&str> = after.iter().map(|(name, _)| name.as_str()).collect();
    // A namespace within a namespace of a package too: one run is enough.
    assert_eq!(names, ["pkg/sub/__init__.py", "pkg/sub/deep/__init__.py", "pyproject.toml"]);
    assert!(after[2].1.contains("[build-system]") && after[0].1.is_empty(), "{after:?}");
    assert!(remedies.iter().all(|remedy| remedy.class == Class::B));
}

#[test]
fn dead_settings_get_their_section() {
    for (file, before, after) in [
        (
            "pytest.ini",
            "# x\r\n[tool:pytest]\r\naddopts = -q\r\n",
            Some("# x\r\n[pytest]\r\naddopts = -q\r\n"),
        ),
        ("pytest.ini", "[tool:pytest]\na = 1\n[pytest]\n", None),
        ("setup.cfg", "[metadata]\n[pytest]\na = 1\n", Some("[metadata]\n[tool:pytest]\na = 1\n")),
    ] {
        let (remedies, changed, _) = mended(&[MANIFEST, (file, before)], "");
        assert_eq!(remedies.len(), 1, "{before}");
        assert_eq!(changed.first().map(|(_, text)| text.as_str()), after, "{before}");
    }
}
