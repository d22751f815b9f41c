//! Points at which a test kills the control plane, to show that no moment loses anything.
//!
//! With the cargo feature `failpoints`, `SHIELD_FAILPOINT=n` makes the process kill itself (SIGKILL) when it reaches the
//! n-th point, and each point reached is counted in the log. Without the feature, which is how it ships, a point is nothing.

/// Passes the point `name`, or dies there.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static REACHED: AtomicU64 = AtomicU64::new(0);
    let number = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
    tracing::info!(number, name, "failpoint reached");
    let fatal = std::env::var("SHIELD_FAILPOINT").ok().and_then(|text| text.parse::<u64>().ok());
    if fatal == Some(number) {
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        std::thread::park();
    }
}

/// Passes the point `name`.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn reach(_name: &str) {}
