//! What is found, what is not, and that it ends.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Flows, SourceFile, UnfollowedReason, follow};
use crate::finding::{Confidence, Severity};

fn flows(files: &[(&str, &str)]) -> Flows {
    let files: Vec<_> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    follow(&files)
}

/// The rules that find something in a handler of Flask with this body.
fn in_handler(body: &str) -> Vec<&'static str> {
    let body: String = body.lines().fold(String::new(), |mut all, line| {
        writeln!(all, "    {line}").unwrap();
        all
    });
    let text = format!(
        "import os, flask\nfrom flask import request\napp = flask.Flask('x')\n@app.route('/x')\ndef handler():\n    x = request.args.get('x')\n{body}"
    );
    let flows = flows(&[("a.py", &text)]);
    assert_eq!(flows.unfollowed, [], "{text}");
    flows.findings.iter().map(|finding| finding.rule.id).collect()
}

#[track_caller]
fn is_found(rule: &str, body: &str) {
    assert!(in_handler(body).contains(&rule), "{rule} not found in {body}");
}

#[track_caller]
fn is_clean(body: &str) {
    assert_eq!(in_handler(body), Vec::<&str>::new(), "{body}");
}

#[test]
fn every_kind_of_harm_is_found() {
    for (rule, body) in [
        (
            "python/sql-injection",
            "import sqlite3\nsqlite3.connect('x').cursor().execute('select a from b where c=' + x)",
        ),
        ("python/sql-injection", "db.execute(f'SELECT a FROM b WHERE c = {x}')"),
        ("python/command-injection", "os.system('ls ' + x)"),
        ("python/command-injection", "import subprocess\nsubprocess.run(f'ls {x}', shell=True)"),
        ("python/command-injection", "import subprocess\nsubprocess.run(['sh', '-c', 'ls ' + x])"),
        ("python/code-injection", "eval(x)"),
        ("python/ldap-injection", "import ldap3\nldap3.Connection('x').search('o=x', f'(uid={x})')"),
        ("python/xpath-injection", "import lxml.etree\nlxml.etree.parse('a').xpath('/a[@b=%s]' % x)"),
        ("python/template-injection", "flask.render_template_string('a {}'.format(x))"),
        ("python/path-traversal", "open('/data/' + x)"),
        ("python/path-traversal", "import pathlib\n(pathlib.Path('/data') / x).read_text()"),
        ("python/unsafe-deserialisation", "import pickle, base64\npickle.loads(base64.b64decode(x))"),
        ("python/unsafe-deserialisation", "import yaml\nyaml.load(x, Loader=yaml.Loader)"),
        (
            "python/external-entities",
            "import lxml.etree\np = lxml.etree.XMLParser(resolve_entities=True)\nlxml.etree.fromstring(x, p)",
        ),
        ("python/request-forgery", "import requests\nrequests.get(x)"),
        ("python/request-forgery", "import requests\nrequests.get('https://' + x + '.example.org/')"),
        ("python/open-redirect", "return flask.redirect(x)"),
        ("python/cross-site-scripting", "return '<p>' + x"),
        ("python/cross-site-scripting", "return flask.make_response((x, 200))"),
        ("python/trust-boundary", "flask.session['user'] = x"),
    ] {
        is_found(rule, body);
    }
}

#[test]
fn harmless_uses_are_clean() {
    for body in [
        "import sqlite3\nsqlite3.connect('x').cursor().execute('select a from b where c=?', (x,))",
        "import subprocess\nsubprocess.run(['ls', x])",
        "import shlex\nos.system('ls ' + shlex.quote(x))",
        "import html\nreturn '<p>' + html.escape(x)",
        "return flask.jsonify(a=x)",
        "return {'a': x}",
        "import json\nreturn flask.Response(x, mimetype='application/json')",
        "return flask.render_template('a.html', x=x)",
        "open('/data/%d' % int(x))",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        "import pathlib\np = (pathlib.Path('/data') / x).resolve()\nif not p.is_relative_to('/data'):\n    return ''\nreturn p.read_text()",
        "import requests\nrequests.get('https://example.org/' + x)",
        "return flask.redirect('/users/' + x)",
        "import lxml.etree\nlxml.etree.parse('a').xpath('/a[@b=$c]', c=x)",
        "import werkzeug.utils\nopen('/data/' + werkzeug.utils.secure_filename(x))",
        "import lxml.etree\nlxml.etree.fromstring(x, lxml.etree.XMLParser(resolve_entities=False))",
        "i = request.args.get('i', type=int)\neval('a[%s]' % i)",
        "import hashlib\nopen('/data/' + hashlib.sha256(x.encode()).hexdigest())",
        "task.execute(len(x))",
    ] {
        is_clean(body);
    }
}

#[test]
fn branches_nobody_takes_are_not_followed() {
    is_clean("n = 106\ny = 'a' if 7 * 18 + n > 200 else x\neval(y)");
    is_found("python/code-injection", "n = 6\ny = 'a' if 7 * 18 + n > 200 else x\neval(y)");
    is_clean("y = 'never'\nif 'always' in y:\n    y = x\neval(y)");
    is_clean(
        "g = 'ABC'[1]\nmatch g:\n    case 'A': y = x\n    case 'B': y = 'b'\n    case 'C' | 'D': y = x\n    case _: y = ''\neval(y)",
    );
    is_found("python/code-injection", "match other():\n    case 'A': y = x\n    case _: y = ''\neval(y)");
    is_clean("if 1 < 2:\n    y = 'a'\nelse:\n    y = x\neval(y)");
    is_found(
        "python/code-injection",
        "a = b = c = d = e = f = ''\nfor i in unknown:\n    a = b\n    b = c\n    c = d\n    d = e\n    e = f\n    f = x\neval(a)",
    );
    // A count that a loop changes is not known.
    is_found(
        "python/code-injection",
        "n = 0\ny = ''\nfor i in unknown:\n    n = n + 1\n    if n == 50:\n        y = x\neval(y)",
    );
    is_clean("y = ''\nwhile False:\n    y = x\neval(y)");
    is_clean("return ''\neval(x)");
    is_found(
        "python/code-injection",
        "try:\n    y = x\nexcept ValueError:\n    y = ''\nfinally:\n    eval(y)",
    );
}

#[test]
fn keys_are_told_apart() {
    is_clean("d = {'a': x}\nd['b'] = 'safe'\neval(d['b'])");
    is_found("python/code-injection", "d = {'a': x}\nd['b'] = 'safe'\neval(d['a'])");
    is_found("python/code-injection", "d = {}\nd[unknown] = x\neval(d['a'])");
    is_clean("l = ['a', x, 'b']\nl.pop(0)\neval(l[1])");
    is_found("python/code-injection", "l = ['a', x, 'b']\nl.pop(0)\neval(l[0])");
    is_found("python/code-injection", "l = []\nfor i in range(9):\n    l.append(x)\neval(l[3])");
    let store = "import configparser\nc = configparser.ConfigParser()\nc.add_section('s')\nc.set('s', 'A', 'safe')\nc.set('s', 'B', x)\n";
    is_clean(&format!("{store}eval(c.get('s', 'a'))"));
    is_found("python/code-injection", &format!("{store}eval(c.get('s', 'b'))"));
    is_found("python/code-injection", "a, b = x, 'safe'\neval(a)");
    is_clean("a, b = x, 'safe'\neval(b)");
    is_found("python/code-injection", "d = {}\ne = d\ne['a'] = x\neval(d['a'])");
}

#[test]
fn checks_rule_harm_out() {
    for body in [
        "if x not in ['a', 'b']:\n    return ''\neval(x)",
        "if x == 'a':\n    eval(x)",
        "if not x.isalnum():\n    return ''\nos.system('ls ' + x)",
        "if '../' in x:\n    return ''\nopen('/data/' + x)",
        "p = os.path.realpath('/data/' + x)\nif not p.startswith('/data/'):\n    return ''\nopen(p)",
        "import urllib.parse\nu = urllib.parse.urlparse(x)\nif u.netloc not in ['example.org'] or u.scheme != 'https':\n    return ''\nreturn flask.redirect(x)",
        "if not x.startswith('\\'') or not x.endswith('\\'') or '\\'' in x[1:-1]:\n    return ''\neval(x)",
        "import re\nif not re.fullmatch('[a-z_]+', x):\n    return ''\nos.system('ls ' + x)",
        "import lxml.etree\nlxml.etree.parse('a').xpath('/a[@b=\\'' + x.replace('\\'', '') + '\\']')",
    ] {
        is_clean(body);
    }
    is_clean(
        "def check(v):\n    if not v.isalnum():\n        raise ValueError()\ncheck(x)\nos.system('ls ' + x)",
    );
    for (rule, body) in [
        (
            "python/command-injection",
            "def check(v):\n    if v.isalnum():\n        return\ncheck(x)\nos.system(x)",
        ),
        (
            "python/command-injection",
            "def read(k):\n    return request.args.get(k)\na = read('a')\nb = read('b')\nif not a.isalnum():\n    return ''\nos.system(b)",
        ),
        ("python/cross-site-scripting", "import html\ny = html.escape(x) if a else x\nreturn y"),
        ("python/cross-site-scripting", "import base64\nreturn base64.b64decode(base64.b64encode(x))"),
        // The other branch, another variable, another text, a check that comes too late.
        ("python/code-injection", "if x in ['a', 'b']:\n    return ''\neval(x)"),
        ("python/code-injection", "if x in 'abc':\n    eval(x)"),
        (
            "python/path-traversal",
            "if '../' in x:\n    return ''\nimport urllib.parse\nopen('/data/' + urllib.parse.unquote(x))",
        ),
        (
            "python/path-traversal",
            "p = os.path.realpath('/data/' + x)\nif not p.startswith('/data/'):\n    return ''\nopen('/data/' + x)",
        ),
        ("python/path-traversal", "p = '/data/' + x\nif not p.startswith('/data/'):\n    return ''\nopen(p)"),
        ("python/path-traversal", "open('/data/' + x)\nif '../' in x:\n    return ''"),
        ("python/command-injection", "import re\nif not re.match('[a-z]+', x):\n    return ''\nos.system(x)"),
        ("python/command-injection", "import re\nif not re.fullmatch('.*', x):\n    return ''\nos.system(x)"),
        (
            "python/code-injection",
            "if not x.startswith('\\'') or not x.endswith('\\''):\n    return ''\neval(x)",
        ),
        (
            "python/code-injection",
            "while x:\n    if x.isalnum():\n        break\n    x = request.args['y']\n    eval(x)",
        ),
    ] {
        is_found(rule, body);
    }
}

#[test]
fn functions_of_other_files_are_followed() {
    let helpers = "class Wrapper:\n    def __init__(self, request):\n        self.request = request\n    def get(self, name):\n        return self.request.args.get(name)\n    def safe(self, name):\n        return 'safe'\ndef clean(text):\n    out = ''\n    for c in text:\n        if c.isalnum() or c in ['.', '_']:\n            out += c\n        else:\n            out += hex(ord(c))\n    return out\ndef run(code):\n    eval(code)\n";
    let handler = |body: &str| {
        format!(
            "from flask import request\nimport tools.helpers\nfrom tools import helpers as h\n@app.route('/')\ndef handler():\n    x = tools.helpers.Wrapper(request).get('x')\n    {body}\n"
        )
    };
    let rules = |body: &str| {
        let flows = flows(&[("tools/helpers.py", helpers), ("app.py", &handler(body))]);
        flows
            .findings
            .iter()
            .map(|one| format!("{} {} {}", one.rule.id, one.place.file, one.context))
            .collect::<Vec<_>>()
    };
    assert_eq!(rules("h.run(x)"), ["python/code-injection tools/helpers.py run"]);
    assert_eq!(rules("return h.clean(x)"), Vec::<String>::new());
    assert_eq!(rules("return '<p>' + x"), ["python/cross-site-scripting app.py handler"]);
    assert_eq!(rules("h.run(tools.helpers.Wrapper(request).safe('x'))"), Vec::<String>::new());
}

#[test]
fn handlers_of_each_framework_are_known() {
    let fastapi = "from fastapi import APIRouter, Depends, Request\nfrom pydantic import BaseModel\nimport httpx\nrouter = APIRouter()\nclass Body(BaseModel):\n    url: str\n    count: int\n    other: str = ''\ndef service() -> str: return ''\n@router.post('/a')\nasync def a(body: Body, r: Request, n: int, s = Depends(service)):\n    ONE\n";
    for (one, found) in [
        ("await httpx.AsyncClient().get(body.url)", true),
        ("await httpx.AsyncClient().get(body.other)", true),
        ("await httpx.AsyncClient().get((await r.json())['x'])", true),
        ("await httpx.AsyncClient().get('http://%s' % body.count)", false),
        ("await httpx.AsyncClient().get('http://%s' % n)", false),
        ("await httpx.AsyncClient().get(s)", false),
    ] {
        let flows = flows(&[("a.py", &fastapi.replace("ONE", one))]);
        assert_eq!(flows.findings.len(), usize::from(found), "{one}: {:?}", flows.findings);
    }
    let django = "from django.http import HttpResponse\nfrom django.shortcuts import redirect\ndef view(request):\n    return redirect(request.GET['next'])\nclass View:\n    def get(self, request, name):\n        return HttpResponse('<p>' + request.POST.get('a', ''))\n";
    let found = flows(&[("a.py", django)]).findings;
    let ids: Vec<_> = found.iter().map(|one| one.rule.id).collect();
    assert_eq!(ids, ["python/open-redirect", "python/cross-site-scripting"]);
}

#[test]
fn the_path_of_a_fixed_route_is_nobody_s() {
    let text = |route: &str| {
        format!(
            "from flask import request\n@app.route('{route}')\ndef a():\n    return b()\ndef b():\n    eval(request.path.split('/')[1])\n"
        )
    };
    // `b` alone could be reached from anywhere: it is found once for each way.
    let place = |route: &str| {
        let flows = flows(&[("a.py", &text(route))]);
        flows.findings.first().map(|one| one.steps.len())
    };
    assert_eq!(place("/a"), place("/a/<name>"));
    is_clean("eval(request.path)");
}

#[test]
fn confidence_and_way_are_honest() {
    let text = "from flask import request\nimport sqlite3, strange\n@app.route('/')\ndef h():\n    x = request.args['x']\n    y = strange.change(x)\n    eval(x)\n    eval(y)\n    if is_valid(x):\n        eval(x)\n";
    let found = flows(&[("a.py", text)]).findings;
    let said: Vec<_> = found.iter().map(|one| (one.severity, one.confidence, one.steps.len())).collect();
    assert_eq!(
        said,
        [
            (Severity::Critical, Confidence::High, 2),
            (Severity::High, Confidence::Medium, 3),
            (Severity::Medium, Confidence::Low, 2),
        ]
    );
    let steps: Vec<_> = found[1].steps.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(
        steps,
        ["`request.args` is what a stranger sends", "it is put into `x`", "it is put into `y`"]
    );
    assert_eq!(found[1].message, "what a stranger sends in `request.args` is run as code");
}

#[test]
fn variables_of_routes_hold_no_slash() {
    let confidences = |route: &str| {
        let text = format!(
            "from flask import request\n@app.route('{route}')\ndef h(a):\n    eval(a)\n    open('/data/' + a)\n"
        );
        flows(&[("a.py", &text)]).findings.iter().map(|one| one.confidence).collect::<Vec<_>>()
    };
    assert_eq!(confidences("/<a>"), [Confidence::High, Confidence::Low]);
    assert_eq!(confidences("/<path:a>"), [Confidence::High, Confidence::High]);
    assert_eq!(confidences("/<int:a>"), []);
}

#[test]
fn comments_take_flows_back() {
    let text = "from flask import request\n@app.route('/')\ndef h():\n    eval(request.args['x'])  # nosec\n";
    let flows = flows(&[("a.py", text)]);
    assert_eq!((flows.findings.len(), flows.suppressed.len()), (0, 1));
}

#[test]
fn result_depends_on_nothing_else() {
    let one = (
        "b.py",
        "from flask import request\nfrom a import run\n@app.route('/')\ndef h():\n    run(request.args['x'])\n    exec(request.args['x'])\n",
    );
    let other = ("a.py", "def run(x):\n    eval(x)\n");
    let unrelated = ("c.py", "import os\nos.system(input())\n");
    let first = flows(&[one, other, unrelated]);
    assert_eq!(first, flows(&[unrelated, other, one]));
    assert_eq!((first.findings.len(), first.followed), (2, 2));
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(first, alone.install(|| flows(&[one, other, unrelated])));
}

#[test]
fn hostile_files_end() {
    let head = "from flask import request\n@app.route('/')\ndef h():\n    x = request.args['x']\n";
    let branches: String = (0..3_000).fold(String::new(), |mut all, index| {
        writeln!(all, "    if c{index}:\n        v{index} = x\n    else:\n        w{index} = x").unwrap();
        all
    });
    let calls: String = (0..400).fold(String::new(), |mut all, index| {
        writeln!(
            all,
            "def f{index}(a, b):\n    return f{}(a + b, b) + f{}(b, a) + f{}([a], {{'k': b}})",
            index + 1,
            index + 1,
            index + 2
        )
        .unwrap();
        all
    });
    let flows = flows(&[
        ("branches.py", &format!("{head}{branches}")),
        ("calls.py", &format!("{head}    f0(x, [x])\n{calls}")),
        ("deep.py", &format!("{head}    y = {}x{}\n", "(".repeat(5_000), ")".repeat(5_000))),
        (
            "loops.py",
            &format!(
                "{head}    while a:\n        while b:\n            while c:\n                x = [x, x]\n                y = {{'a': x}}\n    eval(x)\n"
            ),
        ),
        (
            "self.py",
            &format!(
                "{head}    h()\n    g = lambda: g()\n    g()\nclass A(A):\n    def m(self): return self.m()\n"
            ),
        ),
    ]);
    assert!(flows.unfollowed.iter().any(|one| one.path == "deep.py"), "{:?}", flows.unfollowed);
    assert!(flows.unfollowed.iter().any(|one| one.path == "branches.py"
        && matches!(&one.reason, UnfollowedReason::TooManyWays { function, line: 3 } if function == "h")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_program_is_followed(lines in prop::collection::vec(line(), 1..24)) {
        let mut text = "from flask import request\n@app.route('/<a>')\ndef h(a):\n".to_owned();
        for (indent, line) in &lines {
            let _ = writeln!(text, "{}{line}", " ".repeat(4 + indent));
        }
        let first = flows(&[("a.py", &text)]);
        prop_assert_eq!(first, flows(&[("a.py", &text)]));
    }
}

/// A line of a program, and how far it is indented.
fn line() -> impl Strategy<Value = (usize, String)> {
    let name = || prop::sample::select(vec!["a", "b", "c", "self", "h", "request.form"]);
    let one = (name(), name(), name(), 0..22_usize).prop_map(|(x, y, z, kind)| match kind {
        0 => format!("{x} = {y} + {z}"),
        1 => format!("{x} = [{y}, {z}]"),
        2 => format!("{x} = {{'k': {y}, {z}: 1}}"),
        3 => format!("{x} = {y}[{z}]"),
        4 => format!("{x} = {y}.{z}({x})"),
        5 => format!("for {x} in {y}: {z} = {x}"),
        6 => format!("while {x}: {y} = {z}; break"),
        7 => format!("if {x} in {y}: eval({z})"),
        8 => format!("def {x}({y}=1, *args, **kw): return {z}"),
        9 => format!("{x} = lambda *a: {y}({z})"),
        10 => format!("with {x} as ({y}, *{z}): pass"),
        11 => format!("{x} = [{y} for {y} in {z} if {y}]"),
        12 => format!("{x}.append({y}); {x}.pop({z})"),
        13 => format!("{x} = f'{{{y}!r:>{{{z}}}}}'"),
        14 => format!("import {x} as {y}"),
        15 => format!("return {x}({y}, *{z}, **{x})"),
        16 => format!("{x} = {y} if {z} else {x}[1:-1]"),
        17 => format!("{x} += {y}"),
        18 => format!("class {x}({y}): {z} = 1"),
        19 => format!("try: {x} = {y}\n    except {z}: raise"),
        20 => format!("match {x}:\n        case [{y}, *_] | {{'k': {y}}}: {z} = {y}"),
        _ => format!("{x}[{y}] = {z}"),
    });
    ((0..3_usize).prop_map(|level| level * 4), one)
}

#[test]
fn what_is_looked_up_is_not_what_was_asked() {
    is_clean("y = User.query.get(x)\neval(y)");
    is_clean("y = getattr(release, x)\neval(y)");
    is_found("python/code-injection", "y = unknown.change(x)\neval(y)");
    is_clean("u = url_for('a') + '?q=%s' % x\nreturn flask.redirect(u)");
    is_clean("import requests\nrequests.get(f'{config.BASE}/users/{x}')");
    is_found("python/request-forgery", "import requests\nrequests.get(f'{config.SCHEME}{x}')");
}

#[test]
fn rules_have_names_of_their_own() {
    let others: Vec<&str> = crate::python::rules::all().map(|check| check.rule.id).collect();
    let own: Vec<&str> = super::rules().map(|rule| rule.id).collect();
    assert_eq!(own.len(), 13);
    assert!(own.iter().all(|id| id.starts_with("python/") && !others.contains(id)));
}

#[test]
fn long_ways_are_told_short() {
    let mut text =
        "from flask import request\n@app.route('/')\ndef h():\n    y0 = request.args['x']\n".to_owned();
    for index in 0..200 {
        writeln!(text, "    y{} = y{index}", index + 1).unwrap();
    }
    text.push_str("    eval(y200)\n");
    let found = flows(&[("a.py", &text)]).findings;
    assert_eq!(found.len(), 1);
    assert!(found[0].steps.len() <= 40, "{}", found[0].steps.len());
}
