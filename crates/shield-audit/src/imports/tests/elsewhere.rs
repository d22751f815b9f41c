//! Modules that are found where programs run, not where the whole project would look for them.

use super::*;

/// A package with something to mean, below a folder that is none.
const BACKEND: [(&str, &str); 4] = [
    ("/p/backend/api/__init__.py", ""),
    ("/p/backend/core/__init__.py", ""),
    ("/p/backend/core/config.py", "NAME = PORT = 1\n"),
    ("/p/backend/api/routes.py", "from core.config import NAME, PORT\n"),
];

fn backend(more: &[(&str, &str)]) -> Case {
    Case::new(&[&BACKEND, more].concat())
}

#[test]
fn what_starts_below_a_folder_is_found_there() {
    for starter in [
        ("/p/Dockerfile", "COPY . .\nWORKDIR /srv/backend\nCMD python main.py\n"),
        ("/p/Makefile", "test:\n\tcd backend && python -m pytest\n"),
        ("/p/compose.yaml", "services:\n  a:\n    working_dir: /srv/backend\n"),
        ("/p/Procfile", "web: uvicorn --app-dir backend api.routes:app\n"),
        ("/p/backend/__main__.py", "import api.routes\n"),
        ("/p/manage.py", "import sys\nsys.path.append('backend')\n"),
    ] {
        assert_eq!(backend(&[starter]).causes(), [], "{starter:?}");
    }
    let outside = backend(&[
        ("/p/Dockerfile", "WORKDIR /srv/backend\n"),
        ("/p/tools/a.py", "from core.config import NAME\n"),
    ]);
    assert_eq!(outside.causes().len(), 1, "{:?}", outside.causes());
}

/// Whether tests need not judge the first broken import.
fn is_sure(case: &Case) -> bool {
    case.with(|_, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let broken = survey.broken.first().expect("something is broken");
        assert!(matches!(broken.cause, Cause::FromInside { .. }), "{broken:?}");
        surveyor.is_sure_of(broken.importer, broken.import)
    })
}

#[test]
fn a_folder_that_is_no_package_may_not_be_named() {
    assert!(!is_sure(&backend(&[])));
    assert!(is_sure(&backend(&[("/p/backend/__init__.py", "")])));
    assert!(is_sure(&backend(&[("/p/tests/test_a.py", "from backend.core.config import NAME\n")])));
}

#[test]
fn a_package_called_src_is_imported_by_that_name() {
    let case = Case::new(&[
        ("/p/src/__init__.py", ""),
        ("/p/src/db/__init__.py", ""),
        ("/p/src/db/user.py", "User = Role = 1\n"),
        ("/p/src/main.py", "from src.db.user import User\nfrom db.user import Role\n"),
    ]);
    assert_eq!(case.causes()[0].1, Cause::FromInside { to: "src.db.user".to_owned() });
}

#[test]
fn what_another_import_replaces_may_fail() {
    let case = package(&[
        (
            "/p/src/pkg/tool.py",
            "try:\n    from helpers import slug\nexcept ImportError:\n    from pkg.helpers import slug\n",
        ),
        ("/p/src/pkg/helpers.py", "slug = 1\n"),
    ]);
    assert_eq!(case.causes(), []);
    let same = "try:\n    from gone import a\nexcept ImportError:\n    try:\n        from gone import a\n    except ImportError:\n        a = None\n";
    assert_eq!(package(&[("/p/src/pkg/tool.py", same)]).causes().len(), 2);
    let other = package(&[(
        "/p/src/pkg/tool.py",
        "try:\n    from gone import a\nexcept ImportError:\n    import json\n",
    )]);
    assert_eq!(other.causes().len(), 1);
}

#[test]
fn folders_that_only_look_like_a_distribution_give_way_to_it() {
    let case = package(&[
        ("/p/declared/versions/first.py", "from declared import op\n"),
        ("/p/declared/versions/second.py", "import declared.more\n"),
    ]);
    let other = |(_, cause): &(String, Cause)| !matches!(cause, Cause::NotInstalled { .. });
    assert!(!case.causes().iter().any(other), "{:?}", case.causes());
}

#[test]
fn dots_lead_out_of_a_project_that_is_a_package() {
    let files = [("/p/__init__.py", "from .nodes import A\n"), ("/p/nodes.py", "A = 1\n")];
    assert_eq!(Case::new(&files).causes(), []);
}

#[test]
fn only_mocks_replace_what_a_text_names() {
    let mentions = |text: &str| facts(text, &target()).mentions.len();
    for text in
        ["patch('a.b')", "mock.patch('a.b')", "mocker.patch('a.b')", "self.monkeypatch.setattr('a.b', 1)"]
    {
        assert_eq!(mentions(text), 1, "{text}");
    }
    for text in ["client.patch('a.b')", "config.setattr('a.b', 1)", "setattr(a, 'b.c', 1)"] {
        assert_eq!(mentions(text), 0, "{text}");
    }
}

#[test]
fn names_that_only_the_running_module_has_are_not_missed() {
    for text in ["exec(open('a').read())", "locals().update(LEVEL=1)", "__path__.append('x')"] {
        let open = facts(text, &target()).open;
        assert!(open, "{text}");
    }
    assert!(!facts("session.exec(query)", &target()).open);
}

#[test]
fn pytest_looks_beside_its_conftest_and_where_a_unit_says() {
    let helpers = package(&[
        ("/p/tests/conftest.py", ""),
        ("/p/tests/helpers.py", "make = 1\n"),
        ("/p/tests/unit/test_a.py", "from helpers import make\n"),
    ]);
    assert_eq!(helpers.causes(), []);
    let unit = Case::new(&[
        ("/p/billing/pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['lib']\n"),
        ("/p/billing/lib/money/euro.py", "cents = 1\n"),
        ("/p/billing/tests/test_e.py", "from money.euro import cents\n"),
    ]);
    assert_eq!(unit.causes(), []);
}

#[test]
fn modules_that_are_compiled_or_typed_only_are_there() {
    let text =
        "from pkg.fast import go\nfrom pkg import fast\nfrom pkg.types import A\nfrom pkg.slow import go\n";
    let case = package(&[
        ("/p/src/pkg/fast.pyx", "def go(): pass\n"),
        ("/p/src/pkg/types.pyi", "class A: ...\n"),
        ("/p/src/pkg/use.py", text),
    ]);
    let causes = case.causes();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(causes[0].0, "from pkg.slow import go");
}

#[test]
fn names_may_come_from_what_is_missing() {
    let case = Case::new(&[
        ("/p/backends.py", "from modelsearch.backends import *\n"),
        ("/p/wrapped.py", "from backends import *\n"),
        ("/p/a.py", "from backends import get\nfrom wrapped import put\n"),
    ]);
    let causes = case.causes();
    let [(written, Cause::NotInstalled { .. })] = &causes[..] else { panic!("{causes:?}") };
    assert_eq!(written, "from modelsearch.backends import *");
}
