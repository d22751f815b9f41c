//! What one module's text says about imports: what it asks for, when, and which names it has itself.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::syntax::SyntaxFault;

/// All that is kept of a module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it imports, in the order of the text.
    pub imports: Vec<Import>,
    /// The names it has at its top level, in the order of the text; a name can be there several times.
    pub bound: Vec<Bound>,
    /// The names that its `__all__` lists as literals.
    pub all: Vec<String>,
    /// Whether that is all that a star takes: nothing else in the text says anything of `__all__`.
    pub listed: bool,
    /// It can have names that its text does not show: `globals()`, itself replaced in `sys.modules`, an importer of its
    /// own.
    pub open: bool,
    /// It answers for names that it does not have: `__getattr__`.
    pub answers: bool,
    /// Why Python refuses it; empty if it does not.
    pub faults: Vec<SyntaxFault>,
    /// Literal strings given to `patch` and its like that look like dotted names.
    pub mentions: Vec<Mention>,
}

// === impl Facts ===

impl Facts {
    /// Whether a star takes a name, if the module has it when it has come to the byte `at`.
    pub(super) fn gives_by_star(&self, name: &str, at: u32) -> bool {
        let is_listed = self.all.iter().any(|listed| listed == name);
        if self.listed && self.lists_by(at) { is_listed } else { is_listed || !name.starts_with('_') }
    }

    /// Whether `__all__` is there when the module has come to the byte `at`.
    pub(super) fn lists_by(&self, at: u32) -> bool {
        self.bound.iter().any(|bound| bound.name == "__all__" && bound.from <= at)
    }
}

/// One import statement, or one call that imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its bytes.
    pub range: Range<u32>,
    /// When it runs.
    pub when: When,
    /// What happens when it fails.
    pub guard: Guard,
    /// Whether an import of another module gives the same name then: it is right that it may fail.
    pub replaced: bool,
    /// What it asks for.
    pub what: What,
}

/// When an import runs, soonest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// While the module is loaded.
    Load,
    /// Later, if at all: in a function, or only when the module is the main program.
    Deferred,
    /// Only for type checkers.
    Typing,
    /// Never with this version on this platform.
    Never,
}

/// What happens when an import fails, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// It fails.
    None,
    /// An `ImportError` is caught, but not a `SyntaxError`.
    ImportError,
    /// Whatever it is, it is caught.
    Everything,
}

/// What an import asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// `import a.b.c`, or `import a.b.c as d`.
    Module {
        /// The dotted name.
        name: String,
        /// Its bytes.
        at: Range<u32>,
        /// The name behind `as`.
        renamed: Option<String>,
    },
    /// `from ..a import b, c as d`.
    From {
        /// How many dots come first.
        level: u32,
        /// The dotted name behind them; empty if there is none.
        module: String,
        /// The bytes of dots and name.
        at: Range<u32>,
        /// What is asked for in it; `*` is a name here.
        names: Vec<ImportedName>,
    },
    /// `importlib.import_module("a.b")`: a name given as a literal.
    Called {
        /// How many dots come first.
        level: u32,
        /// The dotted name behind them.
        name: String,
        /// The bytes of that name, if it is one plain literal given to `import_module` or `__import__` itself.
        at: Option<Range<u32>>,
    },
    /// A name of which only the beginning is literal: it may be any module whose dotted name starts so.
    Below {
        /// How many dots come first.
        level: u32,
        /// The beginning, which can end within a word.
        prefix: String,
    },
    /// A name that only the running program knows.
    Anything,
}

/// One name of a `from` import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedName {
    /// What it is called over there.
    pub name: String,
    /// What it is called here, if `as` says so.
    pub renamed: Option<String>,
    /// The bytes of the name, with its `as`.
    pub at: Range<u32>,
}

/// A name at the top level of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The name.
    pub name: String,
    /// The byte at which it is there: the end of its statement.
    pub from: u32,
    /// When it gets there.
    pub when: When,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a name of a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// A class or a function is defined.
    Definition,
    /// A value is assigned.
    Value,
    /// It is imported.
    Import,
}

/// A dotted name in a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The text of the string.
    pub text: String,
    /// The bytes of that text, without quotes.
    pub at: Range<u32>,
}

// === impl What ===

impl What {
    /// Whether it gives a name that another import gives, from another module.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.module() != other.module() && self.bound().any(|name| other.bound().any(|bound| bound == name))
    }

    /// The module, as it is written.
    fn module(&self) -> Option<(u32, &str)> {
        match self {
            Self::Module { name, .. } => Some((0, name)),
            Self::From { level, module, .. } => Some((*level, module)),
            Self::Called { .. } | Self::Below { .. } | Self::Anything => None,
        }
    }

    /// The names that it binds where it stands.
    fn bound(&self) -> impl Iterator<Item = &str> {
        let (module, names) = match self {
            Self::Module { name, renamed, .. } => {
                (Some(renamed.as_deref().unwrap_or_else(|| name.split('.').next().unwrap_or(name))), &[][..])
            }
            Self::From { names, .. } => (None, names.as_slice()),
            Self::Called { .. } | Self::Below { .. } | Self::Anything => (None, &[][..]),
        };
        let names = names.iter().map(|one| one.renamed.as_deref().unwrap_or(&one.name));
        module.into_iter().chain(names)
    }
}
