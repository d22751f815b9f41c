//! Counters of failures at log-in.
//!
//! A counter has a row per window. An attempt first writes the rows of all its counters, unchanged or as 0, in the order of their
//! keys: that locks them until its end (PostgreSQL, READ COMMITTED: what the statement returns is what the last holder
//! committed), so nobody else judges by the same counts in the meantime, and none waits in a ring. Only then is it judged. A
//! refusal is undone, so refused attempts leave no rows.
//!
//! All counters are written by one statement, and raised by one: in a flood of log-ins whoever else wants to write waits
//! behind these transactions, for as long as they have statements.

use std::collections::BTreeMap;

use shield_guard::{
    StoreError,
    limit::{
        FAILURE_KEYS_MAX, FailureKey, FailureStore, LoginAttempt, LoginDecision, LoginName, LoginPolicy,
        LoginRecord, forgiveness,
    },
};
use shield_types::Timestamp;

use super::familiar::{familiarity, forget_all, remember};
use crate::{
    Database, SqlError,
    failure::of,
    sql::{LockSpace, Statement, Transaction},
};

const STORE: &str = "failed log-ins";
/// The rows are locked in the order of `VALUES`.
const HOLD: &str = "INSERT INTO guard_login_failures (counter, window_start, window_end, failures)
    VALUES ($3, $1, $2, 0), ($4, $1, $2, 0), ($5, $1, $2, 0), ($6, $1, $2, 0)
    ON CONFLICT (counter, window_start, window_end) DO UPDATE SET failures = guard_login_failures.failures
    RETURNING counter, failures";
const HOLD_WITH_DEVICE: &str =
    "INSERT INTO guard_login_failures (counter, window_start, window_end, failures)
    VALUES ($3, $1, $2, 0), ($4, $1, $2, 0), ($5, $1, $2, 0), ($6, $1, $2, 0), ($7, $1, $2, 0)
    ON CONFLICT (counter, window_start, window_end) DO UPDATE SET failures = guard_login_failures.failures
    RETURNING counter, failures";
/// A counter that is named twice is raised once.
const RAISE: &str = "UPDATE guard_login_failures SET failures = failures + 1
    WHERE window_start = $1 AND window_end = $2 AND counter IN ($3, $4, $5, $6)";
/// A window of whichever length the policy had.
const HOLD_CURRENT: &str = "UPDATE guard_login_failures SET failures = failures
    WHERE counter = $1 AND window_start <= $2 AND window_end > $2
    RETURNING window_start, window_end, failures";
/// Where it was raised, whatever was counted or forgiven since.
const WITHDRAW: &str = "UPDATE guard_login_failures
    SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END
    WHERE counter = $1 AND window_start <= $2 AND window_end > $2";
const LOWER: &str = "UPDATE guard_login_failures SET failures = $4
    WHERE window_start = $1 AND window_end = $2 AND counter = $3";

/// Failures at log-in, and from where log-ins succeeded, in a database.
#[derive(Clone, Debug)]
pub struct SqlFailures(Database);

#[derive(Clone, Copy)]
struct Window {
    start: u64,
    end: u64,
}

/// What becomes of a counter that is held.
type Counts = Vec<(FailureKey, u32)>;

// === impl SqlFailures ===

impl SqlFailures {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn count(
        &self,
        policy: &LoginPolicy,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> Result<LoginDecision, SqlError> {
        let mut transaction = self.0.begin().await?;
        let familiarity = familiarity(&mut transaction, attempt, now).await?;
        let window = Window::of(policy, now);
        let counts = hold_all(&mut transaction, attempt, window).await?;
        let count = |wanted: fn(&FailureKey) -> bool| {
            counts.iter().find(|(key, _)| wanted(key)).map_or(0, |(_, count)| *count)
        };
        let record = LoginRecord {
            familiarity,
            device: count(|key| matches!(key, FailureKey::Device(..))),
            pair: count(|key| matches!(key, FailureKey::Pair(..))),
            neighbourhood: count(|key| matches!(key, FailureKey::Neighbourhood(..))),
            block: count(|key| matches!(key, FailureKey::Block(_))),
            account: count(|key| matches!(key, FailureKey::Account(_))),
        };
        let decision = policy.decide(attempt, &record, now);
        let LoginDecision::Allowed { keys } = decision else {
            transaction.abandon().await?;
            return Ok(decision);
        };
        raise(&mut transaction, &keys, window).await?;
        transaction.commit().await?;
        Ok(decision)
    }

    /// [`FailureStore::succeeded`] within a transaction that holds no entry of the log of revocations.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn forgive_within(
        transaction: &mut Transaction,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> Result<(), SqlError> {
        transaction.lock(LockSpace::LoginName, &attempt.name.0).await?;
        remember(transaction, attempt, now).await?;
        for key in ordered(keys.iter().flatten()) {
            let hold = Statement::new(HOLD_CURRENT).with(encode(&key)).with(now);
            for row in transaction.rows(hold).await? {
                let window = Window { start: row.count("window_start")?, end: row.count("window_end")? };
                let left = forgiveness(&key, row.small_count("failures")?);
                transaction.execute(window.statement(LOWER, [encode(&key)]).with(left)).await?;
            }
        }
        Ok(())
    }

    /// Whoever logged in under this name before is a stranger again, devices and all. Within a transaction that holds no entry
    /// of the log of revocations.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn forget_known_within(
        transaction: &mut Transaction,
        login_name: LoginName,
    ) -> Result<(), SqlError> {
        transaction.lock(LockSpace::LoginName, &login_name.0).await?;
        forget_all(transaction, login_name).await
    }

    async fn forgive(
        &self,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let mut transaction = self.0.begin().await?;
        Self::forgive_within(&mut transaction, attempt, keys, now).await?;
        transaction.commit().await
    }

    async fn withdraw(
        &self,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        counted_at: Timestamp,
    ) -> Result<(), SqlError> {
        let mut transaction = self.0.begin().await?;
        for key in ordered(keys.iter().flatten()) {
            transaction.execute(Statement::new(WITHDRAW).with(encode(&key)).with(counted_at)).await?;
        }
        transaction.commit().await
    }
}

impl FailureStore for SqlFailures {
    async fn attempt(
        &self,
        policy: &LoginPolicy,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> Result<LoginDecision, StoreError> {
        self.count(policy, attempt, now).await.map_err(of(STORE))
    }

    async fn succeeded(
        &self,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.forgive(attempt, keys, now).await.map_err(of(STORE))
    }

    async fn withdrawn(
        &self,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        counted_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.withdraw(keys, counted_at).await.map_err(of(STORE))
    }
}

// === impl Window ===

impl Window {
    fn of(policy: &LoginPolicy, now: Timestamp) -> Self {
        // As long as the policy's own, which is a second at least.
        let length = u64::try_from(policy.window.as_millis()).unwrap_or(u64::MAX).max(1_000);
        let start = policy.window_number(now).saturating_mul(length);
        Self { start, end: start.saturating_add(length) }
    }

    /// Its ends, then counters.
    fn statement(self, text: &'static str, counters: impl IntoIterator<Item = Vec<u8>>) -> Statement {
        let statement = Statement::new(text).with(self.start).with(self.end);
        counters.into_iter().fold(statement, Statement::with)
    }
}

/// Locks every counter that the attempt could be in.
async fn hold_all(
    transaction: &mut Transaction,
    attempt: &LoginAttempt,
    window: Window,
) -> Result<Counts, SqlError> {
    let LoginAttempt { name, block, device } = *attempt;
    let shared = [
        FailureKey::Pair(name, block),
        FailureKey::Neighbourhood(name, block.neighbourhood()),
        FailureKey::Block(block),
        FailureKey::Account(name),
    ];
    let device = device.map(|device| FailureKey::Device(name, device));
    let text = if device.is_some() { HOLD_WITH_DEVICE } else { HOLD };
    let keys = ordered(shared.iter().chain(device.as_ref()));
    let rows = transaction.rows(window.statement(text, keys.iter().map(encode))).await?;
    let written: BTreeMap<Vec<u8>, u32> = rows
        .iter()
        .map(|row| Ok((row.get("counter")?, row.small_count("failures")?)))
        .collect::<Result<_, SqlError>>()?;
    let missing = SqlError::Damaged { column: "counter", expected: "the rows just written" };
    let counts = keys.into_iter().map(|key| Some((key, *written.get(&encode(&key))?)));
    counts.collect::<Option<_>>().ok_or(missing)
}

/// Raises counters that are held.
async fn raise(
    transaction: &mut Transaction,
    keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
    window: Window,
) -> Result<(), SqlError> {
    let Some(first) = keys.iter().flatten().next() else { return Ok(()) };
    let named = keys.iter().map(|key| encode(key.as_ref().unwrap_or(first)));
    transaction.execute(window.statement(RAISE, named)).await.map(drop)
}

/// In the one order in which counters are locked.
fn ordered<'a>(keys: impl Iterator<Item = &'a FailureKey>) -> Vec<FailureKey> {
    let mut keys: Vec<_> = keys.copied().collect();
    keys.sort_unstable();
    keys
}

/// Bytes that no other counter has: a letter, then parts of fixed length, the last of any.
fn encode(key: &FailureKey) -> Vec<u8> {
    match key {
        FailureKey::Device(name, device) => [b"d".as_slice(), &name.0, &device.0].concat(),
        FailureKey::Pair(name, block) => [b"p".as_slice(), &name.0, &block.bytes()].concat(),
        FailureKey::Neighbourhood(name, network) => {
            [b"n".as_slice(), &name.0, network.to_string().as_bytes()].concat()
        }
        FailureKey::Block(block) => [b"b".as_slice(), &block.bytes()].concat(),
        FailureKey::Account(name) => [b"a".as_slice(), &name.0].concat(),
    }
}
