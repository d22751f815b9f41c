//! What a rule is made of.
//!
//! One rule is one small function over one event of a file: a call, an import, an expression, a statement, the file itself.
//! Names arrive resolved. A rule says which words a file must hold for it to find anything: that is a promise, and a test keeps
//! it by comparing with a run that parses everything.

use std::{fmt, ops::Range, slice};

use ruff_python_ast::{self as ast, Expr, Keyword, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::{
    finding::{Confidence, Rule, Severity},
    python::{
        Module,
        fold::{self, Constant},
        names::At,
    },
};

/// What a rule belongs to: settings and reports speak of rules by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Code or commands that are run.
    Execution,
    /// Hashes, ciphers and keys.
    Cryptography,
    /// Random numbers.
    Randomness,
    /// Objects made of bytes that somebody sent.
    Deserialisation,
    /// XML parsers.
    Xml,
    /// What goes over the network, and how it is protected there.
    Transport,
    /// Texts that a database or template engine takes for code.
    Injection,
    /// Files and permissions.
    Files,
    /// Passwords in the source.
    Secrets,
    /// Settings and habits.
    Habits,
}

/// One rule: what it is called, when it can apply, how it looks.
#[derive(Debug)]
pub struct Check {
    /// Its names and its advice.
    pub rule: Rule,
    /// How sure it is, unless a hit says otherwise.
    pub confidence: Confidence,
    /// What it belongs to.
    pub class: Class,
    /// Nothing is found in a file that holds none of these.
    pub words: Words,
    /// How it looks.
    pub test: Test,
}

/// Words one of which a file must hold. A dotted name that [`Scene::resolve`] finds consists of identifiers of the file, so any
/// of its parts will do.
#[derive(Clone, Copy, Debug)]
pub enum Words {
    /// Whole identifiers.
    Names(&'static [&'static str]),
    /// Whole identifiers of which one must be there, and one of the modules that they are members of.
    Members {
        /// The members.
        names: &'static [&'static str],
        /// Their modules, or parts of the modules' names.
        of: &'static [&'static str],
    },
    /// Whole identifiers of the interpreter's own: as attributes they count only where `builtins` is named.
    Builtins(&'static [&'static str]),
    /// Whole identifiers that name arguments: in quotes they count where a table is unpacked.
    Arguments(&'static [&'static str]),
    /// Texts, wherever they stand.
    Parts(&'static [&'static str]),
    /// Texts that are in nearly every file, but mean something only where they stand in some ways.
    Placed {
        /// The texts.
        words: &'static [&'static str],
        /// How their letters are compared.
        case: Case,
        /// How they stand.
        stands: Stands,
    },
    /// None: it looks at every file.
    None,
}

/// How the letters of words are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// As they are written.
    Exact,
    /// Capitals and small letters are the same (ASCII).
    Any,
}

/// Whether a word at a place of a file can mean something to a rule.
pub type Stands = fn(&[u8], Range<usize>) -> bool;

/// How a rule looks.
#[derive(Clone, Copy)]
pub enum Test {
    /// At calls of these names.
    Names(&'static [&'static str]),
    /// At imports of these modules, or of anything in them.
    Imports(&'static [&'static str]),
    /// At calls.
    Call(fn(&Scene<'_>, &Call<'_>) -> Option<Hit>),
    /// At expressions of a shape.
    Expression(Shape, fn(&Scene<'_>, &Expr) -> Option<Hit>),
    /// At statements.
    Statement(fn(&Scene<'_>, &Stmt) -> Vec<Hit>),
    /// At a file.
    File(fn(&Scene<'_>) -> Option<Hit>),
}

/// Which expressions a rule looks at: most look at few, and most expressions are names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Strings and f-strings.
    Text,
    /// What may put a text together: sums, `%`, calls of methods, f-strings.
    Composed,
    /// Calls, also those in annotations, which are run.
    Call,
    /// Comparisons.
    Comparison,
    /// Dictionaries.
    Table,
}

/// Where a rule looks.
#[derive(Clone, Copy)]
pub struct Scene<'m> {
    /// The file.
    pub module: &'m Module<'m>,
    /// The scope and the position.
    pub at: At,
    /// The expressions around, innermost last; none at the top of a statement.
    pub parents: &'m [&'m Expr],
    /// The statement around.
    pub statement: Option<&'m Stmt>,
    /// Whether only type checkers come here.
    pub type_checking: bool,
}

/// A call, or a use as a decorator.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// What is called.
    pub callee: &'c Expr,
    /// Its name as one would import it; empty if it cannot be followed.
    pub name: &'c str,
    /// With what.
    pub arguments: Option<&'c ast::Arguments>,
    /// All of it.
    pub range: TextRange,
}

/// Something a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Where.
    pub range: TextRange,
    /// How bad, if not as the rule says.
    pub severity: Option<Severity>,
    /// How sure, if not as the rule says.
    pub confidence: Option<Confidence>,
    /// What it is about, without layout and secrets.
    pub subject: String,
    /// What is wrong, in one sentence.
    pub message: String,
}

// === impl Test ===

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Names(_) => "Names",
            Self::Imports(_) => "Imports",
            Self::Call(_) => "Call",
            Self::Expression(..) => "Expression",
            Self::Statement(_) => "Statement",
            Self::File(_) => "File",
        })
    }
}

// === impl Scene ===

impl<'m> Scene<'m> {
    /// The dotted name of what an expression is.
    #[must_use]
    pub fn resolve(&self, expr: &Expr) -> Option<String> {
        self.module.names.resolve(expr, self.at)
    }

    /// Whether an expression is one of these, by its dotted name.
    #[must_use]
    pub fn is_any(&self, expr: &Expr, names: &[&str]) -> bool {
        self.resolve(expr).is_some_and(|name| names.contains(&name.as_str()))
    }

    /// The value of an expression, if it is known.
    #[must_use]
    pub fn fold(&self, expr: &Expr) -> Option<Constant> {
        fold::fold(self.module.names, expr, self.at)
    }

    /// The text that an expression is, if it is known.
    #[must_use]
    pub fn text(&self, expr: &Expr) -> Option<String> {
        fold::text(self.module.names, expr, self.at)
    }

    /// Whether an expression is known to be `True` or `False`.
    #[must_use]
    pub fn is_bool(&self, expr: &Expr, value: bool) -> bool {
        self.fold(expr) == Some(Constant::Bool(value))
    }

    /// Whether an expression counts as true, if that is known.
    #[must_use]
    pub fn truth(&self, expr: &Expr) -> Option<bool> {
        fold::truth(self.module.names, expr, self.at)
    }

    /// The value of a named argument of a call, also of one in a table that is known here: `**{"shell": True}`, `**options` after
    /// `options = dict(shell=True)`.
    #[must_use]
    pub fn given<'c>(&self, call: &Call<'c>, name: &str) -> Option<&'c Expr>
    where
        'm: 'c,
    {
        let written = call.keyword(name).map(|keyword| &keyword.value);
        written.or_else(|| {
            let unpacked = call.keywords().iter().filter(|keyword| keyword.arg.is_none());
            unpacked.filter_map(|keyword| self.module.names.value_of(&keyword.value, self.at)).find_map(
                |(table, at)| match table {
                    Expr::Dict(dict) => {
                        let named = |key: &Expr| {
                            key.as_string_literal_expr().is_some_and(|key| key.value.to_str() == name)
                        };
                        let items = dict.items.iter().rev();
                        items
                            .filter(|item| item.key.as_ref().is_some_and(named))
                            .map(|item| &item.value)
                            .next()
                    }
                    Expr::Call(made) if self.module.names.resolve(&made.func, at)? == "builtins.dict" => {
                        made.arguments.find_keyword(name).map(|keyword| &keyword.value)
                    }
                    _ => None,
                },
            )
        })
    }

    /// The expression around.
    #[must_use]
    pub fn parent(&self) -> Option<&'m Expr> {
        self.parents.last().copied()
    }

    /// The source of a node.
    #[must_use]
    pub fn source(&self, node: impl Ranged) -> &'m str {
        &self.module.text[node.range()]
    }
}

// === impl Call ===

impl<'c> Call<'c> {
    /// Positional arguments.
    #[must_use]
    pub fn positional(&self) -> &'c [Expr] {
        self.arguments.map_or(&[], |arguments| &arguments.args)
    }

    /// Named arguments.
    #[must_use]
    pub fn keywords(&self) -> &'c [Keyword] {
        self.arguments.map_or(&[], |arguments| &arguments.keywords)
    }

    /// A named argument.
    #[must_use]
    pub fn keyword(&self, name: &str) -> Option<&'c Keyword> {
        self.arguments?.find_keyword(name)
    }

    /// The value of an argument given by name or place.
    #[must_use]
    pub fn argument(&self, name: &str, position: usize) -> Option<&'c Expr> {
        self.arguments?.find_argument_value(name, position)
    }

    /// The last part of what is called, as it is written: `run` of `app.run`.
    #[must_use]
    pub fn method(&self) -> &'c str {
        match self.callee {
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            Expr::Name(name) => name.id.as_str(),
            _ => "",
        }
    }

    /// What a method is called on.
    #[must_use]
    pub fn object(&self) -> Option<&'c Expr> {
        match self.callee {
            Expr::Attribute(attribute) => Some(&attribute.value),
            _ => None,
        }
    }

    /// Whether arguments are passed that nobody sees here: `*args`, `**kwargs`.
    #[must_use]
    pub fn has_unseen_arguments(&self) -> bool {
        self.positional().iter().any(Expr::is_starred_expr)
            || self.keywords().iter().any(|keyword| keyword.arg.is_none())
    }

    /// A hit at the callee.
    #[must_use]
    pub fn hit(&self, message: impl Into<String>) -> Hit {
        Hit::at(TextRange::new(self.callee.start(), self.range.end()), self.subject(), message)
    }

    /// What a finding at this call is about.
    #[must_use]
    pub fn subject(&self) -> &'c str {
        if self.name.is_empty() { self.method() } else { self.name }
    }
}

// === impl Hit ===

impl Hit {
    /// A hit as bad and as sure as its rule.
    #[must_use]
    pub fn at(range: TextRange, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { range, severity: None, confidence: None, subject: subject.into(), message: message.into() }
    }

    /// Worse or less bad than the rule says.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// More or less sure than the rule says.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// Elsewhere, with the rest as it is.
    #[must_use]
    pub fn moved(mut self, node: impl Ranged) -> Self {
        self.range = node.range();
        self
    }
}

impl From<Hit> for Vec<Hit> {
    fn from(hit: Hit) -> Self {
        slice::from_ref(&hit).to_vec()
    }
}
