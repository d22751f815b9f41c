//! The graph as a whole, over small projects of text.

mod elsewhere;
mod loading;
mod reaching;
mod repair;

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
