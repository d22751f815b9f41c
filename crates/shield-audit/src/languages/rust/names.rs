//! What names mean and texts are in Rust.

use tree_sitter::Node;

use crate::languages::{
    fold::{Part, Question, Text, children, is_constant, unescaped},
    names::{Meaning, Names, Scope},
};

/// Names that one `use` may bring in here.
const USED_MAX: usize = 500;

/// Declares what a node declares.
pub(in crate::languages) fn bind<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let named = |field: &str| node.child_by_field_name(field);
    match node.kind() {
        "use_declaration" => {
            if let Some(argument) = named("argument") {
                import(names, argument, scope);
            }
        }
        "let_declaration" => {
            let Some(pattern) = named("pattern") else { return };
            let meaning = named("value").map_or(Meaning::Nothing, |value| Meaning::Value(value, scope));
            for name in plain(pattern) {
                let whole = name == pattern;
                names.declare(
                    scope,
                    names.text(name),
                    if whole { meaning.clone() } else { Meaning::Unknown },
                );
            }
        }
        "const_item" | "static_item" => {
            if let (Some(name), Some(value)) = (named("name"), named("value")) {
                names.declare(scope, names.text(name), Meaning::Value(value, scope));
            }
        }
        "parameter" | "for_expression" => {
            for name in named("pattern").map(plain).unwrap_or_default() {
                names.declare(scope, names.text(name), Meaning::Unknown);
            }
        }
        "closure_parameters" => {
            for name in plain(node) {
                names.declare(scope, names.text(name), Meaning::Unknown);
            }
        }
        "assignment_expression" | "compound_assignment_expr" => {
            let (Some(left), Some(right)) = (named("left"), named("right")) else { return };
            if left.kind() == "identifier" {
                let single = node.kind() == "assignment_expression";
                let meaning = if single { Meaning::Value(right, scope) } else { Meaning::Unknown };
                names.assign(scope, names.text(left), meaning);
            }
        }
        _ => {}
    }
}

/// The names of a pattern: itself, or the ones right in it.
fn plain(pattern: Node<'_>) -> Vec<Node<'_>> {
    match pattern.kind() {
        "identifier" => vec![pattern],
        _ => children(pattern, 50).into_iter().filter(|child| child.kind() == "identifier").collect(),
    }
}

/// `use a::{b, c::d as e};`
fn import<'t>(names: &mut Names<'t>, argument: Node<'t>, scope: Scope) {
    let mut waiting = vec![(String::new(), argument)];
    let mut left = USED_MAX;
    while let Some((prefix, node)) = waiting.pop() {
        left -= 1;
        if left == 0 {
            return;
        }
        let full = |part: &str| if prefix.is_empty() { part.to_owned() } else { format!("{prefix}::{part}") };
        match node.kind() {
            "identifier" => names.declare(scope, names.text(node), Meaning::Path(full(names.text(node)))),
            // `use a::b::{self};`
            "self" => {
                let last = prefix.rsplit("::").next().unwrap_or(&prefix).len();
                let of = names.text(argument);
                if let Some(at) = of.rfind(&prefix[prefix.len() - last..]) {
                    names.declare(scope, &of[at..at + last], Meaning::Path(prefix.clone()));
                }
            }
            "scoped_identifier" => {
                if let Some(name) = node.child_by_field_name("name") {
                    names.declare(scope, names.text(name), Meaning::Path(full(names.text(node))));
                }
            }
            "use_as_clause" => {
                if let (Some(path), Some(alias)) =
                    (node.child_by_field_name("path"), node.child_by_field_name("alias"))
                {
                    names.declare(scope, names.text(alias), Meaning::Path(full(names.text(path))));
                }
            }
            "scoped_use_list" => {
                let path = node.child_by_field_name("path").map_or("", |path| names.text(path));
                if let Some(list) = node.child_by_field_name("list") {
                    waiting.push((if path.is_empty() { prefix } else { full(path) }, list));
                }
            }
            "use_list" => {
                waiting.extend(children(node, USED_MAX).into_iter().map(|one| (prefix.clone(), one)))
            }
            _ => {}
        }
    }
}

/// The name that an expression goes by.
pub(in crate::languages) fn name<'t>(
    question: &mut Question<'_, 't>,
    node: Node<'t>,
    scope: Scope,
) -> Option<String> {
    let names = question.names;
    match node.kind() {
        "identifier" | "type_identifier" | "self" | "crate" | "super" => {
            question.identifier(names.text(node), scope)
        }
        "scoped_identifier" | "scoped_type_identifier" => {
            let last = names.text(node.child_by_field_name("name")?);
            match node.child_by_field_name("path") {
                Some(path) => Some(format!("{}::{last}", question.name(path, scope)?)),
                None => Some(last.to_owned()),
            }
        }
        "generic_function" => question.name(node.child_by_field_name("function")?, scope),
        "generic_type" => question.name(node.child_by_field_name("type")?, scope),
        "field_expression" => {
            let value = question.name(node.child_by_field_name("value")?, scope)?;
            Some(format!("{value}.{}", names.text(node.child_by_field_name("field")?)))
        }
        "call_expression" => {
            Some(format!("{}()", question.name(node.child_by_field_name("function")?, scope)?))
        }
        "reference_expression" => question.name(node.child_by_field_name("value")?, scope),
        "parenthesized_expression" | "try_expression" | "await_expression" => {
            question.name(node.named_child(0)?, scope)
        }
        _ => None,
    }
}

/// The text that an expression is.
pub(in crate::languages) fn text<'t>(
    question: &mut Question<'_, 't>,
    node: Node<'t>,
    scope: Scope,
) -> Text<'t> {
    let names = question.names;
    match node.kind() {
        "string_literal" | "raw_string_literal" => Text::known(characters(names, node)),
        "integer_literal" | "float_literal" | "boolean_literal" | "char_literal" => {
            Text::known(names.text(node))
        }
        "binary_expression" => question.sum(node, scope),
        "identifier" => question.text_of_name(names.text(node), node, scope),
        "scoped_identifier" => {
            let last = node.child_by_field_name("name").map_or("", |name| names.text(name));
            if is_constant(last) { Text::known("") } else { Text::unknown(node) }
        }
        "reference_expression" | "parenthesized_expression" | "try_expression" => {
            let inner = node.child_by_field_name("value").or_else(|| node.named_child(0));
            inner.map_or_else(|| Text::unknown(node), |inner| question.text(inner, scope))
        }
        "call_expression" => called(question, node, scope).unwrap_or_else(|| Text::unknown(node)),
        "macro_invocation" => expanded(question, node, scope).unwrap_or_else(|| Text::unknown(node)),
        _ => Text::unknown(node),
    }
}

fn characters(names: &Names<'_>, node: Node<'_>) -> String {
    let mut text = String::new();
    for part in children(node, 10_000) {
        match part.kind() {
            "escape_sequence" => text.push(unescaped(names.text(part))),
            _ => text.push_str(names.text(part)),
        }
    }
    text
}

/// Calls that give the text itself.
fn called<'t>(question: &mut Question<'_, 't>, node: Node<'t>, scope: Scope) -> Option<Text<'t>> {
    let function = node.child_by_field_name("function")?;
    if function.kind() == "field_expression" {
        let method = question.names.text(function.child_by_field_name("field")?);
        let same = matches!(
            method,
            "to_string" | "to_owned" | "into" | "as_str" | "clone" | "as_ref" | "unwrap" | "trim"
        );
        let value = function.child_by_field_name("value").filter(|_| same)?;
        return Some(question.text(value, scope));
    }
    let name = question.name(function, scope)?;
    let first = node.child_by_field_name("arguments")?.named_child(0)?;
    matches!(name.as_str(), "String::from" | "std::borrow::Cow::from" | "Some")
        .then(|| question.text(first, scope))
}

/// `format!("a {} {b}", c)`, `concat!("a", "b")`: tokens, which the grammar does not look into.
fn expanded<'t>(question: &mut Question<'_, 't>, node: Node<'t>, scope: Scope) -> Option<Text<'t>> {
    let names = question.names;
    let name = names.text(node.child_by_field_name("macro")?);
    let tokens = children(node, 4).into_iter().find(|child| child.kind() == "token_tree")?;
    let mut cursor = tokens.walk();
    let all: Vec<_> = tokens.children(&mut cursor).take(300).collect();
    let literal = |node: &Node<'_>| matches!(node.kind(), "string_literal" | "raw_string_literal");
    let rest = all.get(1..all.len().checked_sub(1)?)?;
    match name.rsplit("::").next()? {
        "concat" => {
            let parts: String =
                rest.iter().filter(|node| literal(node)).map(|node| characters(names, *node)).collect();
            Some(Text::known(parts))
        }
        "format" | "format_args" => {
            let format = characters(names, *rest.first().filter(|node| literal(node))?);
            let arguments: Vec<_> = rest[1..].split(|token| token.kind() == ",").skip(1).collect();
            Some(formatted(question, &format, &arguments, (node, scope)))
        }
        "include_str" | "stringify" | "env" => Some(Text::known("")),
        _ => None,
    }
}

fn formatted<'t>(
    question: &mut Question<'_, 't>,
    format: &str,
    arguments: &[&[Node<'t>]],
    (node, scope): (Node<'t>, Scope),
) -> Text<'t> {
    let mut text = Text::default();
    let (mut rest, mut next) = (format, 0);
    while let Some(at) = rest.find('{') {
        text.then(Text::known(&rest[..at]));
        if rest[at + 1..].starts_with('{') {
            text.then(Text::known("{"));
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}').map(|end| at + end) else { break };
        let (place, how) = rest[at + 1..end].split_once(':').unwrap_or((&rest[at + 1..end], ""));
        rest = &rest[end + 1..];
        let argument = match place.parse::<usize>() {
            Ok(place) => arguments.get(place),
            Err(_) if place.is_empty() => {
                next += 1;
                arguments.get(next - 1)
            }
            Err(_) => arguments.iter().find(|tokens| {
                tokens.len() > 2 && tokens[1].kind() == "=" && question.names.text(tokens[0]) == place
            }),
        };
        // Only a number is written in hexadecimal.
        let number = how.ends_with(['x', 'X', 'b', 'o', 'e']);
        text.then(match argument {
            _ if number => Text::known("0"),
            Some([single]) => question.text(*single, scope),
            // `crate::TABLE`, `NAME = value`.
            Some([.., last]) if is_constant(question.names.text(*last)) => Text::known(""),
            Some([first, ..]) => Text(vec![Part::Unknown(Some(*first))]),
            Some([]) => Text(vec![Part::Unknown(None)]),
            None => question.text_of_name(place, node, scope),
        });
    }
    text.then(Text::known(rest));
    text
}
