//! What a server answers with: which answers are pages, and which say that they are something else.

use super::{SourceFile, follow};

const HEAD: &str = "import io, json\nfrom django.http import HttpResponse\nfrom django.shortcuts import redirect as go\nfrom django.urls import reverse\nfrom django.utils.http import url_has_allowed_host_and_scheme\nfrom flask import Flask, Markup, Response, jsonify, make_response, redirect, request, send_file, url_for\nfrom urllib.parse import urlsplit\napp = Flask('x')\n";

/// The rules of what is found in a view of Flask with this body.
fn found(body: &str) -> Vec<&'static str> {
    let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("{HEAD}@app.route('/')\ndef view():\n    x = request.args['x']\n{lines}");
    let flows = follow(&[SourceFile { path: "a.py", text: &text }]);
    assert_eq!(flows.unfollowed, [], "{body}");
    flows.findings.iter().map(|one| one.rule.id).collect()
}

#[track_caller]
fn all_found(rule: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(found(body), [rule], "{body}");
    }
}

#[track_caller]
fn all_clean(bodies: &[&str]) {
    for body in bodies {
        assert_eq!(found(body), [""; 0], "{body}");
    }
}

#[test]
fn answers_of_other_types_are_no_pages() {
    all_clean(&[
        "r = Response(json.dumps(x))\nr.mimetype = 'application/json'\nreturn r",
        "r = make_response(x)\nif x:\n    r.headers['content-type'] = 'text/plain'\nreturn r",
        "return x, 200, {'Content-Type': 'text/plain'}",
        "return Response(x, headers={'Content-Type': 'text/plain'})",
        "return Response(x, 200, {}, 'text/plain')",
        "r = HttpResponse(x)\nr['Content-Type'] = 'text/plain'\nreturn r",
        "return HttpResponse(x, 'text/plain')",
        "return make_response(jsonify({'x': x}), 200)",
        "return make_response(redirect(url_for('view', x=x)))",
    ]);
    all_found(
        "python/cross-site-scripting",
        &[
            "r = Response(x)\nr.mimetype = 'text/html'\nreturn r",
            "r = Response(x)\nother.mimetype = 'text/plain'\nreturn r",
            "return x, 200, {'Content-Type': 'text/html'}",
            "return x, 200, {'X-Type': 'text/plain'}",
            "return HttpResponse(x, 'text/html; charset=utf-8')",
        ],
    );
    // What another function says of a variable of that name is not about this one.
    let other = "r = Response(x)\ndef later(r):\n    r.mimetype = 'text/plain'\nreturn r";
    all_found("python/cross-site-scripting", &[other]);
}

#[test]
fn resources_answer_with_data() {
    let text = "from flask import Flask, request\nfrom flask_restful import Api, Resource\nclass V(Resource):\n    def get(self):\n        return 'a' + request.args['x']\nApi(Flask('x')).add_resource(V, '/')\n";
    assert_eq!(follow(&[SourceFile { path: "a.py", text }]).findings, []);
}

#[test]
fn markup_escapes_what_is_put_into_it() {
    all_clean(&[
        "return Markup('<b>%s</b>') % x",
        "return Markup('<b>{}</b>').format(x)",
        "return Markup('<b>') + x",
    ]);
    all_found(
        "python/cross-site-scripting",
        &["return str(Markup('<b>%s</b>' % x))", "return '<b>' + x + Markup('</b>')"],
    );
}

#[test]
fn what_a_file_holds_is_not_its_name() {
    all_found("python/path-traversal", &["return open('/srv/' + x).read()", "return send_file('/srv/' + x)"]);
    all_clean(&["return send_file(io.BytesIO(request.data))"]);
}

#[test]
fn checks_count_however_they_are_written() {
    all_clean(&[
        "if url_has_allowed_host_and_scheme(url=x, allowed_hosts=None):\n    return redirect(x)",
        "ok = url_has_allowed_host_and_scheme(x, allowed_hosts=None)\nif ok:\n    return redirect(x)",
        "if x not in ('/a', '/b'):\n    x = '/'\nreturn redirect(x)",
        "if not x or urlsplit(x).netloc != '':\n    x = url_for('view')\nreturn redirect(x)",
        "return go(reverse('a') + '?' + x)",
        "u = reverse('a', kwargs={'x': x})\nreturn go(f'{u}?{x}')",
    ]);
    all_found(
        "python/open-redirect",
        &[
            "ok = url_has_allowed_host_and_scheme(x, allowed_hosts=None)\nx = request.args['y']\nif ok:\n    return redirect(x)",
            "ok = url_has_allowed_host_and_scheme(x, allowed_hosts=None)\nif not ok:\n    return redirect(x)",
            "if x not in ('/a', '/b'):\n    x = request.args['y']\nreturn redirect(x)",
            "y = x\nif x not in ('/a', '/b'):\n    x = '/'\nreturn redirect(y)",
            "return go(reverse('a') + x)",
        ],
    );
    // What a function checks of its own copy says nothing about the caller's text.
    let inner = "def check(y):\n    if y not in ('/a', '/b'):\n        y = '/'\n    return y\ncheck(x)\nreturn redirect(x)";
    all_found("python/open-redirect", &[inner]);
    all_clean(&[
        "def check(y):\n    if y not in ('/a', '/b'):\n        y = '/'\n    return y\nreturn redirect(check(x))",
    ]);
}
