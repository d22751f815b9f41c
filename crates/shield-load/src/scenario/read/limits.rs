//! How much a load file may ask for.

use std::time::Duration;

/// Most scenarios.
pub(crate) const SCENARIOS_MAX: usize = 32;
/// Most steps of all scenarios together, log-ins and refreshes included.
pub(crate) const STEPS_MAX: usize = 64;
/// Most checks of one step.
pub(crate) const CHECKS_MAX: usize = 32;
/// Most values that one step extracts.
pub(crate) const EXTRACTS_MAX: usize = 32;
/// Most headers of one request.
pub(crate) const HEADERS_MAX: usize = 64;
/// Most entries of a form.
pub(crate) const FORM_MAX: usize = 64;
/// Most phases, a step of `steps` counted as one.
pub(crate) const PHASES_MAX: usize = 256;
/// Most limits on the target's metrics.
pub(crate) const TARGET_LIMITS_MAX: usize = 32;

/// Most proxies.
pub(crate) const PROXIES_MAX: usize = 16;
/// Most faults.
pub(crate) const FAULTS_MAX: usize = 64;

/// Most feeds.
pub(crate) const FEEDS_MAX: usize = 16;
/// Most rows of a feed.
pub(crate) const ROWS_MAX: usize = 1_000_000;
/// Most columns of a feed.
pub(crate) const COLUMNS_MAX: usize = 64;
/// Largest file of a feed.
pub(crate) const FEED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Longest name of anything.
pub(crate) const NAME_BYTES_MAX: usize = 64;
/// Longest path with its query.
pub(crate) const PATH_BYTES_MAX: usize = 8 * 1024;
/// Longest value of a header.
pub(crate) const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Longest body or message, its places not filled in.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest path of a file.
pub(crate) const FILE_BYTES_MAX: usize = 4096;
/// Longest text of a check.
pub(crate) const CHECK_BYTES_MAX: usize = 4096;

/// Most users: lanes of the engine.
pub(crate) const USERS_MAX: i64 = 65_536;
/// Highest rate, per second.
pub(crate) const RATE_MAX: f64 = 10_000_000.0;
/// Longest phase or run.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest think time.
pub(crate) const THINK_MAX: Duration = Duration::from_secs(3600);
