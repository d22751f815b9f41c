//! What names mean and texts are in JavaScript.

use tree_sitter::Node;

use super::handler;
use crate::languages::{
    fold::{Part, Question, Text, children, is_constant, unescaped},
    names::{Meaning, Names, Scope},
};

/// The module that a text names: `node:fs` and `fs` are one.
fn module(text: &str) -> String {
    text.strip_prefix("node:").unwrap_or(text).to_owned()
}

/// Declares what a node declares.
pub(in crate::languages) fn bind<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope, inner: Scope) {
    handler::note(names, node, inner);
    match node.kind() {
        "import_statement" => import(names, node, scope),
        "variable_declarator" => {
            let (target, value) = (node.child_by_field_name("name"), node.child_by_field_name("value"));
            if let Some(target) = target {
                // `let x;` is given its value later.
                let meaning = value.map_or(Meaning::Nothing, |value| Meaning::Value(value, scope));
                pattern(names, target, &meaning, scope);
            }
        }
        "assignment_expression" => {
            let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
            match (left, right) {
                (Some(left), Some(right)) if left.kind() == "identifier" => {
                    names.assign_or_declare(scope, names.text(left), Meaning::Value(right, scope));
                }
                (Some(left), Some(right)) if left.kind() == "subscript_expression" => {
                    if let Some(list) = left.child_by_field_name("object") {
                        names.put(scope, names.text(list), right);
                    }
                }
                _ => {}
            }
        }
        "call_expression" => pushed(names, node, scope),
        "augmented_assignment_expression" => {
            let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
            if let (Some(left), Some(right)) = (left.filter(|left| left.kind() == "identifier"), right) {
                names.grow(scope, names.text(left), right);
            }
        }
        "function_declaration" | "class_declaration" | "generator_function_declaration" => {
            if let Some(name) = node.child_by_field_name("name") {
                names.declare(scope, names.text(name), Meaning::Unknown);
            }
        }
        // JavaScript has them bare, TypeScript each in a node of its own.
        "formal_parameters" => {
            for (at, parameter) in children(node, 100).into_iter().enumerate() {
                let target = match parameter.kind() {
                    "assignment_pattern" => parameter.child_by_field_name("left"),
                    "rest_pattern" => parameter.named_child(0),
                    _ => parameter.child_by_field_name("pattern").or(Some(parameter)),
                };
                let meaning = handler::parameter(names, parameter, at, scope);
                if let Some(target) = target {
                    pattern(names, target, &meaning, scope);
                }
            }
        }
        "arrow_function" => {
            if let Some(name) = node.child_by_field_name("parameter") {
                let meaning = handler::parameter(names, name, 0, inner);
                names.declare(inner, names.text(name), meaning);
            }
        }
        "catch_clause" | "for_in_statement" => {
            let field = if node.kind() == "catch_clause" { "parameter" } else { "left" };
            if let Some(target) = node.child_by_field_name(field) {
                pattern(names, target, &Meaning::Unknown, inner);
            }
        }
        _ => {}
    }
}

/// `list.push(a, b)`.
fn pushed<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let Some(callee) = node.child_by_field_name("function") else { return };
    let (list, method) = (callee.child_by_field_name("object"), callee.child_by_field_name("property"));
    let (Some(list), Some("push" | "unshift")) = (list, method.map(|method| names.text(method))) else {
        return;
    };
    let arguments = node.child_by_field_name("arguments").map(|list| children(list, 50));
    for argument in arguments.unwrap_or_default() {
        names.put(scope, names.text(list), argument);
    }
}

fn import<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let required = children(node, 8).into_iter().find(|child| child.kind() == "import_require_clause");
    let Some(source) = node.child_by_field_name("source").or_else(|| required?.child_by_field_name("source"))
    else {
        return;
    };
    let path = module(names.text(source).trim_matches(['"', '\'']));
    for clause in children(node, 8) {
        for part in children(clause, 1_000) {
            match part.kind() {
                "identifier" => names.declare(scope, names.text(part), Meaning::Path(path.clone())),
                "namespace_import" => {
                    if let Some(name) = part.named_child(0) {
                        names.declare(scope, names.text(name), Meaning::Path(path.clone()));
                    }
                }
                "named_imports" => {
                    for one in children(part, 1_000) {
                        let Some(name) = one.child_by_field_name("name") else { continue };
                        let local = one.child_by_field_name("alias").unwrap_or(name);
                        let of = names.text(name);
                        let meaning = if of == "default" { path.clone() } else { format!("{path}.{of}") };
                        names.declare(scope, names.text(local), Meaning::Path(meaning));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Declares a name, or the names of `{ a, b: c }`.
fn pattern<'t>(names: &mut Names<'t>, target: Node<'t>, meaning: &Meaning<'t>, scope: Scope) {
    match target.kind() {
        "identifier" => {
            names.declare(scope, names.text(target), meaning.clone());
        }
        "object_pattern" => {
            for part in children(target, 1_000) {
                property(names, part, meaning, scope);
            }
        }
        "array_pattern" => {
            for part in children(target, 100).into_iter().filter(|part| part.kind() == "identifier") {
                names.declare(scope, names.text(part), Meaning::Unknown);
            }
        }
        _ => {}
    }
}

/// Declares what one property of `{ a, b: c, d = 1, e: { f }, ...g }` is taken apart into.
fn property<'t>(names: &mut Names<'t>, part: Node<'t>, meaning: &Meaning<'t>, scope: Scope) {
    let (key, local) = match part.kind() {
        "shorthand_property_identifier_pattern" => (Some(part), Some(part)),
        "object_assignment_pattern" => (part.child_by_field_name("left"), part.child_by_field_name("left")),
        "pair_pattern" => (part.child_by_field_name("key"), part.child_by_field_name("value")),
        // The rest is as much what it is taken from.
        "rest_pattern" => match part.named_child(0) {
            Some(rest) => return pattern(names, rest, meaning, scope),
            None => return,
        },
        _ => return,
    };
    let (Some(key), Some(local)) = (key, local) else { return };
    let key = names.text(key);
    let part = match meaning {
        Meaning::Value(value, at) => Meaning::Part(*value, key, *at),
        Meaning::Part(value, _, at) => Meaning::Part(*value, key, *at),
        Meaning::Sent(sent) => handler::property(*sent, key).map_or(Meaning::Unknown, Meaning::Sent),
        _ => Meaning::Unknown,
    };
    match local.kind() {
        "assignment_pattern" => {
            if let Some(left) = local.child_by_field_name("left") {
                pattern(names, left, &part, scope);
            }
        }
        "identifier" | "object_pattern" | "array_pattern" => pattern(names, local, &part, scope),
        _ => names.declare(scope, names.text(local), part),
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
        "identifier" | "this" | "super" | "import" => question.identifier(names.text(node), scope),
        "member_expression" => {
            let object = question.name(node.child_by_field_name("object")?, scope)?;
            let property = names.text(node.child_by_field_name("property")?);
            Some(if property == "default" { object } else { format!("{object}.{property}") })
        }
        "subscript_expression" => {
            let object = question.name(node.child_by_field_name("object")?, scope)?;
            let key = question.text(node.child_by_field_name("index")?, scope).literal()?;
            Some(format!("{object}.{key}"))
        }
        "call_expression" | "new_expression" => {
            let field = if node.kind() == "call_expression" { "function" } else { "constructor" };
            let callee = question.name(node.child_by_field_name(field)?, scope)?;
            let first = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
            match (callee.as_str(), first) {
                ("require" | "import", Some(first)) => Some(module(&question.text(first, scope).literal()?)),
                // What is made of a function is called as it is.
                ("util.promisify", Some(first)) => question.name(first, scope),
                _ => Some(format!("{callee}()")),
            }
        }
        "parenthesized_expression"
        | "await_expression"
        | "as_expression"
        | "satisfies_expression"
        | "non_null_expression" => question.name(node.named_child(0)?, scope),
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
        "string" => Text::known(characters(names, node)),
        "number" | "true" | "false" | "null" => Text::known(names.text(node)),
        "template_string" => {
            let mut text = Text::default();
            for part in children(node, 200) {
                match part.kind() {
                    "string_fragment" => text.then(Text::known(names.text(part))),
                    "escape_sequence" => text.then(Text::known(unescaped(names.text(part)))),
                    "template_substitution" => match part.named_child(0) {
                        Some(inner) => text.then(question.text(inner, scope)),
                        None => text.0.push(Part::Unknown(Some(part))),
                    },
                    _ => {}
                }
            }
            text
        }
        "binary_expression" => question.sum(node, scope),
        // Where the program lies is up to whoever installs it.
        "identifier" if matches!(names.text(node), "__dirname" | "__filename") => Text::known("/"),
        "identifier" => question.text_of_name(names.text(node), node, scope),
        "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
            match node.named_child(0) {
                Some(inner) => question.text(inner, scope),
                None => Text::unknown(node),
            }
        }
        "ternary_expression" => {
            // Either way it is written here.
            let both = [node.child_by_field_name("consequence"), node.child_by_field_name("alternative")];
            let texts: Vec<_> = both.into_iter().flatten().map(|side| question.text(side, scope)).collect();
            match texts.into_iter().find(|text| !text.is_known()) {
                None => Text::known(""),
                Some(_) => Text::unknown(node),
            }
        }
        "call_expression" => called(question, node, scope).unwrap_or_else(|| Text::unknown(node)),
        "member_expression" => {
            let property = node.child_by_field_name("property").map(|property| names.text(property));
            // What the environment says is no constant.
            let constant = property.is_some_and(is_constant) && !names.text(node).contains("env.");
            if constant { Text::known("") } else { Text::unknown(node) }
        }
        _ => Text::unknown(node),
    }
}

/// What calls make of texts: `'a'.concat(b)`, `[a, b].join('')`, `format('%s', a)`.
fn called<'t>(question: &mut Question<'_, 't>, node: Node<'t>, scope: Scope) -> Option<Text<'t>> {
    let callee = node.child_by_field_name("function")?;
    let arguments = children(node.child_by_field_name("arguments")?, 50);
    let object = callee.child_by_field_name("object");
    let method = callee.child_by_field_name("property").map(|property| question.names.text(property));
    let parts = match (method, object) {
        (Some("concat"), Some(object)) => std::iter::once(object).chain(arguments).collect(),
        (Some("join"), Some(object)) if object.kind() == "array" => children(object, 50),
        (Some("join"), Some(object)) => return question.joined(object, scope),
        (Some("trim" | "toString"), Some(object)) => vec![object],
        (Some("replace" | "replaceAll"), Some(object)) => {
            return replaced(question, (object, &arguments), scope);
        }
        // A piece of what is written here is written here.
        (Some("repeat" | "slice" | "substring" | "toUpperCase" | "toLowerCase"), Some(object)) => {
            return Some(question.text(object, scope)).filter(Text::is_known);
        }
        _ if is_number(&question.name(callee, scope)?) => return Some(Text::known("")),
        _ if question.name(callee, scope)? == "util.format" => arguments,
        _ => return None,
    };
    let mut text = Text::default();
    for part in parts {
        text.then(question.text(part, scope));
    }
    // `concat` of what may be a list says nothing.
    (text.is_known() || text.is_composed()).then_some(text)
}

/// `'SELECT … NAME'.replace('NAME', x)`: of a text that is known in part, what is put in is another part.
fn replaced<'t>(
    question: &mut Question<'_, 't>,
    (object, arguments): (Node<'t>, &[Node<'t>]),
    scope: Scope,
) -> Option<Text<'t>> {
    let mut text = question.text(object, scope);
    if !text.is_known() && !text.is_composed() {
        return None;
    }
    text.then(question.text(*arguments.get(1)?, scope));
    Some(text)
}

/// Functions that give numbers, which cannot be anything but numbers.
fn is_number(function: &str) -> bool {
    matches!(
        function,
        "Number" | "parseInt" | "parseFloat" | "Number.parseInt" | "Number.parseFloat" | "BigInt"
    ) || function.starts_with("Math.")
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
