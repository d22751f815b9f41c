//! The graph as a whole, over small projects of text.

mod elsewhere;

use std::{cell::Cell, rc::Rc};

use super::*;

/// A project and what is installed for it, read as Python 3.11 on Linux would.
struct Case {
    files: Memory,
    layout: Layout,
    inventory: Inventory,
    declared: Declared,
    distributions: Distributions,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::of(Memory::new(files.iter().copied()))
    }

    fn of(files: Memory) -> Self {
        let site = vec!["/site".to_owned()];
        let layout = Layout::discover(
            &files,
            &Surroundings {
                project: "/p".to_owned(),
                site_packages: site.clone(),
                ..Surroundings::default()
            },
        );
        let mut inventory = Inventory::read(&files, &layout.roots, target().version);
        inventory.add_scripts(layout.sources.iter().map(String::as_str));
        let declared = Declared::read(&files, "/p", &layout);
        let distributions = Distributions::read(&files, &site);
        Self { files, layout, inventory, declared, distributions }
    }

    fn with<T>(&self, then: impl FnOnce(&Library<'_>, &Surveyor<'_>) -> T) -> T {
        let library = Library::new(&self.files, &self.inventory, target());
        then(&library, &Surveyor::new(&library, ("/p", &self.layout), &self.declared, &self.distributions))
    }

    fn causes(&self) -> Vec<(String, Cause)> {
        self.with(|_, surveyor| {
            surveyor
                .survey(&self.layout.sources)
                .broken
                .into_iter()
                .map(|broken| (broken.written, broken.cause))
                .collect()
        })
    }

    /// The texts of the files after the repair.
    fn repaired(&self) -> Self {
        let plans = self.with(|_, surveyor| surveyor.plan(&self.layout.sources));
        let mut files = self.files.clone();
        for plan in plans {
            let text = self.text(&plan.path);
            files.write(plan.path, apply(&text, &plan.edits).unwrap());
        }
        Self::of(files)
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.files.read(path).unwrap()).unwrap()
    }

    fn reached(&self, roots: &[&str]) -> Vec<String> {
        self.with(|library, _| {
            let roots: Vec<ModuleId> = roots.iter().map(|name| self.inventory.find(name).unwrap()).collect();
            let reach = reach(library, &self.distributions, &roots);
            let mut names: Vec<String> = self
                .inventory
                .modules()
                .filter(|(id, _)| reach.link(*id).is_some())
                .map(|(_, module)| module.name.to_string())
                .collect();
            names.sort();
            names
        })
    }
}

fn target() -> Target {
    Target { version: PythonVersion(11), platform: "linux".to_owned() }
}

/// A package `pkg` below `src`, with a class in each of two modules.
const PACKAGE: [(&str, &str); 5] = [
    (
        "/p/pyproject.toml",
        "[tool.setuptools.package-dir]\n\"\" = \"src\"\n[project]\ndependencies = ['declared']\n",
    ),
    ("/p/src/__init__.py", ""),
    ("/p/src/pkg/__init__.py", ""),
    ("/p/src/pkg/models/user.py", "class User: pass\nclass Role: pass\n"),
    ("/p/src/pkg/models/team.py", "class Team: pass\n"),
];

fn package(more: &[(&str, &str)]) -> Case {
    Case::new(&[&PACKAGE, more].concat())
}

#[test]
fn causes_are_told_apart() {
    let text = "from src.models.user import User\nfrom models.user import Role\nfrom pkg.models.user import Team\nfrom pkg.gone import x\n\
                from pkg.models.user import Nobody\nfrom pkg.bad import y\nimport undeclared\nimport declared\nimport json, pkg.models\n";
    let case = package(&[("/p/src/pkg/bad.py", "y = (\n"), ("/p/tests/test_a.py", text)]);
    let to = |name: &str| name.to_owned();
    let refused = |cause: &Cause| matches!(cause, Cause::Refused { path, fault } if path == "/p/src/pkg/bad.py" && fault.line == 2);
    let causes = case.causes();
    assert_eq!(causes[0].1, Cause::Renamed { to: to("pkg.models.user") });
    assert_eq!(causes[1].1, Cause::FromInside { to: to("pkg.models.user") });
    assert_eq!(causes[2].1, Cause::Moved { to: to("pkg.models.team") });
    assert_eq!(causes[3].1, Cause::Absent { module: to("pkg.gone"), alike: Vec::new() });
    assert_eq!(causes[4].1, Cause::NameAbsent { module: to("pkg.models.user"), homes: Vec::new() });
    assert!(refused(&causes[5].1), "{:?}", causes[5]);
    assert_eq!(
        causes[6].1,
        Cause::NotInstalled { distribution: to("undeclared"), declared: Declaration::Undeclared }
    );
    assert_eq!(
        causes[7].1,
        Cause::NotInstalled { distribution: to("declared"), declared: Declaration::Declared }
    );
    assert_eq!(causes.len(), 8);
}

#[test]
fn repair_keeps_every_other_byte() {
    let before = "# é\r\nfrom src.models.user import (  # who\r\n    User as U,\r\n    Team, # which\r\n    Role,\r\n)\r\nif 1: from models.team import Team\r\n\
                  patch('src.models.user.User')\r\nm = importlib.import_module('src.models.team')\r\nimport models.user as mu\r\n";
    let after = "# é\r\nfrom pkg.models.team import Team\r\nfrom pkg.models.user import (  # who\r\n    User as U,\r\n    Role,\r\n)\r\nif 1: from pkg.models.team import Team\r\n\
                 patch('pkg.models.user.User')\r\nm = importlib.import_module('pkg.models.team')\r\nimport pkg.models.user as mu\r\n";
    let case = package(&[("/p/tests/test_a.py", before)]);
    let repaired = case.repaired();
    assert_eq!(repaired.text("/p/tests/test_a.py"), after);
    assert_eq!(repaired.causes(), []);
    assert!(
        repaired.with(|_, surveyor| surveyor.plan(&repaired.layout.sources)).is_empty(),
        "a second plan is empty"
    );
}

/// What a hostile user of issue 5 had broken by `--fix`.
#[test]
fn programs_below_the_project_have_paths_of_their_own() {
    let importing = "from app.helpers import VALUE\n";
    let works = |more: &[(&str, &str)], file: &str, text: &str| {
        let files = [&[("/p/pyproject.toml", "[project]\nname = 'm'\n")], more, &[(file, text)]].concat();
        assert_eq!(Case::new(&files).causes(), [], "{more:?} {file} {text}");
    };
    let app = [("/p/api/app/__init__.py", ""), ("/p/api/app/helpers.py", "VALUE = 1\n")];
    for beside in ["pyproject.toml", "requirements-dev.txt", "manage.py", "Dockerfile"] {
        let path = format!("/p/api/{beside}");
        works(&[&app[..], &[(path.as_str(), "")]].concat(), "/p/api/app/views.py", importing);
    }
    for (name, text) in [
        ("/p/Dockerfile", "FROM python:3\nWORKDIR /srv\nCOPY --chown=a api/ /srv/\n"),
        ("/p/Dockerfile", "ENV PATH=/bin \\\n    PYTHONPATH=/srv/api:/other\n"),
        ("/p/docker-compose.yml", "environment:\n  PYTHONPATH: \"./api\"\n"),
        ("/p/start.sh", "export PYTHONPATH=\"$PYTHONPATH:api\"\n"),
    ] {
        works(&[&app[..], &[(name, text)]].concat(), "/p/api/app/views.py", importing);
    }
    for added in [
        "sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'api'))",
        "here = pathlib.Path(__file__).resolve()\nsys.path.append(str(here.parents[1] / 'api'))",
        "site.addsitedir('api')",
        "sys.path += [f'{os.getcwd()}/api']",
        "sys.path.extend(['../api'])",
    ] {
        works(&app, "/p/tools/run.py", &format!("import os, pathlib, site, sys\n{added}\n{importing}"));
    }
    works(
        &[&app[..], &[("/p/tests/conftest.py", "import sys\nsys.path.append('api')\n")]].concat(),
        "/p/tests/test_a.py",
        importing,
    );
    for (name, text) in [
        ("/p/Dockerfile", "FROM x\nENV PYTHONPATH=../pq\n"),
        ("/p/a.py", "import sys\nsys.path.append('../pq')\nfrom app.helpers import VALUE\n"),
        ("/p/x/pyproject.toml", "[project]\n[tool.setuptools.packages.find]\nwhere = ['../../pq']\n"),
    ] {
        let beside = [("/pq/app/helpers.py", "VALUE = 1\n"), ("/p/a.py", importing), (name, text)];
        assert_eq!(Case::new(&beside).causes().len(), 1, "{text} leads out of the project");
    }
    let alone = Case::new(&[&app[..], &[("/p/api/app/views.py", importing)]].concat());
    assert_eq!(alone.causes().len(), 1, "nothing says where it is started");
}

#[test]
fn captures_are_names() {
    let text = "match x:\n    case {'k': first, **second}: pass\n    case [third, *fourth]: pass\n    case int() as fifth: pass\n";
    let case = package(&[
        ("/p/src/pkg/m.py", text),
        ("/p/a.py", "from pkg.m import first, second, third, fourth, fifth\n"),
    ]);
    assert_eq!(case.causes(), []);
}

#[test]
fn names_leave_in_any_position() {
    for (names, kept, gone) in [
        ("Team, User", "User", "Team"),
        ("User, Team", "User", "Team"),
        ("User, Team, Role", "User, Role", "Team"),
    ] {
        let case = package(&[("/p/a.py", &format!("x = 0; from pkg.models.user import {names}\n"))]);
        let expected =
            format!("x = 0; from pkg.models.team import {gone}; from pkg.models.user import {kept}\n");
        assert_eq!(case.repaired().text("/p/a.py"), expected);
    }
}

#[test]
fn wrong_dots_are_counted_anew() {
    let case =
        package(&[("/p/src/pkg/models/a.py", "from ...models.user import User\nfrom .gone.x import y\n")]);
    let repaired = case.repaired();
    assert_eq!(
        repaired.text("/p/src/pkg/models/a.py"),
        "from ..models.user import User\nfrom .gone.x import y\n"
    );
    assert_eq!(repaired.causes().len(), 1);
}

#[test]
fn several_homes_are_left_alone() {
    let text = "from pkg import Twice\nfrom pkg import router\n";
    let case = package(&[
        ("/p/src/pkg/a.py", "class Twice: pass\nrouter = 1\n"),
        ("/p/src/pkg/b.py", "class Twice: pass\n"),
        ("/p/c.py", text),
    ]);
    assert_eq!(case.repaired().text("/p/c.py"), text);
    let homes = vec!["pkg.a".to_owned(), "pkg.b".to_owned()];
    assert_eq!(case.causes()[0].1, Cause::NameAbsent { module: "pkg".to_owned(), homes });
}

#[test]
fn edits_that_do_not_fit_are_refused() {
    let edit = |range: std::ops::Range<usize>, text: &str| Edit {
        range,
        text: text.to_owned(),
        reason: String::new(),
    };
    assert!(matches!(apply("a = 1\n", &[edit(4..9, "2")]), Err(ApplyEditsError::Misplaced { .. })));
    assert!(matches!(
        apply("a = 1\n", &[edit(0..2, "b "), edit(1..2, "")]),
        Err(ApplyEditsError::Misplaced { .. })
    ));
    assert!(matches!(apply("é = 1\n", &[edit(1..2, "")]), Err(ApplyEditsError::Misplaced { .. })));
    assert!(matches!(apply("a = 1\n", &[edit(4..5, "(")]), Err(ApplyEditsError::Refused { .. })));
    assert_eq!(
        apply("a = (\n", &[edit(0..1, "b")]).unwrap(),
        "b = (\n",
        "a fault that was there before stays"
    );
}

#[test]
fn circle_fails_only_from_one_side() {
    let case = package(&[
        ("/p/src/pkg/x.py", "from pkg.y import Y\nclass X: pass\n"),
        ("/p/src/pkg/y.py", "import pkg.x\nclass Y: pass\n"),
    ]);
    case.with(|library, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let load = |name: &str| Loader::new(library, &survey).load(case.inventory.find(name).unwrap());
        assert_eq!(load("pkg.x"), Ok(()));
        let failure = load("pkg.y").unwrap_err();
        assert_eq!(failure.why, LoadCause::Circular { module: "pkg.y".to_owned(), name: "Y".to_owned() });
        assert_eq!(failure.steps.len(), 2);
        let mut both = Loader::new(library, &survey);
        assert!(
            both.load(case.inventory.find("pkg.x").unwrap()).is_ok()
                && both.load(case.inventory.find("pkg.y").unwrap()).is_ok()
        );
    });
}

/// Modules `m0` and on, of which each has an import of the next; the last has none.
fn chain(length: usize, import: impl Fn(usize) -> String) -> Vec<(String, String)> {
    let text = |number: usize| if number + 1 < length { import(number + 1) } else { String::new() };
    (0..length).map(|number| (format!("/p/m{number}.py"), text(number))).collect()
}

#[test]
fn endless_chains_are_not_judged() {
    let case = Case::of(Memory::new(chain(1_200, |next| format!("import m{next}\n"))));
    case.with(|library, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let mut loader = Loader::new(library, &survey);
        let mut load = |name: &str| loader.load(case.inventory.find(name).unwrap());
        assert_eq!(load("m0").unwrap_err().why, LoadCause::Unfinished);
        assert_eq!(load("m300"), Ok(()));
        assert_eq!(load("m0"), Ok(()), "what is there need not be loaded again");
    });
    for (length, causes) in [(3, 1), (700, 0)] {
        let mut files = chain(length, |next| format!("from m{next} import *\n"));
        files.push(("/p/a.py".to_owned(), "from m0 import absent\n".to_owned()));
        assert_eq!(Case::of(Memory::new(files)).causes().len(), causes, "{length} stars");
    }
}

#[test]
fn failures_are_tried_so_often() {
    let retried = "try:\n    import b\nexcept Exception:\n    pass\nimport c\n";
    let case = Case::new(&[("/p/a.py", retried), ("/p/b.py", "import absent\n"), ("/p/c.py", "")]);
    case.with(|library, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let steps_left = Rc::new(Cell::new(5));
        let load = |name: &str| {
            let loader = Loader::new(library, &survey).within(&steps_left);
            { loader }.load(case.inventory.find(name).unwrap()).map_err(|failure| failure.why)
        };
        assert_eq!(load("a"), Ok(()));
        assert_eq!(steps_left.get(), 2);
        assert_eq!(load("a"), Err(LoadCause::Unfinished), "all loads take of the same");
    });
}

#[test]
fn stars_in_circles_take_what_is_there() {
    let circles = |files: &[(&str, &str)]| {
        let case = Case::new(files);
        case.with(|library, surveyor| {
            let survey = surveyor.survey(&case.layout.sources);
            let load = |name: &str| {
                let id = case.inventory.find(name).unwrap();
                Loader::of_program(library, &survey).load(id).err().map(|failure| failure.why)
            };
            ["first", "second"].map(load)
        })
    };
    let ring = [("/p/a.py", "from b import *\nx = 1\n"), ("/p/b.py", "from a import *\ny = 1\n")];
    let lacks = |module: &str, name: &str| {
        Some(LoadCause::Circular { module: module.to_owned(), name: name.to_owned() })
    };
    // Whoever is loaded first gets the names of both; the other took its star too soon.
    let first = ("/p/first.py", "from a import x, y\nfrom b import x\n");
    let second = ("/p/second.py", "from b import x, y\nfrom a import x\n");
    assert_eq!(circles(&[ring[0], ring[1], first, second]), [lacks("b", "x"), None]);
    let second = ("/p/second.py", "import a\nfrom b import y\nfrom a import y\n");
    assert_eq!(
        circles(&[ring[0], ring[1], ("/p/first.py", "import b\nfrom a import y\n"), second]),
        [lacks("a", "y"), None]
    );
}

#[test]
fn stars_take_what_all_lists() {
    let of = |all: &str, asked: &str| {
        let one = format!("{all}x = y = _z = 1\n");
        let main = format!("from star import {asked}\n");
        let files = [("/p/one.py", &*one), ("/p/star.py", "from one import *\n"), ("/p/main.py", &*main)];
        Case::new(&files).causes().len()
    };
    for (all, missing) in [("", "_z"), ("__all__ = ['x']\n", "y"), ("__all__ = ('x', '_z')\n", "y")] {
        assert_eq!(of(all, missing), 1, "{all}");
    }
    for (all, there) in [
        ("", "x, y"),
        ("__all__ = ['x', '_z']\n", "x, _z"),
        ("__all__ = ['x']\n__all__ += others()\n", "y"),
        ("__all__ = ['x', *others]\n", "y"),
    ] {
        assert_eq!(of(all, there), 0, "{all}");
    }
    // In a circle a star may come before the list is there.
    let ring = [
        ("/p/one.py", "from two import *\nx = y = 1\n__all__ = ['x']\n"),
        ("/p/two.py", "import one\nfrom one import *\n"),
        ("/p/main.py", "from two import y\n"),
        ("/p/other.py", "from two import nobody\n"),
    ];
    let causes = Case::new(&ring).causes();
    assert_eq!(
        causes.iter().map(|(written, _)| written.as_str()).collect::<Vec<_>>(),
        ["from two import nobody"]
    );
}

#[test]
fn real_packages_are_not_renamed() {
    let text = "from pkg.user import User\n";
    let case = package(&[("/p/a.py", text)]);
    let alike = vec!["pkg.models.user".to_owned()];
    assert_eq!(case.causes()[0].1, Cause::Absent { module: "pkg.user".to_owned(), alike });
    assert_eq!(case.repaired().text("/p/a.py"), text);
}

#[test]
fn loaded_module_needs_no_parent() {
    let case = package(&[("/p/src/q/__init__.py", "import q.a\nimport nowhere\n"), ("/p/src/q/a.py", "")]);
    case.with(|library, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let mut loader = Loader::new(library, &survey);
        let module = case.inventory.find("q.a").unwrap();
        assert!(loader.load(module).is_err(), "its parent fails first");
        assert_eq!(loader.load(module), Ok(()), "CPython has it in `sys.modules` by now");
    });
}

#[test]
fn caught_failures_do_not_spread() {
    let bad = ("/p/src/pkg/bad.py", "x = (\n");
    let case = package(&[
        bad,
        ("/p/a.py", "try:\n    import pkg.gone\nexcept ImportError:\n    pass\n"),
        ("/p/b.py", "try:\n    import pkg.bad\nexcept ImportError:\n    pass\n"),
        ("/p/c.py", "import b\n"),
    ]);
    case.with(|library, surveyor| {
        let survey = surveyor.survey(&case.layout.sources);
        let load = |name: &str| Loader::new(library, &survey).load(case.inventory.find(name).unwrap());
        assert_eq!(load("a"), Ok(()));
        assert_eq!(load("b").unwrap_err().why, LoadCause::Refused, "a SyntaxError is no ImportError");
        assert_eq!(load("c").unwrap_err().steps.len(), 2);
    });
}

#[test]
fn reaches_what_can_run() {
    let case = Case::new(&[
        (
            "/p/app.py",
            "import lib.a.b\nfrom lib import c\nif TYPE_CHECKING:\n    import lib.typed\nif sys.platform == 'win32':\n    import lib.windows\n",
        ),
        ("/site/lib/__init__.py", ""),
        ("/site/lib/a/__init__.py", "def f():\n    from . import late\n"),
        ("/site/lib/a/b.py", "from ..star import *\n"),
        ("/site/lib/a/late.py", "import_module('lib.plugins.' + x)\n"),
        ("/site/lib/c.py", "NAMES = ['lib.text', 'lib.nothing']\n"),
        ("/site/lib/star/__init__.py", "__all__ = ['listed']\n"),
        ("/site/lib/star/listed.py", ""),
        ("/site/lib/star/other.py", ""),
        ("/site/lib/plugins/p.py", ""),
        ("/site/lib/plugins/tests.py", ""),
        ("/site/lib/text.py", ""),
        ("/site/lib/typed.py", ""),
        ("/site/lib/windows.py", ""),
    ]);
    let expected = [
        "app",
        "lib",
        "lib.a",
        "lib.a.b",
        "lib.a.late",
        "lib.c",
        "lib.plugins",
        "lib.plugins.p",
        "lib.star",
        "lib.star.listed",
        "lib.text",
    ];
    assert_eq!(case.reached(&["app"]), expected);
}

#[test]
fn lazy_modules_show_what_they_load() {
    let lazy = "if TYPE_CHECKING:\n    from .real import R\ndef __getattr__(name): ...\n";
    let case = Case::new(&[
        ("/p/app.py", "import lib\n"),
        ("/site/lib/__init__.py", lazy),
        ("/site/lib/real.py", ""),
        ("/site/lib/other.py", ""),
    ]);
    assert_eq!(case.reached(&["app"]), ["app", "lib", "lib.real"]);
}

#[test]
fn importers_of_packages_are_not_second_guessed() {
    let case = Case::new(&[
        (
            "/p/app.py",
            "import __main__\nimport lib.extern.six\nfrom lib.extern import six\nimport lib.plain.six\n",
        ),
        ("/p/requirements.txt", "lib\n"),
        ("/site/lib/__init__.py", ""),
        ("/site/lib/extern/__init__.py", "import sys\nsys.meta_path.append(Vendored())\n"),
        ("/site/lib/plain/__init__.py", ""),
    ]);
    let broken: Vec<_> = case.causes().into_iter().map(|(written, _)| written).collect();
    assert_eq!(broken, ["import lib.plain.six"]);
}

#[test]
fn unknown_names_are_listed() {
    let case = Case::new(&[
        ("/p/app.py", "import lib.load\n"),
        ("/site/lib/__init__.py", ""),
        ("/site/lib/load/__init__.py", "T = {'a': 'inner'}\nimport_module(T[x])\n"),
        ("/site/lib/load/inner.py", ""),
        ("/site/lib/load/other.py", ""),
    ]);
    assert_eq!(case.reached(&["app"]), ["app", "lib", "lib.load", "lib.load.inner"]);
    case.with(|library, _| {
        let reach = reach(library, &case.distributions, &[case.inventory.find("app").unwrap()]);
        assert_eq!(reach.open, [case.inventory.find("lib.load").unwrap()]);
        let chain: Vec<_> = reach
            .chain(case.inventory.find("lib.load.inner").unwrap())
            .iter()
            .map(|(id, via)| (&*case.inventory.module(*id).name, *via))
            .collect();
        assert_eq!(chain, [("app", Via::Root), ("lib.load", Via::Import), ("lib.load.inner", Via::Text)]);
    });
}

#[test]
fn unknown_names_of_the_project_are_everything() {
    let site = [("/site/a/__init__.py", ""), ("/site/a/b.py", ""), ("/site/c.py", "")];
    let reached = |text| Case::new(&[&[("/p/app.py", text)], &site[..]].concat()).reached(&["app"]);
    assert_eq!(reached("import c\n"), ["app", "c"]);
    for text in
        ["import_module(os.environ['A'])\n", "exec(open(x).read())\n", "import pickle\npickle.load(f)\n"]
    {
        assert_eq!(reached(text), ["a", "a.b", "app", "c"], "{text}");
    }
}

#[test]
fn entry_points_follow_their_group() {
    let point =
        ("/site/plug-1.dist-info/entry_points.txt", "[app.plugins]\nx = plug.x:main\n[other]\ny = plug.y\n");
    let record = ("/site/plug-1.dist-info/RECORD", "plug/x.py,,\nplug/y.py,,\n");
    let case = Case::new(&[
        ("/p/app.py", "entry_points(group='app.plugins')\n"),
        point,
        record,
        ("/site/plug/x.py", ""),
        ("/site/plug/y.py", ""),
    ]);
    assert_eq!(case.reached(&["app"]), ["app", "plug", "plug.x"]);
    case.with(|library, _| {
        let reach = reach(library, &case.distributions, &[case.inventory.find("app").unwrap()]);
        assert_eq!(
            reach.usage(&case.inventory, &case.distributions)["plug"],
            Usage { modules: 2, reached: 1 }
        );
    });
}

/// What a hostile user had `--fix` break: services of one repository that install its libraries.
#[test]
fn units_import_what_others_bring() {
    let service = ("/p/svc/app/main.py", "from common.log import get\nfrom app.models import User\n");
    let files = [
        service,
        ("/p/svc/requirements.txt", "flask\n"),
        ("/p/libs/common/common/log.py", "def get(): return 1\n"),
        ("/p/other/app/models.py", "class User: pass\n"),
        ("/p/other/requirements.txt", "flask\n"),
    ];
    let absent = |module: &str, alike: &[&str]| Cause::Absent {
        module: module.to_owned(),
        alike: alike.iter().map(|name| (*name).to_owned()).collect(),
    };
    let models = ("from app.models import User".to_owned(), absent("app.models", &["other.app.models"]));
    for (file, text) in [
        ("/p/libs/common/pyproject.toml", "[project]\nname = 'common'\n"),
        ("/p/libs/common/setup.py", "# builds it\n"),
        ("/p/svc/Dockerfile", "WORKDIR /srv\nCOPY libs/common/common common\n"),
        ("/p/svc/Dockerfile", "WORKDIR /srv/\nCOPY libs/common/common /srv/common/\n"),
        ("/p/svc/.env", "PYTHONPATH=../libs/common\n"),
    ] {
        let case = Case::new(&[&files[..], &[(file, text)]].concat());
        assert_eq!(case.causes(), std::slice::from_ref(&models), "{file}");
        assert_eq!(case.repaired().text(service.0), service.1, "{file}");
    }
    // Nothing says that anybody puts the library on the path: what is found may be what is meant, and tests judge.
    let bare = Case::new(&files);
    let cause = Cause::FromInside { to: "libs.common.common.log".to_owned() };
    assert_eq!(bare.causes(), [("from common.log import get".to_owned(), cause), models]);
    let sure = bare.with(|_, surveyor| {
        let importer = bare.inventory.at(service.0).unwrap();
        surveyor.is_sure_of(importer, 0)
    });
    assert!(!sure);
}

#[test]
fn modules_that_git_leaves_out_are_each_machines_own() {
    let text = "from shop import local_settings\nfrom shop.api_pb2 import M\nfrom . import absent\n";
    let files = [
        ("/p/.gitignore", "shop/local_settings.py\n*_pb2.py\n"),
        ("/p/shop/__init__.py", ""),
        ("/p/shop/a.py", text),
    ];
    let case = Case::new(&files);
    let causes = case.causes();
    let [(written, Cause::NameAbsent { .. })] = &causes[..] else { panic!("{causes:?}") };
    assert_eq!(written, "from . import absent");
    assert_eq!(Case::new(&files[1..]).causes().len(), 3);

    // Names that no module can have lead to no path that the rules would not stand.
    for name in ["/x", "/x/y.z", "..x", "a..b", "", "../../x", "x\0y", "/"] {
        let text = format!("import importlib\nimportlib.import_module({name:?})\n");
        let case = Case::new(&[files[0], ("/p/b.py", &text)]);
        assert!(case.causes().len() <= 1, "{name}");
    }
}

#[test]
fn packaging_is_found() {
    let case = package(&[
        ("/p/pytest.ini", "[tool:pytest]\npythonpath = src\n"),
        ("/p/src/pkg/main.py", "def start(): pass\n"),
        ("/p/src/pkg/main/__init__.py", ""),
        ("/p/src/json.py", ""),
        ("/p/a.py", "from pkg.main import start\n"),
    ]);
    assert_eq!(
        case.causes()[0].1,
        Cause::Hidden { module: "pkg.main".to_owned(), path: "/p/src/pkg/main.py".to_owned() }
    );
    let findings = case
        .with(|library, _| Packaging { files: &case.files, project: "/p", library }.project(&case.layout));
    let said: Vec<_> =
        findings.iter().map(|finding| (finding.rule.id, finding.place.file.as_str())).collect();
    let expected = [
        ("packaging/dead-pytest-settings", "pytest.ini"),
        ("imports/shadows-standard", "src/json.py"),
        ("imports/hidden-file", "src/pkg/main.py"),
        ("packaging/no-init", "src/pkg/models"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn manifest_says_what_was_found() {
    let case = Case::new(&[
        ("/p/src/pkg/__init__.py", ""),
        ("/p/requirements.txt", "x\n"),
        ("/p/tests/__init__.py", ""),
    ]);
    let written = missing_manifest(&case.files, "/p", &case.layout, &case.inventory).unwrap();
    assert_eq!(written.path, "/p/pyproject.toml");
    let table: toml::Table = written.text.parse().unwrap();
    assert_eq!(table["project"]["name"].as_str(), Some("pkg"));
    assert_eq!(table["tool"]["setuptools"]["packages"]["find"]["where"][0].as_str(), Some("src"));
    assert_eq!(table["tool"]["pytest"]["ini_options"]["pythonpath"].as_array().unwrap().len(), 2);
    let mut files = case.files.clone();
    files.write(written.path, written.text);
    let again = Case::of(files);
    assert_eq!(missing_manifest(&again.files, "/p", &again.layout, &again.inventory), None);
}
