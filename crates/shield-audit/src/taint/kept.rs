//! What one call leaves where another finds it: variables at the top of files, attributes of objects, what is put into either.
//!
//! In which order strangers call the functions of a server nobody knows: what one of them leaves somewhere, any other may find
//! there. Runs know nothing of each other, so that files are followed in rounds: what all runs of one round left is found by those
//! of the next, until nothing new is left or [`ROUNDS_MAX`] is reached, which is said. A function sees what it put somewhere
//! itself until it is done; only what is there when it ends, or calls another function of the project, is left for others.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{self as ast, Expr};

use super::{
    calls::Arguments,
    kinds::Kinds,
    marks::{Mark, Marks, Site, What},
    project::Meaning,
    run::{Frame, Run},
    unfollowed::Limit,
    value::{Key, Object, Shape, Value},
};
use crate::python::names::{Binding, Bound, ScopeId, ScopeKind};

/// Files are not followed more often because of what they leave for each other.
pub(super) const ROUNDS_MAX: usize = 4;

/// More of strangers' data is not told apart in one place.
const LEFT_MAX: usize = 32;

/// Bases of one class that are looked at.
const BASES_MAX: usize = 16;

/// Methods that put something into what they are called on.
const FILLS: [&str; 16] = [
    "add",
    "append",
    "appendleft",
    "extend",
    "extendleft",
    "insert",
    "push",
    "put",
    "put_nowait",
    "send",
    "send_nowait",
    "set",
    "setdefault",
    "update",
    "write",
    "writelines",
];

/// Where something can be left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Keeper<'a> {
    /// A variable at the top of a file.
    Variable(u32, &'a str),
    /// An attribute of a class or its objects, by where the class begins.
    Field(u32, u32, &'a str),
    /// The same of a class below this one.
    FieldBelow(u32, u32, &'a str),
    /// An attribute of an object of a framework that lasts as long as a request, or longer.
    Library(String),
}

/// Which part of a keeper it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What is under a key.
    At(Key),
    /// Something in it.
    Some,
}

/// What somebody left, without the run that knows of it: the way it came.
type Way = Vec<(Site, What)>;

/// What is known of what was left, but for its way.
type Look = (Site, Kinds, bool);

/// What was left in each place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept<'a>(BTreeMap<Keeper<'a>, BTreeMap<Part, BTreeMap<Look, Way>>>);

/// Data that is left somewhere.
#[derive(Clone, Debug)]
pub(super) struct Left<'a> {
    pub(super) keeper: Keeper<'a>,
    pub(super) part: Part,
    pub(super) mark: Mark,
}

// === impl Kept ===

impl<'a> Kept<'a> {
    fn put(&mut self, keeper: Keeper<'a>, part: Part, look: Look, way: Way) -> bool {
        let all = self.0.entry(keeper).or_default().entry(part).or_default();
        if all.len() >= LEFT_MAX && !all.contains_key(&look) {
            return false;
        }
        let rank = |way: &Way| (way.len(), way.iter().map(|(site, _)| *site).collect::<Vec<_>>());
        let known = all.entry(look).or_insert_with(|| way.clone());
        if rank(&way) < rank(known) {
            *known = way;
        }
        true
    }

    /// Takes in what another run left; `false` if that is more than is told apart.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let mut whole = true;
        for (keeper, parts) in &other.0 {
            for (part, looks) in parts {
                for (look, way) in looks {
                    whole &= self.put(keeper.clone(), part.clone(), *look, way.clone());
                }
            }
        }
        whole
    }

    /// Which of these places hold something else than in `before`.
    pub(super) fn news(&self, before: &Self) -> BTreeSet<&Keeper<'a>> {
        let looks = |parts: &BTreeMap<Part, BTreeMap<Look, Way>>| -> Vec<(Part, Vec<Look>)> {
            parts.iter().map(|(part, all)| (part.clone(), all.keys().copied().collect())).collect()
        };
        let is_new =
            |keeper: &&Keeper<'a>| self.0.get(*keeper).map(looks) != before.0.get(*keeper).map(looks);
        self.0.keys().filter(is_new).collect()
    }
}

// === impl Keeper ===

impl Keeper<'_> {
    /// Whether it is one of many objects' own.
    const fn is_field(&self) -> bool {
        matches!(self, Self::Field(..) | Self::FieldBelow(..))
    }
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// A function ends, or calls another: what it put somewhere is there for all. Gives the names of what it was.
    pub(super) fn leave(&mut self, frame: &mut Frame<'a>) -> Vec<&'a str> {
        let names = frame.kept.keys().copied().collect();
        for (name, keepers) in std::mem::take(&mut frame.kept) {
            let Some(value) = frame.state.variables.get(name).cloned() else { continue };
            let value = self.read(frame, value);
            self.left(frame, &keepers, &Part::Whole, &value);
        }
        names
    }

    /// A function was called that may have put something else where nobody's data was.
    pub(super) fn forget(frame: &mut Frame<'a>, names: &[&'a str]) {
        for name in names {
            if frame.state.variables.get(name).is_some_and(|value| frame.state.all_marks(value).is_empty()) {
                frame.state.unset(name);
            }
        }
    }

    /// Something is left in places.
    pub(super) fn left(&mut self, frame: &Frame<'a>, keepers: &[Keeper<'a>], part: &Part, value: &Value<'a>) {
        let marks = frame.state.all_marks(value);
        for keeper in keepers {
            self.left.extend(marks.iter().map(|mark| Left {
                keeper: keeper.clone(),
                part: part.clone(),
                mark: *mark,
            }));
        }
    }

    /// A method puts something into what it is called on.
    pub(super) fn filled_outside(
        &mut self,
        frame: &mut Frame<'a>,
        call: &'a ast::ExprCall,
        arguments: &Arguments<'a>,
    ) {
        let Expr::Attribute(method) = call.func.as_ref() else { return };
        if !FILLS.contains(&method.attr.as_str()) {
            return;
        }
        let keepers = self.keepers_at(frame, &method.value);
        if keepers.is_empty() {
            return;
        }
        let (part, values) = match (arguments.positional.as_slice(), method.attr.as_str()) {
            ([key, value], "set" | "setdefault") if let Some(key) = key.only().and_then(Key::of) => {
                (Part::At(key), vec![value])
            }
            _ => (Part::Some, arguments.all()),
        };
        let value = Value::unknown(Self::together(frame, &values));
        self.left(frame, &keepers, &part, &value);
    }

    /// The places that an expression means which outlive the call.
    pub(super) fn keepers_at(&mut self, frame: &mut Frame<'a>, expr: &'a Expr) -> Vec<Keeper<'a>> {
        match expr {
            Expr::Name(name) if !frame.state.variables.contains_key(name.id.as_str()) => {
                let names = self.project.file(frame.file).module.names;
                match names.lookup(name.id.as_str(), frame.at(expr)).binding() {
                    Some(binding) if binding.at.scope == ScopeId::MODULE => {
                        self.variable(frame.file, name.id.as_str()).into_iter().collect()
                    }
                    _ => Vec::new(),
                }
            }
            Expr::Attribute(attribute) if attribute.value.is_name_expr() => {
                let object = self.expr(frame, &attribute.value);
                self.keepers_of(&object, attribute.attr.as_str(), false)
            }
            _ => Vec::new(),
        }
    }

    /// What this run leaves for all others.
    pub(super) fn kept(&mut self) -> Kept<'a> {
        let mut kept = Kept::default();
        for Left { keeper, part, mark } in std::mem::take(&mut self.left) {
            let way: Way =
                self.ledger.way(mark.trail).into_iter().map(|step| (step.site, step.what)).collect();
            let Some((origin, _)) = way.first().copied() else { continue };
            let last = way.last().map_or(origin, |(site, _)| *site);
            if !kept.put(keeper, part, (origin, mark.cleared, mark.sure), way) {
                self.stopped.insert((last, Limit::Sources));
            }
        }
        kept
    }

    /// A value that was read from a place, with what others left there.
    pub(super) fn found(
        &mut self,
        frame: &mut Frame<'a>,
        node: &'a Expr,
        keepers: Vec<Keeper<'a>>,
        value: Value<'a>,
    ) -> Value<'a> {
        if matches!(value.shape, Shape::Function(_) | Shape::Class(..) | Shape::Module(_)) {
            return value;
        }
        let mut parts = self.taken_from(keepers);
        if parts.is_empty() {
            return value;
        }
        let whole = parts.remove(&Part::Whole);
        let some = parts.remove(&Part::Some);
        let known: BTreeMap<Key, Value<'a>> = parts
            .into_iter()
            .filter_map(|(part, marks)| match part {
                Part::At(key) => Some((key, Value::unknown(marks))),
                Part::Whole | Part::Some => None,
            })
            .collect();
        let value = match whole {
            Some(marks) => value.join(&Value::unknown(marks)),
            None => value,
        };
        let marks = value.marks.join(&some.clone().unwrap_or_default());
        let plain = matches!(&value.shape, Shape::Unknown)
            || value.external_name().is_some_and(|name| name == "constants");
        if some.is_none() && !known.is_empty() && plain {
            let table = Object::Table { known, rest: None };
            return self.make(frame, node, table).with(marks);
        }
        let marks = known.values().fold(marks, |marks, value| marks.join(&value.marks));
        value.with(marks)
    }

    /// What others left in places.
    fn taken_from(&mut self, keepers: Vec<Keeper<'a>>) -> BTreeMap<Part, Marks> {
        let project = self.project;
        let mut parts: BTreeMap<Part, Marks> = BTreeMap::new();
        for keeper in keepers {
            let next = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
            let number = match self.asked.get(&keeper) {
                Some(number) => *number,
                None => *self.asked.entry(keeper.clone()).or_insert(next),
            };
            for (place, (part, looks)) in (0..).zip(project.kept.0.get(&keeper).into_iter().flatten()) {
                // The text that lies there is the same, however often it is read.
                let context = self.context(u32::MAX - 1, Site { file: number, start: place, end: 0 });
                for ((_, cleared, sure), way) in looks {
                    // Which object of a class it was nobody knows.
                    let mark = self.taken(way, context);
                    let mark = Mark { cleared: *cleared, sure: *sure && !keeper.is_field(), ..mark };
                    let all = parts.entry(part.clone()).or_default();
                    *all = all.join(&Marks::one(mark));
                }
            }
        }
        parts
    }

    /// A mark of this run for what another one left.
    fn taken(&mut self, way: &Way, context: u32) -> Mark {
        let origin = way.first().map_or(Site { file: 0, start: 0, end: 0 }, |(site, _)| *site);
        let first = self.ledger.source(origin, context);
        way.iter().skip(1).fold(first, |mark, (site, what)| self.ledger.step(mark, *site, *what))
    }

    /// The variable at the top of a file that a name there is, whatever file it comes from.
    pub(super) fn variable(&self, file: u32, name: &'a str) -> Option<Keeper<'a>> {
        let (mut file, mut name) = (file, name);
        for _ in 0..BASES_MAX {
            match self.project.file(file).module.names.bindings(ScopeId::MODULE, name).next()?.bound {
                Bound::Member { module, level, member } => {
                    let module = self.project.absolute(file, module, level);
                    let Some(Meaning::File(origin)) = self.project.meaning(&module) else { return None };
                    (file, name) = (origin, member);
                }
                Bound::Module(_) | Bound::Function(_) | Bound::Class(_) => return None,
                _ => return Some(Keeper::Variable(file, name)),
            }
        }
        None
    }

    /// The variable at the top of a file that an assignment in a function means, if it is declared to be one.
    pub(super) fn declared_global(&self, frame: &Frame<'a>, name: &'a str) -> Option<Keeper<'a>> {
        let names = self.project.file(frame.file).module.names;
        let ScopeKind::Function(function) = names.scope(frame.scope).kind else { return None };
        let within = |binding: &Binding<'a>| function.range.contains_inclusive(binding.at.position);
        names.bindings(ScopeId::MODULE, name).any(within).then_some(Keeper::Variable(frame.file, name))
    }

    /// The places that an attribute of a class or of its objects is: `None` of what does not outlive the call.
    pub(super) fn keepers_of(&mut self, object: &Value<'a>, name: &'a str, reads: bool) -> Vec<Keeper<'a>> {
        match &object.shape {
            Shape::Module(module) => {
                let Some(Meaning::File(file)) = self.project.meaning(module) else { return Vec::new() };
                self.variable(file, name).into_iter().collect()
            }
            Shape::Class(file, class) | Shape::Of(file, class) => self.fields_of(*file, class, name, reads),
            Shape::External(whole) if outlives(whole) => vec![Keeper::Library(format!("{whole}.{name}"))],
            _ => Vec::new(),
        }
    }

    /// What is read of a class was put into it, into one above or into one below.
    fn fields_of(
        &mut self,
        file: u32,
        class: &'a ast::StmtClassDef,
        name: &'a str,
        reads: bool,
    ) -> Vec<Keeper<'a>> {
        let start = class.range.start().to_u32();
        let mut all = vec![Keeper::Field(file, start, name)];
        if reads {
            all.push(Keeper::FieldBelow(file, start, name));
        }
        for (file, start) in self.classes_above(file, class) {
            all.push(match reads {
                true => Keeper::Field(file, start, name),
                false => Keeper::FieldBelow(file, start, name),
            });
        }
        all
    }

    /// The classes of the project that a class is made of, by where they are.
    fn classes_above(&mut self, file: u32, class: &'a ast::StmtClassDef) -> Vec<(u32, u32)> {
        let key = (file, class.range.start().to_u32());
        if let Some(known) = self.above.get(&key) {
            return known.clone();
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        let mut next = vec![(file, class)];
        while let Some((file, class)) = next.pop() {
            for base in class.arguments.iter().flat_map(|arguments| &arguments.args) {
                let mut frame = Frame::new(file, ScopeId::MODULE, 0);
                let Shape::Class(file, class) = self.expr(&mut frame, base).shape else { continue };
                let place = (file, class.range.start().to_u32());
                if place != key && !found.contains(&place) && found.len() < BASES_MAX {
                    found.push(place);
                    next.push((file, class));
                }
            }
        }
        self.above.insert(key, found.clone());
        found
    }
}

/// Objects of frameworks that are there for all functions of one request, or of all.
fn outlives(name: &str) -> bool {
    matches!(name, "flask.g" | "threading.local()")
        || name.ends_with("Request().state")
        || name.ends_with("Starlette().state")
        || name.ends_with("FastAPI().state")
}
