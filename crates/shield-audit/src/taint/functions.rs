//! Following a call into a function of the project.
//!
//! What a function does to values without objects is worked out once for each way they can look (a summary), with labels in
//! place of the caller's data, and put into effect for every caller. Objects are followed into the function itself, since it
//! may change them.

use std::{collections::BTreeMap, rc::Rc};

use ruff_python_ast as ast;
use ruff_text_size::TextRange;

use super::{
    calls::Arguments,
    kinds::Kinds,
    marks::{Mark, Marks, Role, Site, TrailId, What},
    run::{CALLS_MAX, Frame, Hit, Run},
    sources,
    state::State,
    value::{Body, Callable, Object, ObjectId, Shape, Value, Variables},
};

/// In more ways one function is not followed.
const SUMMARIES_MAX: usize = 12;

/// How deep in objects is looked for what a stranger sent.
const NESTED_MAX: u8 = 3;

/// What functions do, by file and place.
#[derive(Default)]
pub(super) struct Summaries<'a> {
    known: BTreeMap<(u32, u32), Vec<Rc<Summary<'a>>>>,
    /// Functions that are being followed: one that calls itself is not followed again.
    active: Vec<(u32, u32)>,
}

/// What a function does to arguments of one look.
struct Summary<'a> {
    /// See [`Frame::fixed_path`].
    fixed_path: bool,
    given: Variables<'a>,
    labels: Vec<Mark>,
    returned: Value<'a>,
    heap: BTreeMap<ObjectId, Object<'a>>,
    hits: Vec<Hit>,
    /// What is ruled out for each label where the function returns.
    checked: Vec<Kinds>,
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// What a call of a function of the project gives.
    pub(super) fn call_function(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let key = (callable.file, callable.body.range().start().to_u32());
        let mut given = Variables::new();
        self.bind(frame, callable, arguments, &mut given);
        let refused = frame.depth >= CALLS_MAX || self.summaries.active.contains(&key);
        if refused || !self.spend(4) {
            let values: Vec<_> = given.values().collect();
            return Value::unknown(Self::together(frame, &values).unsure());
        }
        let matters = given.values().any(|value| Self::matters(&frame.state, value, NESTED_MAX));
        let objects = given.values().any(|value| !value.objects().is_empty());
        if matters && objects || callable.closure.is_some() && matches!(callable.body, Body::Lambda(_)) {
            return self.call_inline(frame, node, callable, given);
        }
        if !matters {
            // Nobody's data goes in: what comes out does not depend on the rest.
            for value in given.values_mut() {
                if matches!(value.shape, Shape::Constants(_) | Shape::Prefix(_) | Shape::Objects(_)) {
                    value.shape = Shape::Unknown;
                }
            }
        }
        let given = given
            .into_iter()
            .map(|(name, value)| {
                let value = self.step(frame, value, node, What::Passed);
                (name, value)
            })
            .collect();
        self.call_summary(frame, node, callable, given)
    }

    /// Whether a value is a stranger's data, or leads to it.
    pub(super) fn matters(state: &State<'a>, value: &Value<'a>, depth: u8) -> bool {
        if !value.marks.is_empty() || value.external_name().is_some_and(sources::is_request) {
            return true;
        }
        depth > 0
            && value
                .objects()
                .iter()
                .filter_map(|id| state.object(*id))
                .any(|object| object.values().iter().any(|value| Self::matters(state, value, depth - 1)))
    }

    /// Follows a function with the caller's objects.
    fn call_inline(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        given: Variables<'a>,
    ) -> Value<'a> {
        let context = self.context(frame.context, frame.site(node));
        let mut inner = self.inner(callable, context, frame.depth + 1);
        inner.fixed_path = frame.fixed_path;
        inner.state.heap = Rc::clone(&frame.state.heap);
        inner.state.checked = Rc::clone(&frame.state.checked);
        let given =
            given.into_iter().map(|(name, value)| (name, self.step(frame, value, node, What::Passed)));
        inner.state.variables = Rc::new(given.collect());
        let (value, end) = self.follow(&mut inner, callable);
        if let Some(end) = end {
            (frame.state.heap, frame.state.checked) = (end.heap, end.checked);
        }
        value
    }

    fn inner(&self, callable: &Callable<'a>, context: u32, depth: u32) -> Frame<'a> {
        let names = self.project.file(callable.file).module.names;
        let scope = names.scope_of(callable.body.range()).unwrap_or(crate::python::names::ScopeId::MODULE);
        let mut inner = Frame::new(callable.file, scope, context);
        inner.depth = depth;
        inner.closure.clone_from(&callable.closure);
        inner
    }

    /// Follows the body of a function: what it returns, and what is known then.
    pub(super) fn follow(
        &mut self,
        inner: &mut Frame<'a>,
        callable: &Callable<'a>,
    ) -> (Value<'a>, Option<State<'a>>) {
        let key = (callable.file, callable.body.range().start().to_u32());
        self.summaries.active.push(key);
        match callable.body {
            Body::Def(def) => self.body(inner, &def.body),
            Body::Lambda(lambda) => inner.returned = Some(self.expr(inner, &lambda.body)),
        }
        self.summaries.active.pop();
        if !inner.dead {
            let state = inner.state.clone();
            State::join_into(&mut inner.ends, state);
        }
        let returned = inner.returned.take().unwrap_or_default();
        let annotation = match callable.body {
            Body::Def(def) => def.returns.as_deref(),
            Body::Lambda(_) => None,
        };
        (self.typed(callable.file, annotation, returned), inner.ends.take())
    }

    fn call_summary(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        callable: &Callable<'a>,
        given: Variables<'a>,
    ) -> Value<'a> {
        let key = (callable.file, callable.body.range().start().to_u32());
        let mut actual: Vec<Mark> = Vec::new();
        let look: Variables<'a> =
            given.iter().map(|(name, value)| (*name, self.labelled(callable, value, &mut actual))).collect();
        let known = self.summaries.known.get(&key);
        let found = known
            .and_then(|all| {
                all.iter().find(|summary| summary.fixed_path == frame.fixed_path && summary.given == look)
            })
            .cloned();
        let summary = match found {
            Some(summary) => summary,
            None if known.map_or(0, Vec::len) >= SUMMARIES_MAX => {
                let values: Vec<_> = given.values().collect();
                return Value::unknown(Self::together(frame, &values).unsure());
            }
            None => {
                let summary = Rc::new(self.summary(frame, callable, look));
                self.summaries.known.entry(key).or_default().push(Rc::clone(&summary));
                summary
            }
        };
        self.apply(frame, node, &summary, &actual)
    }

    /// A value with labels for the caller's data: what was ruled out stays.
    fn labelled(&mut self, callable: &Callable<'a>, value: &Value<'a>, actual: &mut Vec<Mark>) -> Value<'a> {
        let range = callable.body.range();
        let marks = value.marks.map(|mark| {
            let index = actual.iter().position(|one| *one == mark).unwrap_or_else(|| {
                actual.push(mark);
                actual.len() - 1
            });
            let label = self.ledger.source(label_site(callable.file, range, index), 0);
            Mark { cleared: mark.cleared, sure: mark.sure, ..label }
        });
        value.clone().with(marks)
    }

    fn summary(&mut self, frame: &Frame<'a>, callable: &Callable<'a>, look: Variables<'a>) -> Summary<'a> {
        let mut labels: Vec<Mark> = Vec::new();
        for mark in look.values().flat_map(|value| value.marks.iter()) {
            if !labels.iter().any(|label| label.origin == mark.origin) {
                labels.push(*mark);
            }
        }
        labels.sort_by_key(|label| label.origin);
        let count = self.summaries.known.values().map(Vec::len).sum::<usize>();
        let site = Site { file: callable.file, start: u32::try_from(count).unwrap_or(u32::MAX), end: 0 };
        let context = self.context(u32::MAX, site);
        let mut inner = self.inner(callable, context, frame.depth + 1);
        inner.fixed_path = frame.fixed_path;
        inner.state.variables = Rc::new(look.clone());
        let hits = std::mem::take(&mut self.hits);
        let (returned, end) = self.follow(&mut inner, callable);
        let own = std::mem::replace(&mut self.hits, hits);
        let end = end.unwrap_or_default();
        let checked = labels.iter().map(|label| end.ruled_out(label.identity)).collect();
        // Only objects that come back are of use to a caller.
        let heap = if returned.objects().is_empty() { BTreeMap::new() } else { (*end.heap).clone() };
        Summary { fixed_path: frame.fixed_path, given: look, labels, returned, heap, hits: own, checked }
    }

    /// Puts into effect for a caller what a function does.
    fn apply(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        summary: &Summary<'a>,
        actual: &[Mark],
    ) -> Value<'a> {
        let pairs: Vec<(Mark, Mark)> = summary
            .labels
            .iter()
            .filter_map(|label| Some((*label, *actual.get(self.index_of(*label)?)?)))
            .collect();
        for ((_, actual), checked) in pairs.iter().zip(&summary.checked) {
            frame.state.rule_out(actual.identity, *checked);
        }
        for hit in &summary.hits {
            for mark in self.replaced(frame, node, &Marks::one(hit.mark), &pairs).iter() {
                self.hits.push(Hit { mark: *mark, ..hit.clone() });
            }
        }
        self.spend(summary.heap.len() as u64 + summary.hits.len() as u64);
        for (id, object) in &summary.heap {
            let mut object = object.clone();
            for value in object.values_mut() {
                value.marks = self.replaced(frame, node, &value.marks.clone(), &pairs);
            }
            frame.state.make(*id, object);
        }
        let marks = self.replaced(frame, node, &summary.returned.marks, &pairs);
        summary.returned.clone().with(marks)
    }

    /// Which of a function's labels a mark is.
    fn index_of(&self, label: Mark) -> Option<usize> {
        let site = self.ledger.trails[self.ledger.origins[label.origin as usize] as usize].site;
        usize::try_from(u32::MAX - site.end).ok()
    }

    /// Marks with the caller's data in place of labels.
    fn replaced(
        &mut self,
        frame: &mut Frame<'a>,
        node: TextRange,
        marks: &Marks,
        pairs: &[(Mark, Mark)],
    ) -> Marks {
        let mut all = Marks::default();
        for mark in marks.iter() {
            let Some((label, actual)) = pairs.iter().find(|(label, _)| label.origin == mark.origin) else {
                all = all.join(&Marks::one(*mark));
                continue;
            };
            let identity = if mark.identity == label.identity {
                actual.identity
            } else {
                let role = self.ledger.identities[mark.identity as usize].role;
                let within = self.ledger.line(mark.identity).any(|above| above == label.identity);
                let parent = within.then_some(actual.identity);
                let role = if parent.is_none() { Role::Whole } else { role };
                let site = Site { end: mark.identity, ..frame.site(node) };
                let identity = self.ledger.identity(site, frame.context, parent, role);
                frame.state.renew(identity);
                identity
            };
            let trail = self.continued(actual.trail, mark.trail);
            let fresh = self.ledger.line(mark.identity).all(|above| above != label.identity);
            // Decoding in the function brings back what was ruled out before.
            let before = if fresh { Kinds::NONE } else { actual.cleared };
            let cleared = mark.cleared | before;
            let mark =
                Mark { origin: actual.origin, identity, cleared, sure: mark.sure && actual.sure, trail };
            if !cleared.has(Kinds::ALL) {
                all = all.join(&Marks::one(mark));
            }
        }
        all
    }

    /// The caller's way, and behind it the way in the function.
    fn continued(&mut self, before: TrailId, within: TrailId) -> TrailId {
        let mut mark = Mark { origin: 0, identity: 0, cleared: Kinds::NONE, sure: true, trail: before };
        for step in self.ledger.way(within).into_iter().skip(1) {
            mark = self.ledger.step(mark, step.site, step.what);
        }
        mark.trail
    }

    /// Puts arguments into the parameters of a function.
    fn bind(
        &mut self,
        frame: &mut Frame<'a>,
        callable: &Callable<'a>,
        arguments: Arguments<'a>,
        into: &mut Variables<'a>,
    ) {
        let Some(parameters) = callable.body.parameters() else { return };
        let Arguments { positional, named, rest } = arguments;
        let mut positional = callable.receiver.iter().cloned().chain(positional);
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs) {
            let name = parameter.parameter.name.as_str();
            let keyword_only = parameters.kwonlyargs.iter().any(|one| std::ptr::eq(one, parameter));
            let by_place = if keyword_only { None } else { positional.next() };
            let by_name = named.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
            let value = by_place.or(by_name).or_else(|| rest.clone());
            let value = value.unwrap_or_else(|| self.default(callable.file, parameter));
            into.insert(name, self.typed(callable.file, parameter.annotation(), value));
        }
        let left: Vec<_> = positional.collect();
        if let Some(vararg) = &parameters.vararg {
            let mut list = Object::List(left);
            rest.iter().for_each(|value| list.mix(value.clone()));
            let marks = list
                .values()
                .iter()
                .fold(Marks::default(), |marks, value| marks.join(&frame.state.all_marks(value)));
            into.insert(vararg.name.as_str(), Value::unknown(marks));
        }
        if let Some(kwarg) = &parameters.kwarg {
            let all = parameters.iter_non_variadic_params().map(|one| one.parameter.name.as_str());
            let known: Vec<&str> = all.collect();
            let others = named.iter().filter(|(name, _)| !known.contains(name)).map(|(_, value)| value);
            let marks = others
                .chain(&rest)
                .fold(Marks::default(), |marks, value| marks.join(&frame.state.all_marks(value)));
            into.insert(kwarg.name.as_str(), Value::unknown(marks));
        }
    }

    fn default(&mut self, file: u32, parameter: &'a ast::ParameterWithDefault) -> Value<'a> {
        let constant = parameter.default.as_deref().and_then(super::expressions::literal);
        match (constant, parameter.annotation()) {
            (Some(constant), _) => Value::constant(constant),
            (None, Some(annotation)) => self.annotated(file, annotation),
            (None, None) => Value::default(),
        }
    }
}

impl<'a> Object<'a> {
    fn values_mut(&mut self) -> Vec<&mut Value<'a>> {
        match self {
            Self::List(items) => items.iter_mut().collect(),
            Self::Bag(item) => vec![item],
            Self::Table { known, rest } => known.values_mut().chain(rest).collect(),
            Self::Instance { fields, .. } => fields.values_mut().collect(),
            Self::Made { fields, .. } => fields.values_mut().collect(),
        }
    }
}

/// Where a label stands: no place of the file ends there.
fn label_site(file: u32, range: TextRange, index: usize) -> Site {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Site { file, start: range.start().to_u32(), end: u32::MAX - index }
}
