//! What a stranger sends: to a server in a request, to a page in its address; and what carries it on within a file.

use tree_sitter::Node;

use crate::languages::{
    call::{Call, Scene},
    fold::children,
    names::{Meaning, Scope, Sent},
};

/// Names under which handlers know their request.
const REQUESTS: [&str; 6] = ["req", "request", "ctx.request", "ctx", "context.request", "this.request"];

/// Words without one of which a file holds nothing of a request.
pub(super) const WORDS: [&str; 21] = [
    "req.",
    "req?",
    "request.",
    "request?",
    "ctx.",
    "ctx?",
    "event.",
    "event[",
    "query",
    "Query",
    "params",
    "Params",
    "Param(",
    ".body",
    ".json()",
    "body }",
    "body,",
    "@Body",
    ".cookies",
    "nextUrl",
    "originalUrl",
];

/// What of a request strangers write.
pub(super) const WRITTEN: [&str; 12] = [
    "query",
    "params",
    "body",
    "cookies",
    "headers",
    "payload",
    "url",
    "originalUrl",
    "file",
    "files",
    "nextUrl",
    "signedCookies",
];

/// Methods of a request that give what strangers write.
const ASKED: [&str; 5] = ["param(", "query(", "header(", "get(", "cookie("];

/// Methods that give the body of a request, or that of an answer: whose it is says what they are called on.
const READ: [&str; 4] = ["json()", "text()", "formData()", "valid("];

/// What of an address, and of where the visitor comes from, strangers write.
const ADDRESS: [&str; 12] = [
    "location.hash",
    "location.search",
    "location.href",
    "location.pathname",
    "document.location",
    "document.URL",
    "document.documentURI",
    "document.baseURI",
    "document.referrer",
    "window.location",
    "window.name",
    "location",
];

/// Methods whose answer has in it what they are called on, and what they are called with.
const CARRY: [&str; 24] = [
    "toString",
    "trim",
    "trimStart",
    "trimEnd",
    "slice",
    "substring",
    "substr",
    "concat",
    "split",
    "join",
    "toLowerCase",
    "toUpperCase",
    "repeat",
    "padStart",
    "padEnd",
    "at",
    "shift",
    "pop",
    "get",
    "getAll",
    "map",
    "filter",
    "normalize",
    "valueOf",
];

/// Functions whose answer has in it what they are called with.
const CARRIERS: [&str; 16] = [
    "decodeURIComponent",
    "decodeURI",
    "unescape",
    "String",
    "atob",
    "Buffer.from",
    "buffer.Buffer.from",
    "path.join",
    "path.resolve",
    "path.normalize",
    "util.format",
    "querystring.parse",
    "url.parse",
    "Object.values",
    "URL",
    "URLSearchParams",
];

/// So many steps are gone from a text to where it comes from.
const STEPS_MAX: usize = 60;

/// Longer names are checked by nobody.
const NAME_BYTES_MAX: usize = 100;

/// Who writes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// Whoever sends a request.
    Client,
    /// Whoever makes a link that a visitor follows.
    Link,
}

/// An argument that comes from a request.
pub(super) fn argument<'t>(scene: &Scene<'_, 't>, call: &Call<'t>, at: usize) -> Option<&'t str> {
    part(scene, *call.arguments.get(at)?)
}

/// What of a value comes from a request, as it is written.
pub(super) fn part<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<&'t str> {
    written_by(scene, node, Writer::Client)
}

/// What comes from a request as it was parsed: an object, if the stranger sent one.
pub(super) fn object<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<&'t str> {
    let value = match scene.names.meaning(scene.scope, scene.written(node)) {
        Some(Meaning::Part(value, ..)) => *value,
        _ => scene.given(node),
    };
    let root = scene.written(value).split(['.', '[', '?']).next().unwrap_or_default();
    if matches!(root, "body" | "query")
        && matches!(scene.names.meaning(scene.scope, root), Some(Meaning::Sent(Sent::Part)))
        && !scene.written(value).ends_with(')')
    {
        return Some(scene.written(value));
    }
    let parsed = ["body", "query"].iter().any(|part| {
        let written = scene.written(value);
        REQUESTS.iter().any(|of| {
            written
                .strip_prefix(of)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest == *part || is_of(rest, part) && !rest.ends_with(')'))
        })
    });
    parsed.then(|| scene.written(value))
}

/// What of a value a stranger writes, as it is written where it enters.
pub(super) fn written_by<'t>(scene: &Scene<'_, 't>, node: Node<'t>, writer: Writer) -> Option<&'t str> {
    let mut open = vec![(node, scene.scope)];
    for _ in 0..STEPS_MAX {
        let (node, scope) = open.pop()?;
        let written = scene.written(node);
        if is_source(scene, (node, scope), written, writer) {
            return Some(written);
        }
        carried(scene, (node, scope), &mut open);
    }
    None
}

/// The names on the way from a value to where it comes from: a check of any of them is a check of the value.
pub(super) fn trail<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Vec<&'t str> {
    let (mut open, mut names) = (vec![(node, scene.scope)], Vec::new());
    for _ in 0..STEPS_MAX {
        let Some((node, scope)) = open.pop() else { break };
        let written = scene.written(node);
        let named = matches!(node.kind(), "identifier" | "member_expression" | "subscript_expression");
        if named && written.len() <= NAME_BYTES_MAX && !names.contains(&written) {
            names.push(written);
        }
        carried(scene, (node, scope), &mut open);
    }
    names
}

/// Whether strangers write an expression.
fn is_source(scene: &Scene<'_, '_>, (node, scope): (Node<'_>, Scope), written: &str, writer: Writer) -> bool {
    if !matches!(node.kind(), "member_expression" | "subscript_expression" | "call_expression" | "identifier")
        || written.len() > 300
    {
        return false;
    }
    let written = written.replace("?.", ".");
    match writer {
        Writer::Client if node.kind() == "identifier" => {
            matches!(scene.names.meaning(scope, &written), Some(Meaning::Sent(Sent::Part)))
        }
        Writer::Client => is_sent(scene, scope, &written) || is_handler(scene) && is_of(&written, "event"),
        Writer::Link => {
            let root = written.split(['.', '[']).next().unwrap_or_default();
            // One that the file declares is another one.
            let other = scene.names.meaning(scope, root).is_some();
            node.kind() != "call_expression"
                && !other
                && ADDRESS.iter().any(|of| {
                    written == *of || is_of(&written, of) && *of != "location" && !of.ends_with(".location")
                })
        }
    }
}

/// Whether an expression is a part of what a name stands for.
fn is_of(written: &str, name: &str) -> bool {
    written.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Whether an expression is of a request, by what its first name means; where that is not known, by the name itself.
fn is_sent(scene: &Scene<'_, '_>, scope: Scope, written: &str) -> bool {
    let root = written.split(['.', '[', '(']).next().unwrap_or_default();
    let rest = &written[root.len()..];
    match scene.names.meaning(scope, root) {
        Some(Meaning::Sent(Sent::Part)) => !rest.contains(['(', '{']) && !rest.ends_with(".length"),
        Some(Meaning::Sent(Sent::Request)) => is_of_known_request(rest),
        Some(Meaning::Sent(Sent::Context)) => {
            let inner = rest.strip_prefix(".req").filter(|rest| rest.starts_with('.'));
            let inner = inner.or_else(|| rest.strip_prefix(".request"));
            is_of_request(&format!("ctx{rest}")) || inner.is_some_and(is_of_known_request)
        }
        Some(Meaning::Sent(Sent::Answer)) => false,
        // A client has requests, too, and knows where it sends them.
        Some(Meaning::Unknown) if root == "request" => !rest.starts_with(".url") && is_of_request(written),
        Some(Meaning::Value(value, _)) if root == "request" => {
            ["req", "ctx", "event"].iter().any(|of| scene.written(*value).contains(of))
                && is_of_request(written)
        }
        _ => is_of_request(written),
    }
}

/// The same of what stands behind the name of a request.
fn is_of_known_request(rest: &str) -> bool {
    let read = rest.strip_prefix('.').is_some_and(|rest| {
        READ.iter().any(|method| rest.starts_with(method)) && rest.find(')') == Some(rest.len() - 1)
    });
    read || is_of_request(&format!("req{rest}"))
}

fn is_of_request(written: &str) -> bool {
    REQUESTS.iter().any(|request| {
        let Some(rest) = written.strip_prefix(request).and_then(|rest| rest.strip_prefix('.')) else {
            return false;
        };
        let asked = *request != "ctx"
            && ASKED.iter().any(|method| {
                rest.strip_prefix(method).is_some_and(|rest| rest.find(')') == Some(rest.len() - 1))
            });
        asked || WRITTEN.iter().any(|part| rest == *part || is_of(rest, part) && !rest.ends_with(')'))
    })
}

/// A function of Lambda knows its request as `event`.
fn is_handler(scene: &Scene<'_, '_>) -> bool {
    scene.around.iter().any(|name| *name == "handler" || name.ends_with("Handler"))
}

/// What may be in an expression that somebody else wrote, put to what is still to be looked at.
fn carried<'t>(scene: &Scene<'_, 't>, (node, scope): (Node<'t>, Scope), open: &mut Vec<(Node<'t>, Scope)>) {
    let field = |name: &str| node.child_by_field_name(name).map(|node| (node, scope));
    match node.kind() {
        "identifier" => match scene.names.meaning(scope, scene.written(node)) {
            Some(Meaning::Value(value, at) | Meaning::Part(value, _, at)) if *value != node => {
                open.push((*value, *at))
            }
            Some(Meaning::Grown(values) | Meaning::Either(values)) => open.extend(values.iter().copied()),
            _ => {}
        },
        "member_expression" | "subscript_expression" => member(scene, node, scope, open),
        "call_expression" | "new_expression" => called(scene, node, scope, open),
        "binary_expression" => {
            let operator = node.child_by_field_name("operator").map_or("", |operator| operator.kind());
            if matches!(operator, "+" | "||" | "??" | "&&") {
                open.extend(field("left").into_iter().chain(field("right")));
            }
        }
        "ternary_expression" => open.extend(field("consequence").into_iter().chain(field("alternative"))),
        "assignment_expression" => open.extend(field("right")),
        "template_string"
        | "template_substitution"
        | "array"
        | "arguments"
        | "spread_element"
        | "await_expression"
        | "parenthesized_expression"
        | "as_expression"
        | "satisfies_expression"
        | "non_null_expression" => {
            open.extend(children(node, 50).into_iter().map(|child| (child, scope)));
        }
        _ => {}
    }
}

/// A part of something: of an object that is written out, what is given to it.
fn member<'t>(scene: &Scene<'_, 't>, node: Node<'t>, scope: Scope, open: &mut Vec<(Node<'t>, Scope)>) {
    let Some(object) = node.child_by_field_name("object") else { return };
    let name = node.child_by_field_name("property").map(|property| scene.written(property));
    if name == Some("length") {
        return;
    }
    match (scene.names.meaning(scope, scene.written(object)), name) {
        (Some(Meaning::Value(value, at)), Some(name)) if value.kind() == "object" => {
            open.extend(super::execution::property(scene, *value, name).map(|value| (value, *at)));
        }
        _ => open.push((object, scope)),
    }
}

fn called<'t>(scene: &Scene<'_, 't>, node: Node<'t>, scope: Scope, open: &mut Vec<(Node<'t>, Scope)>) {
    let function = if node.kind() == "call_expression" { "function" } else { "constructor" };
    let Some(call) = Call::of(scene.names, scope, node, function) else { return };
    let carries = call.object.is_some() && CARRY.contains(&call.method);
    if carries {
        open.extend(call.object.map(|object| (object, scope)));
    }
    if CARRIERS.contains(&call.name.as_str()) || carries && matches!(call.method, "concat" | "join") {
        // What an address is completed from is a site that the page knows.
        let counted = if call.name == "URL" { 1 } else { call.arguments.len() };
        open.extend(call.arguments.into_iter().take(counted).map(|argument| (argument, scope)));
    }
}
