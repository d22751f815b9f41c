//! Functions that answer requests, and what they call what they are given.
//!
//! A handler is known by what it is handed to (`app.get('/', f)`), by the name of its second parameter, by the types of its
//! parameters, by its own name where a framework prescribes that (`GET`, `loader`), or by its decorators. Then its parameters are the
//! request and the answer whatever they are called, and in whatever shape they are taken apart.

use tree_sitter::Node;

use super::request::WRITTEN;
use crate::languages::{
    fold::children,
    names::{Meaning, Names, Parameters, Scope, Sent},
};

const EXPRESS: Parameters = [Some(Sent::Request), Some(Sent::Answer), None, None];
const AFTER_ERROR: Parameters = [None, Some(Sent::Request), Some(Sent::Answer), None];
const OF_CONTEXT: Parameters = [Some(Sent::Context), None, None, None];
const OF_FRAMEWORK: Parameters = [Some(Sent::Request), Some(Sent::Context), None, None];

/// Methods that hand a function to a router.
const ROUTES: [&str; 10] =
    ["get", "post", "put", "patch", "delete", "all", "use", "head", "options", "route"];

/// Ends of names of routers, in small letters.
const ROUTERS: [&str; 7] = ["app", "router", "server", "api", "fastify", "routes", "express"];

/// Names under which handlers know where their answer goes.
const ANSWERS: [&str; 7] = ["res", "_res", "response", "reply", "resp", "rep", "_response"];

/// Names under which functions answer requests: of Next, SvelteKit, Remix.
const PRESCRIBED: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "loader", "action", "load", "getServerSideProps"];

/// Types of requests where one parameter alone says it.
const TYPES: [&str; 5] =
    ["NextRequest", "NextApiRequest", "FastifyRequest", "IncomingMessage", "HonoRequest"];

/// Remembers which functions a node routes requests to, and what a function's parameters are.
pub(super) fn note<'t>(names: &mut Names<'t>, node: Node<'t>, inner: Scope) {
    match node.kind() {
        "call_expression" => routed(names, node),
        "pair" => {
            let key = node.child_by_field_name("key").map(|key| names.text(key));
            if let (Some("handler"), Some(value)) = (key, node.child_by_field_name("value")) {
                names.routed.insert(value.id(), EXPRESS);
            }
        }
        "function_declaration" | "function_expression" | "arrow_function" | "method_definition" => {
            let known = names.routed.get(&node.id()).copied();
            if let Some(parameters) = shape(names, node, known) {
                names.handlers.insert(inner, parameters);
            }
        }
        _ => {}
    }
}

/// `router.route('/').get(check, (req, res) => …)`.
fn routed<'t>(names: &mut Names<'t>, node: Node<'t>) {
    let Some(callee) = node.child_by_field_name("function") else { return };
    let (object, method) = (callee.child_by_field_name("object"), callee.child_by_field_name("property"));
    let (Some(object), Some(method)) = (object, method) else { return };
    let root = names.text(object).split(['.', '(', '[']).next().unwrap_or_default().to_ascii_lowercase();
    let router = ROUTERS.iter().any(|end| root.ends_with(end)) && ROUTES.contains(&names.text(method));
    let arguments = node.child_by_field_name("arguments").filter(|_| router);
    for argument in arguments.map(|list| children(list, 20)).unwrap_or_default() {
        names.routed.insert(argument.id(), EXPRESS);
    }
}

/// What the parameters of a function are, if it answers requests.
fn shape<'t>(names: &Names<'t>, node: Node<'t>, routed: Option<Parameters>) -> Option<Parameters> {
    let parameters = match node.child_by_field_name("parameters") {
        Some(list) => children(list, 5),
        None => vec![node.child_by_field_name("parameter")?],
    };
    let called = |at: usize| parameters.get(at).map_or("", |node| plain(names, *node));
    let of_error = matches!(called(0), "err" | "error" | "e" | "_err");
    let answers =
        |at: usize| ANSWERS.contains(&called(at)) || names_type(names, parameters.get(at), "Response");
    let name = node.child_by_field_name("name").map_or("", |name| names.text(name));
    if of_error && (parameters.len() == 4 || answers(2)) {
        return Some(AFTER_ERROR);
    }
    if answers(1) && !of_error {
        return Some(EXPRESS);
    }
    if routed.is_some() {
        let alone = parameters.len() == 1 && !called(0).trim_start_matches('_').starts_with("req");
        return Some(if alone { OF_CONTEXT } else { EXPRESS }).filter(|_| !of_error);
    }
    let page = name.starts_with(|first: char| first.is_ascii_uppercase()) && parameters.len() == 1;
    let taken_apart = parameters.first().is_some_and(|first| names.text(*first).starts_with('{'));
    let typed = TYPES.iter().any(|kind| names_type(names, parameters.first(), kind));
    // Many functions load something; SvelteKit's takes its event apart.
    let prescribed = PRESCRIBED.contains(&name) && (name != "load" || taken_apart);
    if prescribed || typed {
        return Some(OF_FRAMEWORK);
    }
    (page && taken_apart && names.text(parameters[0]).contains("searchParams")).then_some(OF_CONTEXT)
}

/// The name of a parameter, if it is not taken apart.
fn plain<'t>(names: &Names<'t>, parameter: Node<'t>) -> &'t str {
    names.text(parameter.child_by_field_name("pattern").unwrap_or(parameter))
}

fn names_type<'t>(names: &Names<'t>, parameter: Option<&Node<'t>>, kind: &str) -> bool {
    let written = parameter.and_then(|node| node.child_by_field_name("type")).map_or("", |of| names.text(of));
    let of = written.trim_start_matches([':', ' ']).split('<').next().unwrap_or_default();
    of.rsplit('.').next() == Some(kind)
}

/// What a parameter means, by its place in its function and by its decorators.
pub(super) fn parameter<'t>(names: &Names<'t>, node: Node<'t>, at: usize, scope: Scope) -> Meaning<'t> {
    let placed = || names.handlers.get(&scope).and_then(|parameters| *parameters.get(at)?);
    match decorated(names, node).or_else(placed) {
        Some(sent) => Meaning::Sent(sent),
        None => Meaning::Unknown,
    }
}

/// Nest: `@Query('to') to: string`.
fn decorated<'t>(names: &Names<'t>, node: Node<'t>) -> Option<Sent> {
    let decorator = children(node, 4).into_iter().find(|child| child.kind() == "decorator")?;
    let name = names.text(decorator).trim_start_matches('@').split('(').next()?;
    match name {
        "Query" | "Param" | "Body" | "Headers" | "Cookies" | "UploadedFile" | "UploadedFiles" => {
            Some(Sent::Part)
        }
        "Req" | "Request" => Some(Sent::Request),
        "Res" | "Response" => Some(Sent::Answer),
        _ => None,
    }
}

/// What a property of what a handler is given means.
pub(super) fn property(sent: Sent, key: &str) -> Option<Sent> {
    match (sent, key) {
        (Sent::Part, _) => Some(Sent::Part),
        (Sent::Request | Sent::Context, "req" | "request") => Some(Sent::Request),
        (Sent::Request | Sent::Context, "res" | "response") => Some(Sent::Answer),
        (Sent::Request | Sent::Context, "searchParams") => Some(Sent::Part),
        (Sent::Request | Sent::Context, key) => WRITTEN.contains(&key).then_some(Sent::Part),
        (Sent::Answer, _) => None,
    }
}
