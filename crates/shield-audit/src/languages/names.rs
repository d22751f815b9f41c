//! Scopes of a file, and what its names mean there.

use rustc_hash::FxHashMap;
use tree_sitter::Node;

use super::Language;

/// Scopes around a name that are asked for it; then only the file is.
const SCOPES_MAX: usize = 100;

/// Nobody gives longer names, and whole expressions are asked for, too.
const NAME_BYTES_MAX: usize = 200;

/// Values that are followed into one name.
const PARTS_MAX: usize = 20;

/// Things put into one list that are followed.
const ELEMENTS_MAX: usize = 100;

/// A scope; the file is the first.
pub(super) type Scope = u32;

/// What a name means.
#[derive(Clone, Debug)]
pub(super) enum Meaning<'t> {
    /// Something imported.
    Path(String),
    /// A value, and the scope it is written in.
    Value(Node<'t>, Scope),
    /// A part of a value: `const { exec } = require('child_process')`.
    Part(Node<'t>, &'t str, Scope),
    /// A value to which others are added (`+=`), as far as the file goes.
    Grown(Vec<(Node<'t>, Scope)>),
    /// One of several values, in the order of the file.
    Either(Vec<(Node<'t>, Scope)>),
    /// What a function that answers requests is called with.
    Sent(Sent),
    /// Declared; nothing given yet.
    Nothing,
    /// More things than are followed, or something that is not known: a parameter.
    Unknown,
}

/// What a function that answers requests is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// A request: strangers write parts of it.
    Request,
    /// What holds a request beside other things.
    Context,
    /// A part that strangers write.
    Part,
    /// What the answer is given to.
    Answer,
}

/// What each parameter of a function is, if that is known.
pub(super) type Parameters = [Option<Sent>; 4];

/// What is put into a list, each with the scope it is written in.
type Elements<'t> = Vec<(Node<'t>, Scope)>;

/// The names of a file.
#[derive(Debug)]
pub(super) struct Names<'t> {
    pub(super) language: Language,
    pub(super) text: &'t str,
    parents: Vec<Scope>,
    /// By name, then by the scope that declares it.
    table: FxHashMap<&'t str, FxHashMap<Scope, Meaning<'t>>>,
    /// Parameters of functions that answer requests, by the scope of the function.
    pub(super) handlers: FxHashMap<Scope, Parameters>,
    /// Functions, by their nodes, that are handed to what routes requests.
    pub(super) routed: FxHashMap<usize, Parameters>,
    /// What is put into lists beside what they were made with; nothing, if that is more than is followed.
    elements: FxHashMap<(Scope, &'t str), Option<Elements<'t>>>,
}

// === impl Meaning ===

impl Meaning<'_> {
    /// It, or another one: which of the two is not told from here.
    fn or(&mut self, other: Self) {
        *self = match (std::mem::replace(self, Self::Unknown), other) {
            (Self::Nothing, other) => other,
            // What a request is read into is the stranger's from then on.
            (Self::Value(..), Self::Sent(Sent::Part)) => Self::Sent(Sent::Part),
            (Self::Value(first, at), Self::Value(second, of)) => {
                Self::Either(vec![(first, at), (second, of)])
            }
            (Self::Either(mut values), Self::Value(value, at)) if values.len() < PARTS_MAX => {
                values.push((value, at));
                Self::Either(values)
            }
            _ => Self::Unknown,
        };
    }
}

// === impl Names ===

impl<'t> Names<'t> {
    pub(super) fn of(text: &'t str, language: Language) -> Self {
        Self {
            language,
            text,
            parents: vec![0],
            table: FxHashMap::default(),
            handlers: FxHashMap::default(),
            routed: FxHashMap::default(),
            elements: FxHashMap::default(),
        }
    }

    /// What a node is written as.
    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// A scope within another.
    pub(super) fn open(&mut self, parent: Scope) -> Scope {
        self.parents.push(parent);
        u32::try_from(self.parents.len() - 1).unwrap_or_default()
    }

    pub(super) fn declare(&mut self, scope: Scope, name: &'t str, meaning: Meaning<'t>) {
        let known = self.table.entry(name).or_default().entry(scope);
        known.and_modify(|known| known.or(meaning.clone())).or_insert(meaning);
    }

    /// A name that exists gets another value.
    pub(super) fn assign(&mut self, scope: Scope, name: &'t str, meaning: Meaning<'t>) {
        let scopes = self.scopes(scope);
        let Some(declared) = self.table.get_mut(name) else { return };
        if let Some(known) =
            scopes.into_iter().find(|at| declared.contains_key(at)).and_then(|at| declared.get_mut(&at))
        {
            known.or(meaning);
        }
    }

    /// A name gets another value; one that nobody declared exists from here on.
    pub(super) fn assign_or_declare(&mut self, scope: Scope, name: &'t str, meaning: Meaning<'t>) {
        match self.meaning(scope, name) {
            Some(_) => self.assign(scope, name, meaning),
            None => self.declare(scope, name, meaning),
        }
    }

    /// Something is added to what a name stands for.
    pub(super) fn grow(&mut self, scope: Scope, name: &'t str, added: Node<'t>) {
        let scopes = self.scopes(scope);
        let Some(declared) = self.table.get_mut(name) else { return };
        if let Some(known) =
            scopes.into_iter().find(|at| declared.contains_key(at)).and_then(|at| declared.get_mut(&at))
        {
            match known {
                Meaning::Value(value, at) => *known = Meaning::Grown(vec![(*value, *at), (added, scope)]),
                Meaning::Grown(parts) if parts.len() < PARTS_MAX => parts.push((added, scope)),
                _ => *known = Meaning::Unknown,
            }
        }
    }

    /// Something is put into the list that a name stands for: `list.push(x)`, `list[0] = x`.
    pub(super) fn put(&mut self, scope: Scope, name: &'t str, element: Node<'t>) {
        let Some(at) = self.declaring(scope, name) else { return };
        let known = self.elements.entry((at, name)).or_insert_with(|| Some(Vec::new()));
        match known {
            Some(elements) if elements.len() < ELEMENTS_MAX => elements.push((element, scope)),
            _ => *known = None,
        }
    }

    /// What is put into the list that a name stands for; nothing, if that is more than is followed.
    pub(super) fn elements(&self, scope: Scope, name: &'t str) -> Option<&[(Node<'t>, Scope)]> {
        match self.declaring(scope, name).and_then(|at| self.elements.get(&(at, name))) {
            None => Some(&[]),
            Some(elements) => elements.as_deref(),
        }
    }

    /// The scope that declares a name.
    fn declaring(&self, scope: Scope, name: &str) -> Option<Scope> {
        let declared = self.table.get(name).filter(|_| name.len() <= NAME_BYTES_MAX)?;
        self.scopes(scope).into_iter().find(|at| declared.contains_key(at))
    }

    pub(super) fn meaning(&self, scope: Scope, name: &str) -> Option<&Meaning<'t>> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let declared = self.table.get(name)?;
        self.scopes(scope).into_iter().find_map(|at| declared.get(&at))
    }

    /// A scope and those around it, innermost first.
    fn scopes(&self, scope: Scope) -> Vec<Scope> {
        let mut scopes = vec![scope];
        let mut here = scope;
        while here != 0 {
            here = if scopes.len() < SCOPES_MAX { self.parents[here as usize] } else { 0 };
            scopes.push(here);
        }
        scopes
    }
}
