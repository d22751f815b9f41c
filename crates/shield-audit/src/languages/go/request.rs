//! What a stranger sends, and what carries it on within a file.

use tree_sitter::Node;

use crate::languages::{
    call::{Call, Scene},
    fold::children,
    names::{Meaning, Scope},
};

/// How what a stranger sends is read: by the standard library, mux, chi, and Lambda.
const MARKS: [&str; 22] = [
    ".FormValue(",
    ".PostFormValue(",
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
        if matches!(node.kind(), "call_expression" | "selector_expression" | "index_expression")
            && is_source(written)
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

fn is_source(written: &str) -> bool {
    if written.len() > 200 || written.contains('{') {
        return false;
    }
    // What is within a call is what that is called with.
    let marked = MARKS.iter().filter_map(|mark| written.find(mark)).any(|at| !written[..at].contains('('));
    let of_context = || {
        let rest = ["c.", "ctx."].iter().find_map(|name| written.strip_prefix(name))?;
        Some(OF_CONTEXT.iter().any(|method| rest.starts_with(method)))
    };
    marked || of_context().unwrap_or_default()
}

fn carried<'t>(scene: &Scene<'_, 't>, (node, scope): (Node<'t>, Scope), open: &mut Vec<(Node<'t>, Scope)>) {
    let field = |name: &str| node.child_by_field_name(name).map(|node| (node, scope));
    match node.kind() {
        "identifier" => match scene.names.meaning(scope, scene.written(node)) {
            Some(Meaning::Value(value, at)) if *value != node => open.push((*value, *at)),
            Some(Meaning::Grown(values) | Meaning::Either(values)) => open.extend(values.iter().copied()),
            _ => {}
        },
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
