//! What comes out of fixes, text by text.

use super::*;
use crate::{
    finding::{Confidence, Cwe, Fingerprint, Place, Rule, Severity, Span, Wording},
    python::{Audit, Parse},
    remedy::edit::Edits,
};

fn project(minor: Option<u8>) -> Project {
    let installed = ["defusedxml".to_owned()].into_iter().collect();
    let modules = ["html".to_owned()].into_iter().collect();
    Project { python_minimum: minor.map(PythonVersion), installed, modules }
}

fn remedies(text: &str, minor: Option<u8>) -> Vec<Remedy> {
    let report = Audit::default().bytes("a.py", text.as_bytes(), Parse::Always);
    for_python("a.py", text.as_bytes(), &report.findings, &project(minor))
}

/// The classes of the remedies with changes, and the text after all of them.
fn mended(text: &str) -> (String, String) {
    let remedies = remedies(text, Some(9));
    let changing: Vec<_> = remedies.iter().filter(|remedy| !remedy.changes.is_empty()).collect();
    let classes = changing.iter().map(|remedy| remedy.class.to_string()).collect();
    let edits = Edits::of("a.py", changing);
    (classes, String::from_utf8(edits.apply(Some(text.as_bytes())).unwrap().bytes()).unwrap())
}

fn assert_mended(cases: &[(&str, &str, &str)]) {
    for (before, class, after) in cases {
        let (classes, text) = mended(before);
        assert_eq!((classes.as_str(), text.as_str()), (*class, *after), "{before}");
    }
}

#[test]
fn keys_say_what_they_are_not_for() {
    assert_mended(&[
        (
            "import hashlib\nkey = f(hashlib.md5(cache_key))",
            "A",
            "import hashlib\nkey = f(hashlib.md5(cache_key, usedforsecurity=False))",
        ),
        (
            "import hashlib\netag = hashlib.md5()",
            "A",
            "import hashlib\netag = hashlib.md5(usedforsecurity=False)",
        ),
        (
            "import hashlib\netag = hashlib.md5((x), # x\n)",
            "A",
            "import hashlib\netag = hashlib.md5((x), usedforsecurity=False # x\n)",
        ),
        (
            "import hashlib\netag = hashlib.md5((x) # x\n)",
            "A",
            "import hashlib\netag = hashlib.md5((x), usedforsecurity=False # x\n)",
        ),
        (
            "from hashlib import new as n\netag = n('md5', b'x')",
            "A",
            "from hashlib import new as n\netag = n('md5', b'x', usedforsecurity=False)",
        ),
        (
            "import hashlib\netag = hashlib.md5(a for a in x)",
            "A",
            "import hashlib\netag = hashlib.md5((a for a in x), usedforsecurity=False)",
        ),
        ("import hashlib\netag = hashlib.md5(*x)", "", "import hashlib\netag = hashlib.md5(*x)"),
        (
            "import hashlib\netag = hashlib.md5(x, usedforsecurity=True)",
            "",
            "import hashlib\netag = hashlib.md5(x, usedforsecurity=True)",
        ),
        ("import hashlib\nh = hashlib.md5(password)", "C", "import hashlib\nh = hashlib.sha256(password)"),
        ("import hashlib\nh = hashlib.md5(x)", "", "import hashlib\nh = hashlib.md5(x)"),
    ]);
}

/// What a hostile user of `--fix` had marked as no security: the tests cannot notice, since nothing changes but what is found.
#[test]
fn digests_that_decide_something_are_a_persons() {
    let class = |body: &str| {
        let text = format!("import hashlib, hmac, sys\n{body}");
        let all = remedies(&text, Some(9));
        all.iter().find(|one| one.finding.rule.id == "python/weak-hash").unwrap().class
    };
    let digest = "etag = hashlib.md5(x).hexdigest()";
    for decides in [
        "if etag != expected:\n    sys.exit(1)",
        "while etag == seen: pass",
        "assert etag.lower() == given",
        "x = 1 if etag in known else 2",
        "same = hmac.compare_digest(etag, given)",
        "same = not (etag == given)",
        "other = etag[:8]\nif given == other: raise E",
        "match etag:\n    case 'x': pass",
        "y = [z for z in w if z == etag]",
    ] {
        assert_eq!(class(&format!("{digest}\n{decides}")), Class::C, "{decides}");
    }
    for guards in [
        "def content_hash(x):\n    return hashlib.md5(x).hexdigest()\ndef f(a, b):\n    return content_hash(a) == b",
        "class A:\n    def etag(self, x):\n        return hashlib.md5(x).hexdigest()\n    def f(self, x, y):\n        now = self.etag(x)\n        if now != y: raise E",
        "etag = hashlib.md5()\netag.update(x)\nif etag.hexdigest() != y: raise E",
        "if hashlib.md5(cache_body).hexdigest() != y: raise E",
        "def fingerprint(public_key):\n    return hashlib.md5(public_key).hexdigest()",
        "checksum = hashlib.md5(x)",
        "cache_key = hashlib.md5(public_key)",
    ] {
        assert_eq!(class(guards), Class::C, "{guards}");
    }
    for names in [
        "if cache.get(f'q:{etag}'): pass",
        "said = {'synchronized': etag == given}",
        "if other == expected: raise E",
    ] {
        assert_eq!(class(&format!("{digest}\n{names}")), Class::A, "{names}");
    }
}

#[test]
fn own_modules_stand_before_the_librarys() {
    let text = "import random\ntoken = random.choice(x)\n";
    let of = |own: &str| {
        let findings = Audit::default().bytes("a.py", text.as_bytes(), Parse::Always).findings;
        let modules = [own.to_owned()].into_iter().collect();
        for_python("a.py", text.as_bytes(), &findings, &Project { modules, ..project(Some(9)) })
    };
    assert!(of("secret").iter().any(Remedy::is_applicable));
    assert!(of("secrets").iter().all(|remedy| remedy.class == Class::C && remedy.changes.is_empty()));
}

#[test]
fn class_depends_on_the_oldest_python() {
    let text = "import hashlib\netag = hashlib.md5(x)";
    let class = |minor| remedies(text, minor)[0].class;
    assert_eq!([class(None), class(Some(8)), class(Some(9))], [Class::B, Class::B, Class::A]);
}

#[test]
fn arguments_go_with_their_commas() {
    let head = "import requests\n";
    for (before, after) in [
        ("requests.get(u, verify=False, timeout=1)", "requests.get(u, timeout=1)"),
        ("requests.get(u, timeout=1, verify=False)", "requests.get(u, timeout=1)"),
        ("requests.get(u, timeout=1, verify=False,)", "requests.get(u, timeout=1,)"),
        ("requests.get(u, verify=False)", "requests.get(u, timeout=10)"),
        ("requests.get(u, timeout=None)", "requests.get(u, timeout=10)"),
        ("requests.get(u,\n    timeout=1,\n    verify=False,\n)", "requests.get(u,\n    timeout=1,\n)"),
        ("requests.get(u, # why\n    verify=False, timeout=1)", "requests.get(u, # why\n    timeout=1)"),
        (
            "requests.get(u, timeout=1, # why\n    verify=False)",
            "requests.get(u, timeout=1, # why\n    verify=False)",
        ),
        ("requests.get(u, **k)", "requests.get(u, **k)"),
        ("f'{requests.get(u)}'", "f'{requests.get(u)}'"),
    ] {
        let (classes, text) = mended(&format!("{head}{before}"));
        assert_eq!(text, format!("{head}{after}"));
        assert!(classes.chars().all(|class| class == 'B'), "{classes}");
    }
}

#[test]
fn loaders_become_safe() {
    assert_mended(&[
        ("import yaml\nyaml.load(x)", "B", "import yaml\nyaml.safe_load(x)"),
        ("import yaml as y\ny.load(x, Loader=y.Loader)", "B", "import yaml as y\ny.safe_load(x)"),
        ("import yaml\nyaml.load(x, (yaml.Loader))", "B", "import yaml\nyaml.safe_load(x)"),
        ("from yaml import load\nload(x)", "B", "import yaml\nfrom yaml import load\nyaml.safe_load(x)"),
        ("from yaml import load\nyaml = 1\nload(x)", "", "from yaml import load\nyaml = 1\nload(x)"),
        (
            "import yaml\nyaml.load(x, Loader=theirs.Loader)",
            "",
            "import yaml\nyaml.load(x, Loader=theirs.Loader)",
        ),
        (
            "import yaml\nclass Tags(yaml.SafeLoader): pass\nclass More(Tags): pass\nyaml.load(x, Loader=More)",
            "",
            "import yaml\nclass Tags(yaml.SafeLoader): pass\nclass More(Tags): pass\nyaml.load(x, Loader=More)",
        ),
    ]);
}

#[test]
fn imports_are_added_once_where_they_belong() {
    assert_mended(&[
        (
            "'''doc'''\nfrom __future__ import annotations\r\nx = eval('1'), eval('[2]')",
            "BB",
            "'''doc'''\nfrom __future__ import annotations\r\nimport ast\nx = ast.literal_eval('1'), ast.literal_eval('[2]')",
        ),
        (
            "#!/bin/python\n# note\nimport os\neval('(1, -2)')",
            "B",
            "#!/bin/python\n# note\nimport ast\nimport os\nast.literal_eval('(1, -2)')",
        ),
        ("eval('1'); import os", "B", "import ast\nast.literal_eval('1'); import os"),
        ("import ast\neval('1')", "B", "import ast\nast.literal_eval('1')"),
        ("ast = 1\neval('1')", "", "ast = 1\neval('1')"),
        ("eval('os.getcwd()')\neval(x)", "", "eval('os.getcwd()')\neval(x)"),
        ("eval('1')\nast = 1", "", "eval('1')\nast = 1"),
        ("def f(ast):\n    eval('1')", "", "def f(ast):\n    eval('1')"),
    ]);
}

#[test]
fn fixed_commands_need_no_shell() {
    assert_mended(&[
        (
            "import subprocess\nsubprocess.run('/bin/ls -l', shell=True)",
            "B",
            "import subprocess\nsubprocess.run([\"/bin/ls\", \"-l\"])",
        ),
        (
            "import subprocess\nsubprocess.run('ls', shell=True, executable='/bin/bash')",
            "",
            "import subprocess\nsubprocess.run('ls', shell=True, executable='/bin/bash')",
        ),
        (
            "import subprocess\nsubprocess.run('ls *', shell=True)",
            "",
            "import subprocess\nsubprocess.run('ls *', shell=True)",
        ),
        (
            "import subprocess\nsubprocess.run(x, shell=True)",
            "",
            "import subprocess\nsubprocess.run(x, shell=True)",
        ),
    ]);
}

#[test]
fn secrets_are_drawn_from_the_system() {
    assert_mended(&[
        (
            "import random\ntoken = random.randint(0, 9)",
            "B",
            "import secrets\nimport random\ntoken = secrets.SystemRandom().randint(0, 9)",
        ),
        (
            "from random import choice\npassword = choice(x)",
            "B",
            "import secrets\nfrom random import choice\npassword = secrets.SystemRandom().choice(x)",
        ),
        (
            "import random\nrandom.seed(1)\ntoken = random.random()",
            "",
            "import random\nrandom.seed(1)\ntoken = random.random()",
        ),
        ("import random\nx = random.random()", "", "import random\nx = random.random()"),
    ]);
}

#[test]
fn parsers_are_defused_where_installed() {
    let text = "import xml.etree.ElementTree as ET\nET.fromstring(x)";
    let after = "import defusedxml.ElementTree\nimport xml.etree.ElementTree as ET\ndefusedxml.ElementTree.fromstring(x)";
    assert_mended(&[(text, "B", after)]);
    let report = Audit::default().bytes("a.py", text.as_bytes(), Parse::Always);
    let absent = for_python("a.py", text.as_bytes(), &report.findings, &Project::default());
    assert!(absent.iter().all(|remedy| remedy.class == Class::C));
}

#[test]
fn debugger_and_archives_are_mended() {
    assert_mended(&[
        (
            "from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)",
            "B",
            "from flask import Flask\napp = Flask(__name__)\napp.run()",
        ),
        (
            "import tarfile\ntarfile.open(x).extractall()",
            "B",
            "import tarfile\ntarfile.open(x).extractall(filter=\"data\")",
        ),
    ]);
}

#[test]
fn every_finding_gets_a_remedy() {
    let text = "assert x\nHOST = '0.0.0.0'\nimport tempfile\ntempfile.mktemp()\nexec(x)\n";
    let remedies = remedies(text, None);
    assert_eq!(remedies.len(), 4);
    assert!(
        remedies
            .iter()
            .all(|remedy| remedy.class == Class::C && !remedy.what.is_empty() && !remedy.why.is_empty())
    );
}

#[test]
fn broken_files_are_left_alone() {
    let remedies = remedies("import hashlib\netag = hashlib.md5(x)\nif:\n", Some(9));
    assert!(remedies.iter().all(|remedy| !remedy.is_applicable()), "{remedies:?}");
}

static COOKIE: Rule = Rule {
    id: "test/cookie",
    title: "a cookie that everybody sees",
    cwe: Cwe(614),
    severity: Severity::Medium,
    aliases: &[],
    advice: "set `secure`",
};

#[test]
fn cookies_get_what_they_lack() {
    for (before, after) in [
        ("r.set_cookie('a', 'b')", "r.set_cookie('a', 'b', secure=True, httponly=True, samesite=\"Lax\")"),
        (
            "r.set_cookie('a', secure=False, samesite='strict')",
            "r.set_cookie('a', secure=True, samesite='strict', httponly=True)",
        ),
        ("r.set_cookie('a', **more)", "r.set_cookie('a', **more)"),
    ] {
        let end_column = u32::try_from(before.len()).unwrap() + 1;
        let span = Span { line: 1, column: 1, end_line: 1, end_column };
        let finding = Finding {
            rule: &COOKIE,
            severity: COOKIE.severity,
            confidence: Confidence::High,
            place: Place { file: "a.py".to_owned(), span: Some(span) },
            context: String::new(),
            subject: String::new(),
            message: String::new(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        };
        let remedies = for_python("a.py", before.as_bytes(), &[finding], &project(None));
        let edits = Edits::of("a.py", &remedies);
        assert_eq!(String::from_utf8(edits.apply(Some(before.as_bytes())).unwrap().bytes()).unwrap(), after);
    }
}
