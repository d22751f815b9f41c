use std::io;

use proptest::prelude::*;

use super::{
    found, matched,
    npm::{INSTALLED, NPM_LOCK},
};
use crate::{
    advisories::{Kind, Match},
    dependencies::Ecosystem,
    reachability::{Sources, Tier, reachability},
};

#[test]
fn malicious_packages_need_no_import() {
    let one = Match { kind: Kind::Malicious, ..matched(Ecosystem::Npm, "old", "1.0.0", &[]) };
    let found = found(&[("package-lock.json", NPM_LOCK)], std::slice::from_ref(&one));
    assert_eq!(found.tier(&one), Tier::Unknown);
}

#[test]
fn unreadable_files_may_lead_anywhere() {
    let one = matched(Ecosystem::Npm, "old", "1.0.0", &[]);
    let read = |path: &str| match path {
        "package-lock.json" => Ok(NPM_LOCK.as_bytes().to_vec()),
        _ if path.contains("node_modules/") => Ok(Vec::new()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    };
    let matches = std::slice::from_ref(&one);
    let found = |paths: &[&'static str]| {
        let installed = INSTALLED.iter().map(|(path, _)| *path);
        reachability(&Sources::new(paths.iter().copied(), installed, &read), matches)
    };
    assert_eq!(found(&["package-lock.json"]).tier(&one), Tier::NeverImported);
    assert_eq!(found(&["package-lock.json", "a.js"]).tier(&one), Tier::Unknown);
}

#[test]
fn proofs_name_their_roots() {
    let one = matched(Ecosystem::Npm, "old", "1.0.0", &[]);
    let with = |text| {
        [&[("package-lock.json", NPM_LOCK), ("a.js", text), ("a.test.js", "")], &INSTALLED[..]].concat()
    };
    let before = found(&with("require('web')"), std::slice::from_ref(&one));
    let search = before.search(Ecosystem::Npm).unwrap();
    assert_eq!(search.roots, ["a.js"]);
    let after = found(&with(""), std::slice::from_ref(&one));
    assert_ne!(search.graph, after.search(Ecosystem::Npm).unwrap().graph);
    assert_eq!(before.search(Ecosystem::Go), None);
}

/// Texts that look somewhat like what is read.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"packages\":",
        "\"\":",
        "\"node_modules/a\":",
        "\"version\": \"1\"",
        ",",
        "require(",
        "'a'",
        "`",
        "${",
        "import(",
        "/*",
        "//",
        "\n",
        "@",
        "/",
        "..",
        "[[package]]\n",
        "name = \"a\"\n",
        "dependencies = [\"a\"]\n",
        "source = \"x\"\n",
        "[target.'cfg(all(",
        "))'.dependencies]\n",
        "module a\n",
        "# a 1 => b 2\n",
        "func a() {",
        "package a\n",
        "import \"a\"\n",
        "ü",
        "\u{0}",
        "version = \"1\"\n",
        "scripts",
        "createRequire(",
        "node_modules/",
        "!",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_hostile_panics(texts in prop::collection::vec(text(), 12)) {
        let paths = ["package-lock.json", "package.json", "a.js", "b.yml", "x/c.json", "Cargo.lock", "Cargo.toml", "go.mod",
            "vendor/modules.txt", "vendor/a/a.go", "main.go", "node_modules/a/a.js"];
        let files: Vec<(&str, &str)> = paths.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let matches: Vec<Match> = [Ecosystem::Npm, Ecosystem::Go, Ecosystem::CratesIo]
            .into_iter()
            .map(|ecosystem| matched(ecosystem, "a", "1", &["a.a", "a"]))
            .collect();
        let first = found(&files, &matches);
        prop_assert_eq!(first, found(&files, &matches));
    }

    #[test]
    fn a_named_package_is_reached(before in text(), after in text()) {
        let one = matched(Ecosystem::Npm, "web", "1.0.0", &[]);
        let code = format!("{before}\nrequire('web')\n{after}");
        let found = found(&[&[("package-lock.json", NPM_LOCK), ("a.js", &code)], &INSTALLED[..]].concat(), std::slice::from_ref(&one));
        prop_assert_eq!(found.tier(&one), Tier::Imported);
    }
}
