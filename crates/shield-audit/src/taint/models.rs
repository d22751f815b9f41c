//! What rule files say about functions of the project and of libraries: where strangers' data comes in, what it does harm in, what
//! cleans it, what hands it on.
//!
//! A function with a model is not looked into: the model says what it does.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use aho_corasick::AhoCorasick;

use super::{
    kinds::Kinds,
    rules::{self, Danger},
};
use crate::{
    custom::{Name, Names},
    finding::Rule,
};

/// A kind of harm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Harm(pub(super) &'static Danger);

/// Some kinds of harm that are ruled out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cleared(pub(super) Kinds);

/// An argument of a call; neither place nor name: any of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Argument {
    pub(crate) position: Option<usize>,
    pub(crate) name: Option<String>,
}

/// What something does with data.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    /// What it gives, is or takes as a parameter is a stranger's.
    Source,
    /// An argument does harm.
    Sink(Harm, Argument),
    /// What comes out can do no such harm.
    Sanitizer(Cleared),
    /// What goes in by these arguments comes out, and nothing else; none: all of them.
    Propagator(Vec<Argument>),
}

/// A model and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Modelled {
    pub(crate) model: Model,
    pub(crate) calls: Vec<Name>,
    pub(crate) attributes: Vec<Name>,
    pub(crate) decorators: Vec<Name>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Models {
    pub(super) all: Vec<Modelled>,
    pub(super) calls: Names,
    pub(super) attributes: Names,
    pub(super) decorators: Names,
    /// Words of what lets strangers' data in.
    words: Option<AhoCorasick>,
    /// One that counts for nothing: what is found without it shows what it is good for.
    left_out: Option<usize>,
}

/// Kinds of harm of rule files, by their rule, kind and words: each is kept once.
type Own = BTreeMap<(&'static Rule, Kinds, &'static str), &'static Danger>;

static OWN: LazyLock<Mutex<Own>> = LazyLock::new(Mutex::default);

// === impl Harm ===

impl Harm {
    /// The kinds that are built in, by what rule files call them.
    pub(crate) const BUILT_IN: [(&'static str, Self); 13] = [
        ("sql", Self(&rules::SQL)),
        ("command", Self(&rules::COMMAND)),
        ("code", Self(&rules::CODE)),
        ("ldap", Self(&rules::LDAP)),
        ("xpath", Self(&rules::XPATH)),
        ("template", Self(&rules::TEMPLATE)),
        ("path", Self(&rules::PATH)),
        ("objects", Self(&rules::OBJECTS)),
        ("entities", Self(&rules::ENTITIES)),
        ("request", Self(&rules::FORGERY)),
        ("redirect", Self(&rules::REDIRECT)),
        ("markup", Self(&rules::MARKUP)),
        ("trust", Self(&rules::TRUST)),
    ];

    /// Most kinds that rule files may add.
    pub(crate) const OWN_MAX: usize = Kinds::OWN.len();

    /// A kind of a rule file, by its number among them; `harm` fits behind "what a stranger sends". `None` if there are too many.
    pub(crate) fn own(rule: &'static Rule, number: usize, harm: &'static str) -> Option<Self> {
        let kind = *Kinds::OWN.get(number)?;
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let danger = own.entry((rule, kind, harm)).or_insert_with(|| {
            let Rule { id, title, cwe, severity, aliases, advice } = *rule;
            Box::leak(Box::new(Danger {
                rule: Rule { id, title, cwe, severity, aliases, advice },
                kind,
                harm,
            }))
        });
        Some(Self(danger))
    }

    /// The id of its rule.
    pub(crate) fn rule_id(self) -> &'static str {
        self.0.rule.id
    }
}

// === impl Cleared ===

impl Cleared {
    /// Nothing can be done with it.
    pub(crate) const ALL: Self = Self(Kinds::ALL);

    /// This kind too.
    pub(crate) fn and(self, harm: Harm) -> Self {
        Self(self.0 | harm.0.kind)
    }

    /// Those of both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

// === impl Models ===

impl Models {
    pub(crate) fn of(all: Vec<Modelled>) -> Self {
        let mut models = Self::default();
        let mut words = Vec::new();
        for (number, one) in (0..).zip(&all) {
            one.calls.iter().for_each(|name| models.calls.insert(name, number));
            one.attributes.iter().for_each(|name| models.attributes.insert(name, number));
            one.decorators.iter().for_each(|name| models.decorators.insert(name, number));
            if let Model::Source = one.model {
                let names = one.calls.iter().chain(&one.attributes).chain(&one.decorators);
                words.extend(names.map(|name| name.word().to_owned()));
            }
        }
        words.sort_unstable();
        words.dedup();
        let built = (!words.is_empty()).then(|| AhoCorasick::new(&words));
        models.words = built.map(|built| built.expect("a rule file of bounded length has few enough words"));
        models.all = all;
        models
    }

    /// Whether a file with this text may let strangers' data in because of them.
    pub(super) fn let_in(&self, text: &str) -> bool {
        self.words.as_ref().is_some_and(|words| words.is_match(text))
    }

    /// One of them, unless it is left out.
    pub(super) fn model(&self, number: u32) -> Option<&Model> {
        let number = usize::try_from(number).ok().filter(|number| self.left_out != Some(*number))?;
        self.all.get(number).map(|one| &one.model)
    }

    pub(crate) fn model_at(&self, at: usize) -> &Model {
        &self.all[at].model
    }

    /// From now on, this one counts for nothing.
    pub(crate) fn leave_out(&mut self, at: Option<usize>) {
        self.left_out = at;
    }
}
