//! Data of strangers by framework: where it comes in, and where that framework's answers are.

use super::web_tests::marked_lines_are_found;

#[test]
fn quart_is_flask() {
    marked_lines_are_found(
        r#"from quart import Quart, redirect, request
app = Quart(__name__)
@app.route("/<name>")
async def view(name):
    open("/srv/" + (await request.form)["f"]).read()  # !
    if request.args.get("next"):
        return redirect(request.args["next"])  # !
    return "<b>" + request.args["q"]  # !
"#,
    );
}

#[test]
fn bottle_has_functions_for_routes() {
    marked_lines_are_found(
        r#"from bottle import Bottle, get, redirect, request, route, template
app = Bottle()
@route("/x/<name>")
def x(name):
    open("/srv/" + request.query.f).read()  # !
    if request.forms.get("t"):
        return template("Hello " + request.forms.get("t"))  # !
    if request.query.next:
        redirect(request.query.get("next"))  # !
    if name:
        return template("page", name=name)
    return "<b>" + request.query.q + "</b>"  # !
@app.route("/y")
def y():
    return request.query.q  # !
def z():
    return request.query.q
"#,
    );
}

#[test]
fn requests_are_parameters() {
    marked_lines_are_found(
        r#"from aiohttp import ClientSession, web
async def view(request):
    name = request.query["n"]
    open("/srv/" + name).read()  # !
    async with ClientSession() as session:
        await session.get((await request.post())["url"])  # !
    if request.method == "POST":
        raise web.HTTPFound(name)  # !
    if request.method == "PUT":
        return web.Response(text=name)
    return web.Response(text="<b>" + name, content_type="text/html")  # !
"#,
    );
    marked_lines_are_found(
        r#"from sanic import Sanic, response
app = Sanic("x")
@app.get("/<name>")
async def view(request, name):
    open("/srv/" + request.json["f"]).read()  # !
    open("/srv/" + name).read()  # !
    if request.args.get("next"):
        return response.redirect(request.args.get("next"))  # !
    return response.html("<b>" + request.args.get("q"))  # !
"#,
    );
    marked_lines_are_found(
        r#"from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.view import view_config
@view_config(route_name="x")
def view(request):
    open("/srv/" + request.matchdict["f"]).read()  # !
    if "next" in request.params:
        return HTTPFound(location=request.params["next"])  # !
    if "text" in request.params:
        return Response(request.params["q"], content_type="text/plain")
    return Response("<b>" + request.params["q"])  # !
"#,
    );
    marked_lines_are_found(
        r#"import falcon
class Resource:
    def on_get(self, req, resp, name):
        open("/srv/" + req.get_param("f")).read()  # !
        open("/srv/" + name).read()  # !
    def helper(self, req, name):
        open("/srv/" + name).read()
"#,
    );
}

#[test]
fn handlers_read_the_request_themselves() {
    marked_lines_are_found(
        r#"import tornado.template
import tornado.web
class Base(tornado.web.RequestHandler):
    pass
class Handler(Base):
    def get(self, slug):
        name = self.get_argument("name")
        open("/srv/" + name).read()  # !
        open("/srv/" + slug).read()  # !
        tornado.template.Template("Hi " + name).generate()  # !
        self.write({"name": name})
        self.write("<h1>" + name + "</h1>")  # !
        self.redirect(self.request.headers["Referer"])  # !
"#,
    );
    marked_lines_are_found(
        r#"import requests
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        open("/srv/" + query["f"][0]).read()  # !
        open("." + self.path).read()  # !
        pairs = dict((name, query[name]) for name in query)
        open(pairs["f"]).read()  # !
        requests.get(self.headers["X-Url"], timeout=3)  # !
        self.wfile.write(("<b>" + query["h"][0]).encode())  # !
"#,
    );
}

#[test]
fn functions_are_called_with_what_was_sent() {
    marked_lines_are_found(
        r#"import graphene
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
class Query(graphene.ObjectType):
    def resolve_read(self, info, name):
        return open("/srv/" + name).read()  # !
    def other(self, name):
        return open("/srv/" + name).read()
@mcp.tool()
def run(path: str, count: int) -> str:
    open("/srv/" + str(count)).read()
    return open("/srv/" + path).read()  # !
"#,
    );
    marked_lines_are_found(
        r#"from ninja import NinjaAPI
api = NinjaAPI()
@api.get("/read")
def read(request, name: str, number: int):
    open("/srv/" + request.GET["x"]).read()  # !
    open("/srv/" + str(number)).read()
    return open("/srv/" + name).read()  # !
"#,
    );
    marked_lines_are_found(
        r#"from flask import Flask
from flask_socketio import SocketIO
socketio = SocketIO(Flask(__name__))
@socketio.on("read")
def read(data):
    open("/srv/" + data["f"]).read()  # !
"#,
    );
    marked_lines_are_found(
        r#"import requests
def lambda_handler(event, context):
    query = event["queryStringParameters"]
    open("/data/" + query["f"]).read()  # !
    requests.get(query["url"], timeout=3)  # !
def other(event, name):
    open("/data/" + event["f"]).read()
"#,
    );
}
