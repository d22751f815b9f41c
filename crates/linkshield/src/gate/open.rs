//! Opens LinkShield's gate, and the tasks beside it.

use std::{io, path::PathBuf, sync::Arc};

use shield_data::{Redis, RedisKeeper, RedisSettings};
use shield_guard::{
    StoreError,
    address::Network,
    csrf::Origins,
    headers::{HstsPreload, ReportPath, SecurityHeaders},
    limit::TableSizeError,
    session::{SessionPolicy, SessionTimes},
};
use shield_types::Secret;
use thiserror::Error;

use super::{
    BuildChainError, ChainSettings, EventFile, EventWriter, Fanout, Gate, GateParts, GateStore, GlobalLimits,
    LimitRoutesError, RevocationFollower, UseWriter, build_chain,
    policies::{self, PerHour},
    watch::RedisWatch,
};
use crate::{accounts::Accounts, keys::random_bytes};

/// What our keys in Redis begin with.
const NAMESPACE: &str = "linkshield";
/// Where browsers send reports about what a policy kept them from.
const REPORT_PATH: &str = "/api/security/csp-report";

/// What the operator sets.
#[derive(Debug, Clone)]
pub struct GateSettings {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whose pages may send unsafe requests.
    pub origins: Origins,
    /// Requests of one address per minute, of any kind.
    pub address_limit: u32,
    /// Checks of one address per hour, without a credential.
    pub anonymous_limit: u32,
    /// Requests of one account per hour, which its plan multiplies; as many again of each of its API keys, and of each of its
    /// sessions about the account itself.
    pub account_limit: u32,
    /// The file that security events are written to.
    pub events: PathBuf,
    /// Redis, through which several processes share limits and wake each other; none for one process.
    pub redis: Option<RedisSettings>,
}

/// The tasks beside the gate.
#[derive(Debug)]
pub struct GateTasks {
    follower: RevocationFollower,
    uses: UseWriter,
    events: EventWriter,
    redis: Option<(RedisKeeper, RedisWatch)>,
}

/// Why the gate does not open.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenGateError {
    /// A setting is out of range.
    #[error("check requests with these settings")]
    Chain(#[from] BuildChainError),
    /// A limit is out of range.
    #[error("limit requests with these settings")]
    Limits(#[from] LimitRoutesError),
    /// A limit over all processes is out of range.
    #[error("limit requests over all processes")]
    Global(#[from] TableSizeError),
    /// Events have nowhere to go.
    #[error("write security events to `{}`", path.display())]
    Events {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The database did not say what was taken back.
    #[error("read what was taken back")]
    Revocations(#[source] StoreError),
}

/// The gate of these accounts, knowing everything that was taken back until now, and its tasks.
///
/// # Errors
/// When a setting is out of range, the events' file cannot be opened, or the database does not answer.
pub async fn open_gate(
    accounts: &Accounts,
    settings: GateSettings,
    csrf_key: &Secret<[u8; 32]>,
) -> Result<(Arc<Gate<Accounts>>, GateTasks), OpenGateError> {
    let GateSettings {
        trusted_proxies,
        origins,
        address_limit,
        anonymous_limit,
        account_limit,
        events,
        redis,
    } = settings;
    let keys = accounts.keys();
    let chain = build_chain(ChainSettings {
        trusted_proxies: &trusted_proxies,
        origins,
        coarse_per_minute: address_limit,
        tokens: keys.policy().clone(),
        api_key_format: accounts.api_key_format().clone(),
        api_keys: Arc::clone(accounts.api_key_index()),
        api_key_scopes: &accounts.api_key_scopes(),
        sessions: SessionPolicy::new(SessionTimes::default()).expect("guard's own times fit together"),
        csrf_key,
        seed: random_bytes(),
    })?;
    let chain = Arc::new(chain);
    let routes =
        policies::routes(keys.scopes(), PerHour { anonymous: anonymous_limit, account: account_limit })?;
    let settle = async || accounts.settle(&chain).await;
    accounts.store().patiently(settle).await.map_err(OpenGateError::Revocations)?;
    let instance = format!("{:016x}", u64::from_be_bytes(random_bytes()));
    let place = EventFile::at(events.clone());
    let (sink, writer) = EventWriter::start(place, &instance)
        .await
        .map_err(|source| OpenGateError::Events { path: events, source })?;
    let store = Arc::new(accounts.clone());
    let (notes, uses) = UseWriter::start(Arc::clone(&store));
    let (redis, keeper) = redis.map(|settings| Redis::open(&settings, NAMESPACE)).unzip();
    let watch = redis.as_ref().map(|redis| RedisWatch::start(redis, sink.clone()));
    let fanout = Fanout::through(redis.as_ref());
    let global = GlobalLimits::new(&routes, accounts.exact_limits(), redis)?;
    let follower =
        RevocationFollower::start(Arc::clone(&store), Arc::clone(&chain), sink.clone(), fanout.clone());
    let report = ReportPath::parse(REPORT_PATH).expect("a plain path");
    let gate = Gate::new(GateParts {
        chain,
        store,
        routes,
        headers: SecurityHeaders::new(&report, HstsPreload::No),
        events: sink,
        uses: notes,
        global,
        fanout,
    });
    Ok((Arc::new(gate), GateTasks { follower, uses, events: writer, redis: keeper.zip(watch) }))
}

// === impl GateTasks ===

impl GateTasks {
    /// When no request comes any more: writes down what is left, and ends the tasks.
    pub async fn finish(self) {
        self.follower.stop().await;
        self.uses.finish().await;
        if let Some((keeper, watch)) = self.redis {
            watch.stop().await;
            keeper.stop().await;
        }
        self.events.finish().await;
    }
}
