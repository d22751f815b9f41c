//! Names of things of Python as rule files write them.
//!
//! `shop.db.raw` is one thing, by its name as one would import it; `shop.db.Database().raw` a method of what a class makes;
//! `shop.legacy.*` anything in a module; `*.raw_query` a method of anything, by its last name alone.

use std::fmt;

use ruff_python_stdlib::builtins::is_python_builtin;
use rustc_hash::FxHashMap;
use shield_types::settings::Refusal;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The version of Python whose own names are meant: 3.x.
const PYTHON_MINOR: u8 = 14;

/// What a name may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Only dotted names.
    Module,
    /// All of them.
    Thing,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// One thing.
    Whole(String),
    /// Anything in this.
    Within(String),
    /// A method of anything.
    Method(String),
}

/// What names mean, by name: each some numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    whole: FxHashMap<String, Vec<u32>>,
    within: FxHashMap<String, Vec<u32>>,
    methods: FxHashMap<String, Vec<u32>>,
}

// === impl Name ===

impl Name {
    /// Reads a name.
    pub(super) fn parse(text: &str, form: Form) -> Result<Self, Refusal> {
        let accepted = match form {
            Form::Module => "a name as one would import it, such as \"shop.legacy\"",
            Form::Thing => {
                "a name as one would import it (\"shop.db.raw\"), a method of what a class makes (\"shop.db.Database().raw\"), \
                 anything in a module (\"shop.legacy.*\") or a method of anything (\"*.raw_query\")"
            }
        };
        let refused = |problem: &str| Err(Refusal::new(problem, accepted));
        if text.len() > NAME_BYTES_MAX {
            return refused("longer than 200 bytes");
        }
        let name = match (text.strip_prefix("*."), text.strip_suffix(".*")) {
            (Some(method), _) if is_identifier(method) => Self::Method(method.to_owned()),
            (None, Some(module)) if is_dotted(module, form) => Self::Within(module.to_owned()),
            (None, None) if is_dotted(text, form) => Self::Whole(text.to_owned()),
            _ => return refused("not a name of Python"),
        };
        match (&name, form) {
            (Self::Within(_) | Self::Method(_), Form::Module) => refused("not a module or a thing in one"),
            (Self::Whole(whole), Form::Thing) if is_python_builtin(whole, PYTHON_MINOR, false) => Err(
                Refusal::new("one of Python's own names without its module", format!("\"builtins.{whole}\"")),
            ),
            _ => Ok(name),
        }
    }

    /// A word that every file has in which the name means something.
    pub(crate) fn word(&self) -> &str {
        let (Self::Whole(name) | Self::Within(name) | Self::Method(name)) = self;
        name.rsplit('.').next().unwrap_or(name).trim_end_matches("()")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => formatter.write_str(name),
            Self::Within(name) => write!(formatter, "{name}.*"),
            Self::Method(name) => write!(formatter, "*.{name}"),
        }
    }
}

/// Letters, digits and `_` of ASCII: names with others are folded by Python, and are not looked for.
fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_dotted(text: &str, form: Form) -> bool {
    text.split('.').all(|part| {
        let part = if form == Form::Thing { part.strip_suffix("()").unwrap_or(part) } else { part };
        is_identifier(part)
    })
}

// === impl Names ===

impl Names {
    pub(crate) fn insert(&mut self, name: &Name, means: u32) {
        let (table, key) = match name {
            Name::Whole(key) => (&mut self.whole, key),
            Name::Within(key) => (&mut self.within, key),
            Name::Method(key) => (&mut self.methods, key),
        };
        table.entry(key.clone()).or_default().push(means);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.within.is_empty() && self.methods.is_empty()
    }

    /// Whether methods of what a class makes are named.
    pub(crate) fn has_instances(&self) -> bool {
        self.whole.keys().chain(self.within.keys()).any(|name| name.contains("()"))
    }

    /// What this very name means.
    pub(crate) fn whole(&self, name: &str) -> impl Iterator<Item = u32> {
        self.whole.get(name).into_iter().flatten().copied()
    }

    /// What a name means by itself, or by what it is in.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = u32> {
        let dots = if self.within.is_empty() { "" } else { name };
        let within = dots.match_indices('.').filter_map(|(dot, _)| self.within.get(&name[..dot]));
        self.whole(name).chain(within.flatten().copied())
    }

    /// The same of a module, which is in itself.
    pub(crate) fn of_import(&self, name: &str) -> impl Iterator<Item = u32> {
        let above = name.match_indices('.').filter_map(|(dot, _)| self.whole.get(&name[..dot]));
        self.whole(name).chain(above.flatten().copied())
    }

    /// What a method means, whatever has it.
    pub(crate) fn of_method(&self, method: &str) -> impl Iterator<Item = u32> {
        self.methods.get(method).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Names {
        let mut names = Names::default();
        names.insert(&Name::parse(text, Form::Thing).unwrap(), 7);
        names
    }

    #[test]
    fn forms_are_told_apart() {
        for (text, name, word) in [
            ("shop.db.raw", Name::Whole("shop.db.raw".to_owned()), "raw"),
            ("shop.db.Database().raw", Name::Whole("shop.db.Database().raw".to_owned()), "raw"),
            ("shop.db.Database().*", Name::Within("shop.db.Database()".to_owned()), "Database"),
            ("shop.*", Name::Within("shop".to_owned()), "shop"),
            ("*.raw", Name::Method("raw".to_owned()), "raw"),
        ] {
            let parsed = Name::parse(text, Form::Thing).unwrap();
            assert_eq!((parsed.word(), &parsed), (word, &name));
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", ".", "a..b", "*", "*.*", "a.*.b", "*.a.b", "1a", "a b", "ünï", "a.b(x)", "a()()"] {
            assert!(Name::parse(text, Form::Thing).is_err(), "{text}");
        }
        assert!(Name::parse(&"a".repeat(201), Form::Thing).is_err());
        for text in ["a.*", "*.a", "a().b"] {
            assert!(Name::parse(text, Form::Module).is_err(), "{text}");
        }
        let own = Name::parse("eval", Form::Thing).unwrap_err();
        assert_eq!(own.accepted, "\"builtins.eval\"");
    }

    #[test]
    fn names_mean_what_is_in_them() {
        assert_eq!(named("a.b").of("a.b").count() + named("a.b").of("a.b.c").count(), 1);
        assert_eq!(
            named("a.*").of("a.b.c").count() + named("a.*").of("a").count() + named("a.*").of("ab.c").count(),
            1
        );
        assert_eq!(named("a").of_import("a.b").count() + named("a").of_import("ab").count(), 1);
        assert_eq!(named("*.m").of_method("m").count() + named("*.m").of("m").count(), 1);
    }
}
