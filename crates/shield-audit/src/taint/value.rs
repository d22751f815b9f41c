//! What is known of values.

use std::{collections::BTreeMap, rc::Rc};

use ruff_python_ast::{self as ast};

use super::{calls::Arguments, marks::Marks};
use crate::python::fold::Constant;

/// More alternatives of a value are not told apart.
pub(super) const ALTERNATIVES_MAX: usize = 4;

/// Longer names of library objects are not followed, in bytes.
const NAME_BYTES_MAX: usize = 160;

/// An object that can change, by its place in the heap.
pub(super) type ObjectId = u32;

/// The variables of a function.
pub(super) type Variables<'a> = BTreeMap<&'a str, Value<'a>>;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Value<'a> {
    pub(super) shape: Shape<'a>,
    /// Whose data is in it, apart from what its objects hold.
    pub(super) marks: Marks,
}

/// What a value is.
#[derive(Clone, Debug, Default)]
pub(super) enum Shape<'a> {
    /// Nothing is known.
    #[default]
    Unknown,
    /// One of these.
    Constants(Rc<[Constant]>),
    /// A text that begins so.
    Prefix(Rc<str>),
    /// One of these objects.
    Objects(Rc<[ObjectId]>),
    /// Something of a library: `flask.request`; what a call of it gives ends in `()`.
    External(Rc<str>),
    /// A function of the project.
    Function(Rc<Callable<'a>>),
    /// `functools.partial`.
    Partial(Rc<Partial<'a>>),
    /// A class of the project.
    Class(u32, &'a ast::StmtClassDef),
    /// An object of a class of the project of which nothing else is known.
    Of(u32, &'a ast::StmtClassDef),
    /// A module or package of the project, by its dotted name.
    Module(Rc<str>),
}

/// A function of the project.
#[derive(Clone, Debug)]
pub(super) struct Callable<'a> {
    pub(super) file: u32,
    pub(super) body: Body<'a>,
    /// What it is bound to.
    pub(super) receiver: Option<Value<'a>>,
    /// What it sees of the function it was made in.
    pub(super) closure: Option<Rc<Variables<'a>>>,
    /// Whether it is what stands there, whatever decorators make of it.
    pub(super) bare: bool,
}

/// A function with some of its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partial<'a> {
    pub(super) callee: Value<'a>,
    pub(super) arguments: Arguments<'a>,
    /// How many of these lie in each other, with this one.
    pub(super) depth: u32,
}

/// The code of a function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    Def(&'a ast::StmtFunctionDef),
    Lambda(&'a ast::ExprLambda),
}

/// A key of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Text(String),
    Int(i64),
}

/// An object that can change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object<'a> {
    /// A list whose length is known.
    List(Vec<Value<'a>>),
    /// A list, set or iterator of these.
    Bag(Value<'a>),
    /// A dictionary: what is under known keys, and under all others.
    Table { known: BTreeMap<Key, Value<'a>>, rest: Option<Value<'a>> },
    /// An instance of a class of the project.
    Instance { file: u32, class: ClassRef<'a>, fields: BTreeMap<&'a str, Value<'a>> },
    /// An object of a library with what was set on it: see [`super::objects`].
    Made { name: Rc<str>, fields: BTreeMap<Key, Value<'a>> },
}

/// A class, compared by where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassRef<'a>(pub(super) &'a ast::StmtClassDef);

// === impl Value ===

impl<'a> Value<'a> {
    pub(super) fn unknown(marks: Marks) -> Self {
        Self { shape: Shape::Unknown, marks }
    }

    pub(super) fn constant(constant: Constant) -> Self {
        Shape::Constants(Rc::new([constant])).into()
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::constant(Constant::Text(text.into()))
    }

    pub(super) fn external(name: impl Into<Rc<str>>) -> Self {
        let name = name.into();
        // Quart is Flask, word for word.
        let name = name.strip_prefix("quart.").map_or(name.clone(), |rest| format!("flask.{rest}").into());
        if name.len() > NAME_BYTES_MAX { Self::default() } else { Shape::External(name).into() }
    }

    pub(super) fn object(id: ObjectId) -> Self {
        Shape::Objects(Rc::new([id])).into()
    }

    pub(super) fn with(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// The one constant that it is.
    pub(super) fn only(&self) -> Option<&Constant> {
        match &self.shape {
            Shape::Constants(all) if all.len() == 1 => all.first(),
            _ => None,
        }
    }

    pub(super) fn only_text(&self) -> Option<&str> {
        match self.only()? {
            Constant::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn only_int(&self) -> Option<i64> {
        match self.only()? {
            Constant::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The constants that it is one of.
    pub(super) fn constants(&self) -> &[Constant] {
        match &self.shape {
            Shape::Constants(all) => all,
            _ => &[],
        }
    }

    pub(super) fn external_name(&self) -> Option<&str> {
        match &self.shape {
            Shape::External(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn objects(&self) -> &[ObjectId] {
        match &self.shape {
            Shape::Objects(all) => all,
            _ => &[],
        }
    }

    /// How the text begins.
    pub(super) fn beginning(&self) -> &str {
        match &self.shape {
            Shape::Prefix(text) => text,
            _ => self.only_text().unwrap_or_default(),
        }
    }

    /// Whether it counts as true, if that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.shape {
            Shape::Constants(all) => {
                let first = all.first()?.truth();
                all.iter().all(|one| one.truth() == first).then_some(first)
            }
            Shape::Prefix(text) => (!text.is_empty()).then_some(true),
            Shape::Function(_) | Shape::Partial(_) | Shape::Class(..) | Shape::Module(_) => Some(true),
            _ => None,
        }
    }

    /// Either of two values.
    pub(super) fn join(&self, other: &Self) -> Self {
        let marks = self.marks.join(&other.marks);
        let shape = self.shape.join(&other.shape);
        Self { shape, marks }
    }
}

impl<'a> From<Shape<'a>> for Value<'a> {
    fn from(shape: Shape<'a>) -> Self {
        Self { shape, marks: Marks::default() }
    }
}

// === impl Shape ===

impl Shape<'_> {
    fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left.clone(),
            (Self::Constants(left), Self::Constants(right)) => {
                let mut all = left.to_vec();
                all.extend(right.iter().filter(|one| !left.contains(one)).cloned());
                if all.len() > ALTERNATIVES_MAX { Self::Unknown } else { Self::Constants(all.into()) }
            }
            (Self::Objects(left), Self::Objects(right)) => {
                let mut all = [left.as_ref(), right.as_ref()].concat();
                all.sort_unstable();
                all.dedup();
                all.truncate(2 * ALTERNATIVES_MAX);
                Self::Objects(all.into())
            }
            // Nobody calls `None`, or reads an attribute or a key of it.
            (Self::Constants(nothing), other @ (Self::Objects(_) | Self::External(_) | Self::Of(..)))
            | (other @ (Self::Objects(_) | Self::External(_) | Self::Of(..)), Self::Constants(nothing))
                if nothing.iter().all(|one| *one == Constant::None) =>
            {
                other.clone()
            }
            _ => Self::Unknown,
        }
    }
}

impl PartialEq for Shape<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown) => true,
            (Self::Constants(left), Self::Constants(right)) => left == right,
            (Self::Prefix(left), Self::Prefix(right)) => left == right,
            (Self::Objects(left), Self::Objects(right)) => left == right,
            (Self::External(left), Self::External(right)) => left == right,
            (Self::Module(left), Self::Module(right)) => left == right,
            (Self::Class(left, one), Self::Class(right, other))
            | (Self::Of(left, one), Self::Of(right, other)) => left == right && one.range == other.range,
            (Self::Function(left), Self::Function(right)) => {
                left.file == right.file
                    && left.body.range() == right.body.range()
                    && left.receiver == right.receiver
                    && left.bare == right.bare
            }
            (Self::Partial(left), Self::Partial(right)) => left == right,
            _ => false,
        }
    }
}

// === impl Body ===

impl<'a> Body<'a> {
    pub(super) fn range(self) -> ruff_text_size::TextRange {
        match self {
            Self::Def(node) => node.range,
            Self::Lambda(node) => node.range,
        }
    }

    pub(super) fn parameters(self) -> Option<&'a ast::Parameters> {
        match self {
            Self::Def(node) => Some(&node.parameters),
            Self::Lambda(node) => node.parameters.as_deref(),
        }
    }
}

// === impl Key ===

impl Key {
    pub(super) fn of(constant: &Constant) -> Option<Self> {
        match constant {
            Constant::Text(text) => Some(Self::Text(text.clone())),
            Constant::Int(number) => Some(Self::Int(*number)),
            Constant::Bool(value) => Some(Self::Int(i64::from(*value))),
            _ => None,
        }
    }
}

// === impl ClassRef ===

impl PartialEq for ClassRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.range == other.0.range
    }
}
