//! What happens when modules are loaded: circles, chains, stars, failures.

use std::{cell::Cell, rc::Rc};

use super::*;

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
        let packaging = Packaging { files: &case.files, project: "/p", library };
        let (findings, unfinished) = packaging.circles(&case.layout.sources, &survey);
        assert!(findings.is_empty() && unfinished.contains(&case.inventory.find("m0").unwrap()));
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
