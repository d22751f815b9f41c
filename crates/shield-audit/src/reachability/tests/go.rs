use super::{found, matched};
use crate::{dependencies::Ecosystem, reachability::Tier};

const GO: [(&str, &str); 6] = [
    ("go.mod", "module example.org/me\n\nrequire example.org/a v1.0.0\n"),
    (
        "vendor/modules.txt",
        "# example.org/a v1.0.0\n## explicit\nexample.org/a/one\n# example.org/b v1.0.0\n# example.org/c v1.0.0 => example.org/fork v1.1.0\n",
    ),
    (
        "vendor/example.org/a/one/a.go",
        "package one\n\nimport \"example.org/c/x\"\n\nfunc Bad() {}\nfunc Good() {}\nfunc Worse() { Bad() }\n",
    ),
    ("vendor/example.org/a/two/a.go", "package two\nfunc Bad() {}\n"),
    ("vendor/example.org/b/b.go", "package b\n"),
    ("vendor/example.org/c/x/x.go", "package x\n"),
];

fn go(files: &[(&str, &str)], name: &str, version: &str, symbols: &[&str]) -> Tier {
    let one = matched(Ecosystem::Go, name, version, symbols);
    found(files, std::slice::from_ref(&one)).tier(&one)
}

#[test]
fn go_imports_are_followed() {
    let mut files = GO.to_vec();
    files.push((
        "cmd/main.go",
        "package main\n\nimport (\n\tx \"example.org/a/one\"\n)\n\nfunc main() { x.Good() }\n",
    ));
    files.push(("cmd/main_test.go", "package main\n\nimport \"example.org/b\"\n"));
    let (never, uncalled, called) = (Tier::NeverImported, Tier::NeverCalled, Tier::FunctionReachable);
    for (name, version, symbols, expected) in [
        ("example.org/a", "v1.0.0", &[][..], Tier::Imported),
        ("example.org/a", "v1.0.0", &["example.org/a/one.Bad"], uncalled),
        ("example.org/a", "v1.0.0", &["example.org/a/one.Good"], called),
        ("example.org/a", "v1.0.0", &["example.org/a/one.Bad", "example.org/a/one"], called),
        ("example.org/a", "v1.0.0", &["example.org/a/one.Bad", "example.org/a/one.Type.Method"], called),
        ("example.org/a", "v1.0.0", &["example.org/a/two.Bad"], never),
        ("example.org/a", "v2.0.0", &[], Tier::Unknown),
        ("example.org/b", "v1.0.0", &[], never),
        ("example.org/c", "v1.0.0", &[], Tier::Imported),
        ("example.org/fork", "v1.1.0", &[], Tier::Imported),
        ("example.org/fork", "v1.1.0", &["example.org/fork/x.Bad"], Tier::Imported),
        ("stdlib", "1.22.0", &[], Tier::Unknown),
    ] {
        assert_eq!(go(&files, name, version, symbols), expected, "{name} {version} {symbols:?}");
    }
    files.push(("cmd/more.go", "package main\n\nimport . \"example.org/a/one\"\n\nvar f = Worse\n"));
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &["example.org/a/one.Bad"]), called);
}

#[test]
fn go_without_its_sources_says_nothing() {
    let mut files = vec![GO[0], ("main.go", "package main\n")];
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::Unknown);
    files.extend(&GO[1..]);
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::NeverImported);
    files.push((
        "tools/go.mod",
        "module example.org/tools\n\nrequire (\n\texample.org/a v1.0.0 // indirect\n)\n",
    ));
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::Unknown);
    assert_eq!(go(&files, "example.org/b", "v1.0.0", &[]), Tier::NeverImported);
    files.push(("go.work", "use (\n\t.\n\t./tools\n)\n"));
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::NeverImported);
    files.truncate(files.len() - 2);
    files.push(("x/testdata/go.mod", "module example.org/tools\n\nrequire example.org/a v1.0.0\n"));
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::NeverImported);
    files.push(("more.go", "package main\n\nimport \"plugin\"\n"));
    assert_eq!(go(&files, "example.org/a", "v1.0.0", &[]), Tier::Unknown);
}
