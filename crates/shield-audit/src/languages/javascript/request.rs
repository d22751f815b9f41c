//! What a stranger sends: Express's and its kind's requests, read right where they are used.

use tree_sitter::Node;

use crate::languages::{
    call::{Call, Scene},
    fold::Text,
};

/// Names under which handlers know their request.
const REQUESTS: [&str; 4] = ["req", "request", "ctx.request", "ctx"];

/// What of a request strangers write.
const WRITTEN: [&str; 5] = ["query", "params", "body", "cookies", "headers"];

/// The first unknown part of a text that comes straight from a request.
pub(super) fn part<'t>(scene: &Scene<'_, 't>, text: &Text<'t>) -> Option<&'t str> {
    text.unknowns()
        .map(|node| scene.written(written_as(scene, node)))
        .find(|written| is_from_request(written))
}

/// What a name was given, if it is a plain name given once.
fn written_as<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Node<'t> {
    use crate::languages::names::Meaning;
    match scene.names.meaning(scene.scope, scene.written(node)) {
        Some(Meaning::Value(value, _)) => *value,
        _ => node,
    }
}

fn is_from_request(written: &str) -> bool {
    REQUESTS.iter().any(|request| {
        let rest = written.strip_prefix(request).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| {
            WRITTEN
                .iter()
                .any(|part| rest.strip_prefix(part).is_some_and(|rest| rest.starts_with(['.', '['])))
                || rest.starts_with("param(")
                || rest.starts_with("query(")
        })
    })
}

/// An argument that comes straight from a request.
pub(super) fn argument<'t>(scene: &Scene<'_, 't>, call: &Call<'t>, at: usize) -> Option<&'t str> {
    part(scene, &scene.argument(call, at)?)
}
