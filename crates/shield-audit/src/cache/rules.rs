//! Rules by their ids, as results name them.
//!
//! A finding points to the constant of its rule. What is read from a cache names the rule by its id, and the cache holds
//! each rule once; a rule that this process has not seen yet is made a constant then. One program has one set of rules, so that
//! it never makes more than that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use crate::finding::{Cwe, Rule, Severity};

/// Rules that were made of stored ones.
static MADE: Mutex<BTreeSet<&'static Rule>> = Mutex::new(BTreeSet::new());

/// The rules that results of a cache name.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Of the cache before, with whether a result of them was looked at: others are dropped.
    before: BTreeMap<&'static str, (&'static Rule, AtomicBool)>,
    /// Others that this audit came upon.
    new: Mutex<BTreeMap<&'static str, &'static Rule>>,
}

/// A rule as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredRule<'a> {
    id: &'a str,
    title: &'a str,
    cwe: u16,
    severity: Severity,
    #[serde(borrow)]
    aliases: Vec<&'a str>,
    advice: &'a str,
}

// === impl Rules ===

impl Rules {
    /// Those that are stored.
    pub(super) fn of(stored: &[StoredRule<'_>]) -> Self {
        let before = stored.iter().map(StoredRule::constant);
        let before = before.map(|rule| (rule.id, (rule, AtomicBool::new(false)))).collect();
        Self { before, new: Mutex::default() }
    }

    /// All that count now, to be stored.
    pub(super) fn stored(&self) -> Vec<StoredRule<'static>> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.before.values().filter(|(_, used)| used.load(Ordering::Relaxed));
        let all: BTreeSet<&'static Rule> = used.map(|(rule, _)| *rule).chain(new.values().copied()).collect();
        all.into_iter().map(StoredRule::of).collect()
    }

    /// Makes sure that a rule is among them; `false` if another one has its id.
    pub(super) fn know(&self, rule: &'static Rule) -> bool {
        if let Some((known, used)) = self.before.get(rule.id) {
            // One that has changed is dropped with its results, so that the audit after this one can keep the new one's.
            let same = *known == rule;
            used.fetch_or(same, Ordering::Relaxed);
            return same;
        }
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        *new.entry(rule.id).or_insert(rule) == rule
    }

    /// The rule of an id that results of the cache before name.
    pub(super) fn get(&self, id: &str) -> Option<&'static Rule> {
        let (rule, used) = self.before.get(id)?;
        used.store(true, Ordering::Relaxed);
        Some(*rule)
    }
}

// === impl StoredRule ===

impl StoredRule<'_> {
    fn of(rule: &'static Rule) -> StoredRule<'static> {
        let Rule { id, title, cwe: Cwe(cwe), severity, aliases, advice } = rule;
        StoredRule { id, title, cwe: *cwe, severity: *severity, aliases: aliases.to_vec(), advice }
    }

    fn constant(&self) -> &'static Rule {
        let own = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.iter().find(|rule| self.is(rule)) {
            return known;
        }
        let aliases: Vec<&'static str> = self.aliases.iter().map(|alias| own(alias)).collect();
        let rule = Box::leak(Box::new(Rule {
            id: own(self.id),
            title: own(self.title),
            cwe: Cwe(self.cwe),
            severity: self.severity,
            aliases: Vec::leak(aliases),
            advice: own(self.advice),
        }));
        made.insert(rule);
        rule
    }

    fn is(&self, rule: &Rule) -> bool {
        (self.id, self.title, self.cwe, self.severity, self.advice)
            == (rule.id, rule.title, rule.cwe.0, rule.severity, rule.advice)
            && self.aliases == rule.aliases
    }
}
