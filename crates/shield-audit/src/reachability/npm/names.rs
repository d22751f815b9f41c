//! Which packages and programs the project's files name.

use std::{borrow::Cow, collections::BTreeSet};

use rustc_hash::FxHashSet;
use serde_json::Value;

use super::{
    LOCKS,
    calls::{handed, is_open},
    lock::{Lock, imported},
};
use crate::{
    languages::Language,
    reachability::sources::{Sources, directory, name, quoted, words},
};

/// What may load a package by a call.
const CODE: [&str; 16] = [
    "js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts", "vue", "svelte", "astro", "mdx", "coffee", "html",
    "htm", "ejs",
];
/// What names packages in quotes.
const QUOTED: [&str; 9] = ["json", "jsonc", "json5", "css", "scss", "less", "hbs", "njk", "xml"];
/// What names them without.
const PLAIN: [&str; 6] = ["yml", "yaml", "toml", "sass", "styl", "pug"];
/// What says which programs are run.
const SCRIPTS: [&str; 4] = ["Dockerfile", "Makefile", "Procfile", "Containerfile"];
/// What starts the program that follows.
const STARTERS: [&str; 12] =
    ["bash", "bun", "bunx", "env", "exec", "node", "npm", "npx", "pnpm", "sh", "sudo", "yarn"];
/// What of `package.json` says what is installed, not what is imported, or is for people.
const NO_IMPORTS: [&str; 13] = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bundledDependencies",
    "bundleDependencies",
    "overrides",
    "resolutions",
    "scripts",
    "description",
    "keywords",
    "name",
];

/// How a file names packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Code,
    Quoted,
    Plain,
    Script,
    Manifest,
}

/// What the project's files name.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Packages that are installed, each with the directory of a file that names it.
    pub(super) imported: BTreeSet<(&'a str, String)>,
    /// What could be the name of a program.
    pub(super) programs: BTreeSet<String>,
    /// A file loads what only the running program knows.
    pub(super) open: bool,
    /// Packages that are given what only the running program knows, each with the directory of the file.
    pub(super) handed: BTreeSet<(&'a str, String)>,
    /// The files that were looked at.
    pub(super) roots: Vec<&'a str>,
    /// A file that is no test uses one that is.
    tests: bool,
}

/// The package that the name of a module begins with; none for what is no package's.
pub(super) fn package_of(module: &str) -> Option<&str> {
    let slash = match module.strip_prefix('@') {
        Some(_) => {
            module.find('/').and_then(|scope| module[scope + 1..].find('/').map(|end| scope + 1 + end))
        }
        None => module.find('/'),
    };
    let package = &module[..slash.unwrap_or(module.len())];
    let scoped = package.starts_with('@');
    let complete = !scoped || package.split_once('/').is_some_and(|(_, name)| !name.is_empty());
    (complete && !package.is_empty() && !package.starts_with(['.', '/'])).then_some(package)
}

/// What a text could name if it is the name of a module: `a`, `a/b`, `~a/b.css`, `a-loader!./b`, `npm:a@1`, `/node_modules/a/b.js`.
pub(super) fn packages_in(text: &str) -> impl Iterator<Item = &str> {
    let packages = text.split('!').filter_map(|module| {
        let module = module.rsplit_once("node_modules/").map_or(module, |(_, behind)| behind).trim();
        let starts = ["~", "npm:", "pkg:"].iter();
        package_of(starts.fold(module, |text, start| text.strip_prefix(start).unwrap_or(text)))
    });
    packages.flat_map(|package| {
        let plain = package.find(['?', '#']).map_or(package, |end| &package[..end]);
        let end = plain.get(1..).and_then(|rest| rest.find('@'));
        [Some(plain), end.map(|end| &plain[..=end])].into_iter().flatten()
    })
}

/// Whether a file of an installed package may load others when it runs.
pub(super) fn is_installed_code(path: &str) -> bool {
    let declares = [".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| path.ends_with(ending));
    !declares && form(path) == Some(Form::Code)
}

/// How a file of this path names packages; none if it does not.
fn form(path: &str) -> Option<Form> {
    let name = name(path);
    if LOCKS.contains(&name) {
        return None;
    }
    if name == "package.json" {
        return Some(Form::Manifest);
    }
    let workflow = path.starts_with(".github/") || path.contains("/.github/");
    if workflow || SCRIPTS.iter().any(|script| name.starts_with(script)) {
        return Some(Form::Script);
    }
    match name.rsplit_once('.') {
        // Settings in a file that is only called by its dot: `.babelrc`.
        Some(("", _)) => Some(Form::Plain),
        // A program without an ending may be one of Node.
        None => Some(Form::Code),
        Some((_, ending)) if CODE.contains(&ending) => Some(Form::Code),
        Some((_, ending)) if QUOTED.contains(&ending) => Some(Form::Quoted),
        Some((_, ending)) if PLAIN.contains(&ending) => Some(Form::Plain),
        Some((_, "sh" | "bash" | "mk")) => Some(Form::Script),
        Some(_) => None,
    }
}

/// Whether a text is code: without an ending only that of a program is.
pub(super) fn is_program(path: &str, text: &str) -> bool {
    name(path).contains('.') || text.starts_with("#!")
}

/// A text as code understands it: `\\x76` and `\\u0076` are characters.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let (digits, end) = match behind.get(..2) {
            Some("u{") => {
                behind.split_once('}').map_or((None, 0), |(code, _)| (code.get(2..), code.len() + 1))
            }
            Some(start) if start.starts_with('u') => (behind.get(1..5), 5),
            Some(start) if start.starts_with('x') => (behind.get(1..3), 3),
            _ => (None, 0),
        };
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        plain.extend(code);
        rest = code.and_then(|_| behind.get(end..)).unwrap_or(behind);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn is_test(path: &str) -> bool {
    Language::JavaScript.is_test(path)
}

/// Whether a module beside the one that names it is a test.
fn leads_to_tests(module: &str) -> bool {
    module.starts_with('.') && (is_test(&format!("{module}.js")) || is_test(&format!("{module}/x.js")))
}

// === impl Names ===

impl<'a> Names<'a> {
    /// Looks at every file that could name one of the locked packages. None if one cannot be read.
    pub(super) fn read(sources: &Sources<'a>, locks: &[Lock]) -> Option<Self> {
        let known: FxHashSet<&str> =
            locks.iter().flat_map(|lock| lock.packages.keys()).filter_map(|path| imported(path)).collect();
        let mut names = Self::default();
        for tests in [false, true] {
            let files = sources.paths().filter(|path| is_test(path) == tests);
            for (path, form) in files.filter_map(|path| Some((path, form(path)?))) {
                names.file(path, form, &sources.text(path).ok()?, &known);
            }
            if !names.tests {
                break;
            }
        }
        Some(names)
    }

    fn file(&mut self, path: &'a str, form: Form, text: &str, known: &FxHashSet<&str>) {
        let at = directory(path);
        match form {
            Form::Code if !is_program(path, text) => return,
            Form::Code => {
                self.open |= is_open(text);
                self.handed.extend(handed(text).into_iter().map(|name| (at, name.to_owned())));
                self.tests |= quoted(text).any(leads_to_tests);
                for text in quoted(text) {
                    self.module(at, &unescaped(text), known);
                    self.command(text);
                }
            }
            Form::Quoted => quoted(text).for_each(|text| self.module(at, text, known)),
            Form::Plain => words(text).for_each(|word| {
                self.module(at, word, known);
                self.programs.insert(name(word).to_owned());
            }),
            Form::Script => self.script(at, text, known),
            Form::Manifest => match serde_json::from_str(text) {
                Ok(Value::Object(manifest)) => {
                    let scripts = manifest.get("scripts").and_then(Value::as_object);
                    let scripts = scripts.into_iter().flat_map(|scripts| scripts.values());
                    scripts.filter_map(Value::as_str).for_each(|script| self.script(at, script, known));
                    let others = manifest.iter().filter(|(key, _)| !NO_IMPORTS.contains(&key.as_str()));
                    others.for_each(|(_, value)| self.value(at, value, known));
                }
                _ => quoted(text).for_each(|text| self.module(at, text, known)),
            },
        }
        self.roots.push(path);
    }

    fn module(&mut self, at: &'a str, text: &str, known: &FxHashSet<&str>) {
        self.imported
            .extend(packages_in(text).filter(|name| known.contains(name)).map(|name| (at, name.to_owned())));
    }

    /// What a text in code would start: the first word of each command in it, and any behind what starts others.
    fn command(&mut self, text: &str) {
        for command in text.split(['&', '|', ';']) {
            let mut words = words(command);
            let Some(first) = words.next() else { continue };
            self.programs.insert(name(first).to_owned());
            if STARTERS.contains(&name(first)) {
                self.programs.extend(words.map(|word| name(word).to_owned()));
            }
        }
    }

    /// Commands: every word may be a program; what stands behind an option, or has a path, may be a module.
    fn script(&mut self, at: &'a str, text: &str, known: &FxHashSet<&str>) {
        // `node -e` and its like are given code.
        self.open |= is_open(text);
        quoted(text).for_each(|text| self.module(at, text, known));
        let mut option = false;
        for word in words(text) {
            self.programs.insert(name(word).to_owned());
            if option || word.contains('/') {
                self.module(at, word, known);
            }
            option = word.starts_with('-');
        }
    }

    /// Every text of a settings file.
    fn value(&mut self, at: &'a str, value: &Value, known: &FxHashSet<&str>) {
        match value {
            Value::String(text) => self.module(at, text, known),
            Value::Array(values) => values.iter().for_each(|value| self.value(at, value, known)),
            Value::Object(values) => values.iter().for_each(|(key, value)| {
                self.module(at, key, known);
                self.value(at, value, known);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
