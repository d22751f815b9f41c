//! Remedies for whole projects of text: imports and packaging.

use super::{
    Packaging as PackagingMends,
    edit::{Edits, Fate},
    *,
};
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
    let declared = Declared::read(&files, "/p", &layout);
    let distributions = Distributions::read(&files, &[]);
    let surveyor = Surveyor::new(&library, ("/p", &layout), &declared, &distributions);
    let survey = surveyor.survey(&layout.sources);
    let packaging = Packaging { files: &files, project: "/p", library: &library };
    let mut findings = packaging.broken(&survey);
    findings.extend(packaging.circles(&layout.sources, &survey).0);
    let (of_imports, settings): (Vec<_>, Vec<_>) =
        packaging.project(&layout).into_iter().partition(|one| one.rule.id.starts_with("imports/"));
    findings.extend(of_imports);
    let mends =
        Imports { files: &files, project: "/p", inventory: &inventory, surveyor: &surveyor, survey: &survey };
    let mut remedies = mends.remedies(&findings);
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
        let text = match Edits::of(name, &remedies).apply(before).unwrap() {
            Fate::Is(bytes) => String::from_utf8(bytes).unwrap(),
            Fate::Gone => GONE.to_owned(),
        };
        (name.to_owned(), text)
    });
    let after = after.collect();
    (remedies, after, failure.map(|failure| failure.why))
}

const MANIFEST: (&str, &str) = ("pyproject.toml", "");
const GONE: &str = "gone";

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
    // What has the same name elsewhere may be something else: tests decide.
    let classes: Vec<_> = remedies.iter().map(|remedy| remedy.class).collect();
    assert_eq!(classes, [Class::A, Class::A, Class::B]);
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
    assert_eq!(said, [("sys", Class::B), ("nobody", Class::C)]);
}

#[test]
fn own_modules_are_never_taken_for_the_librarys() {
    let text = "sys.path.insert(0, '')\n";
    for own in ["sys.py", "tests/sys.py", "tests/sys/__init__.py"] {
        let texts = [MANIFEST, ("tests/test_a.py", text), (own, "")];
        let (remedies, after, _) = mended(&texts, "tests/test_a.py");
        let undefined = remedies.iter().find(|one| one.finding.rule.id == "imports/undefined-name").unwrap();
        assert_eq!((undefined.class, after), (Class::C, vec![]), "{own}");
    }
}

/// What a hostile user had `--fix` break: a distribution that nobody installed looks like a package under another name.
#[test]
fn distributions_are_no_modules_of_the_project() {
    let view = ("src/shop/views.py", "from django.views import View\nfrom django.http import HttpResponse\n");
    let project = [
        MANIFEST,
        ("src/shop/__init__.py", ""),
        ("src/shop/urls.py", "from django.urls import path, re_path\nurlpatterns = [path('x')]\n"),
        view,
        ("src/shop/exceptions.py", "class Timeout(Exception): pass\n"),
        ("src/shop/requests.py", "def get(u): return u\n"),
        ("src/shop/a.py", "import requests\nfrom requests.exceptions import Timeout\nrequests.get\n"),
    ];
    let (remedies, after, _) = mended(&project, "src/shop/urls.py");
    assert_eq!(after, [], "{remedies:?}");
    assert!(remedies.iter().all(|one| one.class == Class::C), "{remedies:?}");
    // One name alone: tests must judge it, unless a list has it.
    let one = [MANIFEST, project[1], project[5], ("src/shop/a.py", "from requests import get\n")];
    assert_eq!(mended(&one, "src/shop/a.py").0[0].class, Class::B);
    for list in [("Dockerfile", "RUN pip install requests\n"), ("requirements.in", "requests\n")] {
        let (remedies, after, _) = mended(&[&one[..], &[list]].concat(), "src/shop/a.py");
        assert_eq!((remedies, after), (vec![], vec![]), "{list:?}");
    }
    // A string too.
    let mock = "from unittest.mock import patch\npatch('requests.get')\n";
    let (remedies, ..) = mended(&[MANIFEST, project[1], project[5], ("test_a.py", mock)], "test_a.py");
    assert!(remedies.iter().all(|one| one.class == Class::B), "{remedies:?}");
}

#[test]
fn packages_are_renamed_as_a_whole() {
    let package = [
        MANIFEST,
        ("src/new/__init__.py", ""),
        ("src/new/models.py", "class A: pass\n"),
        ("src/new/views.py", "class B: pass\n"),
    ];
    let of = |text: &str| {
        let (remedies, after, _) = mended(&[&package[..], &[("a.py", text)]].concat(), "a.py");
        (remedies.iter().map(|one| one.class).collect::<Vec<_>>(), after)
    };
    let (classes, after) = of("from old.models import A\nfrom old.views import B\n");
    assert_eq!(classes, [Class::B; 2]);
    assert_eq!(after[0].1, "from new.models import A\nfrom new.views import B\n");
    for stranger in [
        "from old.models import A\n",
        "from old.models import A\nfrom old.views import Nobody\n",
        "from old.models import A\nfrom old.views import B\nfrom old.forms import C\n",
    ] {
        let (classes, after) = of(stranger);
        assert!(after.is_empty() && classes.iter().all(|class| *class == Class::C), "{stranger} {after:?}");
    }
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

#[test]
fn empty_package_before_a_file_goes() {
    let of = |package: &str, more: &[(&str, &str)]| {
        let mut texts = vec![
            MANIFEST,
            ("src/pkg/__init__.py", ""),
            ("src/pkg/main.py", "def run(): pass\n"),
            ("src/pkg/main/__init__.py", package),
            ("tests/test_a.py", "from pkg.main import run\n"),
        ];
        texts.extend(more);
        mended(&texts, "tests/test_a.py")
    };
    for empty in ["", "\"\"\"Says much.\"\"\"\n# and more\n__all__ = [\"run\"]\n", "pass\n"] {
        let (remedies, after, failure) = of(empty, &[]);
        assert!(matches!(failure, Some(LoadCause::Broken { .. })), "{failure:?}");
        assert_eq!(after, [("src/pkg/main/__init__.py".to_owned(), GONE.to_owned())], "{empty}");
        let applicable: Vec<Class> =
            remedies.iter().filter(|one| one.is_applicable()).map(|one| one.class).collect();
        assert_eq!(applicable, [Class::B]);
    }
    for full in ["x = 1\n", "import os\n", "__all__ = ['other']\n", "print('loaded')\n", "def broken(\n"] {
        assert_eq!(of(full, &[]).1, [], "{full}");
    }
    assert_eq!(of("", &[("src/pkg/main/part.py", "")]).1, []);
    assert_eq!(of("", &[("src/pkg/main/data.json", "{}")]).1, []);
}

/// What becomes of a file with tests that imports from a module with a class and a value.
fn asking(text: &str) -> (Vec<Class>, Option<String>) {
    let texts = [
        MANIFEST,
        ("src/pkg/__init__.py", ""),
        ("src/pkg/base.py", "class PlatformType:\n    WEB = 1\n    MAIL: int = 2\n    def of(self): pass\n"),
        ("src/pkg/m.py", "from pkg.base import PlatformType\nclass PlatformCommand:\n    WEB = 1\nB = 2\n"),
        ("tests/test_a.py", text),
    ];
    let (remedies, after, _) = mended(&texts, "tests/test_a.py");
    let classes = remedies.iter().map(|one| one.class).collect();
    (classes, after.into_iter().next().map(|(_, text)| text))
}

#[test]
fn unused_names_are_asked_for_no_more() {
    for (before, after) in [
        ("from pkg.m import Nothing  # why\nx = 1\n", "x = 1\n"),
        ("from pkg.m import B, Nothing\nB\n", "from pkg.m import B\nB\n"),
        ("from pkg.m import (\n    Nothing,\n    B,\n)\nB\n", "from pkg.m import (\n    B,\n)\nB\n"),
        ("def f():\n    from pkg.m import Nothing\n", "def f():\n    pass\n"),
        ("x = 1; from pkg.m import Nothing\n", "x = 1; pass\n"),
    ] {
        assert_eq!(asking(before), (vec![Class::A], Some(after.to_owned())), "{before}");
    }
    for used in ["from pkg.m import Nothing\nNothing\n", "from pkg.m import Nothing\n# see Nothing\n"] {
        assert_eq!(asking(used), (vec![Class::C], None), "{used}");
    }
}

#[test]
fn names_that_others_ask_for_stay() {
    let texts = [
        MANIFEST,
        ("src/pkg/__init__.py", ""),
        ("src/pkg/m.py", ""),
        ("src/pkg/a.py", "from pkg.m import Nothing\n"),
        ("tests/test_a.py", "from pkg.a import Nothing\nprint(Nothing)\n"),
    ];
    assert_eq!(mended(&texts, "tests/test_a.py").1, []);
}

#[test]
fn likeness_needs_all_that_is_taken() {
    let import = "from pkg.m import B, Platform\n";
    let (classes, after) = asking(&format!("{import}x = [Platform.WEB, Platform.MAIL, B]\n"));
    assert_eq!(classes, [Class::B]);
    let after = after.unwrap();
    assert!(after.starts_with("from pkg.m import B, PlatformType as Platform\nx = [Platform.WEB"), "{after}");
    for unsure in [
        "Platform.WEB",
        "Platform.WEB, Platform.FAX",
        "Platform.WEB, Platform.MAIL, Platform",
        "Platform.WEB, Platform.MAIL; Platform = 1",
    ] {
        let (classes, after) = asking(&format!("{import}{unsure}\n"));
        assert_eq!((classes, after), (vec![Class::C], None), "{unsure}");
    }
}

#[test]
fn circles_of_annotations_are_cut() {
    let of = |a: &str| {
        let b = "from pkg.a import A\nclass B: pass\n";
        mended(
            &[
                MANIFEST,
                ("src/pkg/__init__.py", ""),
                ("src/pkg/a.py", a),
                ("src/pkg/b.py", b),
                ("t.py", "import pkg.b\n"),
            ],
            "t.py",
        )
    };
    let head = "from __future__ import annotations\nfrom typing import Any\n";
    let rest = "\nclass A:\n    def f(self, b: B) -> Any: pass\n";
    let (remedies, after, failure) = of(&format!("{head}from pkg.b import B{rest}"));
    assert!(matches!(failure, Some(LoadCause::Circular { .. })), "{failure:?}");
    // The other module, loaded first, meets the circle from its other end: one cut is enough.
    assert_eq!(remedies.iter().map(|one| one.class).collect::<Vec<_>>(), [Class::B, Class::C]);
    let [(_, cut)] = &after[..] else { panic!("{after:?}") };
    let typing = "from __future__ import annotations\nfrom typing import Any, TYPE_CHECKING\n";
    assert_eq!(*cut, format!("{typing}if TYPE_CHECKING:\n    from pkg.b import B{rest}"));
    let (remedies, after, failure) = of(cut);
    assert_eq!((remedies, after, failure), (vec![], vec![], None), "a second run changes nothing");
    let (remedies, after, _) = of(&format!("{head}from pkg.b import B{rest}    b: B\n"));
    assert!(remedies.iter().all(|one| one.class == Class::C) && after.is_empty(), "{remedies:?}");
}
