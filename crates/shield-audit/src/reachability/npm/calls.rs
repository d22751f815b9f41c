//! Whether a file of JavaScript loads something whose name only the running program knows.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::names::package_of;
use crate::reachability::sources::until_quote;

/// So much is looked at behind a call, in bytes: comments for packers stand there.
const CALL_BYTES_MAX: usize = 600;
/// Ways to the file's own surroundings: what follows is the project's, not a package's.
const LOCAL: [&str; 5] =
    ["__dirname", "path.join(__dirname", "path.resolve(__dirname", "join(__dirname", "resolve(__dirname"];
/// What runs a text as code, or loads by a name without `require`.
const RUNS: [&str; 10] = [
    "_load",
    "_compile",
    "eval",
    "Function",
    "Script",
    "SourceTextModule",
    "compileFunction",
    "runInContext",
    "runInNewContext",
    "runInThisContext",
];
/// What has `require` as a member.
const GLOBALS: [&str; 3] = ["globalThis", "global", "module"];

/// What only the running program knows, wherever it stands.
const OUTSIDE: [&str; 2] = ["process.env", "process.argv"];

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
        || RUNS.iter().any(|word| {
            found(word).any(|at| {
                let rest = skipped(window(text, at + word.len()));
                rest.strip_prefix('(').is_some_and(|argument| !is_whole(argument))
            })
        })
        || GLOBALS.iter().any(|word| {
            found(word).any(|at| {
                let rest = skipped(window(text, at + word.len()));
                rest.strip_prefix('[').is_some_and(|member| !is_whole(member))
            })
        })
}

/// The packages to which a text hands what its environment says: `require("a")(process.env.B)`, `a.load(process.argv[2])`.
pub(super) fn handed(text: &str) -> BTreeSet<&str> {
    let outside = || OUTSIDE.iter().flat_map(|word| memmem::find_iter(text.as_bytes(), word));
    if outside().next().is_none() {
        return BTreeSet::new();
    }
    let bound: BTreeMap<&str, &str> = bindings(text).collect();
    let called = outside().filter_map(|at| {
        let function = text[..at].trim_end().strip_suffix('(')?.trim_end();
        if let Some(required) = function.strip_suffix(')') {
            let (_, module) = required
                [required.floor_char_boundary(required.len().saturating_sub(CALL_BYTES_MAX))..]
                .rsplit_once("require(")?;
            return package_of(module.trim_matches(['"', '\'', '`', ' ']));
        }
        let chain = last_name(function, "_$.");
        bound.get(chain.split('.').next()?).copied()
    });
    called.collect()
}

/// What packages are called in a text: `const a = require("b")`, `import a from "b"`.
fn bindings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let required = memmem::find_iter(text.as_bytes(), "require(").map(|at| (at, at + "require(".len(), true));
    let imported = memmem::find_iter(text.as_bytes(), "from").map(|at| (at, at + "from".len(), false));
    required.chain(imported).filter_map(move |(at, behind, assigned)| {
        let before = text[..at].trim_end();
        let before = if assigned { before.strip_suffix('=')?.trim_end() } else { before };
        let name = last_name(before, "_$");
        let argument = skipped(window(text, behind));
        let (module, _) =
            argument.starts_with(['"', '\'', '`']).then(|| until_quote(argument, 0)).flatten()?;
        Some((name, package_of(module)?)).filter(|_| !name.is_empty())
    })
}

/// Whether arguments, or a member in brackets, are texts that say all: what these would run is looked at like any other text.
fn is_whole(arguments: &str) -> bool {
    let mut rest = skipped(arguments);
    loop {
        if rest.starts_with([')', ']']) {
            return true;
        }
        if !rest.starts_with(['"', '\'', '`']) {
            return false;
        }
        let Some((inner, end)) = until_quote(rest, 0) else { return false };
        if rest.starts_with('`') && inner.contains("${") {
            return false;
        }
        let after = skipped(&rest[end + 1..]);
        match after.strip_prefix(',') {
            Some(next) => rest = skipped(next),
            None => return after.starts_with([')', ']']),
        }
    }
}

/// The name that a text ends with, of these characters beside letters and digits.
fn last_name<'t>(text: &'t str, others: &str) -> &'t str {
    let part = |character: char| character.is_ascii_alphanumeric() || others.contains(character);
    &text[text.trim_end_matches(part).len()..]
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
            "eval('1'); module._load('a'); new Function(); globalThis['x']; x.evaluate(y); module['exports']",
            "typeof require === 'function'; a.required(x); reimport(x); // we require a restart",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn what_the_environment_says_is_handed_on() {
        for text in [
            "require('a')(process.env.X)",
            "const a = require('a/b')\na( process.argv[2])",
            "import a from 'a'\na.load.all(process.env.X)",
        ] {
            assert_eq!(handed(text), BTreeSet::from(["a"]), "{text}");
        }
        for text in [
            "const a = require('a'); b(process.env.X)",
            "require('a')('x')",
            "é(process.env.X)",
            "(process.env.X)",
        ] {
            assert_eq!(handed(text), BTreeSet::new(), "{text}");
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
            "Module._load(name, null)",
            "eval('req' + 'uire(x)')",
            "new Function('a', 'b' + c)()",
            "new vm.Script(text)",
            "globalThis['req' + 'uire'](x)",
            "eval(`${text}`)",
        ] {
            assert!(is_open(text), "{text}");
        }
    }
}
