//! Devices and address blocks that logged in to an account before.

use std::time::Duration;

use shield_guard::limit::{Familiarity, LoginAttempt, LoginName};
use shield_types::Timestamp;

use crate::{
    SqlError,
    sql::{Statement, Transaction},
};

/// How long a device or block is known after its last log-in.
pub(crate) const KNOWN_FOR: Duration = Duration::from_hours(90 * 24);
/// How many devices, and how many blocks, are known per account.
const KNOWN_MAX: i64 = 20;

const FIND: &str = "SELECT kind FROM guard_login_familiar WHERE name = $1 AND seen_at > $2
    AND ((kind = 'block' AND mark = $3) OR (kind = 'device' AND mark = $4))";
const REMEMBER: &str = "INSERT INTO guard_login_familiar (name, kind, mark, seen_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name, kind, mark) DO UPDATE SET seen_at = excluded.seen_at
    WHERE guard_login_familiar.seen_at < excluded.seen_at";
const FORGET: &str = "DELETE FROM guard_login_familiar WHERE name = $1 AND kind = $2 AND mark NOT IN
    (SELECT mark FROM guard_login_familiar WHERE name = $1 AND kind = $2
     ORDER BY seen_at DESC, mark LIMIT $3)";

const FORGET_ALL: &str = "DELETE FROM guard_login_familiar WHERE name = $1";

/// How well whoever attempts is known.
pub(super) async fn familiarity(
    transaction: &mut Transaction,
    attempt: &LoginAttempt,
    now: Timestamp,
) -> Result<Familiarity, SqlError> {
    let since = Timestamp(now.0.saturating_sub(u64::try_from(KNOWN_FOR.as_millis()).unwrap_or(u64::MAX)));
    // No device has no bytes.
    let device = attempt.device.map(|device| device.0.to_vec()).unwrap_or_default();
    let find = Statement::new(FIND)
        .with(name(attempt.name))
        .with(since)
        .with(attempt.block.bytes().to_vec())
        .with(device);
    let mut known = Familiarity::Stranger;
    for row in transaction.rows(find).await? {
        match row.get::<String>("kind")?.as_str() {
            "device" => return Ok(Familiarity::Device),
            _ => known = Familiarity::Block,
        }
    }
    Ok(known)
}

/// Remembers where a log-in came from, and forgets the oldest of too many. The caller holds the lock of the name.
pub(super) async fn remember(
    transaction: &mut Transaction,
    attempt: &LoginAttempt,
    now: Timestamp,
) -> Result<(), SqlError> {
    let block = ("block", attempt.block.bytes().to_vec());
    let device = attempt.device.map(|device| ("device", device.0.to_vec()));
    for (kind, mark) in [Some(block), device].into_iter().flatten() {
        let remember = Statement::new(REMEMBER).with(name(attempt.name)).with(kind).with(mark).with(now);
        transaction.execute(remember).await?;
        let forget = Statement::new(FORGET).with(name(attempt.name)).with(kind).with(KNOWN_MAX);
        transaction.execute(forget).await?;
    }
    Ok(())
}

/// Forgets where its log-ins came from. The caller holds the lock of the name.
pub(super) async fn forget_all(transaction: &mut Transaction, login_name: LoginName) -> Result<(), SqlError> {
    transaction.execute(Statement::new(FORGET_ALL).with(name(login_name))).await.map(drop)
}

fn name(name: LoginName) -> Vec<u8> {
    name.0.to_vec()
}
