//! Things of Python that a rule file does not want: calls, imports, reads and decorators of names.
//!
//! The walk over a file is that of the built-in rules; here names are looked up in tables, so that what a file costs does not grow with
//! the number of rules. A file without any of the rules' words is not looked at.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use ruff_python_ast::{Expr, ExprContext};
use ruff_text_size::{Ranged, TextRange};

use super::{
    condition::Condition,
    name::{Name, Names},
    naming::Naming,
    paths::Paths,
};
use crate::{
    finding::{Confidence, Rule},
    python::{
        Module,
        rules::{Call, Hit, Scene},
        spells_freely,
    },
};

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Ban {
    pub(super) rule: &'static Rule,
    pub(super) confidence: Confidence,
    pub(super) paths: Paths,
    /// All of them must hold of a call, or of a decorator.
    pub(super) when: Vec<Condition>,
    pub(super) calls: Vec<Name>,
    pub(super) imports: Vec<Name>,
    pub(super) attributes: Vec<Name>,
    pub(super) decorators: Vec<Name>,
}

/// All of them, ready to look at files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bans {
    bans: Vec<Ban>,
    calls: Names,
    imports: Names,
    attributes: Names,
    decorators: Names,
    words: Option<AhoCorasick>,
}

/// They look at one file.
#[derive(Clone, Copy)]
pub(crate) struct Look<'b> {
    bans: &'b Bans,
    path: &'b str,
}

/// Something that is not wanted.
pub(crate) struct Banned {
    pub(crate) rule: &'static Rule,
    pub(crate) confidence: Confidence,
    pub(crate) hit: Hit,
}

// === impl Bans ===

impl Bans {
    pub(super) fn of(bans: Vec<Ban>) -> Self {
        let mut all = Self::default();
        let mut words: Vec<&str> = Vec::new();
        for (number, ban) in (0..).zip(&bans) {
            for (names, table) in [
                (&ban.calls, &mut all.calls),
                (&ban.imports, &mut all.imports),
                (&ban.attributes, &mut all.attributes),
                (&ban.decorators, &mut all.decorators),
            ] {
                names.iter().for_each(|name| table.insert(name, number));
                words.extend(names.iter().map(Name::word));
            }
        }
        words.sort_unstable();
        words.dedup();
        let built = (!words.is_empty()).then(|| AhoCorasickBuilder::new().build(&words));
        all.words = built.map(|built| built.expect("a rule file of bounded length has few enough words"));
        all.bans = bans;
        all
    }

    /// Looks at a file, if any of them can find something there.
    pub(crate) fn looking_at<'b>(&'b self, path: &'b str, text: &str) -> Option<Look<'b>> {
        let words = self.words.as_ref()?;
        (words.is_match(text) || spells_freely(text.as_bytes())).then_some(Look { bans: self, path })
    }
}

// === impl Look ===

impl Look<'_> {
    /// What is called. `call` has its name already.
    pub(crate) fn call(&self, scene: &Scene<'_>, call: &Call<'_>) -> Vec<Banned> {
        self.of_call(&self.bans.calls, scene, call)
    }

    /// What stands over a function or class.
    pub(crate) fn decorator(&self, scene: &Scene<'_>, call: &Call<'_>) -> Vec<Banned> {
        self.of_call(&self.bans.decorators, scene, call)
    }

    fn of_call(&self, table: &Names, scene: &Scene<'_>, call: &Call<'_>) -> Vec<Banned> {
        if table.is_empty() {
            return Vec::new();
        }
        let means = self.naming(scene.module).called(table, call.callee, scene.at, call.name);
        let wanted = means.into_iter().filter_map(|(number, name)| {
            let ban = self.ban(number)?;
            let so = ban.when.iter().all(|condition| condition.holds(scene, call));
            let range = TextRange::new(call.callee.start(), call.range.end());
            so.then(|| ban.at(range, &name))
        });
        wanted.collect()
    }

    /// What is read, and not written to.
    pub(crate) fn attribute(&self, scene: &Scene<'_>, expr: &Expr) -> Vec<Banned> {
        let table = &self.bans.attributes;
        let context = match expr {
            Expr::Name(name) => name.ctx,
            Expr::Attribute(attribute) => attribute.ctx,
            _ => return Vec::new(),
        };
        if table.is_empty() || context != ExprContext::Load {
            return Vec::new();
        }
        let name = scene.resolve(expr).unwrap_or_default();
        let mut means = self.naming(scene.module).called(table, expr, scene.at, &name);
        // Of `a.b.c`, the whole is in `a`, and so is `a.b`: that is said once.
        if scene.parent().is_some_and(Expr::is_attribute_expr) {
            means.retain(|(number, name)| table.whole(name).any(|whole| whole == *number));
        }
        means
            .into_iter()
            .filter_map(|(number, name)| Some(self.ban(number)?.at(expr.range(), &name)))
            .collect()
    }

    /// What is imported: a module, or a thing in one, with the dots before it.
    pub(crate) fn import(&self, module: &Module<'_>, name: &str, range: TextRange) -> Vec<Banned> {
        let mut found = Vec::new();
        self.naming(module).each(name, |name| {
            let means = self.bans.imports.of_import(name);
            found.extend(means.filter_map(|number| {
                let ban = self.ban(number)?;
                let message = format!("`{name}` is imported: {}", ban.rule.title);
                Some(ban.found(Hit::at(range, name, message)))
            }));
        });
        found
    }

    /// The rule, if it is about this file.
    fn ban(&self, number: u32) -> Option<&Ban> {
        self.bans.bans.get(number as usize).filter(|ban| ban.paths.has(self.path))
    }

    fn naming<'n, 'a>(&'n self, module: &'n Module<'a>) -> Naming<'n, 'a> {
        Naming { names: module.names, path: self.path }
    }
}

// === impl Ban ===

impl Ban {
    fn at(&self, range: TextRange, name: &str) -> Banned {
        self.found(Hit::at(range, name, format!("`{name}`: {}", self.rule.title)))
    }

    fn found(&self, hit: Hit) -> Banned {
        Banned { rule: self.rule, confidence: self.confidence, hit }
    }
}
