//! How a process is found again, as the journal keeps it. The state machine does not look inside.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shield_release::ProcessRef;
use shield_runtime::Identity;

/// A process of one state directory.
#[derive(Serialize, Deserialize)]
struct ProcessRecord {
    /// Whose. The journal of a copied directory still has the processes of the original.
    scope: String,
    identity: Identity,
}

/// What is journaled of a process that was started in `scope`.
pub(super) fn process_record(scope: &str, identity: &Identity) -> Value {
    let record = ProcessRecord { scope: scope.to_owned(), identity: identity.clone() };
    serde_json::to_value(record).expect("an identity is plain data")
}

/// The recorded process; none when it is that of another state directory.
pub(super) fn recorded_process(scope: &str, process: &ProcessRef) -> Option<Identity> {
    let record: ProcessRecord = serde_json::from_value(process.identity.clone()).ok()?;
    (record.scope == scope).then_some(record.identity)
}

/// Its process id, for people.
pub(super) fn recorded_pid(process: &ProcessRef) -> Option<i64> {
    process.identity.get("identity")?.get("pid")?.as_i64()
}
