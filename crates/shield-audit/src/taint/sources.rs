//! Where data of strangers comes in, by framework.

use super::kinds::Kinds;

/// Something a stranger sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// What harm it cannot do.
    pub(super) cleared: Kinds,
    /// Whether it is the path of the request, which a route without variables leaves no choice.
    pub(super) of_path: bool,
}

/// What a request is called, by framework.
const FLASK: &[&str] =
    &["flask.request", "flask.Request()", "flask.wrappers.Request()", "werkzeug.wrappers.Request()"];
const DJANGO: &[&str] = &[
    "django.http.HttpRequest()",
    "django.http.request.HttpRequest()",
    "django.core.handlers.wsgi.WSGIRequest()",
    "rest_framework.request.Request()",
];
const STARLETTE: &[&str] = &[
    "starlette.requests.Request()",
    "fastapi.Request()",
    "fastapi.requests.Request()",
    "starlette.requests.HTTPConnection()",
    "fastapi.WebSocket()",
    "starlette.websockets.WebSocket()",
];

/// What reads a request by itself, for Flask.
const PARSERS: &[&str] = &[
    "flask_restful.reqparse.RequestParser()",
    "flask_restx.reqparse.RequestParser()",
    "flask_restplus.reqparse.RequestParser()",
];

const FLASK_DATA: &[&str] = &[
    "args",
    "form",
    "values",
    "cookies",
    "headers",
    "files",
    "data",
    "json",
    "get_json",
    "get_data",
    "query_string",
    "stream",
    "view_args",
    "referrer",
    "user_agent",
    "authorization",
    "environ",
    "input_stream",
];
const DJANGO_DATA: &[&str] = &[
    "GET",
    "POST",
    "COOKIES",
    "META",
    "headers",
    "body",
    "FILES",
    "data",
    "query_params",
    "read",
    "readline",
    "content_params",
];
const STARLETTE_DATA: &[&str] = &[
    "query_params",
    "path_params",
    "headers",
    "cookies",
    "body",
    "json",
    "form",
    "stream",
    "receive_text",
    "receive_json",
    "receive_bytes",
    "iter_text",
    "iter_json",
    "iter_bytes",
];

/// Requests of other frameworks, and what a stranger sets in them.
const OTHERS: [(&[&str], &[&str]); 8] = [
    (
        &["bottle.request"],
        &[
            "query",
            "forms",
            "params",
            "GET",
            "POST",
            "cookies",
            "headers",
            "json",
            "body",
            "files",
            "query_string",
            "get_header",
            "get_cookie",
        ],
    ),
    (
        &["aiohttp.web.Request()", "aiohttp.web.BaseRequest()"],
        &[
            "query",
            "query_string",
            "rel_url",
            "match_info",
            "headers",
            "cookies",
            "post",
            "json",
            "text",
            "read",
            "content",
            "multipart",
        ],
    ),
    (
        &["sanic.Request()", "sanic.request.Request()"],
        &[
            "args",
            "query_args",
            "query_string",
            "get_args",
            "form",
            "get_form",
            "json",
            "load_json",
            "files",
            "headers",
            "cookies",
            "body",
        ],
    ),
    (
        &["pyramid.request.Request()"],
        &[
            "params",
            "GET",
            "POST",
            "matchdict",
            "json",
            "json_body",
            "body",
            "text",
            "cookies",
            "headers",
            "query_string",
        ],
    ),
    (
        &["falcon.Request()", "falcon.asgi.Request()"],
        &[
            "get_param",
            "get_param_as_list",
            "params",
            "media",
            "get_media",
            "stream",
            "bounded_stream",
            "headers",
            "get_header",
            "cookies",
            "get_cookie_values",
            "query_string",
        ],
    ),
    (
        &["tornado.web.RequestHandler()"],
        &[
            "get_argument",
            "get_arguments",
            "get_query_argument",
            "get_query_arguments",
            "get_body_argument",
            "get_body_arguments",
            "get_cookie",
            "path_args",
            "path_kwargs",
        ],
    ),
    (
        &["tornado.web.RequestHandler().request", "tornado.httputil.HTTPServerRequest()"],
        &[
            "arguments",
            "query_arguments",
            "body_arguments",
            "body",
            "query",
            "headers",
            "cookies",
            "files",
            "uri",
        ],
    ),
    (
        &["http.server.BaseHTTPRequestHandler()", "http.server.SimpleHTTPRequestHandler()"],
        // The path comes as it was sent, with what is asked for.
        &["path", "headers", "rfile", "requestline", "raw_requestline"],
    ),
];

/// Classes of libraries whose attributes are what a request says.
pub(super) const BASES: [&str; 3] = [
    "tornado.web.RequestHandler",
    "http.server.BaseHTTPRequestHandler",
    "http.server.SimpleHTTPRequestHandler",
];

/// The path of a request, and addresses made of it.
const PATHS: &[&str] = &["path", "path_info", "script_root"];
const ADDRESSES: &[&str] =
    &["url", "base_url", "url_root", "host_url", "build_absolute_uri", "host", "get_host"];
/// The path with what is asked for behind it, which no route settles.
const WHOLE_PATHS: &[&str] = &["full_path", "get_full_path"];

/// What a stranger sets in an attribute of a library's object.
pub(super) fn of(name: &str) -> Option<Source> {
    let (object, member) = name.rsplit_once('.')?;
    if PARSERS.contains(&object) && member == "parse_args" {
        return Some(Source { cleared: Kinds::DOUBT, of_path: false });
    }
    let data = [(FLASK, FLASK_DATA), (DJANGO, DJANGO_DATA), (STARLETTE, STARLETTE_DATA)]
        .into_iter()
        .chain(OTHERS)
        .find(|(requests, _)| requests.contains(&object))?
        .1;
    if data.contains(&member) {
        return Some(Source { cleared: Kinds::NONE, of_path: false });
    }
    // A browser sends a path of this site: it leads nowhere else, and never up.
    let own = Kinds::REDIRECT | Kinds::FORGERY | Kinds::PATH;
    if WHOLE_PATHS.contains(&member) {
        return Some(Source { cleared: Kinds::REDIRECT | Kinds::FORGERY, of_path: false });
    }
    if PATHS.contains(&member) {
        return Some(Source { cleared: Kinds::REDIRECT | Kinds::FORGERY, of_path: true });
    }
    ADDRESSES.contains(&member).then_some(Source { cleared: own, of_path: false })
}

/// Whether a value is a request, from which data of strangers can be read.
pub(super) fn is_request(name: &str) -> bool {
    let requests = [FLASK, DJANGO, STARLETTE].into_iter().chain(OTHERS.iter().map(|(requests, _)| *requests));
    requests.into_iter().any(|requests| requests.contains(&name))
}

/// What a part of a path cannot do: the last name in it leads nowhere.
pub(super) fn names_a_file(attribute: &str) -> Kinds {
    let path = attribute.starts_with("pathlib.");
    if path && [".name", ".stem", ".suffix"].iter().any(|end| attribute.ends_with(end)) {
        Kinds::PATH
    } else {
        Kinds::NONE
    }
}

/// Words without which a file lets no data of strangers in.
pub(super) const WORDS: [&str; 21] = [
    "flask",
    "django",
    "fastapi",
    "starlette",
    "rest_framework",
    "werkzeug",
    "quart",
    "bottle",
    "aiohttp",
    "sanic",
    "pyramid",
    "falcon",
    "tornado",
    "http.server",
    "cherrypy",
    "graphene",
    "strawberry",
    "ninja",
    "mcp",
    "(event, context)",
    "lambda_handler",
];
