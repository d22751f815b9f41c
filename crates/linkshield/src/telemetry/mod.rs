//! What the backend says about itself: logs for people and machines, metrics for Prometheus.

mod causes;
mod logs;
mod metrics;

pub use causes::causes;
pub use logs::{log_panics, start_logs};
pub use metrics::{Metrics, RequestLabels};
