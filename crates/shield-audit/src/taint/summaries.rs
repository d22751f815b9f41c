//! Summaries: what a function does, worked out once for each look of its arguments and put into effect for every caller.

use std::{collections::BTreeMap, rc::Rc};

use ruff_text_size::TextRange;

use super::{
    kept::Left,
    kinds::Kinds,
    marks::{Mark, Marks, Role, Site, TrailId},
    run::{Frame, Hit, Run},
    unfollowed::Limit,
    value::{Callable, Object, ObjectId, Shape, Value, Variables},
};

/// In more ways a function is not followed with every constant that it is given.
const SUMMARIES_MAX: usize = 12;

/// In more ways one function is not followed.
const ALL_SUMMARIES_MAX: usize = 48;

/// What functions do, by file and place.
#[derive(Default)]
pub(super) struct Summaries<'a> {
    known: BTreeMap<(u32, u32), Vec<Rc<Summary<'a>>>>,
    /// How many there are.
    count: u32,
    /// Functions that are being followed: one that calls itself is not followed again.
    pub(super) active: Vec<(u32, u32)>,
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
    left: Vec<Left<'a>>,
    /// What it sees of the function it was made in.
    closure: Option<Rc<Variables<'a>>>,
    /// What is ruled out for each label where the function returns.
    checked: Vec<Kinds>,
}

// === impl Run ===

impl<'a> Run<'_, 'a> {
    pub(super) fn call_summary(
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
        let known = self.summaries.known.get(&key).into_iter().flatten();
        let own: Vec<_> = known.filter(|summary| summary.is_of(callable)).collect();
        let count = own.len();
        let look = if count >= SUMMARIES_MAX { without_constants(look) } else { look };
        let same = |summary: &&&Rc<Summary<'a>>| {
            summary.fixed_path == frame.fixed_path && are_alike(&summary.given, &look)
        };
        let found = own.iter().find(same).map(|summary| Rc::clone(summary));
        let summary = match found {
            Some(summary) => summary,
            None if count >= ALL_SUMMARIES_MAX => {
                self.stopped.insert((Site::new(frame.file, node), Limit::Looks));
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
        self.summaries.count += 1;
        let site = Site { file: callable.file, start: self.summaries.count, end: 0 };
        let context = self.context(u32::MAX, site);
        let mut inner = self.inner(callable, context, frame.depth + 1);
        inner.fixed_path = frame.fixed_path;
        inner.state.variables = Rc::new(look.clone());
        let hits = std::mem::take(&mut self.hits);
        let left = std::mem::take(&mut self.left);
        let (returned, end) = self.follow(&mut inner, callable);
        let own = std::mem::replace(&mut self.hits, hits);
        let own_left = std::mem::replace(&mut self.left, left);
        let end = end.unwrap_or_default();
        let checked = labels.iter().map(|label| end.ruled_out(label.identity)).collect();
        // Only objects that come back are of use to a caller.
        let heap = if returned.objects().is_empty() { BTreeMap::new() } else { (*end.heap).clone() };
        Summary {
            fixed_path: frame.fixed_path,
            given: look,
            labels,
            returned,
            heap,
            hits: own,
            left: own_left,
            closure: callable.closure.clone(),
            checked,
        }
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
        for left in &summary.left {
            for mark in self.replaced(frame, node, &Marks::one(left.mark), &pairs).iter() {
                self.left.push(Left { mark: *mark, ..left.clone() });
            }
        }
        self.spend((summary.heap.len() + summary.hits.len() + summary.left.len()) as u64);
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
                // What the function reads itself is read anew by each call.
                let site = Site { end: mark.identity, ..frame.site(node) };
                let identity = self.ledger.identity(site, frame.context, None, Role::Whole);
                frame.state.renew(identity);
                all = all.join(&Marks::one(Mark { identity, ..*mark }));
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
}

// === impl Summary ===

impl<'a> Summary<'a> {
    /// Whether it was made of a function that sees the same around it.
    fn is_of(&self, callable: &Callable<'a>) -> bool {
        match (&self.closure, &callable.closure) {
            (Some(own), Some(other)) => Rc::ptr_eq(own, other) || are_alike(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

/// Whether these are the same values, and functions among them see the same around them.
fn are_alike<'a>(left: &Variables<'a>, right: &Variables<'a>) -> bool {
    let alike = |(left, right): (&Value<'a>, &Value<'a>)| {
        left == right
            && match (&left.shape, &right.shape) {
                (Shape::Function(left), Shape::Function(right)) => match (&left.closure, &right.closure) {
                    (Some(left), Some(right)) => Rc::ptr_eq(left, right),
                    (left, right) => left.is_none() && right.is_none(),
                },
                _ => true,
            }
    };
    left.len() == right.len() && left.keys().eq(right.keys()) && left.values().zip(right.values()).all(alike)
}

/// The same arguments, whatever their constants are.
fn without_constants(mut given: Variables<'_>) -> Variables<'_> {
    for value in given.values_mut() {
        if matches!(value.shape, Shape::Constants(_) | Shape::Prefix(_)) {
            value.shape = Shape::Unknown;
        }
    }
    given
}

/// Where a label stands: no place of the file ends there.
fn label_site(file: u32, range: TextRange, index: usize) -> Site {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Site { file, start: range.start().to_u32(), end: u32::MAX - index }
}
