//! What a stranger sends, and what carries it on within a file.

use tree_sitter::Node;

use crate::languages::{
    call::{Call, Scene},
    fold::children,
    names::{Meaning, Scope, Sent},
};

/// How what a stranger sends is read: by the standard library, mux, chi, and Lambda.
const MARKS: [&str; 23] = [
    ".FormValue(",
    ".PostFormValue(",
    ".Cookie(",
    ".FormFile(",
    ".URL.Query()",
    ".URL.Path",
    ".URL.RawQuery",
    ".URL.String()",
    ".RequestURI",
    ".Header.Get(",
    ".Header[",
    ".Form.Get(",
    ".Form[",
    ".PostForm[",
    ".PathValue(",
    ".UserAgent()",
    ".Referer()",
    ".QueryStringParameters[",
    ".PathParameters[",
    "mux.Vars(",
    "chi.URLParam(",
    "os.Args[",
    "os.Getenv(",
];

/// How Gin, Echo and Fiber read it, from what they call `c` or `ctx`.
const OF_CONTEXT: [&str; 11] = [
    "Query(",
    "QueryParam(",
    "QueryArray(",
    "DefaultQuery(",
    "Param(",
    "Params(",
    "PostForm(",
    "DefaultPostForm(",
    "GetHeader(",
    "FormValue(",
    "Cookies(",
];

/// Functions whose answer has in it what they are called with; packages with all of theirs.
const CARRIERS: [&str; 15] = [
    "fmt.Sprintf",
    "fmt.Sprint",
    "fmt.Sprintln",
    "fmt.Errorf",
    "strings.",
    "bytes.",
    "string",
    "net/url.QueryUnescape",
    "net/url.PathUnescape",
    "net/url.Parse",
    "path.Join",
    "path.Clean",
    "path/filepath.Join",
    "path/filepath.Clean",
    "html.UnescapeString",
];

/// Longer names are checked by nobody.
const NAME_BYTES_MAX: usize = 100;

/// So many steps are gone from a text to where it comes from.
const STEPS_MAX: usize = 60;

/// What of an expression comes from outside of the program, as it is written.
pub(super) fn part<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<&'t str> {
    let mut open = vec![(node, scene.scope)];
    for _ in 0..STEPS_MAX {
        let (node, scope) = open.pop()?;
        let written = scene.written(node);
        let kind = matches!(node.kind(), "call_expression" | "selector_expression" | "index_expression");
        if kind && is_source(scene, scope, written)
            || node.kind() == "identifier" && is_part(scene, scope, written)
        {
            return Some(written);
        }
        carried(scene, (node, scope), &mut open);
    }
    None
}

/// The same, if somebody who is not the one that starts the program sends it.
pub(super) fn by_stranger<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<&'t str> {
    part(scene, node).filter(|part| !part.starts_with("os."))
}

/// The names on the way from a value to where it comes from: a check of any of them is a check of the value.
pub(super) fn trail<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Vec<&'t str> {
    let (mut open, mut names) = (vec![(node, scene.scope)], Vec::new());
    for _ in 0..STEPS_MAX {
        let Some((node, scope)) = open.pop() else { break };
        let written = scene.written(node);
        let named = matches!(node.kind(), "identifier" | "selector_expression" | "call_expression");
        if named && written.len() <= NAME_BYTES_MAX && !names.contains(&written) {
            names.push(written);
        }
        carried(scene, (node, scope), &mut open);
    }
    names
}

/// Whether something is what a request was read into.
fn is_part(scene: &Scene<'_, '_>, scope: Scope, name: &str) -> bool {
    matches!(scene.names.meaning(scope, name), Some(Meaning::Sent(Sent::Part)))
}

fn is_source(scene: &Scene<'_, '_>, scope: Scope, written: &str) -> bool {
    if written.len() > 200 || written.contains('{') {
        return false;
    }
    let root = written.split(['.', '(', '[']).next().unwrap_or_default();
    let meaning = scene.names.meaning(scope, root);
    // What is within a call is what that is called with.
    let marked = MARKS.iter().filter_map(|mark| written.find(mark)).any(|at| !written[..at].contains('('));
    let answered = written.contains(".Header") && is_answer(scene, root, meaning);
    let context = match meaning {
        Some(Meaning::Sent(sent)) => *sent == Sent::Context,
        Some(Meaning::Unknown) => false,
        _ => matches!(root, "c" | "ctx"),
    };
    let rest = written[root.len()..].strip_prefix('.').unwrap_or_default();
    let of_context = context && OF_CONTEXT.iter().any(|method| rest.starts_with(method));
    marked && !answered || of_context || is_uploaded(scene, written)
}

/// The name that whoever uploads a file gives it.
fn is_uploaded(scene: &Scene<'_, '_>, written: &str) -> bool {
    written.ends_with(".Filename")
        && ["FormFile(", "MultipartForm"].iter().any(|of| scene.names.text.contains(of))
}

/// Whether a name is of the answer to what the program asked itself.
fn is_answer(scene: &Scene<'_, '_>, root: &str, meaning: Option<&Meaning<'_>>) -> bool {
    let asked = |written: &str| {
        ["http.Get(", "http.Post(", "http.Head(", ".Do(", ".RoundTrip("].iter().any(|of| written.contains(of))
    };
    matches!(root, "resp" | "res" | "rsp" | "response")
        || matches!(meaning, Some(Meaning::Value(value, _)) if asked(scene.written(*value)))
}

/// Whether something is the context that a framework answers a request with.
pub(super) fn is_context(scene: &Scene<'_, '_>, object: Node<'_>) -> bool {
    let name = scene.written(object);
    match scene.names.meaning(scene.scope, name) {
        Some(Meaning::Sent(sent)) => *sent == Sent::Context,
        Some(Meaning::Unknown) => false,
        _ => matches!(name, "c" | "ctx"),
    }
}

fn carried<'t>(scene: &Scene<'_, 't>, (node, scope): (Node<'t>, Scope), open: &mut Vec<(Node<'t>, Scope)>) {
    let field = |name: &str| node.child_by_field_name(name).map(|node| (node, scope));
    match node.kind() {
        "identifier" => match scene.names.meaning(scope, scene.written(node)) {
            Some(Meaning::Value(value, at)) if *value != node => open.push((*value, *at)),
            Some(Meaning::Grown(values) | Meaning::Either(values)) => open.extend(values.iter().copied()),
            _ => {}
        },
        "selector_expression" => open.extend(field("operand").filter(|(of, _)| of.kind() == "identifier")),
        "binary_expression" => open.extend(field("left").into_iter().chain(field("right"))),
        "index_expression" | "slice_expression" | "type_conversion_expression" => {
            open.extend(field("operand"));
        }
        "parenthesized_expression" | "argument_list" | "expression_list" | "literal_element" => {
            open.extend(children(node, 50).into_iter().map(|child| (child, scope)));
        }
        "call_expression" => called(scene, node, scope, open),
        _ => {}
    }
}

fn called<'t>(scene: &Scene<'_, 't>, node: Node<'t>, scope: Scope, open: &mut Vec<(Node<'t>, Scope)>) {
    let Some(call) = Call::of(scene.names, scope, node, "function") else { return };
    // Below the root, `..` leads nowhere else.
    let rooted = matches!(call.name.as_str(), "path.Clean" | "path/filepath.Clean")
        && scene.argument(&call, 0).is_some_and(|text| text.beginning().starts_with('/'));
    if rooted {
        return;
    }
    let carries = |of: &&str| call.name == **of || of.ends_with('.') && call.name.starts_with(*of);
    let tells = ["Contains", "HasPrefix", "HasSuffix", "Count", "Index", "Replace", "EqualFold"];
    if CARRIERS.iter().any(carries) && !tells.iter().any(|start| call.method.starts_with(start))
        || call.callee.kind() == "slice_type"
    {
        open.extend(call.arguments.iter().map(|argument| (*argument, scope)));
    }
    if matches!(call.method, "Get" | "String" | "Bytes" | "Query") {
        open.extend(call.object.map(|object| (object, scope)));
    }
}
