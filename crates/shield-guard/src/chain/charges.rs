//! The limits of a route, on one request.

use std::num::NonZeroU32;

use crate::{
    address::AddressBlock,
    limit::{self, Charge, LimitKey, Tier, take_all},
};

use super::{LimitSubject, Principal, ROUTE_LIMITS_MAX, RouteLimit, RouteLimits};

/// A request is one unit of each limit.
pub(super) const ONE: NonZeroU32 = NonZeroU32::MIN;

/// Takes a unit of each limit that concerns this request; `None` when none does.
pub(super) fn charge<'a>(
    limits: &'a RouteLimits,
    block: AddressBlock,
    principal: Option<&Principal>,
    now_ns: u64,
) -> Option<limit::Admission<'a>> {
    let mut due = limits.as_slice().iter().filter_map(|limit| charge_of(limit, block, principal));
    let mut charges = [due.next()?; ROUTE_LIMITS_MAX];
    let mut count = 1;
    for (place, charge) in charges[1..].iter_mut().zip(due) {
        *place = charge;
        count += 1;
    }
    Some(take_all(&charges[..count], now_ns).expect("a route has no more limits than can be answered for"))
}

fn charge_of<'a>(
    RouteLimit { limit, subject }: &'a RouteLimit,
    block: AddressBlock,
    principal: Option<&Principal>,
) -> Option<Charge<'a>> {
    let key = match (subject, principal) {
        (LimitSubject::Address, _) | (LimitSubject::Anonymous, None) => Some(LimitKey::Address(block)),
        (LimitSubject::Account, Some(principal)) => {
            let session = principal.identity.session();
            session.map(|_| LimitKey::Account(principal.identity.account()))
        }
        (LimitSubject::Session, Some(principal)) => principal.identity.session().map(LimitKey::Session),
        (LimitSubject::ApiKey, Some(principal)) => principal.identity.api_key().map(LimitKey::ApiKey),
        (LimitSubject::RouteClass(class), _) => Some(LimitKey::RouteClass(*class)),
        (LimitSubject::Anonymous, Some(_))
        | (LimitSubject::Account | LimitSubject::Session | LimitSubject::ApiKey, None) => None,
    };
    let tier = match subject {
        LimitSubject::Account | LimitSubject::Session | LimitSubject::ApiKey => {
            principal.map_or(Tier::Free, |known| known.tier)
        }
        LimitSubject::Address | LimitSubject::Anonymous | LimitSubject::RouteClass(_) => Tier::Free,
    };
    key.map(|key| Charge { limit, key, tier, cost: ONE })
}
