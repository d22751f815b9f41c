//! Which host is the primary, decided from what each was last seen as. Pure.
//!
//! - Nothing is decided before every host was seen once, or found silent: of two that take writes, the faster one is not the right one.
//! - The highest timeline that was ever seen, on any host, stays the bar: who is below it was superseded.
//! - A host of another cluster is none of ours.
//! - Silence takes the primary out of use and leaves its epoch: it may be the network. A primary that says it is none, or that
//!   was superseded, ends its epoch for good.

use super::role::Role;

/// What a host was last seen as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    /// It does not answer, or not yet; why.
    Silent(String),
    /// It answers that it never will: no such user, password or database.
    Refused(String),
    /// It answers.
    Seen(Role),
}

/// A host while it is the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Primary {
    /// Its place in the list.
    pub(super) host: usize,
    /// The timeline that it writes.
    pub(super) timeline: i64,
    /// The cluster that it is of.
    pub(super) cluster: i64,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// This one is to be used.
    Serve(Primary),
    /// None is.
    Search,
}

/// The sightings, and what follows from them.
#[derive(Debug)]
pub(super) struct Election {
    /// One per host; none before it was looked at.
    sightings: Vec<Option<Sighting>>,
    /// The cluster of the first primary.
    cluster: Option<i64>,
    /// The highest timeline that was seen of it.
    timeline: i64,
    /// Counts primaries, and their ends.
    epoch: u64,
    /// Whose epoch it is.
    holder: Option<Primary>,
    /// Who is in use.
    serving: Option<Primary>,
}

// === impl Election ===

impl Election {
    pub(super) fn new(hosts: usize) -> Self {
        Self {
            sightings: vec![None; hosts],
            cluster: None,
            timeline: 0,
            epoch: 0,
            holder: None,
            serving: None,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn sightings(&self) -> &[Option<Sighting>] {
        &self.sightings
    }

    /// A host was looked at.
    pub(super) fn observe(&mut self, host: usize, sighting: Sighting) -> Change {
        self.sightings[host] = Some(sighting);
        self.decide()
    }

    /// A host refused a write as one that takes none.
    pub(super) fn deny(&mut self, host: usize) -> Change {
        if let Some(Sighting::Seen(role)) = &mut self.sightings[host] {
            role.writable = false;
        }
        self.decide()
    }

    fn decide(&mut self) -> Change {
        let seen = self.sightings.iter().flatten().filter_map(Sighting::role);
        let ours = seen.filter(|role| Some(role.cluster) == self.cluster);
        self.timeline = ours.map(|role| role.timeline).fold(self.timeline, i64::max);
        if self.holder.is_some_and(|holder| self.refuted(holder)) {
            self.holder = None;
            self.epoch += 1;
        }
        let winner = self.winner();
        if let Some(primary) = winner
            && self.holder != winner
        {
            self.holder = winner;
            self.cluster = Some(primary.cluster);
            self.timeline = primary.timeline;
            self.epoch += 1;
        }
        match (std::mem::replace(&mut self.serving, winner), winner) {
            (before, now) if before == now => Change::None,
            (_, Some(primary)) => Change::Serve(primary),
            (_, None) => Change::Search,
        }
    }

    fn winner(&self) -> Option<Primary> {
        let all = self.sightings.iter().map(Option::as_ref).collect::<Option<Vec<_>>>()?;
        let roles = || all.iter().enumerate().filter_map(|(host, seen)| Some((host, seen.role()?)));
        let cluster = match self.cluster {
            Some(cluster) => cluster,
            None => {
                let first = roles().next()?.1.cluster;
                roles().all(|(_, role)| role.cluster == first).then_some(first)?
            }
        };
        let highest = roles().map(|(_, role)| role).filter(|role| role.cluster == cluster);
        let highest = highest.map(|role| role.timeline).fold(self.timeline, i64::max);
        let fit = |role: &Role| {
            role.writable && role.durable() && role.cluster == cluster && role.timeline == highest
        };
        let mut fitting = roles().filter(|(_, role)| fit(role));
        let primary = |(host, role): (usize, &Role)| Primary { host, timeline: role.timeline, cluster };
        let first = fitting.next().map(primary)?;
        match fitting.next() {
            None => Some(first),
            // Two at once were promoted apart. Who was chosen stays; nobody is chosen among them.
            Some(_) => {
                self.holder.filter(|holder| roles().any(|(host, role)| host == holder.host && fit(role)))
            }
        }
    }

    /// Whether a primary is known to be none any more.
    fn refuted(&self, holder: Primary) -> bool {
        let role = self.sightings[holder.host].as_ref().and_then(Sighting::role);
        let changed = role.is_some_and(|role| {
            !role.writable || role.cluster != holder.cluster || role.timeline != holder.timeline
        });
        changed || holder.timeline < self.timeline
    }
}

// === impl Sighting ===

impl Sighting {
    fn role(&self) -> Option<&Role> {
        match self {
            Self::Seen(role) => Some(role),
            Self::Silent(_) | Self::Refused(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "election_tests.rs"]
mod tests;
