//! What a step sends: one method and path, headers, and a body in one of three notations.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value as Json;
use shield_types::settings::{Refusal, Setting, Table};

use crate::scenario::model::{Action, HttpRequest};
use crate::scenario::read::answer::AnswerKind;
use crate::scenario::read::json;
use crate::scenario::read::limits::{
    BODY_BYTES_MAX, FORM_MAX, HEADER_BYTES_MAX, HEADERS_MAX, PATH_BYTES_MAX,
};
use crate::scenario::read::names::{Goal, Scope, append_text};
use crate::scenario::template::{Escape, Part, Template};

/// Headers by their name in lower case.
pub(crate) type Headers = BTreeMap<String, (HeaderName, Template)>;

/// Headers that a step has if it does not write them itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    /// Of every request.
    pub(crate) always: Headers,
    /// Of requests that change something.
    pub(crate) changing: Headers,
}

/// What is sent, and how it reads.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) action: Action,
    /// `GET /search`.
    pub(crate) label: String,
}

/// What stands under the key of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verb {
    Http(Method),
    WebSocket,
}

/// What a table says of a request.
pub(crate) struct Found {
    /// Known also when something else is wrong with it.
    pub(crate) answer: AnswerKind,
    /// The outer `None` is a mistake, the inner one no request.
    pub(crate) request: Option<Option<Request>>,
}

/// A body, and the content type that its notation implies.
struct Body {
    template: Template,
    content_type: Option<&'static str>,
}

/// A key of a request that was given.
struct Given<'r, T> {
    key: &'static str,
    setting: Setting<'r, Option<T>>,
}

const VERBS: [(&str, Verb); 8] = [
    ("get", Verb::Http(Method::GET)),
    ("head", Verb::Http(Method::HEAD)),
    ("post", Verb::Http(Method::POST)),
    ("put", Verb::Http(Method::PUT)),
    ("patch", Verb::Http(Method::PATCH)),
    ("delete", Verb::Http(Method::DELETE)),
    ("options", Verb::Http(Method::OPTIONS)),
    ("websocket", Verb::WebSocket),
];

/// What a request needs.
pub(crate) const ONE_VERB: &str =
    "exactly one of `get`, `head`, `post`, `put`, `patch`, `delete`, `options`, `websocket`";

/// Headers that the client writes itself.
const OWN_HEADERS: [&str; 6] = ["host", "content-length", "connection", "transfer-encoding", "te", "upgrade"];

const PATH: &str = "a path that starts with `/`, such as `/orders?page=2`, percent-encoded, without `#`";

/// The request of a table.
pub(crate) fn read(table: &Table<'_>, scope: &Scope<'_>, base: &Base) -> Found {
    let verbs = VERBS.map(|(key, verb)| {
        let path = table.string(key, PATH_BYTES_MAX, PATH);
        let path = path.and_then(|text| path_template(&text, scope).map(|path| (text, path)));
        (Given { key, setting: path.optional() }, verb)
    });
    let headers = headers(table, scope).optional();
    let bodies = bodies(table, scope);
    let mut verbs = verbs.into_iter().filter(|(given, _)| given.written());
    let Some((first, verb)) = verbs.next() else {
        let alone = !matches!(headers.value(), Some(None)) || bodies.iter().any(Given::written);
        if alone {
            table.missing("get", ONE_VERB);
        }
        return Found { answer: AnswerKind::Http, request: (!alone).then_some(None) };
    };
    verbs.for_each(|(given, _)| given.refuse(&format!("given beside `{}`", first.key), ONE_VERB));
    let answer = if verb == Verb::WebSocket { AnswerKind::Message } else { AnswerKind::Http };
    let body = body(table, bodies, &verb);
    let parts = first.setting.take().flatten().zip(headers.take()).zip(body);
    let request = parts.map(|(((text, path), own), body)| {
        Some(request(verb, Parts { text, path, body, own: own.unwrap_or_default() }, base))
    });
    Found { answer, request }
}

/// What a request is put together from.
struct Parts {
    text: String,
    path: Template,
    body: Option<Body>,
    own: Headers,
}

fn request(verb: Verb, parts: Parts, base: &Base) -> Request {
    let Parts { text, path, body, own } = parts;
    let mut headers = base.always.clone();
    if matches!(&verb, Verb::Http(method) if !method.is_safe()) {
        headers.extend(base.changing.clone());
    }
    headers.extend(own);
    if let Some(content_type) = body.as_ref().and_then(|body| body.content_type)
        && verb != Verb::WebSocket
    {
        let implied = || (CONTENT_TYPE, Template::text(content_type));
        headers.entry(CONTENT_TYPE.to_string()).or_insert_with(implied);
    }
    let headers = headers.into_values().collect();
    let body = body.map(|body| body.template);
    match verb {
        Verb::Http(method) => Request {
            label: format!("{method} {text}"),
            action: Action::Http(HttpRequest { method, path, headers, body }),
        },
        Verb::WebSocket => Request {
            label: format!("WebSocket {text}"),
            action: Action::WebSocket { path, headers, message: body.unwrap_or_default() },
        },
    }
}

fn bodies<'r>(table: &Table<'r>, scope: &Scope<'_>) -> [Given<'r, Body>; 4] {
    // An empty one is a text, too.
    let plain = |text: Json| match text.as_str() {
        Some(text) => {
            let template = scope.template(text, Goal::Plain)?;
            Ok(Body { template: bounded(template)?, content_type: None })
        }
        None => Err(Refusal::new("not a text", "a text, which may be empty")),
    };
    let json = table.json("json", "a table, a list or a value, sent as JSON", |value| {
        let content_type = Some("application/json");
        Ok(Body { template: bounded(json::template(&value, scope)?)?, content_type })
    });
    let pair = |name: &str, value: Json| form_pair(name, &value, scope);
    let form = table.json_map("form", FORM_MAX, "a table of texts, sent as a form", pair);
    let form = form.and_then(|pairs| {
        let content_type = Some("application/x-www-form-urlencoded");
        Ok(Body { template: bounded(joined(pairs.into_values()))?, content_type })
    });
    [
        Given { key: "json", setting: json.optional() },
        Given { key: "body", setting: table.json("body", "a text", plain).optional() },
        Given { key: "form", setting: form.optional() },
        Given { key: "send", setting: table.json("send", "a text message", plain).optional() },
    ]
}

/// The outer `None` is a mistake, the inner one no body.
fn body(table: &Table<'_>, bodies: [Given<'_, Body>; 4], verb: &Verb) -> Option<Option<Body>> {
    let (may, accepted) = match verb {
        Verb::WebSocket => (&["json", "send"][..], "`send` or `json`"),
        Verb::Http(method) if *method == Method::GET || *method == Method::HEAD => {
            (&[][..], "no body: use `post`, `put` or `patch`")
        }
        Verb::Http(_) => (&["json", "body", "form"][..], "one of `json`, `body`, `form`"),
    };
    let mut given = bodies.into_iter().filter(Given::written);
    let Some(first) = given.next() else {
        if *verb == Verb::WebSocket {
            table.missing("send", accepted);
            return None;
        }
        return Some(None);
    };
    if !may.contains(&first.key) {
        first.refuse("not for this method", accepted);
    }
    given.for_each(|given| given.refuse(&format!("given beside `{}`", first.key), accepted));
    first.setting.take()
}

fn form_pair(name: &str, value: &Json, scope: &Scope<'_>) -> Result<Template, Refusal> {
    let value = match value {
        Json::String(text) => text.clone(),
        Json::Number(_) | Json::Bool(_) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            return Err(Refusal::new("not a text", "a text, a number or a truth value"));
        }
    };
    let mut pair = scope.template(name, Goal::Form)?;
    append_text(&mut pair, "=", Escape::None);
    scope.append(&mut pair, &value, Goal::Form)?;
    Ok(pair)
}

fn joined(pairs: impl Iterator<Item = Template>) -> Template {
    let mut form = Template::default();
    for (index, pair) in pairs.enumerate() {
        if index > 0 {
            append_text(&mut form, "&", Escape::None);
        }
        for part in pair.parts {
            match part {
                Part::Text(text) => append_text(&mut form, &text, Escape::None),
                value @ Part::Value { .. } => form.parts.push(value),
            }
        }
    }
    form
}

fn bounded(template: Template) -> Result<Template, Refusal> {
    let bytes = template.text_bytes();
    match bytes > BODY_BYTES_MAX {
        true => Err(Refusal::new(
            format!("{bytes} bytes long"),
            format!("a body of at most {BODY_BYTES_MAX} bytes"),
        )),
        false => Ok(template),
    }
}

fn path_template(text: &str, scope: &Scope<'_>) -> Result<Template, Refusal> {
    let template = scope.template(text, Goal::Path)?;
    let parts = template.parts.iter().map(|part| match part {
        Part::Text(text) => text.as_str(),
        Part::Value { .. } => "x",
    });
    let filled: String = parts.collect();
    match text.starts_with('/') && is_path(&filled) {
        true => Ok(template),
        false => Err(Refusal::new("not a path", PATH)),
    }
}

/// Whether a text is a path with its query, as it may be sent.
pub(crate) fn is_path(text: &str) -> bool {
    let well_formed = text.is_ascii() && !text.contains('#') && PathAndQuery::try_from(text).is_ok();
    text.starts_with('/') && well_formed
}

/// `headers`, by lower name.
pub(crate) fn headers<'r>(table: &Table<'r>, scope: &Scope<'_>) -> Setting<'r, Headers> {
    let headers =
        table.map_of("headers", |name, value| Ok((header_name(name)?, header_value(&value, scope)?)));
    headers.and_then(|headers| {
        let written = headers.len();
        if written > HEADERS_MAX {
            return Err(Refusal::new(format!("{written} headers"), format!("at most {HEADERS_MAX}")));
        }
        let headers: Headers =
            headers.into_values().map(|(name, value)| (name.to_string(), (name, value))).collect();
        match headers.len() == written {
            true => Ok(headers),
            false => {
                Err(Refusal::new("a header is given twice", "each name once, in capital or small letters"))
            }
        }
    })
}

/// The name of a header that the client does not write itself.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, Refusal> {
    let Ok(name) = HeaderName::try_from(name) else {
        return Err(Refusal::new("not a header's name", "letters, digits and `-`"));
    };
    if name.as_str().starts_with("sec-websocket-") || OWN_HEADERS.contains(&name.as_str()) {
        return Err(Refusal::new("a header that the client writes itself", "another header, or none"));
    }
    Ok(name)
}

/// The value of a header. What is filled in later is the renderer's to judge.
pub(crate) fn header_value(text: &str, scope: &Scope<'_>) -> Result<Template, Refusal> {
    let accepted = format!("at most {HEADER_BYTES_MAX} printable ASCII characters");
    let template = scope.template(text, Goal::Plain)?;
    let printable = template.parts.iter().all(|part| match part {
        Part::Text(text) => text.is_ascii() && HeaderValue::try_from(text).is_ok(),
        Part::Value { .. } => true,
    });
    match template.text_bytes() <= HEADER_BYTES_MAX && printable {
        true => Ok(template),
        false => Err(Refusal::new("not a header's value", accepted)),
    }
}

// === impl Given ===

impl<T> Given<'_, T> {
    /// Whether the key is there, even with a mistake.
    fn written(&self) -> bool {
        !matches!(self.setting.value(), Some(None))
    }

    /// A mistake that the key has already says enough.
    fn refuse(&self, problem: &str, accepted: &str) {
        if self.setting.value().is_some() {
            self.setting.mistaken(Refusal::new(problem, accepted));
        }
    }
}
