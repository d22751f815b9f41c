//! What a text cannot do that lacks some characters, or has only some.

use ruff_python_ast::Expr;

use super::{
    kinds::Kinds,
    value::{Shape, Value},
};

fn other_than_text(types: &Expr) -> Kinds {
    const TEXTS: [&str; 9] =
        ["str", "bytes", "bytearray", "list", "dict", "set", "tuple", "object", "basestring"];
    let text = |expr: &Expr| expr.as_name_expr().is_none_or(|name| TEXTS.contains(&name.id.as_str()));
    let any = match types {
        Expr::Tuple(tuple) => tuple.elts.iter().any(text),
        other => text(other),
    };
    if any { Kinds::NONE } else { Kinds::DOUBT }
}

/// What a text cannot do in which something does not occur.
pub(super) fn without(needle: &str) -> Kinds {
    match needle {
        "'" => Kinds::NO_QUOTE,
        "\"" => Kinds::NO_DOUBLE,
        ".." | "../" | "..\\" => Kinds::PATH,
        "/" => Kinds::PATH | Kinds::REDIRECT,
        "<" => Kinds::MARKUP,
        "(" | ")" | "*" => Kinds::LDAP,
        "{" | "{{" => Kinds::TEMPLATE,
        _ => Kinds::NONE,
    }
}

pub(super) fn fact_without(needle: &str) -> Kinds {
    if needle == "'" || needle == "\"" { Kinds::NO_QUOTE_INSIDE } else { Kinds::NONE }
}

/// What a text cannot do that is made of digits, of letters if there is one, and of these.
pub(super) fn of_characters(characters: &[char]) -> Kinds {
    let has = |wanted: &[char]| characters.iter().any(|one| wanted.contains(one));
    // Digits alone are no command.
    let letters = characters.iter().any(|one| one.is_alphabetic());
    let mut kinds = if letters { Kinds::OF_WORDS } else { Kinds::CHARACTERS.and_parts() };
    for (kind, needs) in [
        (Kinds::SQL, &['\'', '"', '`', '\\', '(', ' ', '\t', '\n', '=', '<', '>', ',', ';', '-', '|'][..]),
        (Kinds::NO_QUOTE, &['\'', '\\']),
        (Kinds::NO_DOUBLE, &['"', '\\']),
        (Kinds::XPATH, &['\'', '"', '[', '(']),
        (Kinds::LDAP, &['(', ')', '*', '\\']),
        (Kinds::MARKUP, &['<', '\'', '"']),
        (Kinds::PATH, &['/', '\\']),
        (Kinds::REDIRECT, &['/', ':', '\\']),
        (Kinds::FORGERY, &['/', ':', '.', '@']),
        (Kinds::COMMAND | Kinds::COMMAND_PART, &[';', '|', '&', '$', '`', '\n', '(', '<', '>', '-', ' ']),
        (Kinds::CODE | Kinds::CODE_PART, &['(', '[', '{', ':', '=', '\n', '.']),
        (Kinds::TEMPLATE, &['{', '%', '$']),
    ] {
        if has(needs) {
            kinds = kinds - kind;
        }
    }
    kinds
}

/// Whether an address names its host whole.
pub(super) fn has_host(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = ["https://", "http://", "ftp://", "ws://", "wss://", "//"]
        .iter()
        .find_map(|scheme| lower.strip_prefix(scheme));
    rest.is_some_and(|rest| rest.find(['/', '?', '#']).is_some_and(|end| end > 0))
}

/// Whether a function says by its name that it looks for danger.
pub(super) fn vouches(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["is_safe", "is_valid", "is_allowed", "validate", "allowed", "url_has_allowed_host", "check_"]
        .iter()
        .any(|word| name.contains(word))
}

pub(super) fn vouched(name: &str) -> Kinds {
    if name == "url_has_allowed_host_and_scheme" || name == "is_safe_url" {
        Kinds::REDIRECT
    } else {
        Kinds::DOUBT
    }
}

pub(super) fn is_instance(types: &Expr) -> Kinds {
    let number = |expr: &Expr| {
        expr.as_name_expr().is_some_and(|name| matches!(name.id.as_str(), "int" | "float" | "bool"))
    };
    let all = match types {
        Expr::Tuple(tuple) => tuple.elts.iter().all(number),
        other => number(other),
    };
    // Whoever sends a text cannot send an object: but it may have become one.
    if all { Kinds::ALL } else { other_than_text(types) }
}

/// What the rest of an address cannot do behind a base of the server's own.
pub(super) fn behind_base(parts: &[Value<'_>]) -> Kinds {
    let [base, next, ..] = parts else { return Kinds::NONE };
    let known = matches!(base.shape, Shape::Constants(_) | Shape::Prefix(_) | Shape::Objects(_));
    // Where a host ends nobody can lengthen it.
    if known || !next.beginning().starts_with(['/', '?', '#', '&']) {
        return Kinds::NONE;
    }
    base.marks.iter().fold(Kinds::REDIRECT | Kinds::FORGERY, |kinds, mark| kinds & mark.cleared)
}
