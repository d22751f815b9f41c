//! What is known at one point of a function: its variables, the objects they refer to, what was checked.
//!
//! Both ways of a branch begin with the same state; what neither changes is shared, so that copies cost nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    kinds::Kinds,
    marks::{IdentityId, Mark, Marks},
    value::{Key, Object, ObjectId, Value, Variables},
};

/// How deep objects in objects are looked through.
const NESTED_MAX: u8 = 8;

/// Larger collections are not told apart item by item.
const ITEMS_MAX: usize = 64;

/// What is known at one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State<'a> {
    pub(super) variables: Rc<Variables<'a>>,
    pub(super) heap: Rc<BTreeMap<ObjectId, Object<'a>>>,
    /// What checks have ruled out for texts.
    pub(super) checked: Rc<BTreeMap<IdentityId, Kinds>>,
}

// === impl State ===

impl<'a> State<'a> {
    pub(super) fn set(&mut self, name: &'a str, value: Value<'a>) {
        if self.variables.get(name) != Some(&value) || !value.marks.is_empty() {
            Rc::make_mut(&mut self.variables).insert(name, value);
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        Rc::make_mut(&mut self.variables).remove(name);
    }

    pub(super) fn object(&self, id: ObjectId) -> Option<&Object<'a>> {
        self.heap.get(&id)
    }

    /// Changes an object in place.
    pub(super) fn change(&mut self, id: ObjectId, change: impl FnOnce(&mut Object<'a>)) {
        if let Some(object) = Rc::make_mut(&mut self.heap).get_mut(&id) {
            change(object);
        }
    }

    /// A new object; one that was made at the same place before, in a loop, may be either.
    pub(super) fn make(&mut self, id: ObjectId, object: Object<'a>) {
        let heap = Rc::make_mut(&mut self.heap);
        let object = match heap.get(&id) {
            Some(before) => before.join(&object),
            None => object,
        };
        heap.insert(id, object);
    }

    /// What checks have ruled out for a text by itself.
    pub(super) fn ruled_out(&self, identity: IdentityId) -> Kinds {
        self.checked.get(&identity).copied().unwrap_or_default()
    }

    pub(super) fn rule_out(&mut self, identity: IdentityId, kinds: Kinds) {
        *Rc::make_mut(&mut self.checked).entry(identity).or_default() |= kinds;
    }

    /// A text is made anew: what was checked of the one before means nothing.
    pub(super) fn renew(&mut self, identity: IdentityId) {
        if self.checked.contains_key(&identity) {
            Rc::make_mut(&mut self.checked).remove(&identity);
        }
    }

    /// How much there is, as a measure of what copying it costs.
    pub(super) fn size(&self) -> u64 {
        (self.variables.len() + self.heap.len() + self.checked.len()) as u64
    }

    /// The marks of a value and of everything in it.
    pub(super) fn all_marks(&self, value: &Value<'a>) -> Marks {
        let mut seen = BTreeSet::new();
        self.marks_within(value, NESTED_MAX, &mut seen)
    }

    fn marks_within(&self, value: &Value<'a>, depth: u8, seen: &mut BTreeSet<ObjectId>) -> Marks {
        let mut marks = value.marks.clone();
        if depth == 0 {
            return marks;
        }
        for id in value.objects() {
            if !seen.insert(*id) {
                continue;
            }
            for item in self.object(*id).into_iter().flat_map(Object::values) {
                marks = marks.join(&self.marks_within(item, depth - 1, seen));
            }
        }
        marks
    }

    /// What is known where two ways meet. What only one of them has checked stays known of the values that it brings.
    pub(super) fn join(&self, other: &Self) -> Self {
        let checked = meet(&self.checked, &other.checked, |left, right| *left & *right, Missing::Drop);
        let (left, right) = (self.settled(&checked), other.settled(&checked));
        Self {
            variables: meet(&left.variables, &right.variables, Value::join, Missing::Keep),
            heap: meet(&left.heap, &right.heap, Object::join, Missing::Keep),
            checked,
        }
    }

    /// The same, in which values carry what is checked of them here and will not be `known` any longer.
    fn settled(&self, known: &BTreeMap<IdentityId, Kinds>) -> Self {
        let mut settled = self.clone();
        let lost = |(id, kinds): (&IdentityId, &Kinds)| {
            let lost = *kinds - known.get(id).copied().unwrap_or_default();
            (lost != Kinds::NONE).then_some((*id, lost))
        };
        let lost: BTreeMap<IdentityId, Kinds> = self.checked.iter().filter_map(lost).collect();
        if lost.is_empty() {
            return settled;
        }
        let concerned = |value: &Value<'_>| value.marks.iter().any(|mark| lost.contains_key(&mark.identity));
        let settle = |value: &mut Value<'a>| {
            let cleared = |mark: &Mark| lost.get(&mark.identity).copied().unwrap_or_default();
            value.marks = value.marks.map(|mark| Mark { cleared: mark.cleared | cleared(&mark), ..mark });
        };
        if self.variables.values().any(concerned) {
            Rc::make_mut(&mut settled.variables)
                .values_mut()
                .filter(|value| concerned(value))
                .for_each(settle);
        }
        if self.heap.values().flat_map(Object::values).any(concerned) {
            let objects = Rc::make_mut(&mut settled.heap).values_mut();
            objects.flat_map(Object::values_mut).filter(|value| concerned(value)).for_each(settle);
        }
        settled
    }

    /// Where two ways meet, one of which may not exist.
    pub(super) fn join_into(into: &mut Option<Self>, other: Self) {
        *into = Some(match into.take() {
            Some(state) => state.join(&other),
            None => other,
        });
    }
}

/// What becomes of something that only one way has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Keep,
    Drop,
}

fn meet<K: Ord + Clone, V: Clone + PartialEq>(
    left: &Rc<BTreeMap<K, V>>,
    right: &Rc<BTreeMap<K, V>>,
    join: impl Fn(&V, &V) -> V,
    missing: Missing,
) -> Rc<BTreeMap<K, V>> {
    if Rc::ptr_eq(left, right) {
        return Rc::clone(left);
    }
    let mut all = BTreeMap::new();
    for (key, value) in left.iter() {
        match right.get(key) {
            Some(other) => drop(all.insert(key.clone(), join(value, other))),
            None if missing == Missing::Keep => drop(all.insert(key.clone(), value.clone())),
            None => {}
        }
    }
    if missing == Missing::Keep {
        for (key, value) in right.iter() {
            if !left.contains_key(key) {
                all.insert(key.clone(), value.clone());
            }
        }
    }
    Rc::new(all)
}

// === impl Object ===

impl<'a> Object<'a> {
    pub(super) fn table() -> Self {
        Self::Table { known: BTreeMap::new(), rest: None }
    }

    /// Everything in it.
    pub(super) fn values(&self) -> Vec<&Value<'a>> {
        match self {
            Self::List(items) => items.iter().collect(),
            Self::Bag(item) => vec![item],
            Self::Table { known, rest } => known.values().chain(rest).collect(),
            Self::Instance { fields, .. } => fields.values().collect(),
            Self::Made { fields, .. } => fields.values().collect(),
        }
    }

    /// Any one thing in it.
    pub(super) fn any(&self) -> Value<'a> {
        let values = self.values();
        let mut values = values.into_iter();
        let first = values.next().cloned().unwrap_or_default();
        values.fold(first, |all, one| all.join(one))
    }

    /// One more item at the end of a list.
    pub(super) fn push(&mut self, item: Value<'a>) {
        match self {
            Self::List(items) if items.len() < ITEMS_MAX => items.push(item),
            _ => self.mix(item),
        }
    }

    /// One more item, wherever it goes.
    pub(super) fn mix(&mut self, item: Value<'a>) {
        match self {
            Self::List(items) if items.is_empty() => *self = Self::Bag(item),
            Self::List(_) => *self = Self::Bag(self.any().join(&item)),
            Self::Bag(all) => *all = all.join(&item),
            Self::Table { rest, .. } => {
                *rest = Some(rest.as_ref().map_or_else(|| item.clone(), |rest| rest.join(&item)));
            }
            Self::Instance { .. } | Self::Made { .. } => {}
        }
    }

    /// What is under a key of a dictionary.
    pub(super) fn at(&self, key: Option<&Key>) -> Option<Value<'a>> {
        let Self::Table { known, rest } = self else { return None };
        match key.map(|key| known.get(key)) {
            Some(Some(value)) => Some(rest.as_ref().map_or_else(|| value.clone(), |rest| value.join(rest))),
            Some(None) => rest.clone(),
            None => Some(self.any()),
        }
    }

    pub(super) fn put(&mut self, key: Option<Key>, value: Value<'a>) {
        match (self, key) {
            (Self::Table { known, .. }, Some(key)) if known.len() < ITEMS_MAX || known.contains_key(&key) => {
                known.insert(key, value);
            }
            (Self::List(items), Some(Key::Int(index))) if place(index, items.len()).is_some() => {
                let place = place(index, items.len()).unwrap_or_default();
                items[place] = value;
            }
            (object, _) => object.mix(value),
        }
    }

    fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left.clone(),
            (Self::List(left), Self::List(right)) if left.len() == right.len() => {
                Self::List(left.iter().zip(right).map(|(left, right)| left.join(right)).collect())
            }
            (Self::List(items), _) if items.is_empty() => other.join_empty(),
            (_, Self::List(items)) if items.is_empty() => self.join_empty(),
            (Self::List(_) | Self::Bag(_), Self::List(_) | Self::Bag(_)) => {
                Self::Bag(self.any().join(&other.any()))
            }
            (Self::Table { known, rest }, Self::Table { known: others, rest: other }) => {
                let rest = match (rest, other) {
                    (Some(left), Some(right)) => Some(left.join(right)),
                    (one, other) => one.as_ref().or(other.as_ref()).cloned(),
                };
                Self::Table { known: united(known, others), rest }
            }
            (Self::Instance { file, class, fields }, Self::Instance { fields: others, .. }) => {
                Self::Instance { file: *file, class: *class, fields: united(fields, others) }
            }
            (Self::Made { name, fields }, Self::Made { fields: others, .. }) => {
                Self::Made { name: Rc::clone(name), fields: united(fields, others) }
            }
            _ => Self::Bag(self.any().join(&other.any())),
        }
    }

    fn join_empty(&self) -> Self {
        match self {
            Self::List(items) if !items.is_empty() => Self::Bag(self.any()),
            other => other.clone(),
        }
    }
}

fn united<'a, K: Ord + Clone>(
    left: &BTreeMap<K, Value<'a>>,
    right: &BTreeMap<K, Value<'a>>,
) -> BTreeMap<K, Value<'a>> {
    let mut all = left.clone();
    for (key, value) in right {
        all.entry(key.clone()).and_modify(|one| *one = one.join(value)).or_insert_with(|| value.clone());
    }
    all
}

/// The place of an index that may count from the end.
pub(super) fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index + length } else { index };
    usize::try_from(place).ok().filter(|_| place < length)
}
