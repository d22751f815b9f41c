//! Counts events that anybody can cause, so that a flood of them is a few lines.
//!
//! The first event of a kind from one address block is written as it is; those after it are counted, until the caller takes the
//! sums and writes them, about once a minute. Kinds of events differ by their reason and by whose account they are about, not by
//! route or client. So many blocks and kinds are told apart at a time ([`EventTally::new`]); what comes from further ones is
//! counted by kind alone. Nothing is left out: first lines and sums add up to the number of events.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
    net::IpAddr,
    num::NonZeroUsize,
};

use shield_types::Timestamp;

use super::{SecurityEvent, context::EventContext};
use crate::{AccountId, address::AddressBlock};

/// Counts what repeats.
#[derive(Debug)]
pub struct EventTally {
    kinds_max: usize,
    /// By kind and source.
    sums: BTreeMap<Kind, EventSum>,
    /// By what is the same about all of them: as many as there are words for it.
    rest: BTreeMap<SecurityEvent, EventSum>,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The first of its kind since the sums were taken: to be written as it is.
    First,
    /// It is in a sum.
    Counted,
}

/// Events that were alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSum {
    /// The last of them.
    pub event: SecurityEvent,
    /// The address that the last one came from; none where they came from more blocks than are told apart.
    pub client: Option<IpAddr>,
    /// Who did it, where that is proven.
    pub actor: Option<AccountId>,
    /// Whose account it is about.
    pub subject: Option<AccountId>,
    /// How many, without the one that was written as it is.
    pub count: u64,
    /// When the first of them happened.
    pub since: Timestamp,
    /// When the last of them happened.
    pub until: Timestamp,
}

/// What events have to have in common to be counted as one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    event: SecurityEvent,
    block: Option<AddressBlock>,
    actor: Option<AccountId>,
    subject: Option<AccountId>,
}

// === impl EventTally ===

impl EventTally {
    /// Counts for so many sources and kinds at a time.
    pub fn new(kinds_max: NonZeroUsize) -> Self {
        Self { kinds_max: kinds_max.get(), sums: BTreeMap::new(), rest: BTreeMap::new() }
    }

    /// An event happened.
    pub fn note(&mut self, event: &SecurityEvent, context: &EventContext<'_>) -> Sighting {
        let EventContext { client, actor, subject, .. } = *context;
        let kind = Kind { event: event.alike(), block: client.map(AddressBlock::of), actor, subject };
        let full = self.sums.len() >= self.kinds_max;
        let begun = EventSum {
            event: event.clone(),
            client,
            actor,
            subject,
            count: 0,
            since: context.at,
            until: context.at,
        };
        match self.sums.entry(kind) {
            Entry::Occupied(mut sum) => sum.get_mut().add(event, context),
            Entry::Vacant(_) if full => {
                let nobody = EventSum { client: None, actor: None, subject: None, ..begun };
                self.rest.entry(event.coarse()).or_insert(nobody).count(event, context);
            }
            Entry::Vacant(place) => {
                place.insert(begun);
                return Sighting::First;
            }
        }
        Sighting::Counted
    }

    /// What was counted until now; counting begins anew.
    pub fn take(&mut self) -> Vec<EventSum> {
        let sums = mem::take(&mut self.sums).into_values();
        let sums = sums.chain(mem::take(&mut self.rest).into_values());
        sums.filter(|sum| sum.count > 0).collect()
    }
}

// === impl EventSum ===

impl EventSum {
    fn add(&mut self, event: &SecurityEvent, context: &EventContext<'_>) {
        // The one before them was written by itself.
        if self.count == 0 {
            self.since = context.at;
        }
        self.client = context.client;
        self.count(event, context);
    }

    fn count(&mut self, event: &SecurityEvent, context: &EventContext<'_>) {
        self.event.clone_from(event);
        self.count += 1;
        self.until = context.at;
    }
}

// === impl SecurityEvent ===

impl SecurityEvent {
    /// The same without what differs between one refusal and the next.
    fn alike(&self) -> Self {
        match self {
            Self::RateLimited { scope, .. } => Self::RateLimited { scope, retry_after_s: 0 },
            Self::LoginThrottled { scope, .. } => Self::LoginThrottled { scope, retry_after_s: 0 },
            Self::CspViolated { directive, .. } => {
                Self::CspViolated { directive, blocked_url: String::new() }
            }
            other => other.clone(),
        }
    }

    /// The same without what a client can choose.
    fn coarse(&self) -> Self {
        match self {
            Self::CspViolated { .. } => Self::CspViolated { directive: "", blocked_url: String::new() },
            Self::ApiKeyRefused { reason, .. } => Self::ApiKeyRefused { reason, key: None },
            other => other.alike(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::event::EventId;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn tally(kinds_max: usize) -> EventTally {
        EventTally::new(NonZeroUsize::new(kinds_max).unwrap())
    }

    fn from(address: &str) -> EventContext<'static> {
        EventContext {
            id: EventId::new(NOW, [0; 10]),
            at: NOW,
            request_id: "",
            client: Some(address.parse().unwrap()),
            actor: None,
            subject: None,
            session: None,
            method: "GET",
            route: "/",
            status: None,
            user_agent: "",
        }
    }

    fn limited(retry_after_s: u64) -> SecurityEvent {
        SecurityEvent::RateLimited { scope: "address", retry_after_s }
    }

    #[test]
    fn first_is_written_and_the_others_counted() {
        let mut tally = tally(8);
        assert_eq!(tally.note(&limited(9), &from("2001:db8::1")), Sighting::First);
        for second in 1..=3 {
            let context = EventContext { at: Timestamp(NOW.0 + second), ..from("2001:db8::2") };
            assert_eq!(tally.note(&limited(second), &context), Sighting::Counted, "of one /64");
        }
        let [sum] = tally.take().try_into().unwrap();
        assert_eq!((sum.count, sum.since.0 - NOW.0, sum.until.0 - NOW.0), (3, 1, 3));
        assert_eq!(sum.event, limited(3));
        assert_eq!(tally.take(), [], "each is in one sum");
        assert_eq!(tally.note(&limited(1), &from("2001:db8::1")), Sighting::First, "of the next minute");
    }

    #[test]
    fn kinds_and_sources_are_told_apart() {
        let mut tally = tally(8);
        let account = |number| Some(AccountId::new(NOW, [number; 10]));
        let other = SecurityEvent::RateLimited { scope: "other", retry_after_s: 1 };
        for (event, context) in [
            (limited(1), from("192.0.2.1")),
            (limited(1), from("192.0.2.2")),
            (other, from("192.0.2.1")),
            (SecurityEvent::TokenRefused { reason: "expired" }, from("192.0.2.1")),
            (SecurityEvent::TokenRefused { reason: "signature" }, from("192.0.2.1")),
            (limited(1), EventContext { actor: account(1), ..from("192.0.2.1") }),
            (limited(1), EventContext { subject: account(1), ..from("192.0.2.1") }),
        ] {
            assert_eq!(tally.note(&event, &context), Sighting::First, "{event:?}");
        }
        assert_eq!(tally.take(), []);
    }

    #[test]
    fn a_flood_from_everywhere_is_bounded_and_whole() {
        let mut tally = tally(10);
        let mut written = 0;
        for number in 0..10_000_u32 {
            let address = Ipv4Addr::from_bits(number).to_string();
            let refused = SecurityEvent::CspViolated { directive: "script-src", blocked_url: "x".into() };
            for event in [&limited(1), &refused] {
                written += u64::from(tally.note(event, &from(&address)) == Sighting::First);
            }
        }
        let sums = tally.take();
        assert_eq!((written, sums.len()), (10, 2), "{sums:?}");
        assert_eq!(written + sums.iter().map(|sum| sum.count).sum::<u64>(), 20_000);
        assert!(sums.iter().all(|sum| sum.client.is_none()));
    }
}
