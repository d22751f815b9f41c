//! What a reader should know before believing a figure of another tool.
//!
//! Each sentence names what was measured, with the stall test where it applies: a server that is silent for 1 s in every
//! 10 s, 200 requests a second for 30 s. For an open arrival process p99 is then 900 ms.

use super::tool::ForeignTool;

/// Of every run: where latencies count from, and which figures are no measurement.
pub(crate) fn of_every_run(tool: ForeignTool, not_reported: &str) -> [String; 2] {
    [
        format!(
            "{tool} does not know when a request was due: `latency` is absent, and the latencies by step and over time count \
             from the moment of sending"
        ),
        format!("{tool} does not report {not_reported}: these are absent, or left out of a count"),
    ]
}

/// k6 with an executor that holds a rate.
pub(crate) fn k6_dropped(dropped: u64) -> String {
    format!(
        "k6 dropped {dropped} iterations because no virtual user was free; they are counted as unsent, each as one request, and \
         its percentiles are over what was sent (stall test with 10 virtual users: p99 3.5 ms for 900 ms, -99.6 %; with 300, \
         none dropped: 906 ms)"
    )
}

/// k6 with an executor that keeps users busy.
pub(crate) fn k6_closed(executors: &str) -> String {
    format!(
        "{executors} of k6 is a closed model: a target that stands still gets fewer requests, and the wait of those that were \
         not sent shows nowhere (stall test with 10 virtual users, 20 iterations a second each: p99 9.9 ms for 900 ms, \
         -99 %, and 5327 of 6000 requests sent)"
    )
}

/// k6 over connections that were closed under it.
pub(crate) const K6_REPEATS: &str = "k6 sends a GET once more when its kept-alive connection is closed without an answer, and \
    counts one request: the target may have seen more (measured: 268 requests arrived for 134 counted)";

/// k6 over new connections.
pub(crate) const K6_CONNECTING: &str =
    "the durations of k6 leave out waiting for a connection, connecting and the TLS handshake";

/// k6 near the limit of what it can send.
pub(crate) fn k6_busy(per_second: f64) -> String {
    format!(
        "k6 made {per_second:.0} requests a second and handed every sample over, which costs it about 30 µs of processor time \
         for each (measured: 27 % fewer requests from a k6 that was itself the limit)"
    )
}

/// Artillery with a pool.
pub(crate) const ARTILLERY_POOL: &str = "the script sets `pool`, and Artillery leaves the wait for a pooled connection out of \
    its response times (stall test with `pool: 10`: p99 107 ms for 900 ms, -88 %)";

/// Artillery without one.
pub(crate) const ARTILLERY_OWN_QUEUE: &str = "Artillery opens a connection for each virtual user and makes about 600 requests \
    per processor second, so that its own queue is in its response times (stall test: p95 +27 %, p99 +7 %)";

/// Artillery, always.
pub(crate) const ARTILLERY_FIRST_BYTE: &str = "the response times of Artillery end with the first byte of the answer, in whole \
    milliseconds, and percentiles are those of a sketch (1 % off)";

/// Artillery, when there were such answers.
pub(crate) const ARTILLERY_STATUSES: &str = "Artillery counts answers with status 400 and above as responses; here they have \
    failed, and `service` is that of the 2xx answers";

/// Artillery, when it held virtual users back.
pub(crate) fn artillery_skipped(skipped: u64) -> String {
    format!(
        "Artillery did not start {skipped} virtual users because of `maxVusers`; they are counted as unsent, each as one request"
    )
}

/// Locust, always.
pub(crate) const LOCUST_CLOSED: &str = "Locust is a closed model: a target that stands still gets fewer requests, and the wait \
    of those that were not sent shows nowhere (stall test with 10 users at constant_throughput(20): p99 130 ms for 900 ms, \
    -86 %, and 4513 of 6000 requests sent; with 200 users at 1: p99 +22 %)";

/// Locust, always.
pub(crate) const LOCUST_ROUNDED: &str = "Locust rounds response times to two digits, and those over time are of the last ten \
    seconds each";

/// Locust, when requests failed.
pub(crate) const LOCUST_FAILED_TIMES: &str =
    "Locust counts the response times of failed requests among the others, also in `service`";
