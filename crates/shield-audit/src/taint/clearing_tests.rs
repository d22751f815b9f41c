//! What looks like a check and is none, and how far data is followed.

use std::fmt::Write as _;

use super::{Flows, Limit, SourceFile, UnfollowedReason, follow};
use crate::finding::Confidence;

fn flows(text: &str) -> Flows {
    follow(&[SourceFile { path: "a.py", text }])
}

const HEAD: &str = "import os, re, html, shlex, random, secrets, time, urllib.parse, sqlite3, jwt, sqlalchemy\nimport flask\nfrom flask import request, redirect, session\napp = flask.Flask('x')\nALLOWED = set(os.environ)\n@app.route('/')\ndef h():\n    x = request.args['x']\n    db = sqlite3.connect('a')\n";

/// What is found in a handler with this body: rule and confidence.
fn found(body: &str) -> Vec<(&'static str, Confidence)> {
    let mut text = HEAD.to_owned();
    for line in body.lines() {
        writeln!(text, "    {line}").unwrap();
    }
    let flows = flows(&text);
    assert_eq!(flows.unfollowed, [], "{body}");
    flows.findings.iter().map(|one| (one.rule.id, one.confidence)).collect()
}

#[track_caller]
fn all_found(rule: &str, bodies: &[&str]) {
    for body in bodies {
        assert!(
            found(body).iter().any(|(id, _)| *id == rule),
            "{rule} not found in {body}: {:?}",
            found(body)
        );
    }
}

#[track_caller]
fn all_clean(bodies: &[&str]) {
    for body in bodies {
        assert_eq!(found(body), [], "{body}");
    }
}

#[test]
fn tokens_must_be_verified() {
    all_found(
        "python/command-injection",
        &[
            "os.system(jwt.decode(x, options={'verify_signature': False})['cmd'])",
            "os.system(jwt.decode(x, 'k', ['HS256'], some.options)['cmd'])",
            "os.system(jwt.decode(x, verify=False)['cmd'])",
            "os.system(jwt.get_unverified_header(x)['kid'])",
            "import itsdangerous\nos.system(itsdangerous.Signer('k').loads_unsafe(x)[1])",
        ],
    );
    all_clean(&[
        "os.system(jwt.decode(x, 'k', algorithms=['HS256'])['cmd'])",
        "os.system(jwt.decode(x, 'k', ['HS256'], options={'verify_aud': False})['cmd'])",
        "os.system(jwt.decode(x, 'k', options={'verify_signature': True})['cmd'])",
    ]);
}

#[test]
fn quotation_marks_matter_where_they_are_open() {
    all_found(
        "python/sql-injection",
        &[
            "db.execute('select a from t where id=' + x.replace(\"'\", ''))",
            "if \"'\" in x:\n    return ''\ndb.execute('select a from t where id=' + x)",
            "y = x.replace(\"'\", '')\ndb.execute(f\"select a from t where n='b' and id={y}\")",
            "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where n='%s' and id=%s\" % ('b', y))",
            "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where n='b' and id={}\".format(y))",
            "y = x.replace('\"', '')\ndb.execute(\"select a from t where n='\" + y + \"'\")",
        ],
    );
    all_clean(&[
        "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where n='\" + y + \"'\")",
        "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where m='a' and n='b \" + y + \"'\")",
        "y = x.replace(\"'\", '')\ndb.execute(f\"select a from t where n='{y}'\")",
        "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where k=%s and n='%s'\" % (1, y))",
        "y = x.replace(\"'\", '')\ndb.execute(\"select a from t where n='{}'\".format(y))",
        "if \"'\" in x:\n    return ''\ndb.execute(\"select a from t where n='\" + x + \"'\")",
        "y = x.replace('\"', '')\ndb.execute('select a from t where n=\"' + y + '\"')",
    ]);
    // Where it is not known whether they are open, it is said less loudly.
    let body = "if \"'\" in x:\n    return ''\nq = \"select a from t where n='\"\nq += unknown()\nq += x\ndb.execute(q)";
    assert_eq!(found(body), [("python/sql-injection", Confidence::Low)]);
}

#[test]
fn encoding_keeps_some_characters() {
    all_found(
        "python/open-redirect",
        &[
            "return redirect(urllib.parse.quote(x))",
            "return redirect(urllib.parse.quote(x, safe=':/?=&'))",
            "return redirect(urllib.parse.quote_plus(x, safe=unknown))",
        ],
    );
    all_clean(&[
        "return redirect(urllib.parse.quote(x, safe=''))",
        "return redirect('/a?b=' + urllib.parse.quote_plus(x))",
        "os.system('ls ' + urllib.parse.quote(x))",
    ]);
    all_found(
        "python/cross-site-scripting",
        &[
            "return \"<a href='\" + html.escape(x, quote=False) + \"'>\"",
            "return f'<a href={html.escape(x, False)}>'",
        ],
    );
    all_clean(&[
        "return '<p>' + html.escape(x, quote=False)",
        "return \"<a href='\" + html.escape(x) + \"'>\"",
    ]);
    all_found(
        "python/command-injection",
        &["os.system(\"sh -c '%s'\" % shlex.quote(x))", "y = shlex.quote(x)\nos.system(f'sh -c \"ls {y}\"')"],
    );
    all_clean(&["os.system(\"echo 'a' \" + shlex.quote(x))"]);
}

#[test]
fn unknown_collections_allow_anything() {
    all_found(
        "python/command-injection",
        &[
            "if x in open('names.txt').read():\n    os.system(x)",
            "if x in unknown(1):\n    os.system(x)",
            "if x in session['names']:\n    os.system(x)",
        ],
    );
    all_clean(&[
        "if x in ALLOWED:\n    os.system(x)",
        "if x in app.config.NAMES:\n    os.system(x)",
        "names = {'a': 1}\nif x in names:\n    os.system(x)",
    ]);
}

#[test]
fn a_word_alone_is_a_command() {
    let whole = [
        "if x.isalnum():\n    os.system(x)",
        "if re.fullmatch('[a-z_]+', x):\n    os.system(x)",
        "if x.isidentifier():\n    eval(x + '()')",
        "y = ''.join(c for c in x if c.isalpha())\nos.system(y)",
        "if x.isalpha():\n    os.system('%s -a' % x)",
    ];
    for body in whole {
        assert_eq!(found(body).iter().map(|one| one.1).collect::<Vec<_>>(), [Confidence::Medium], "{body}");
    }
    all_clean(&[
        "if x.isalnum():\n    os.system('ls ' + x)",
        "y = 'ls ' + x\nif x.isalnum():\n    os.system(y)",
        "if x.isalpha():\n    os.system('ls %s' % x)",
        "if x.isalpha():\n    os.system('ls {}'.format(x))",
        "if x.isdigit():\n    os.system(x)",
        "if re.fullmatch('[0-9]+', x):\n    os.system(x)",
        "if x.isidentifier():\n    eval('a.' + x)",
        "if x.isalnum() or x in ('a', 'b'):\n    os.system('ls ' + x)",
    ]);
}

#[test]
fn expressions_must_hold_the_whole_text() {
    all_found(
        "python/command-injection",
        &[
            "if re.match('^[a-z]+|$', x):\n    os.system('ls ' + x)",
            "if re.fullmatch('[ -~]+', x):\n    os.system('ls ' + x)",
            "if re.search('[a-z]+$', x):\n    os.system('ls ' + x)",
            "if re.match('^[a-z]+$', x, re.M):\n    os.system('ls ' + x)",
            "if re.fullmatch('(?s:[\\\\s;]*[a-z]*)', x):\n    os.system('ls ' + x)",
        ],
    );
    all_clean(&[
        "if re.match('^[a-z]+$', x):\n    os.system('ls ' + x)",
        "if re.search('^[a-z]+$', x):\n    os.system('ls ' + x)",
        "if re.fullmatch('(?:a|[b-f]{2})\\\\.txt', x):\n    os.system('ls ' + x)",
        "if re.fullmatch('https://a\\\\.example/[a-z]+', x):\n    return redirect(x)",
    ]);
}

#[test]
fn what_is_chosen_of_strangers_data_is_theirs() {
    all_found(
        "python/command-injection",
        &[
            "os.system(random.choice(request.args.getlist('x')))",
            "os.system(secrets.choice(request.args.getlist('x')))",
            "os.system(time.strftime(x))",
            "for y in filter(None, request.args.getlist('x')):\n    os.system(y)",
            "os.system(sum([request.args.getlist('x')], [])[0])",
            "os.system(request.host)",
            "os.system(request.full_path)",
        ],
    );
    all_clean(&["os.system('sleep %s' % random.random())", "os.system('%s' % sum(map(int, x)))"]);
    all_found("python/sql-injection", &["db.execute(str(sqlalchemy.select(sqlalchemy.literal_column(x))))"]);
}

/// A chain of functions that hand on what they get, this long.
fn chain(length: usize) -> String {
    let mut text =
        "import os\nfrom flask import request\n@app.route('/')\ndef h():\n    f0(request.args['x'])\n"
            .to_owned();
    for index in 0..length {
        writeln!(text, "def f{index}(x):\n    f{}(x)", index + 1).unwrap();
    }
    writeln!(text, "def f{length}(x):\n    os.system(x)").unwrap();
    text
}

#[test]
fn deep_calls_are_followed_or_named() {
    for length in [9, 20, 30] {
        let flows = flows(&chain(length));
        assert_eq!((flows.findings.len(), flows.unfollowed.len()), (1, 0), "{length}");
    }
    let flows = flows(&chain(60));
    assert_eq!(flows.findings, []);
    let reasons: Vec<_> = flows.unfollowed.iter().map(|one| &one.reason).collect();
    assert!(
        matches!(reasons.as_slice(), [UnfollowedReason::Limited { what, limit: Limit::Depth, .. }] if what == "f32(x)"),
        "{reasons:?}"
    );
    assert!(flows.unfollowed[0].to_string().starts_with("a.py: `f32(x)` (line "), "{}", flows.unfollowed[0]);
}

#[test]
fn harmless_marks_give_way() {
    let many: String =
        (0..40).fold(String::new(), |all, index| format!("{all}shlex.quote(request.args['a{index}']), "));
    all_found(
        "python/command-injection",
        &[&format!("os.system(' '.join(['ls', {many}request.args['i']]))")],
    );
    let text = format!("{HEAD}    os.system(' '.join(['ls', {many}]))\n");
    let flows = flows(&text);
    assert_eq!(flows.findings, []);
    let reasons: Vec<_> = flows.unfollowed.iter().map(|one| &one.reason).collect();
    assert!(
        matches!(reasons.as_slice(), [UnfollowedReason::Limited { limit: Limit::Sources, .. }]),
        "{reasons:?}"
    );
}

#[test]
fn a_function_of_many_callers_is_followed() {
    let mut text =
        "import os, shlex\nfrom flask import request\ndef run(a, x):\n    os.system(x)\n@app.route('/')\ndef h():\n"
            .to_owned();
    for index in 0..100 {
        writeln!(text, "    run('{index}', shlex.quote(request.args['x']))").unwrap();
    }
    text.push_str("    run('last', request.args['x'])\n");
    let flows = flows(&text);
    assert_eq!((flows.findings.len(), flows.unfollowed.len()), (1, 0));
}
