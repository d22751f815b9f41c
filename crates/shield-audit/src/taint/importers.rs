//! Which web framework a file has to do with: its own imports say so, or those of what it imports.
//!
//! `from core import app, request` lets strangers' data in as well as `from flask import Flask, request` does, if `core` is the
//! project's. Imports are read off the lines of a file, without parsing it: a line in a text that looks like one makes a file be
//! followed in vain, nothing else. The cost grows with what is read, not with how files import each other.

use memchr::{memchr, memmem};
use rayon::prelude::*;

use super::{
    find::SourceFile,
    project::{Meaning, Modules, absolute, stem},
};

/// What Django's requests alone have: views need no import to be handed one.
const DJANGO_DATA: [&str; 5] =
    ["request.GET", "request.POST", "request.COOKIES", "request.META", "request.FILES"];

/// A set of web frameworks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frameworks(u16);

// === impl Frameworks ===

impl Frameworks {
    pub(super) const FLASK: Self = Self(1);
    /// FastAPI and Starlette.
    pub(super) const STARLETTE: Self = Self(1 << 1);
    pub(super) const DJANGO: Self = Self(1 << 2);
    pub(super) const AIOHTTP: Self = Self(1 << 3);
    pub(super) const SANIC: Self = Self(1 << 4);
    pub(super) const PYRAMID: Self = Self(1 << 5);
    pub(super) const FALCON: Self = Self(1 << 6);
    /// Those whose handlers are methods of a class that reads the request: Tornado, the standard library's.
    pub(super) const HANDLERS: Self = Self(1 << 7);
    /// Those that call a function with what was sent, parsed: GraphQL, tools, Ninja, CherryPy.
    pub(super) const CALLERS: Self = Self(1 << 8);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The framework that a module is of, by the first part of its name.
    pub(super) fn of(module: &str) -> Self {
        if module == "http.server" || module.starts_with("http.server.") {
            return Self::HANDLERS;
        }
        match module.split('.').next().unwrap_or_default() {
            "flask" | "werkzeug" | "quart" | "bottle" | "webargs" => Self::FLASK,
            "fastapi" | "starlette" => Self::STARLETTE,
            "django" | "rest_framework" => Self::DJANGO,
            "aiohttp" => Self::AIOHTTP,
            "sanic" => Self::SANIC,
            "pyramid" => Self::PYRAMID,
            "falcon" => Self::FALCON,
            "tornado" => Self::HANDLERS,
            "cherrypy" | "fastmcp" | "graphene" | "mcp" | "ninja" | "strawberry" => Self::CALLERS,
            top if top.starts_with("flask_") => Self::FLASK,
            _ => Self::default(),
        }
    }

    pub(super) fn of_all<'n>(modules: impl Iterator<Item = &'n str>) -> Self {
        modules.fold(Self::default(), |all, module| all.or(Self::of(module)))
    }
}

/// The frameworks of each file: what it imports itself, else what the nearest files have that it imports.
pub(super) fn frameworks(files: &[SourceFile<'_>], modules: &Modules) -> Vec<Frameworks> {
    let read: Vec<(Frameworks, Vec<u32>)> = files.par_iter().map(|file| read(file, modules)).collect();
    let mut importers: Vec<Vec<u32>> = vec![Vec::new(); files.len()];
    for (importer, (_, imported)) in (0_u32..).zip(&read) {
        for file in imported {
            importers[*file as usize].push(importer);
        }
    }
    let mut known: Vec<Frameworks> = read.iter().map(|(own, _)| *own).collect();
    let mut nearest: Vec<u32> =
        (0_u32..).zip(&known).filter(|(_, own)| !own.is_empty()).map(|(at, _)| at).collect();
    while !nearest.is_empty() {
        let mut next: Vec<(u32, Frameworks)> = Vec::new();
        for file in nearest {
            let has = known[file as usize];
            let fresh =
                importers[file as usize].iter().filter(|importer| known[**importer as usize].is_empty());
            next.extend(fresh.map(|importer| (*importer, has)));
        }
        for (file, has) in &next {
            known[*file as usize] = known[*file as usize].or(*has);
        }
        nearest = next.into_iter().map(|(file, _)| file).collect();
        nearest.sort_unstable();
        nearest.dedup();
    }
    known
}

/// The frameworks that a file imports, and the files of the project.
fn read(file: &SourceFile<'_>, modules: &Modules) -> (Frameworks, Vec<u32>) {
    let own = stem(file.path).replace('/', ".");
    let mut frameworks = Frameworks::default();
    let mut imported = Vec::new();
    let mut note = |name: &str| match modules.meaning(name) {
        Some(Meaning::File(index)) => imported.push(index),
        Some(Meaning::Package) => {}
        None => frameworks = frameworks.or(Frameworks::of(name)),
    };
    imports(file.text, |module, members| {
        let rest = module.trim_start_matches('.');
        let level = u32::try_from(module.len() - rest.len()).unwrap_or(u32::MAX);
        let whole = absolute(&own, file.path, rest, level);
        note(&whole);
        for member in members.split(',').filter_map(|part| part.split_whitespace().next()) {
            if whole.is_empty() {
                note(member);
            } else if modules.meaning(&whole).is_some() {
                note(&format!("{whole}.{member}"));
            }
        }
    });
    imported.sort_unstable();
    imported.dedup();
    let has = |word: &&str| memmem::find(file.text.as_bytes(), word.as_bytes()).is_some();
    if frameworks.is_empty() && DJANGO_DATA.iter().any(has) {
        frameworks = Frameworks::DJANGO;
    }
    (frameworks, imported)
}

/// Every module that lines of a text import, with its dots, and the members that are named.
fn imports(text: &str, mut each: impl FnMut(&str, &str)) {
    let mut rest = text;
    // Where no bracket closes any more none is looked for again.
    let mut closes = true;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = rest[..end].trim();
        let mut next = end + 1;
        if let Some(modules) = line.strip_prefix("import ") {
            for module in without_comment(modules).split(',') {
                each(module.split_whitespace().next().unwrap_or_default(), "");
            }
        } else if let Some((module, members)) =
            line.strip_prefix("from ").and_then(|line| line.split_once("import"))
        {
            let members = without_comment(members);
            if members.contains('(') && !members.contains(')') && closes {
                let behind = bracketed(rest.get(next..).unwrap_or_default());
                closes = behind.is_some();
                let (more, length) = behind.unwrap_or_default();
                next += length;
                each(module.trim(), &format!("{},{more}", members.trim_start_matches([' ', '('])));
            } else if let Some(first) = members.trim_end().strip_suffix('\\') {
                let behind = rest.get(next..).unwrap_or_default();
                let more = behind.lines().next().unwrap_or_default();
                each(module.trim(), &format!("{first} {more}"));
            } else {
                each(module.trim(), members.trim().trim_matches(['(', ')']));
            }
        }
        rest = rest.get(next..).unwrap_or_default();
    }
}

/// What stands before a bracket closes, and how long that is with its lines.
fn bracketed(text: &str) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.len();
        let (code, closed) = match without_comment(line).split_once(')') {
            Some((code, _)) => (code, true),
            None => (without_comment(line), false),
        };
        inside.push_str(code);
        inside.push(' ');
        if closed {
            return Some((inside, length));
        }
    }
    None
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_off(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        imports(text, |module, members| {
            let members: Vec<_> =
                members.split(',').filter_map(|one| one.split_whitespace().next()).collect();
            all.push(format!("{module}:{}", members.join(",")));
        });
        all
    }

    #[test]
    fn imports_are_read_off_lines() {
        for (text, expected) in [
            ("import a.b as c, d # e", vec!["a.b:", "d:"]),
            ("def f():\n    from a.b import c as d, e\n", vec!["a.b:c,e"]),
            ("from . import a\nfrom ..b import (c)", vec![".:a", "..b:c"]),
            ("from a import (\n    b, # )x\n    c as d,\n)\nimport e", vec!["a:b,c", "e:"]),
            ("from a import b, \\\n    c\n", vec!["a:b,c"]),
            ("from a import (b\nfrom c import (d\n", vec!["a:b", "c:d"]),
            ("important = 1\nfromage = 2", vec![]),
        ] {
            assert_eq!(read_off(text), expected, "{text}");
        }
    }

    #[test]
    fn frameworks_come_with_what_is_imported() {
        let files = [
            SourceFile { path: "core/__init__.py", text: "from flask import request" },
            SourceFile { path: "far.py", text: "from . import near" },
            SourceFile { path: "near.py", text: "from core import request" },
            SourceFile { path: "other.py", text: "import os, json" },
            SourceFile { path: "own.py", text: "import django.http, near" },
            SourceFile {
                path: "views.py",
                text: "import os\ndef view(request): os.system(request.GET['a'])",
            },
        ];
        let modules = Modules::of(files.iter().map(|file| file.path));
        let (flask, none) = (Frameworks::FLASK, Frameworks::default());
        let django = Frameworks::DJANGO;
        assert_eq!(frameworks(&files, &modules), [flask, flask, flask, none, django, django]);
    }
}
