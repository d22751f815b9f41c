//! What the repair of imports writes, and what it leaves alone.

use super::*;

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
fn real_packages_are_not_renamed() {
    let text = "from pkg.user import User\n";
    let case = package(&[("/p/a.py", text)]);
    let alike = vec!["pkg.models.user".to_owned()];
    assert_eq!(case.causes()[0].1, Cause::Absent { module: "pkg.user".to_owned(), alike });
    assert_eq!(case.repaired().text("/p/a.py"), text);
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
