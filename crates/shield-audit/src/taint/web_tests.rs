//! Who calls a function: in whatever file the framework is named, by whatever the function is registered.

use super::{
    Flows, SourceFile, follow,
    importers::{Frameworks, frameworks},
    project::Modules,
};

fn flows(files: &[(&str, &str)]) -> Flows {
    let files: Vec<_> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    follow(&files)
}

/// Where something is found: file and line.
fn places(files: &[(&str, &str)]) -> Vec<(String, u32)> {
    let flows = flows(files);
    assert_eq!(flows.unfollowed, [], "{files:?}");
    let place = |one: &crate::finding::Finding| (one.place.file.clone(), one.place.span.unwrap().line);
    let mut places: Vec<_> = flows.findings.iter().map(place).collect();
    places.dedup();
    places
}

/// The lines of one file in which something is found.
fn lines(text: &str) -> Vec<u32> {
    places(&[("a.py", text)]).into_iter().map(|(_, line)| line).collect()
}

/// The lines of a text that end in a mark.
fn marked(text: &str) -> Vec<u32> {
    (1..).zip(text.lines()).filter(|(_, line)| line.ends_with("# !")).map(|(number, _)| number).collect()
}

/// The lines in which something is found are those that end in a mark.
#[track_caller]
pub(super) fn marked_lines_are_found(text: &str) {
    assert_eq!(lines(text), marked(text), "{text}");
}

#[test]
fn frameworks_of_other_files_count() {
    let core = ("core/__init__.py", "from flask import Flask, request\napp = Flask(__name__)\n");
    let views = "import os\nfrom core import app, request\n@app.route('/<x>')\ndef f(x):\n    os.system(x)\n    os.system(request.args['x'])\n";
    assert_eq!(places(&[core, ("views.py", views)]), [("views.py".into(), 5), ("views.py".into(), 6)]);
    // Over two files, by a relative import of several lines, and by the name of the module.
    let far = ("web/base.py", "from core import (\n    app,  # the (only) one\n    request,\n)\n");
    let near = "import os\nfrom . import base\n@base.app.post('/')\ndef f():\n    os.system(base.request.form['x'])\n";
    assert_eq!(places(&[core, far, ("web/__init__.py", ""), ("web/v.py", near)]), [("web/v.py".into(), 5)]);
    // A helper that reads the request, called from a file that names no framework.
    let helper =
        ("core/params.py", "from flask import request\ndef param(name):\n    return request.args[name]\n");
    let tool = "import os\nfrom core.params import param\ndef f():\n    os.system(param('x'))\n";
    assert_eq!(places(&[core, helper, ("tool.py", tool)]), [("tool.py".into(), 4)]);
    // Nothing to do with any of it.
    let other = ("other.py", "import os\n@app.route('/<x>')\ndef f(x):\n    os.system(x)\n");
    assert_eq!(places(&[core, other]), []);
}

#[test]
fn a_base_class_of_another_file_counts() {
    let base = ("base.py", "from django.views import View\nclass Base(View):\n    pass\n");
    let view = "import os\nfrom base import Base\nclass V(Base):\n    def get(self, request, *args):\n        os.system(self.request.GET['x'])\n        os.system(self.kwargs['name'])\n        os.system(self.other)\n";
    assert_eq!(places(&[base, ("v.py", view)]), [("v.py".into(), 5), ("v.py".into(), 6)]);
}

#[test]
fn imports_in_a_ring_end() {
    let files: Vec<SourceFile<'_>> = vec![
        SourceFile { path: "a.py", text: "import b" },
        SourceFile { path: "b.py", text: "import c" },
        SourceFile { path: "c.py", text: "import a\nimport fastapi" },
    ];
    let modules = Modules::of(files.iter().map(|file| file.path));
    assert_eq!(frameworks(&files, &modules), [Frameworks::STARLETTE; 3]);
}

#[test]
fn routes_of_starlette_are_known() {
    marked_lines_are_found(
        "import os
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Mount, Route, WebSocketRoute
async def page(request):
    os.system(request.query_params['a'])  # !
    os.system((await request.form())['a'])  # !
    os.system(request.method)
async def other(req):
    os.system(req.headers['x'])  # !
async def late(r):
    os.system(r.cookies['x'])  # !
async def nobody(request):
    os.system(request.query_params['a'])
async def chat(socket):
    os.system(await socket.receive_text())  # !
class E(HTTPEndpoint):
    async def get(self, request):
        os.system(request.path_params['x'])  # !
    def helper(self, request):
        os.system(request.path_params['x'])
class W(WebSocketEndpoint):
    async def on_receive(self, websocket, data):
        os.system(data)  # !
def routes():
    return [Route('/', page), Mount('/m', routes=[Route('/o', endpoint=guarded(other))]), Route('/e', E)]
app = Starlette(routes=routes() + [WebSocketRoute('/c', chat), WebSocketRoute('/w', W)])
app.add_route('/l', late)
",
    );
}

#[test]
fn rules_that_are_added_are_known() {
    marked_lines_are_found(
        "import os
from flask import Flask, request
from flask.views import MethodView, View
def create():
    app = Flask('x')
    app.add_url_rule('/a/<x>/<int:n>', view_func=plain)
    app.add_url_rule('/b', 'b', lambda: os.system(request.args['a']))  # !
    app.add_url_rule('/c/<name>', view_func=Methods.as_view('c'))
    named = Whole.as_view('w')
    app.add_url_rule('/d/<name>', view_func=named)
    return app
def plain(x, n, other=None):
    os.system(x)  # !
    os.system('kill %s' % n)
    os.system(other)
class Methods(MethodView):
    def get(self, name):
        os.system(name)  # !
    def helper(self, name):
        os.system(name)
class Whole(View):
    def dispatch_request(self, name):
        os.system(name)  # !
class Elsewhere(MethodView):
    def post(self, unknown):
        os.system(unknown)  # !
def never(x):
    os.system(x)
",
    );
    let view = (
        "v.py",
        "import os\ndef show(req, name, number, part):\n    os.system(req.GET['x'])\n    os.system(name)\n    os.system('%s' % number)\n    os.system('ls ' + part)\n",
    );
    let urls = (
        "urls.py",
        "from django.urls import path\nimport v\nurlpatterns = [path('<str:name>/<int:number>/<slug:part>', v.show)]\n",
    );
    assert_eq!(places(&[urls, view]), [("v.py".into(), 3), ("v.py".into(), 4)]);
}

#[test]
fn what_never_returns_ends_a_way() {
    marked_lines_are_found(
        "import os, sys, flask
from flask import request, abort
def refuse(why):
    if why:
        print(why)
    abort(400)
def warn(why):
    if why:
        return
    abort(400)
@flask.Flask('x').route('/')
def f():
    x = request.args['x']
    if x not in ('a', 'b'):
        abort(400)
    os.system(x)
    y = request.args['y']
    if y not in ('a', 'b'):
        flask.abort(404)
    os.system(y)
    z = request.args['z']
    if z not in ('a', 'b'):
        refuse('no')
    os.system(z)
    a = request.args['a']
    if a not in ('a', 'b'):
        warn('no')
    os.system(a)  # !
    b = request.args['b']
    b in ('a', 'b') or abort(400)
    os.system(b)
    c = request.args['c']
    c in ('a', 'b') and abort(400)
    os.system(c)  # !
    d = request.args['d']
    d in ('a', 'b') or warn('no')
    os.system(d)  # !
    e = request.args['e']
    if e not in ('a', 'b'):
        sys.exit(1)
    os.system(e)
",
    );
}

#[test]
fn own_pages_and_numbers_are_harmless() {
    marked_lines_are_found(
        "import os, flask
from flask import request, redirect, url_for
@flask.Flask('x').route('/')
def f():
    if request.args['a']:
        return redirect(url_for('page', q=request.args['q']))
    n = request.args.get('n', 0, int)
    os.system('kill %s' % n)
    for m in request.args.getlist('m', int):
        os.system('kill %s' % m)
    o = request.args.get('o', '0', str)
    os.system('kill %s' % o)  # !
    os.system(url_for('page', q=request.args['q']))  # !
    return redirect(request.args['u'])  # !
",
    );
}

#[test]
fn views_of_django_need_no_import() {
    let view = |body: &str| {
        let text = format!("import os\ndef view(request):\n    {body}\n");
        flows(&[("a.py", &text)]).findings.len()
    };
    assert_eq!(view("os.system('ls ' + request.POST['a'])"), 1);
    assert_eq!(view("os.system('ls ' + request.method)"), 0);
}

#[test]
fn pages_of_django_are_told_apart() {
    let rules = |body: &str| {
        let text = format!(
            "from django.http import *\nfrom django.http import HttpResponseBadRequest, HttpResponse\nfrom django.utils.html import format_html\ndef view(request):\n    a = request.GET['a']\n    {body}\n"
        );
        flows(&[("a.py", &text)]).findings.iter().map(|one| one.rule.id).collect::<Vec<_>>()
    };
    let markup = ["python/cross-site-scripting"];
    assert_eq!(rules("return HttpResponseBadRequest('no ' + a)"), markup);
    assert_eq!(rules("return HttpResponseBadRequest(a, content_type='text/plain')"), Vec::<&str>::new());
    assert_eq!(rules("return HttpResponse(format_html('<p>' + a))"), markup);
    assert_eq!(rules("return HttpResponse(format_html('<p>{}', a))"), Vec::<&str>::new());
}

#[test]
fn functions_that_answer_for_others_make_pages() {
    marked_lines_are_found(
        "from flask import Flask, request
app = Flask(__name__)
@app.errorhandler(404)
def missing(error):
    return '<p>%s</p>' % request.path, 404  # !
@app.errorhandler(500)
def broken(error):
    return '<p>%s</p>' % error, 500
@app.before_request
def first():
    if 'x' in request.args:
        return '<p>' + request.args['x']  # !
",
    );
}

#[test]
fn headers_lead_elsewhere() {
    marked_lines_are_found(
        "from flask import Flask, Response, make_response, request
from django.http import HttpResponse
app = Flask(__name__)
@app.route('/a')
def a():
    answer = Response('')
    answer.headers['Location'] = request.args['to']  # !
    answer.headers['X-Seen'] = request.args['to']
    return answer
@app.route('/b')
def b():
    return '', 302, {'location': request.args['to']}  # !
@app.route('/c')
def c():
    return Response(status=302, headers={'Location': request.args['to']})  # !
@app.route('/d')
def d():
    answer = make_response('')
    answer.headers['Location'] = '/items/' + request.args['to']
    return answer
def e(request):
    answer = HttpResponse(status=302)
    answer['Location'] = request.GET['to']  # !
    return answer
",
    );
}

#[test]
fn words_of_a_text_choose_the_program() {
    marked_lines_are_found(
        "import asyncio, os, shlex, subprocess
from flask import Flask, request
app = Flask(__name__)
@app.route('/a')
async def a():
    text = request.args['x']
    subprocess.run(text.split())  # !
    subprocess.run(shlex.split(text))  # !
    subprocess.run(['ls', *text.split()])
    subprocess.run('ls -l'.split())
    os.execvp('sh', ['sh', '-c', text])  # !
    os.execvp('ls', ['ls', '-c', text])
    os.execlp('bash', 'bash', '-c', text)  # !
    os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', text)  # !
    os.spawnlp(os.P_WAIT, 'ls', 'ls', text)
    await asyncio.create_subprocess_exec('sh', '-c', text)  # !
    await asyncio.create_subprocess_exec('ls', text)
",
    );
}

#[test]
fn pieces_of_djangos_queries_are_code() {
    marked_lines_are_found(
        "from django.http import HttpRequest
from .models import Item
def a(request: HttpRequest):
    Item.objects.extra(where=['a = ' + request.GET['a']])  # !
    Item.objects.extra(select={'b': request.GET['b']})  # !
    Item.objects.extra(where=['a = %s'], params=[request.GET['a']])
",
    );
}
