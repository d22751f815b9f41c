//! The set that every request is checked against.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use shield_types::Timestamp;

use super::{
    Freshness, Grant, GrantRefusal, LogEpoch, LogPage, PushedRevocation, Revocation, Revoked, Sensitivity,
    Sequence, tables::Tables,
};
use crate::KeyId;

/// How long an entry is kept after it expired: verifiers grant leeway on `exp`, and clocks are set.
const EXPIRY_MARGIN: Duration = Duration::from_secs(300);
/// How far nodes' clocks may be apart before a full set lets through what it should refuse.
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// Never complete, as a moment.
const NEVER: u64 = u64::MAX;

/// Bounds of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationLimits {
    /// Entries of each kind that it holds. An entry takes about 50 bytes.
    pub entries_max: usize,
    /// How long ago a set may have been known to be complete and still decide: the age past which [`Sensitivity`] matters.
    pub age_max: Duration,
}

/// All revocations that have not expired, shared by all threads.
///
/// A full set does not drop an entry: it refuses everything that was issued before that moment, to anybody, and says so as
/// [`GrantRefusal::SetFull`] (for signing keys: every signed token). People log in again; nobody gets in who was locked
/// out. That stays until the process ends. Who makes entries is to be limited so that it never happens: LinkShield's set holds
/// more than all log-ins that it can check while entries of sessions are kept.
#[derive(Debug)]
pub struct RevocationSet {
    tables: Tables,
    limits: RevocationLimits,
    position: Mutex<Position>,
    /// When the read began that last found nothing missing, in milliseconds; [`NEVER`] before the first.
    complete_at: AtomicU64,
    /// What was issued before this is refused, because an entry did not fit.
    full_before: AtomicU64,
    /// A signing key did not fit: no signed token is taken.
    signing_keys_full: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    epoch: LogEpoch,
    /// All entries up to and with this one are in the tables.
    cursor: Sequence,
    /// The last entry of the log as it was asked about last.
    head: Sequence,
    /// When that was asked.
    head_asked_at: Timestamp,
}

/// What a set knows after taking something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetProgress {
    /// Nothing is known to be missing.
    UpToDate,
    /// Read the log after this entry: the rest of it, or what a lost push left out.
    ReadAfter(Sequence),
}

// === impl RevocationSet ===

impl RevocationSet {
    /// An empty set, never complete: it refuses until the log was read to its end once.
    pub fn new(limits: RevocationLimits) -> Self {
        Self {
            tables: Tables::new(limits.entries_max),
            limits,
            position: Mutex::default(),
            complete_at: AtomicU64::new(NEVER),
            full_before: AtomicU64::new(0),
            signing_keys_full: AtomicBool::new(false),
        }
    }

    /// Whether a grant may be taken. At most five look-ups in memory; tables that hold nothing cost one load each.
    pub fn admit(&self, grant: &Grant, sensitivity: Sensitivity, now: Timestamp) -> Result<(), GrantRefusal> {
        self.tables.check(grant)?;
        let signed = grant.signing_key.is_some() && self.signing_keys_full.load(Ordering::Acquire);
        if signed || grant.issued_at.0 < self.full_before.load(Ordering::Acquire) {
            return Err(GrantRefusal::SetFull);
        }
        self.freshness(now).admits(grant.issued_at, sensitivity, now, self.limits.age_max)
    }

    /// How old this node's knowledge is.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let moment = self.complete_at.load(Ordering::Acquire);
        let complete_at = (moment != NEVER).then_some(Timestamp(moment));
        Freshness::of(complete_at, now, self.limits.age_max)
    }

    /// Where the log is to be read on from.
    pub fn cursor(&self) -> Sequence {
        self.position().cursor
    }

    /// Whether this key, with all that it signed, was taken back.
    pub fn took_back_key(&self, key: KeyId) -> bool {
        self.tables.has_signing_key(key)
    }

    /// Entries in memory.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether nothing is taken back at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in a part of the log. `asked_at` is a moment before the question was sent: everything that was acknowledged
    /// until then is in an answer that reaches the log's head.
    pub fn take_page(&self, page: &LogPage, asked_at: Timestamp) -> SetProgress {
        let mut position = self.position();
        for (_, entry) in &page.entries {
            self.add(entry);
        }
        let asked_later = asked_at >= position.head_asked_at;
        // A log that has become shorter was restored by somebody who told no new epoch: numbers stand for other entries now.
        let shorter = page.epoch == position.epoch && asked_later && page.head < position.head;
        if page.epoch > position.epoch || shorter {
            *position = Position { epoch: page.epoch, ..Position::default() };
        }
        if page.epoch < position.epoch || page.after > position.cursor {
            return SetProgress::ReadAfter(position.cursor);
        }
        if asked_later {
            (position.head, position.head_asked_at) = (page.head, asked_at);
        }
        position.cursor = position.cursor.max(page.through);
        if position.cursor < page.head {
            return SetProgress::ReadAfter(position.cursor);
        }
        // Not the greater of two moments: after a clock was set back, the earlier one is the true one.
        self.complete_at.store(asked_at.0, Ordering::Release);
        SetProgress::UpToDate
    }

    /// Takes in an entry that was pushed. It counts at once, whatever was lost before it; but only a page says that nothing
    /// was.
    pub fn take_pushed(&self, pushed: &PushedRevocation) -> SetProgress {
        let mut position = self.position();
        self.add(&pushed.entry);
        let next = Sequence(position.cursor.0.saturating_add(1));
        match pushed.epoch == position.epoch && pushed.sequence <= next {
            true => {
                position.cursor = position.cursor.max(pushed.sequence);
                SetProgress::UpToDate
            }
            false => SetProgress::ReadAfter(position.cursor),
        }
    }

    /// Forgets what expired more than five minutes ago. To be called about once a minute. Returns how many entries went.
    pub fn prune(&self, now: Timestamp) -> usize {
        let margin = u64::try_from(EXPIRY_MARGIN.as_millis()).expect("five minutes fit");
        self.tables.forget_before(Timestamp(now.0.saturating_sub(margin)))
    }

    fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entry: &Revocation) {
        if self.tables.add(entry).is_ok() {
            return;
        }
        match entry.revoked {
            // What a stolen key signs carries any date.
            Revoked::SigningKey { .. } => self.signing_keys_full.store(true, Ordering::Release),
            Revoked::Token { .. }
            | Revoked::Session { .. }
            | Revoked::Sessions { .. }
            | Revoked::Account { .. }
            | Revoked::ApiKey { .. } => {
                let moment = entry.revoked_at.max(entry.successors_from()).after(CLOCK_SKEW);
                self.full_before.fetch_max(moment.0, Ordering::AcqRel);
            }
        }
    }
}

#[cfg(test)]
impl RevocationSet {
    /// Everything it remembers, for comparison.
    pub(super) fn contents(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let tables = &self.tables;
        (
            tables.tokens.contents(),
            tables.sessions.contents(),
            tables.api_keys.contents(),
            tables.signing_keys.contents(),
            tables.accounts.contents(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{RevocationLimits, RevocationSet, SetProgress};
    use crate::{
        AccountId, ApiKeyId, KeyId, SessionId, TokenId,
        revocation::{
            Freshness, Grant, GrantRefusal, LogEpoch, LogPage, PushedRevocation, Revocation,
            RevocationReason, Revoked, Sensitivity, Sequence,
        },
    };

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const LIMITS: RevocationLimits =
        RevocationLimits { entries_max: 1_000, age_max: Duration::from_secs(30) };

    fn account(number: u8) -> AccountId {
        AccountId::new(NOW, [number; 10])
    }

    /// A JWT of a session.
    fn grant() -> Grant {
        Grant {
            account: account(1),
            issued_at: NOW,
            token: Some(TokenId::new(NOW, [2; 10])),
            session: Some(SessionId::new(NOW, [3; 10])),
            signing_key: Some(KeyId::from_thumbprint([4; 32])),
            api_key: None,
        }
    }

    fn api_key_grant() -> Grant {
        let api_key = Some(ApiKeyId::new(NOW, [5; 10]));
        Grant { token: None, session: None, signing_key: None, api_key, ..grant() }
    }

    fn entry(revoked: Revoked) -> Revocation {
        let (reason, expires_at) = (RevocationReason::Logout, Timestamp(NOW.0 + 900_000));
        Revocation { revoked, reason, revoked_at: NOW, expires_at }
    }

    fn page(after: u64, entries: &[Revocation], head: u64) -> LogPage {
        let through = Sequence(after + entries.len() as u64);
        let entries = (after + 1..).map(Sequence).zip(entries.iter().copied()).collect();
        LogPage { epoch: LogEpoch(1), after: Sequence(after), through, head: Sequence(head), entries }
    }

    /// A set that is complete and holds these.
    fn set_of(limits: RevocationLimits, entries: &[Revocation]) -> RevocationSet {
        let set = RevocationSet::new(limits);
        let progress = set.take_page(&page(0, entries, entries.len() as u64), NOW);
        assert_eq!(progress, SetProgress::UpToDate);
        set
    }

    fn refusal(set: &RevocationSet, grant: &Grant) -> Option<GrantRefusal> {
        set.admit(grant, Sensitivity::Ordinary, NOW).err()
    }

    #[test]
    fn asvs_v7_4_1_refuses_what_was_taken_back_by_each_name() {
        let (jwt, key) = (grant(), api_key_grant());
        let revoked = [
            (Revoked::Token { token: jwt.token.unwrap() }, jwt, GrantRefusal::Token),
            (Revoked::Session { session: jwt.session.unwrap() }, jwt, GrantRefusal::Session),
            (Revoked::SigningKey { key: jwt.signing_key.unwrap() }, jwt, GrantRefusal::SigningKey),
            (Revoked::ApiKey { key: key.api_key.unwrap() }, key, GrantRefusal::ApiKey),
        ];
        for (revoked, grant, expected) in revoked {
            assert_eq!(refusal(&set_of(LIMITS, &[]), &grant), None);
            assert_eq!(refusal(&set_of(LIMITS, &[entry(revoked)]), &grant), Some(expected));
        }
    }

    #[test]
    fn asvs_v7_4_2_a_suspended_account_loses_everything_issued_until_then() {
        let (reason, life) = (RevocationReason::AccountSuspension, Duration::from_secs(1));
        let set = set_of(LIMITS, &[Revocation::of_account(account(1), reason, NOW, life)]);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Account));
        assert_eq!(refusal(&set, &api_key_grant()), Some(GrantRefusal::Account));
        assert_eq!(refusal(&set, &Grant { account: account(9), ..grant() }), None);
    }

    #[test]
    fn asvs_v7_4_3_ends_older_sessions_but_neither_keys_nor_the_successor() {
        let revocation =
            Revocation::of_sessions(account(1), RevocationReason::FactorChange, NOW, Duration::from_secs(1));
        let set = set_of(LIMITS, &[revocation]);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Account));
        assert_eq!(refusal(&set, &api_key_grant()), None);
        assert_eq!(refusal(&set, &Grant { issued_at: revocation.successors_from(), ..grant() }), None);
    }

    #[test]
    fn an_earlier_not_before_never_wins() {
        let at = |moment| {
            Revocation::of_account(
                account(1),
                RevocationReason::Administrator,
                Timestamp(moment),
                Duration::from_secs(1),
            )
        };
        let set = set_of(LIMITS, &[at(NOW.0), at(NOW.0 - 5_000)]);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Account));
    }

    #[test]
    fn asvs_v16_5_3_a_set_that_never_was_complete_refuses() {
        let set = RevocationSet::new(LIMITS);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Stale { age: Duration::MAX }));
    }

    #[test]
    fn asvs_v16_5_2_a_stale_set_serves_young_grants_on_ordinary_routes_only() {
        let set = set_of(LIMITS, &[]);
        let late = Timestamp(NOW.0 + 30_001);
        let age = Duration::from_millis(30_001);
        assert_eq!(set.freshness(Timestamp(NOW.0 + 30_000)), Freshness::Fresh);
        assert_eq!(set.freshness(late), Freshness::Stale { age });
        let young = Grant { issued_at: Timestamp(NOW.0 + 1), ..grant() };
        assert_eq!(set.admit(&young, Sensitivity::Ordinary, late), Ok(()));
        assert_eq!(set.admit(&young, Sensitivity::Sensitive, late), Err(GrantRefusal::Stale { age }));
        assert_eq!(set.admit(&grant(), Sensitivity::Ordinary, late), Err(GrantRefusal::Stale { age }));
    }

    #[test]
    fn a_clock_set_back_does_not_freshen() {
        let set = set_of(LIMITS, &[]);
        let age = Duration::from_secs(3_600);
        assert_eq!(set.freshness(Timestamp(NOW.0 - 3_600_000)), Freshness::Stale { age });
        set.take_page(&page(0, &[], 0), Timestamp(NOW.0 - 3_600_000));
        assert_eq!(set.freshness(Timestamp(NOW.0 - 3_600_000)), Freshness::Fresh);
    }

    #[test]
    fn asvs_v16_5_3_a_log_that_became_shorter_is_read_anew() {
        let session = |number: u8| SessionId::new(NOW, [number; 10]);
        let entries: Vec<_> =
            (0..3).map(|number| entry(Revoked::Session { session: session(number) })).collect();
        let set = RevocationSet::new(LIMITS);
        assert_eq!(set.take_page(&page(0, &entries, 3), NOW), SetProgress::UpToDate);
        let later = |seconds: u64| Timestamp(NOW.0 + seconds * 1_000);
        // Restored to its second entry, and grown since: what stands under number 3 was never read.
        assert_eq!(set.take_page(&page(3, &[], 2), later(31)), SetProgress::ReadAfter(Sequence(0)));
        assert_ne!(set.freshness(later(31)), Freshness::Fresh);
        assert_eq!(set.take_page(&page(0, &entries[..2], 2), later(32)), SetProgress::UpToDate);
        assert_eq!((set.freshness(later(32)), set.len()), (Freshness::Fresh, 3));
    }

    #[test]
    fn an_answer_that_a_push_has_overtaken_is_whole() {
        let set = set_of(LIMITS, &[]);
        let revoked = entry(Revoked::Token { token: grant().token.unwrap() });
        let pushed = PushedRevocation { epoch: LogEpoch(1), sequence: Sequence(1), entry: revoked };
        assert_eq!(set.take_pushed(&pushed), SetProgress::UpToDate);
        assert_eq!(set.take_page(&page(0, &[], 0), Timestamp(NOW.0 + 40_000)), SetProgress::UpToDate);
        assert_eq!(set.freshness(Timestamp(NOW.0 + 40_000)), Freshness::Fresh);
    }

    #[test]
    fn a_pushed_entry_counts_before_its_gap_is_read() {
        let set = set_of(LIMITS, &[]);
        let revoked = entry(Revoked::Token { token: grant().token.unwrap() });
        let pushed = PushedRevocation { epoch: LogEpoch(1), sequence: Sequence(2), entry: revoked };
        assert_eq!(set.take_pushed(&pushed), SetProgress::ReadAfter(Sequence(0)));
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Token));
    }

    #[test]
    fn a_page_short_of_the_head_does_not_freshen() {
        let set = set_of(LIMITS, &[]);
        let revoked = entry(Revoked::Token { token: grant().token.unwrap() });
        let later = Timestamp(NOW.0 + 60_000);
        assert_eq!(set.take_page(&page(0, &[revoked], 2), later), SetProgress::ReadAfter(Sequence(1)));
        assert_eq!(set.freshness(later), Freshness::Stale { age: Duration::from_secs(60) });
    }

    #[test]
    fn a_new_epoch_is_read_from_its_start() {
        let set = set_of(LIMITS, &[entry(Revoked::Session { session: SessionId::new(NOW, [9; 10]) })]);
        let promoted = LogPage { epoch: LogEpoch(2), ..page(1, &[], 1) };
        assert_eq!(set.take_page(&promoted, NOW), SetProgress::ReadAfter(Sequence(0)));
        let revoked = entry(Revoked::Token { token: grant().token.unwrap() });
        let whole = LogPage { epoch: LogEpoch(2), ..page(0, &[revoked], 1) };
        assert_eq!(set.take_page(&whole, NOW), SetProgress::UpToDate);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Token));
        assert_eq!(
            set.take_page(&page(1, &[], 1), NOW),
            SetProgress::ReadAfter(Sequence(1)),
            "the old primary"
        );
    }

    #[test]
    fn a_full_set_refuses_more_never_less() {
        let limits = RevocationLimits { entries_max: 1, ..LIMITS };
        let token = |number| entry(Revoked::Token { token: TokenId::new(NOW, [number; 10]) });
        let set = set_of(limits, &[token(8), token(2)]);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::SetFull));
        let later = Grant { issued_at: Timestamp(NOW.0 + 5_000), ..grant() };
        assert_eq!(refusal(&set, &later), None, "who logs in again is served");
    }

    #[test]
    fn more_dead_keys_than_fit_kill_all_keys() {
        let entries: Vec<_> = (0_u16..1_025)
            .map(|number| {
                let mut thumbprint = [0; 32];
                thumbprint[..2].copy_from_slice(&number.to_be_bytes());
                entry(Revoked::SigningKey { key: KeyId::from_thumbprint(thumbprint) })
            })
            .collect();
        let set = set_of(LIMITS, &entries);
        let later = Grant { issued_at: Timestamp(u64::MAX), ..grant() };
        assert_eq!(refusal(&set, &later), Some(GrantRefusal::SetFull));
        assert_eq!(refusal(&set, &api_key_grant()), None);
    }

    #[test]
    fn forgets_only_what_has_long_expired() {
        let set = set_of(LIMITS, &[entry(Revoked::Token { token: grant().token.unwrap() })]);
        let expiry = NOW.0 + 900_000;
        assert_eq!(set.prune(Timestamp(expiry + 300_000)), 0);
        assert_eq!(refusal(&set, &grant()), Some(GrantRefusal::Token));
        assert_eq!(set.prune(Timestamp(expiry + 300_001)), 1);
        assert!(set.is_empty());
    }
}
