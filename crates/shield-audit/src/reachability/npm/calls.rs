//! Whether a file of JavaScript loads something whose name only the running program knows.

use memchr::memmem;

use super::names::package_of;
use crate::reachability::sources::until_quote;

/// So much is looked at behind a call, in bytes: comments for packers stand there.
const CALL_BYTES_MAX: usize = 600;
/// Ways to the file's own surroundings: what follows is the project's, not a package's.
const LOCAL: [&str; 5] =
    ["__dirname", "path.join(__dirname", "path.resolve(__dirname", "join(__dirname", "resolve(__dirname"];

/// Whether it does. Comments and texts are not told from code: that only makes the answer yes.
pub(super) fn is_open(text: &str) -> bool {
    let bytes = text.as_bytes();
    let whole = |at: &usize, word: &str| {
        let name = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        };
        !name(at.checked_sub(1).and_then(|before| bytes.get(before))) && !name(bytes.get(at + word.len()))
    };
    let found = |word: &'static str| memmem::find_iter(bytes, word).filter(move |at| whole(at, word));
    found("import").any(|at| {
        let rest = skipped(window(text, at + "import".len()));
        rest.strip_prefix('(').is_some_and(|argument| !is_settled(argument))
    }) || found("require").any(|at| is_open_require(text, at))
        || found("createRequire").any(|at| {
            let before = text[..at].trim_end().trim_end_matches("module.").trim_end();
            let named = before.strip_suffix('=').is_some_and(|name| name.trim_end().ends_with("require"));
            text[at..].starts_with("createRequire(") && !named
        })
}

fn is_open_require(text: &str, at: usize) -> bool {
    let rest = skipped(window(text, at + "require".len()));
    let call = rest.strip_prefix(".resolve").map_or(rest, skipped);
    if let Some(argument) = call.strip_prefix('(') {
        return !is_settled(argument);
    }
    if rest.starts_with('.') {
        return false;
    }
    // Given another name, or handed over.
    let before = text[..at].trim_end().chars().next_back();
    let given = before.is_some_and(|before| "=(,:[?|&>".contains(before));
    let ends = rest.is_empty() || rest.starts_with(|after| ",;)]}|&?:".contains(after));
    rest.starts_with('[') || (given && (ends || before == Some('='))) || rest.starts_with("as any")
}

/// Whether an argument says which package it names, if it names one: a literal, or a beginning that goes behind the package's name.
fn is_settled(argument: &str) -> bool {
    let argument = skipped(argument);
    if LOCAL.iter().any(|local| argument.starts_with(local)) {
        return true;
    }
    if !argument.starts_with(['"', '\'', '`']) {
        return false;
    }
    let Some((inner, end)) = until_quote(argument, 0) else { return false };
    if let Some((beginning, _)) = inner.split_once("${").filter(|_| argument.starts_with('`')) {
        return is_beginning(beginning);
    }
    let after = skipped(&argument[end + 1..]);
    after.starts_with([')', ',']) || is_beginning(inner)
}

fn is_beginning(text: &str) -> bool {
    let local = ["./", "../", "/", "node:"].iter().any(|start| text.starts_with(start));
    local || package_of(text).is_some_and(|name| text[name.len()..].starts_with('/'))
}

fn window(text: &str, at: usize) -> &str {
    &text[at..text.floor_char_boundary((at + CALL_BYTES_MAX).min(text.len()))]
}

/// A text behind spaces and comments.
fn skipped(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let behind = match rest.get(..2) {
            Some("/*") => rest.split_once("*/"),
            Some("//") => rest.split_once('\n'),
            _ => return rest,
        };
        let Some((_, behind)) = behind else { return "" };
        rest = behind.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_settled() {
        for text in [
            "require('a'); require(\"a/b\"), require.resolve(`a`)",
            "import('a'); import(/* webpackChunkName: 'x' */ './a')",
            "require('./locale/' + name); require(`a/${name}`); require('@s/a/' + name)",
            "require(path.join(__dirname, file)); require(__dirname + '/x')",
            "import x from 'a'; import.meta.glob('./x'); require.main === module; require.cache[x]",
            "const require = createRequire(import.meta.url)\nimport { createRequire } from 'node:module'",
            "typeof require === 'function'; a.required(x); reimport(x); // we require a restart",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn unknown_names_are_open() {
        for text in [
            "require(name)",
            "require ( /* c */ name)",
            "require(`${name}`)",
            "require('@s/' + name)",
            "require('pre-' + name)",
            "import(name)",
            "await import(\n  name\n)",
            "module.require(x)",
            "require.resolve(x)",
            "const load = require\nload(x)",
            "(require)(x)",
            "define(function (require, exports) {})",
            "(require as any)(x)",
            "require['res' + 'olve'](x)",
            "const load = createRequire(url)",
            "require('a",
        ] {
            assert!(is_open(text), "{text}");
        }
    }
}
