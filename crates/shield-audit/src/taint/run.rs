//! One run: following a file's functions, and what they call.
//!
//! A run belongs to one file and is bounded by work that grows with that file's length, so that a project costs as much as it
//! is long. Nothing is shared between runs: the result is the same at any number of threads.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashMap;

use super::{
    handlers::Handler,
    kept::{Keeper, Left},
    kinds::Kinds,
    marks::{IdentityId, Ledger, Mark, Marks, Role, Site, What},
    project::Project,
    rules::Danger,
    state::State,
    summaries::Summaries,
    typed_answers::TypedAnswers,
    unfollowed::Limit,
    value::{Callable, Object, ObjectId, Value, Variables},
};
use crate::python::names::{At, ScopeId};

/// How deep functions of the project are followed into each other.
pub(super) const CALLS_MAX: u32 = 32;

/// The depth of a place from which no function is followed: what is said at the top of a file holds for everybody.
pub(super) const NO_CALLS: u32 = u32::MAX;

/// One run.
pub(super) struct Run<'p, 'a> {
    pub(super) project: &'p Project<'a>,
    pub(super) ledger: Ledger,
    /// What may still be done.
    pub(super) work: u64,
    /// Whether something was not followed to its end for another reason.
    pub(super) cut: bool,
    /// Functions that never come back, by file and place, as far as somebody asked.
    pub(super) endings: BTreeMap<(u32, u32), bool>,
    /// Where a limit was reached.
    pub(super) stopped: BTreeSet<(Site, Limit)>,
    pub(super) hits: Vec<Hit>,
    pub(super) summaries: Summaries<'a>,
    pub(super) contexts: BTreeMap<(u32, Site), u32>,
    objects: BTreeMap<(Site, u32), ObjectId>,
    pub(super) globals: BTreeMap<(u32, &'a str), Value<'a>>,
    /// What attributes of classes are set to, by file, class and name.
    pub(super) fields: BTreeMap<(u32, u32, &'a str), Value<'a>>,
    /// What was left where others find it.
    pub(super) left: Vec<Left<'a>>,
    /// Where something was looked for that others may have left, each with a number.
    pub(super) asked: FxHashMap<Keeper<'a>, u32>,
    /// Answers whose type is said where they are used, by file.
    pub(super) typed: BTreeMap<u32, TypedAnswers<'a>>,
    /// The class of a framework that a class is derived from, by where that one is.
    pub(super) lineages: BTreeMap<(u32, u32), Option<Rc<str>>>,
    /// Classes above a class, by where they are.
    pub(super) above: BTreeMap<(u32, u32), Vec<(u32, u32)>>,
    /// Functions as their decorators leave them, by where they are.
    pub(super) decorated: BTreeMap<(u32, u32), Rc<Callable<'a>>>,
}

/// A function that is being followed.
pub(super) struct Frame<'a> {
    pub(super) file: u32,
    pub(super) scope: ScopeId,
    /// Which call this is.
    pub(super) context: u32,
    pub(super) depth: u32,
    pub(super) state: State<'a>,
    /// Whether what comes next is never reached.
    pub(super) dead: bool,
    pub(super) returned: Option<Value<'a>>,
    /// What is known wherever it returns.
    pub(super) ends: Option<State<'a>>,
    pub(super) loops: Vec<Loop<'a>>,
    pub(super) closure: Option<Rc<Variables<'a>>>,
    /// What the framework makes of what it returns.
    pub(super) handler: Option<Handler>,
    /// Whether the route that leads here leaves the path of the request no choice.
    pub(super) fixed_path: bool,
    /// Places that outlive the call and were set in it, by what they are called in it.
    pub(super) kept: BTreeMap<&'a str, Vec<Keeper<'a>>>,
    /// Attributes among them, as they are written, as far as they are known here.
    pub(super) attributes: BTreeSet<&'a str>,
}

/// A loop that is being followed.
#[derive(Default)]
pub(super) struct Loop<'a> {
    pub(super) breaks: Option<State<'a>>,
    pub(super) continues: Option<State<'a>>,
}

/// Data that reaches a place where it does harm.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) danger: &'static Danger,
    pub(super) site: Site,
    pub(super) mark: Mark,
    /// What is called there.
    pub(super) subject: Rc<str>,
    /// Whether it is known to do harm there, not only likely.
    pub(super) certain: bool,
}

// === impl Frame ===

impl<'a> Frame<'a> {
    pub(super) fn new(file: u32, scope: ScopeId, context: u32) -> Self {
        Self {
            file,
            scope,
            context,
            depth: 0,
            state: State::default(),
            dead: false,
            returned: None,
            ends: None,
            loops: Vec::new(),
            closure: None,
            handler: None,
            fixed_path: false,
            kept: BTreeMap::new(),
            attributes: BTreeSet::new(),
        }
    }

    pub(super) fn at(&self, node: impl Ranged) -> At {
        At { scope: self.scope, position: node.start() }
    }

    pub(super) fn site(&self, node: impl Ranged) -> Site {
        Site::new(self.file, node.range())
    }
}

// === impl Run ===

impl<'p, 'a> Run<'p, 'a> {
    pub(super) fn new(project: &'p Project<'a>, work: u64) -> Self {
        Self {
            project,
            ledger: Ledger::default(),
            work,
            cut: false,
            endings: BTreeMap::new(),
            stopped: BTreeSet::new(),
            hits: Vec::new(),
            summaries: Summaries::default(),
            contexts: BTreeMap::new(),
            objects: BTreeMap::new(),
            globals: BTreeMap::new(),
            fields: BTreeMap::new(),
            left: Vec::new(),
            asked: FxHashMap::default(),
            typed: BTreeMap::new(),
            lineages: BTreeMap::new(),
            above: BTreeMap::new(),
            decorated: BTreeMap::new(),
        }
    }

    /// Takes some work away; `false` if none is left.
    pub(super) fn spend(&mut self, work: u64) -> bool {
        self.work = self.work.saturating_sub(work);
        self.work > 0
    }

    pub(super) fn source_text(&self, file: u32, range: TextRange) -> &'a str {
        &self.project.file(file).module.text[range]
    }

    /// The call that a place makes in a context.
    pub(super) fn context(&mut self, parent: u32, site: Site) -> u32 {
        let next = u32::try_from(self.contexts.len()).unwrap_or(u32::MAX).saturating_add(1);
        *self.contexts.entry((parent, site)).or_insert(next)
    }

    /// A new object that a place makes.
    pub(super) fn make(&mut self, frame: &mut Frame<'a>, node: impl Ranged, object: Object<'a>) -> Value<'a> {
        self.make_at(frame, (frame.site(node), frame.context), object)
    }

    /// The same, in a call.
    pub(super) fn make_at(
        &mut self,
        frame: &mut Frame<'a>,
        place: (Site, u32),
        object: Object<'a>,
    ) -> Value<'a> {
        let next = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let id = *self.objects.entry(place).or_insert(next);
        frame.state.make(id, object);
        Value::object(id)
    }

    /// The mark of what comes in at a place.
    pub(super) fn source(&mut self, frame: &mut Frame<'a>, node: impl Ranged) -> Mark {
        let mark = self.ledger.source(frame.site(node), frame.context);
        frame.state.renew(mark.identity);
        mark
    }

    /// The marks of a new text that is made of another one at a place.
    pub(super) fn derived(
        &mut self,
        frame: &mut Frame<'a>,
        node: impl Ranged,
        marks: &Marks,
        role: Role,
    ) -> Marks {
        let site = frame.site(node);
        marks.map(|mark| {
            let parent = (role != Role::Whole).then_some(mark.identity);
            let identity = self.new_identity(frame, site, parent.or(Some(mark.identity)), role);
            // Decoding brings back what encoding took away.
            let cleared = if role == Role::Whole { Kinds::NONE } else { mark.cleared & Kinds::OF_PARTS };
            Mark { identity, cleared, ..mark }
        })
    }

    fn new_identity(
        &mut self,
        frame: &mut Frame<'a>,
        site: Site,
        parent: Option<IdentityId>,
        role: Role,
    ) -> IdentityId {
        // A text that stands for itself has no parent: a place and the text it was made of tell it from others.
        let identity = if role == Role::Whole {
            let salt = parent.unwrap_or_default();
            self.ledger.identity(site, frame.context ^ salt.rotate_left(16), None, role)
        } else {
            self.ledger.identity(site, frame.context, parent, role)
        };
        frame.state.renew(identity);
        identity
    }

    /// What is ruled out for a mark where it is used.
    pub(super) fn ruled_out(&self, frame: &Frame<'a>, mark: &Mark) -> Kinds {
        let mut all = mark.cleared | frame.state.ruled_out(mark.identity);
        for above in self.ledger.line(mark.identity).skip(1) {
            all |= frame.state.ruled_out(above) & Kinds::OF_PARTS;
        }
        all
    }

    /// A value as it is read: what checks have ruled out stays ruled out, wherever it goes from here.
    pub(super) fn read(&self, frame: &Frame<'a>, value: Value<'a>) -> Value<'a> {
        if value.marks.is_empty() || frame.state.checked.is_empty() {
            return value;
        }
        let marks = value.marks.map(|mark| Mark { cleared: self.ruled_out(frame, &mark), ..mark });
        value.with(marks)
    }

    /// A step on the way of everything in a value.
    pub(super) fn step(
        &mut self,
        frame: &Frame<'a>,
        value: Value<'a>,
        node: impl Ranged,
        what: What,
    ) -> Value<'a> {
        if value.marks.is_empty() {
            return value;
        }
        let site = frame.site(node);
        let marks = value.marks.map(|mark| self.ledger.step(mark, site, what));
        value.with(marks)
    }

    /// Notes that something reaches a place where it does harm.
    pub(super) fn hit(&mut self, frame: &Frame<'a>, danger: &'static Danger, hit: Reached<'_, '_, 'a>) {
        let marks = if hit.deep { frame.state.all_marks(hit.value) } else { hit.value.marks.clone() };
        let before = self.hits.len();
        for mark in marks.iter() {
            let mut cleared = self.ruled_out(frame, mark);
            // It was put behind other words before somebody looked at it.
            if !hit.value.beginning().trim_start().is_empty() {
                cleared = cleared | word_kinds(cleared);
            }
            let literal = danger.kind == Kinds::CODE && cleared.has(Kinds::LITERAL);
            if cleared.has(danger.kind) || literal {
                continue;
            }
            let in_quotes = matches!(danger.kind, Kinds::SQL | Kinds::XPATH)
                && !cleared.has(Kinds::UNQUOTED)
                && (cleared.has(Kinds::NO_QUOTE) || cleared.has(Kinds::NO_DOUBLE));
            if in_quotes {
                // Whether it stands between quotation marks is not known.
                cleared |= Kinds::DOUBT;
            }
            // Whoever may send one word only may choose what is run, but not with what.
            let word = word_kinds(cleared).has(danger.kind);
            self.hits.push(Hit {
                danger,
                site: hit.site,
                mark: Mark { cleared, ..*mark },
                subject: hit.subject.into(),
                certain: hit.certain && !word,
            });
        }
        if marks.is_full() && self.hits.len() == before {
            self.stopped.insert((hit.site, Limit::Sources));
        }
    }
}

/// The kinds of harm that a word does only where nothing stands before it.
fn word_kinds(cleared: Kinds) -> Kinds {
    let of = |fact, kind| if cleared.has(fact) { kind } else { Kinds::NONE };
    of(Kinds::COMMAND_PART, Kinds::COMMAND) | of(Kinds::CODE_PART, Kinds::CODE)
}

/// What reaches a place where it does harm.
pub(super) struct Reached<'v, 's, 'a> {
    pub(super) value: &'v Value<'a>,
    pub(super) site: Site,
    pub(super) subject: &'s str,
    pub(super) certain: bool,
    /// Whether what is in its objects counts too.
    pub(super) deep: bool,
}
