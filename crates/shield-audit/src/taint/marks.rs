//! Marks: what a stranger may have set, where it came from, what it can no longer do.
//!
//! A value carries one mark for each source that reaches it. A mark names the text it belongs to ([`Identity`]), so that a
//! check of one variable counts for the copies and parts of it that other variables hold.

use std::{collections::BTreeMap, rc::Rc};

use ruff_text_size::TextRange;

use super::kinds::Kinds;

/// More marks a value does not carry: those that can do the least harm give way.
const MARKS_MAX: usize = 32;

/// Longer ways are not told step by step.
const STEPS_MAX: u32 = 40;

/// Where a stranger's data comes in, by its place in [`Ledger::origins`].
pub(super) type OriginId = u32;

/// A text that is a stranger's, by its place in [`Ledger::identities`].
pub(super) type IdentityId = u32;

/// A step of a way, by its place in [`Ledger::trails`].
pub(super) type TrailId = u32;

/// One source in a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) origin: OriginId,
    pub(super) identity: IdentityId,
    /// What harm it can no longer do, and what is known of it.
    pub(super) cleared: Kinds,
    /// Whether every step up to here is known.
    pub(super) sure: bool,
    pub(super) trail: TrailId,
}

/// The marks of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marks(Option<Rc<[Mark]>>);

/// A place in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Site {
    pub(super) file: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What one text has to do with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It stands for itself.
    Whole,
    /// A piece of the other.
    Part,
    /// The other without its first and last character.
    Inside,
    /// The host of the address that the other is.
    Host,
    /// The other with `..` and links followed.
    Resolved,
}

/// A text that is a stranger's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) parent: Option<IdentityId>,
    pub(super) role: Role,
}

/// One step of a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail {
    pub(super) before: Option<TrailId>,
    pub(super) length: u32,
    pub(super) site: Site,
    pub(super) what: What,
}

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It comes in.
    Source,
    /// It is put into a variable.
    Assigned,
    /// It is handed to a function of the project.
    Passed,
    /// A function of the project hands it back.
    Returned,
}

/// What all marks of one run refer to.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) origins: Vec<TrailId>,
    by_site: BTreeMap<(Site, u32), OriginId>,
    pub(super) identities: Vec<Identity>,
    by_use: BTreeMap<(Site, u32, Option<IdentityId>, Role), IdentityId>,
    pub(super) trails: Vec<Trail>,
}

// === impl Mark ===

impl PartialEq for Mark {
    /// The way is not part of what is known: it grows in loops.
    fn eq(&self, other: &Self) -> bool {
        (self.origin, self.identity, self.cleared, self.sure)
            == (other.origin, other.identity, other.cleared, other.sure)
    }
}

// === impl Marks ===

impl Marks {
    pub(super) fn one(mark: Mark) -> Self {
        Self(Some(Rc::new([mark])))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.as_deref().unwrap_or_default().iter()
    }

    /// What either has: where both have a text of one source, what both know of it.
    pub(super) fn join(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (None, _) => return other.clone(),
            (_, None) => return self.clone(),
            (Some(left), Some(right)) if Rc::ptr_eq(left, right) => return self.clone(),
            _ => {}
        }
        let mut all: Vec<Mark> = self.iter().copied().collect();
        for mark in other.iter() {
            let same =
                |one: &Mark| (one.origin, one.identity, one.sure) == (mark.origin, mark.identity, mark.sure);
            match all.iter().position(same) {
                Some(at) => all[at].cleared = all[at].cleared & mark.cleared,
                None => all.push(*mark),
            }
        }
        if all.len() > MARKS_MAX {
            all.sort_by_key(|mark| (mark.cleared.harmless(), mark.origin, mark.identity, !mark.sure));
            all.truncate(MARKS_MAX);
        }
        all.sort_by_key(|mark| (mark.origin, mark.identity, !mark.sure));
        Self(Some(all.into()))
    }

    /// Whether there may have been more than are kept.
    pub(super) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|all| all.len() >= MARKS_MAX)
    }

    /// Every mark changed; those of which nothing is left are gone.
    pub(super) fn map(&self, change: impl FnMut(Mark) -> Mark) -> Self {
        let all: Vec<Mark> =
            self.iter().copied().map(change).filter(|mark| !mark.cleared.has(Kinds::ALL)).collect();
        if all.is_empty() { Self::default() } else { Self(Some(all.into())) }
    }

    /// Without some kinds of harm.
    pub(super) fn clear(&self, kinds: Kinds) -> Self {
        if self.is_empty() || kinds == Kinds::NONE {
            return self.clone();
        }
        self.map(|mark| Mark { cleared: mark.cleared | kinds, ..mark })
    }

    /// Through something that nobody followed.
    pub(super) fn unsure(&self) -> Self {
        if self.iter().all(|mark| !mark.sure) {
            return self.clone();
        }
        self.map(|mark| Mark { sure: false, ..mark })
    }
}

// === impl Site ===

impl Site {
    pub(super) fn new(file: u32, range: TextRange) -> Self {
        Self { file, start: range.start().to_u32(), end: range.end().to_u32() }
    }
}

// === impl Ledger ===

impl Ledger {
    /// The mark of what comes in at a place.
    pub(super) fn source(&mut self, site: Site, context: u32) -> Mark {
        let identity = self.identity(site, context, None, Role::Whole);
        if let Some(&origin) = self.by_site.get(&(site, context)) {
            return Mark {
                origin,
                identity,
                cleared: Kinds::NONE,
                sure: true,
                trail: self.origins[origin as usize],
            };
        }
        let trail = self.push(Trail { before: None, length: 1, site, what: What::Source });
        let origin = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        self.origins.push(trail);
        self.by_site.insert((site, context), origin);
        Mark { origin, identity, cleared: Kinds::NONE, sure: true, trail }
    }

    /// A text that is made at a place, of another one or of nothing.
    pub(super) fn identity(
        &mut self,
        site: Site,
        context: u32,
        parent: Option<IdentityId>,
        role: Role,
    ) -> IdentityId {
        // A part of a part of the same place is no news: loops end.
        let parent = parent.filter(|parent| self.depth(*parent) < 12).or(parent.and_then(|id| self.top(id)));
        let next = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        let identities = &mut self.identities;
        *self.by_use.entry((site, context, parent, role)).or_insert_with(|| {
            identities.push(Identity { parent, role });
            next
        })
    }

    fn depth(&self, identity: IdentityId) -> usize {
        self.line(identity).count()
    }

    fn top(&self, identity: IdentityId) -> Option<IdentityId> {
        self.line(identity).last()
    }

    /// A text and what it is a part of.
    pub(super) fn line(&self, identity: IdentityId) -> impl Iterator<Item = IdentityId> {
        let mut next = Some(identity);
        std::iter::from_fn(move || {
            let here = next?;
            next = self.identities[here as usize].parent;
            Some(here)
        })
    }

    /// A step further on a mark's way.
    pub(super) fn step(&mut self, mark: Mark, site: Site, what: What) -> Mark {
        let before = self.trails[mark.trail as usize];
        if before.site == site || before.length >= STEPS_MAX {
            return mark;
        }
        let trail = self.push(Trail { before: Some(mark.trail), length: before.length + 1, site, what });
        Mark { trail, ..mark }
    }

    fn push(&mut self, trail: Trail) -> TrailId {
        let id = u32::try_from(self.trails.len()).unwrap_or(u32::MAX);
        self.trails.push(trail);
        id
    }

    /// A way from its beginning.
    pub(super) fn way(&self, trail: TrailId) -> Vec<Trail> {
        let mut way = Vec::new();
        let mut next = Some(trail);
        while let Some(id) = next {
            let step = self.trails[id as usize];
            way.push(step);
            next = step.before;
        }
        way.reverse();
        way
    }
}
