//! Texts and rules of rule files that live as long as the program, as the built-in ones do.
//!
//! Findings point at their rule. Each different text and rule is kept once, so that loading a file again costs nothing more; what a
//! program can load is bounded by its rule files.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::finding::Rule;

static TEXTS: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);
static LISTS: LazyLock<Mutex<BTreeSet<&'static [&'static str]>>> = LazyLock::new(Mutex::default);
static RULES: LazyLock<Mutex<BTreeSet<&'static Rule>>> = LazyLock::new(Mutex::default);

/// The text, for as long as the program runs.
pub(crate) fn text(text: &str) -> &'static str {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into());
    texts.insert(kept);
    kept
}

/// The list, for as long as the program runs.
pub(super) fn list(all: &[String]) -> &'static [&'static str] {
    let texts: Vec<&'static str> = all.iter().map(|one| text(one)).collect();
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lists.get(texts.as_slice()) {
        return known;
    }
    let kept: &'static [&'static str] = Box::leak(texts.into());
    lists.insert(kept);
    kept
}

/// The rule, for as long as the program runs.
pub(super) fn rule(rule: Rule) -> &'static Rule {
    let mut rules = RULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = rules.get(&rule) {
        return known;
    }
    let kept: &'static Rule = Box::leak(Box::new(rule));
    rules.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn what_is_alike_is_kept_once() {
        assert!(ptr::eq(text("shop/raw"), text(&["shop", "raw"].join("/"))));
        let names = ["A1".to_owned(), "A2".to_owned()];
        assert!(ptr::eq(list(&names), list(&names.clone())));
    }
}
