//! Every dependency may be used under licences that `deny.toml` lists.

use crate::metadata;

#[test]
fn dependencies_have_accepted_licences() {
    let accepted = accepted();
    assert!(accepted.iter().any(|licence| licence == "MIT"), "{accepted:?}");
    for package in metadata().packages {
        let Some(expression) = &package.license else { panic!("{} names no licence", package.name) };
        assert!(satisfied(expression, &accepted), "{} {}: `{expression}`", package.name, package.version);
    }
}

/// The `allow` list of `deny.toml`.
fn accepted() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deny.toml")).unwrap();
    let list = text.split_once("allow = [").unwrap().1.split(']').next().unwrap();
    list.split(',')
        .map(|item| item.trim().trim_matches('"').to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// Whether an SPDX expression (with `/` for OR, as older crates write it) can be met: some alternative whose parts are all
/// accepted.
fn satisfied(expression: &str, accepted: &[String]) -> bool {
    let plain = expression.replace('/', " OR ");
    let expression = plain.trim();
    if let Some((left, right)) = split_outside(expression, " AND ") {
        return satisfied(left, accepted) && satisfied(right, accepted);
    }
    if let Some((left, right)) = split_outside(expression, " OR ") {
        return satisfied(left, accepted) || satisfied(right, accepted);
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => satisfied(inner, accepted),
        None => accepted.iter().any(|licence| licence == expression),
    }
}

/// Splits at the first `operator` that is in no parentheses.
fn split_outside<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0;
    for (index, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && expression[index..].starts_with(operator) => {
                return Some((&expression[..index], &expression[index + operator.len()..]));
            }
            _ => {}
        }
    }
    None
}

#[test]
fn expressions_need_every_and_part() {
    let accepted = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    assert!(satisfied("(MIT OR Apache-2.0) AND Unicode-3.0", &accepted));
    assert!(satisfied("GPL-3.0/MIT", &accepted));
    assert!(!satisfied("MIT AND GPL-3.0", &accepted));
    assert!(!satisfied("GPL-3.0", &accepted));
}
