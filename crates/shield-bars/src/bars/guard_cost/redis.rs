//! Limits that a shared Redis counts: what a call costs, and how often one is needed.
//!
//! The server is a real one, on loopback. A call is measured as the backend makes it: over the connection that its requests
//! share, with the script that lends. The plain GET goes to the same server, over a connection of the same library.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fastrand::Rng;
use redis::aio::MultiplexedConnection;
use shield_data::{Redis, RedisKeeper, RedisLeases};
use shield_guard::{
    address::AddressBlock,
    limit::{
        LeaseAnswer, LeaseDecision, LeaseDemand, LeaseRequest, LeaseSettings, LeaseStore, LeaseTable,
        LimitKey, Rate, Sharing, StoreState,
    },
};
use shield_types::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::case::{Case, Primitive, prepared};
use crate::harness::{Result, Trouble};

pub(super) const NAME: &str = "rate limit, through Redis";
const RATIO_MAX: f64 = 3.0;
const PERIOD: Duration = Duration::from_mins(1);
/// The smallest limit that is large enough to lease, a usual one and a large one, per minute.
const STEADY_COUNTS: [u32; 3] = [2_000, 10_000, 100_000];
/// How much of a limit a steady load uses, in hundredths.
const STEADY_LOADS: [u64; 2] = [50, 100];
/// Windows of a steady load.
const STEADY_WINDOWS: u64 = 30;
const CALLS_PER_HUNDRED_MAX: f64 = 1.0;
/// What the plain GET asks for.
const PLAIN_KEY: &str = "bar:plain";

/// The server, and the ways to it; all on one thread.
struct Ways {
    runtime: Runtime,
    leases: RedisLeases,
    shared: Redis,
    plain: MultiplexedConnection,
    /// Counts this program as a node for as long as it is here.
    _keeper: RedisKeeper,
    _server: shield_testkit::Redis,
}

pub(super) fn cases() -> Result<Vec<Case>> {
    let ways = Rc::new(Ways::open()?);
    let mut broken = Vec::new();
    for (count, load) in STEADY_COUNTS.into_iter().flat_map(|count| STEADY_LOADS.map(|load| (count, load))) {
        let per_hundred = ways.steady(count, load)?;
        println!(
            "  {:34} {per_hundred:.2} calls per 100 requests (<= {CALLS_PER_HUNDRED_MAX})",
            format!("{count} a minute, {load} % of it asked for")
        );
        if per_hundred > CALLS_PER_HUNDRED_MAX {
            broken.push(format!("{NAME}: {per_hundred:.2} calls per 100 requests at {load} % of {count} a minute, more than {CALLS_PER_HUNDRED_MAX}"));
        }
    }
    let mut random = Rng::with_seed(5);
    let call = {
        let ways = Rc::clone(&ways);
        // A window to come, so that no answer is that the server began within it.
        let start = Timestamp(now().0 + 3_600_000);
        prepared(
            move || request(random.u32(..1_000), start),
            move |request: &LeaseRequest| {
                let answer = ways.runtime.block_on(ways.leases.take(request, now()));
                let granted =
                    matches!(answer, Ok(LeaseAnswer::Granted { tokens }) if tokens == request.want.get());
                assert!(granted, "the call that lends is measured: {answer:?}");
            },
        )
    };
    let plain = prepared(
        || PLAIN_KEY,
        move |key: &&str| {
            let mut connection = ways.plain.clone();
            let command = redis::cmd("GET").arg(key).to_owned();
            let value: redis::RedisResult<u32> = ways.runtime.block_on(command.query_async(&mut connection));
            assert_eq!(value.ok(), Some(7), "the server has the value");
        },
    );
    let plain = Primitive { name: "a plain GET", operation: plain };
    Ok(vec![Case { broken, ..Case::ratio(NAME, RATIO_MAX, call, plain) }])
}

/// For a hundred tokens of one address, of more than are ever asked for.
fn request(number: u32, window_start: Timestamp) -> LeaseRequest {
    LeaseRequest {
        limit: "bar-call",
        key: address(number),
        rate: Rate::new(1_000_000, PERIOD).expect("a rate within its ranges"),
        want: NonZeroU32::new(100).expect("a hundred is not zero"),
        cost: NonZeroU32::MIN,
        window_start,
        window_end: window_start.after(PERIOD),
    }
}

fn address(number: u32) -> LimitKey {
    LimitKey::Address(AddressBlock::of(IpAddr::from(number.to_be_bytes())))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    Timestamp(since.as_millis() as u64)
}

// === impl Ways ===

impl Ways {
    fn open() -> Result<Self> {
        let caused = |error: redis::RedisError| Trouble::caused("ask Redis", error);
        let server = shield_testkit::Redis::start().map_err(|error| Trouble::caused("start Redis", error))?;
        let settings =
            server.url().parse().map_err(|error| Trouble::caused("read the URL of Redis", error))?;
        let client = redis::Client::open(server.url()).map_err(caused)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::caused("start a runtime", error))?;
        let (shared, keeper, plain) = runtime.block_on(async {
            let (shared, keeper) = Redis::open(&settings, "bar");
            let mut status = shared.status();
            let present = status.wait_for(|status| status.state == StoreState::Present);
            present.await.map_err(|error| Trouble::caused("wait for Redis", error))?;
            let mut plain = client.get_multiplexed_async_connection().await.map_err(caused)?;
            let set = redis::cmd("SET").arg(PLAIN_KEY).arg(7).to_owned();
            set.query_async::<()>(&mut plain).await.map_err(caused)?;
            Ok::<_, Trouble>((shared, keeper, plain))
        })?;
        let leases = RedisLeases::new(shared.clone());
        Ok(Self { runtime, leases, shared, plain, _keeper: keeper, _server: server })
    }

    /// Calls per hundred requests of one address, which come evenly, so many hundredths of `count` in each minute.
    fn steady(&self, count: u32, load: u64) -> Result<f64> {
        let settings = LeaseSettings {
            limit: "bar-steady",
            period: PERIOD,
            keys: NonZeroU32::new(16).expect("sixteen is not zero"),
            sharing: Sharing::Leased,
        };
        let table =
            LeaseTable::new(settings, [9; 16]).map_err(|error| Trouble::caused("make a table", error))?;
        let rate = Rate::new(count, PERIOD).map_err(|error| Trouble::caused("make a rate", error))?;
        // An address of its own, and minutes to come: the server knows nothing of them yet.
        let demand = LeaseDemand { key: address(count + load as u32), rate, cost: NonZeroU32::MIN };
        let minute_ms = PERIOD.as_millis() as u64;
        let start = (now().0 / minute_ms + 10) * minute_ms;
        let requests = u64::from(count) * load / 100 * STEADY_WINDOWS;
        let mut calls = 0_u32;
        for number in 0..requests {
            let now = Timestamp(start + number * minute_ms * STEADY_WINDOWS / requests);
            let cluster = self.shared.cluster();
            let decision = match table.take(demand, now, cluster) {
                LeaseDecision::NeedsStore(request) => {
                    calls += 1;
                    let answer = self.runtime.block_on(self.leases.take(&request, now));
                    let answer = answer.map_err(|error| Trouble::caused("lend tokens", error))?;
                    table.answered(&request, answer, now, cluster)
                }
                decision => decision,
            };
            if decision != LeaseDecision::Admitted {
                return Err(Trouble::new(format!(
                    "request {number} of a load within its limit: {decision:?}"
                )));
            }
        }
        Ok(f64::from(calls) * 100.0 / requests as f64)
    }
}
