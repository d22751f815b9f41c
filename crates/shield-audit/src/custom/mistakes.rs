//! What people are told about rule files with mistakes.

use std::error::Error as _;

use super::{RuleFile, Rules};

const HEAD: &str = "id = \"our/rule\"\ntitle = \"t\"\nseverity = \"high\"\nhelp = \"h\"\n";

/// Each rule, without its head, with what is said of it.
const CASES: [(&str, &str); 31] = [
    (
        "[[text]]\nHEADinclude = [\"a\"]\nwords = [\"FRM\"]\nmatches = 'FROM'\nbad = [\"FROM a\"]",
        "example 1 has none of the rule's `words`",
    ),
    (
        "[[text]]\nHEADinclude = [\"a\"]\nmatches = 'FROM'\ngood = [\"x\\nFROM a\"]",
        "example 1 is found, in line 2: `FROM`",
    ),
    ("[[ban]]\nHEAD", "ban[0]: nothing that it bans"),
    ("[[ban]]\nHEADcall = []", "ban[0].call = []: empty"),
    (
        "[[ban]]\nHEADcall = [\"eval\"]",
        "ban[0].call = \"eval\": one of Python's own names without its module\n    expected: \"builtins.eval\"",
    ),
    ("[[ban]]\nHEADimport = [\"a.*\"]", "ban[0].import = \"a.*\": not a module"),
    (
        "[[ban]]\nHEADimport = [\"a\"]\n[[ban.when]]\nargument = \"x\"\nequals = 1",
        "conditions on arguments of nothing that is called",
    ),
    ("[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nequals = 1", "ban[0].when[0]: no argument"),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nargument = \"x\"",
        "ban[0].when[0]: 0 tests of one argument",
    ),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nargument = \"x\"\nequals = 1\nabsent = true",
        "2 tests of one argument",
    ),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nargument = \"x\"\nequals = 1.5",
        "equals = 1.5: not a whole number",
    ),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nargument = \"x\"\nmatches = '('",
        "matches = '(': not a regular expression: unclosed group",
    ),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\n[[ban.when]]\nargument = \"x\"\nmatches = '(a{999}){999}'",
        "not a regular expression",
    ),
    ("[[ban]]\nHEADcall = [\"a.b\"]\ninclude = [\"!a\"]", "ban[0].include = \"!a\": not a pattern"),
    ("[[ban]]\nHEADcall = [\"a.b\"]\nconfidence = \"sure\"", "confidence = \"sure\": not a known word"),
    ("[[ban]]\nHEADcall = [\"a.b\"]\nbad = [\"a.c()\"]", "ban[0].bad = [\"a.c()\"]: example 1 is not found"),
    ("[[ban]]\nHEADcall = [\"a.b\"]\nbad = [\"def\"]", "example 1 does not parse"),
    (
        "[[ban]]\nHEADcall = [\"a.b\"]\ngood = [\"x\", \"import a\\na.b()\"]",
        "example 2 is found, in line 2: `a.b`: t",
    ),
    ("[[source]]", "source[0]: nothing that lets data in"),
    (
        "[[source]]\ncall = [\"a.b\"]\nbad = [\"x = 1\"]",
        "source[0].bad = [\"x = 1\"]: example 1 is not found",
    ),
    ("[[sink]]\ncall = [\"a.b\"]", "sink[0].kind: missing\n    expected: one of `code`, `command`"),
    ("[[sink]]\ncall = [\"a.b\"]\nkind = \"log\"", "sink[0].kind = \"log\": not a kind of harm"),
    ("[[sink]]\nkind = \"sql\"", "sink[0].call: missing"),
    (
        "[[sanitizer]]\ncall = [\"a.b\"]\nkinds = [\"all\"]\nbad = [\"x = 1\"]",
        "sanitizer[0].bad = [\"x = 1\"]: example 1 is not found",
    ),
    ("[[propagator]]\ncall = [\"a.b\"]\nfrom = [true]", "propagator[0].from = true: not an argument"),
    ("[[kind]]\nname = \"sql\"\nharm = \"h\"\nHEAD", "kind[0].name = \"sql\": given already"),
    ("[[pattern]]\nHEADlanguage = \"go\"\nquery = '(nothing) @match'", "not a query, in line 1 column 2"),
    ("[[pattern]]\nHEADlanguage = \"cobol\"\nquery = '(a) @b'", "language = \"cobol\": not a known word"),
    ("[[text]]\nHEADmatches = 'a'", "text[0]: about every file"),
    (
        "[[change]]\nrule = \"python/weak-hsh\"\noff = true\nreason = \"r\"",
        "not a rule that can be changed\n    expected: the id of a built-in rule or an alias, such as \"python/weak-hash\"",
    ),
    ("[[change]]\nrule = \"baseline/stale-entry\"\noff = false\nreason = \"r\"", "change[0]: not one change"),
];

fn told(text: &str) -> String {
    let file = RuleFile { name: "r.toml".to_owned(), text: Ok(text.to_owned()) };
    let error = Rules::load(&[file]).expect_err(text);
    error.source().unwrap().to_string()
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (text, said) in CASES {
        let text = format!("format = 1\n{}", text.replace("HEAD", HEAD));
        let told = told(&text);
        assert!(told.contains(said) && told.starts_with("r.toml:"), "{text}\n---\n{told}");
    }
}

#[test]
fn ids_are_the_project_s_own() {
    for (id, said) in [
        (
            "python/mine",
            "`python` is an area of the built-in rules\n    expected: an area of your own, such as \"our/mine\"",
        ),
        ("mine", "not an id"),
        ("Our/rule", "not an id"),
        ("our/", "not an id"),
        ("our/a/b", "not an id"),
    ] {
        let told = told(&format!("format = 1\n[[ban]]\n{}call = [\"a.b\"]", HEAD.replace("our/rule", id)));
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told =
        told("format = 1\n[[ban]]\nid = \"x\"\nseverity = \"bad\"\ncwe = 0\n[[sink]]\nkind = 1\n[[chnge]]\n");
    assert_eq!(told.matches("r.toml:").count(), 9, "{told}");
    let newer = self::told("format = 2\nx = 1");
    assert!(newer.contains("format = 2: not a format that this version reads"), "{newer}");
}
