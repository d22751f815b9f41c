//! The table of a file's scopes and bindings.

use std::sync::OnceLock;

use ruff_python_ast::{self as ast, Expr, ModModule};
use ruff_text_size::{TextRange, TextSize};
use rustc_hash::FxHashMap;

use super::bind;

/// Bindings of one name that are looked through one by one; of more there is a list.
const CHAIN_MAX: usize = 64;

/// A scope of a file: [`ScopeId::MODULE`] is the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(super) u32);

/// A place in a file, as far as names go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The scope.
    pub scope: ScopeId,
    /// The position in the text.
    pub position: TextSize,
}

/// What a scope belongs to.
#[derive(Clone, Copy, Debug)]
pub enum ScopeKind<'a> {
    /// The file.
    Module,
    /// A class.
    Class(&'a ast::StmtClassDef),
    /// A function.
    Function(&'a ast::StmtFunctionDef),
    /// A lambda.
    Lambda(&'a ast::ExprLambda),
    /// A comprehension or generator.
    Comprehension,
}

/// One scope.
#[derive(Debug)]
pub struct Scope<'a> {
    /// What it belongs to.
    pub kind: ScopeKind<'a>,
    /// What it lies in; of the file, itself.
    pub parent: ScopeId,
}

/// What a name was bound to.
#[derive(Clone, Copy, Debug)]
pub enum Bound<'a> {
    /// `import a.b as name`: the module's name. `import a.b` binds `a`.
    Module(&'a str),
    /// `from module import member as name`; dots before the module are counted.
    Member {
        /// The module's name, empty in `from . import member`.
        module: &'a str,
        /// How many dots come before it.
        level: u32,
        /// The name in it.
        member: &'a str,
    },
    /// `name = value`.
    Value(&'a Expr),
    /// `with value as name`.
    Context(&'a Expr),
    /// A parameter: its place among the positional ones, and its default.
    Parameter(usize, Option<&'a Expr>),
    /// `def name`.
    Function(&'a ast::StmtFunctionDef),
    /// `class name`.
    Class(&'a ast::StmtClassDef),
    /// Something nobody follows: a loop's variable, a part of a tuple, a pattern, `+=`, `del`.
    Unknown,
}

/// One binding of a name.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Where it is bound: what is behind sees it.
    pub at: At,
    /// To what.
    pub bound: Bound<'a>,
    /// The one before, of the same name in the same scope.
    pub(super) previous: Option<u32>,
}

/// What a name means at a place.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'n, 'a> {
    /// What was bound to it there.
    Bound(&'n Binding<'a>),
    /// Local to a function that has not bound it before that place.
    Unbound,
    /// Nothing of this file.
    Free,
}

/// What names mean in one file.
#[derive(Debug, Default)]
pub struct Names<'a> {
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) by_range: FxHashMap<TextRange, ScopeId>,
    pub(super) bindings: Vec<Binding<'a>>,
    /// The last binding of each name in each scope.
    pub(super) last: FxHashMap<(ScopeId, &'a str), u32>,
    /// The same of attributes that methods set on `self`, by the class's scope.
    pub(super) last_attribute: FxHashMap<(ScopeId, &'a str), u32>,
    /// The bindings of names that have more than [`CHAIN_MAX`] in a scope, by the last one, in the order of their positions; made when
    /// first needed.
    pub(super) lists: OnceLock<FxHashMap<u32, Vec<u32>>>,
    pub(super) imported: Vec<String>,
    pub(super) star: Vec<&'a str>,
}

// === impl ScopeId ===

impl ScopeId {
    /// The file's own scope.
    pub const MODULE: Self = Self(0);

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

// === impl Scope ===

impl Scope<'_> {
    /// Whether what it belongs to has a name of its own in the file.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self.kind, ScopeKind::Class(_) | ScopeKind::Function(_))
    }
}

// === impl Names ===

impl<'a> Names<'a> {
    /// Collects what a file binds.
    #[must_use]
    pub fn of(syntax: &'a ModModule) -> Self {
        bind::names(syntax)
    }

    /// The scope that a node opens; `None` if it opens none.
    #[must_use]
    pub fn scope_of(&self, range: TextRange) -> Option<ScopeId> {
        self.by_range.get(&range).copied()
    }

    /// One scope.
    ///
    /// # Panics
    /// If the id is another file's.
    #[must_use]
    pub fn scope(&self, id: ScopeId) -> &Scope<'a> {
        &self.scopes[id.index()]
    }

    /// Every name that is imported, dotted: `os.path` of `import os.path`, `os.path.join` of `from os.path import join`.
    #[must_use]
    pub fn imported(&self) -> &[String] {
        &self.imported
    }

    /// Whether a module, or anything in it, is imported anywhere in the file.
    #[must_use]
    pub fn imports(&self, module: &str) -> bool {
        let within = |name: &String| {
            name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.imported.iter().any(within)
    }

    /// The bindings of a name in one scope, the last first.
    pub fn bindings(&self, scope: ScopeId, name: &str) -> impl Iterator<Item = &Binding<'a>> {
        self.chain(self.last.get(&(scope, name)).copied())
    }

    pub(super) fn chain(&self, last: Option<u32>) -> impl Iterator<Item = &Binding<'a>> {
        let mut next = last;
        std::iter::from_fn(move || {
            let binding = &self.bindings[next? as usize];
            next = binding.previous;
            Some(binding)
        })
    }

    /// What a name means at a place.
    #[must_use]
    pub fn lookup(&self, name: &str, at: At) -> Lookup<'_, 'a> {
        let mut scope = at.scope;
        let mut inner = true;
        loop {
            let here = self.scope(scope);
            // Methods do not see the names of their class.
            let visible = inner || !matches!(here.kind, ScopeKind::Class(_));
            if visible && let Some(&last) = self.last.get(&(scope, name)) {
                let start = if inner { self.last_before(last, at.position) } else { Some(last) };
                let behind = |binding: &&Binding<'a>| !inner || binding.at.position <= at.position;
                let found = self.chain(start).filter(behind).find(|binding| !binding.is_none());
                if let Some(binding) = found {
                    return Lookup::Bound(binding);
                }
                if matches!(here.kind, ScopeKind::Function(_) | ScopeKind::Lambda(_)) {
                    return Lookup::Unbound;
                }
            }
            if scope == ScopeId::MODULE {
                return Lookup::Free;
            }
            inner = false;
            scope = here.parent;
        }
    }

    /// Where in the chain of a name's bindings those before a position begin, or some later one. A file may bind one name a million
    /// times, and use it as often.
    fn last_before(&self, last: u32, position: TextSize) -> Option<u32> {
        let mut next = Some(last);
        for _ in 0..CHAIN_MAX {
            let binding = &self.bindings[next? as usize];
            if binding.at.position <= position {
                return next;
            }
            next = binding.previous;
        }
        let Some(list) = self.lists.get_or_init(|| self.long_chains()).get(&last) else {
            return next;
        };
        let before = list.partition_point(|index| self.bindings[*index as usize].at.position <= position);
        before.checked_sub(1).map(|index| list[index])
    }

    /// Chains that are long and in the order of their positions, as those are of all but strange code.
    fn long_chains(&self) -> FxHashMap<u32, Vec<u32>> {
        let chains = self.last.values().filter_map(|last| {
            let mut list = Vec::new();
            let mut next = Some(*last);
            while let Some(index) = next {
                list.push(index);
                next = self.bindings[index as usize].previous;
            }
            list.reverse();
            let position = |index: &u32| self.bindings[*index as usize].at.position;
            (list.len() > CHAIN_MAX && list.is_sorted_by_key(position)).then_some((*last, list))
        });
        chains.collect()
    }

    /// What a name is bound to at a place, if it is bound there once and never again.
    #[must_use]
    pub fn only_binding(&self, name: &str, at: At) -> Option<&Binding<'a>> {
        let binding = self.lookup(name, at).binding()?;
        let last = *self.last.get(&(binding.at.scope, name))?;
        self.bindings[last as usize].previous.is_none().then_some(binding)
    }

    /// The class whose method a scope lies in, and the name its first parameter has there.
    pub(crate) fn method(&self, scope: ScopeId) -> Option<(ScopeId, &'a str)> {
        let mut scope = scope;
        while scope != ScopeId::MODULE {
            let here = self.scope(scope);
            if let ScopeKind::Function(function) = here.kind
                && matches!(self.scope(here.parent).kind, ScopeKind::Class(_))
            {
                let parameters = &function.parameters;
                let first = parameters.posonlyargs.first().or(parameters.args.first())?;
                return Some((here.parent, first.parameter.name.as_str()));
            }
            scope = here.parent;
        }
        None
    }
}

// === impl Lookup ===

impl<'n, 'a> Lookup<'n, 'a> {
    /// The binding, if there is one.
    #[must_use]
    pub const fn binding(self) -> Option<&'n Binding<'a>> {
        match self {
            Self::Bound(binding) => Some(binding),
            Self::Unbound | Self::Free => None,
        }
    }
}

// === impl Binding ===

impl Binding<'_> {
    /// Whether it binds the name to `None`.
    fn is_none(&self) -> bool {
        matches!(self.bound, Bound::Value(Expr::NoneLiteral(_)))
    }
}
