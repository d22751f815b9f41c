//! What the backend says about itself: logs for people and machines, metrics for Prometheus.

mod causes;
mod components;
mod logs;
mod metrics;
mod postgres;
mod redis;

pub use causes::causes;
pub use components::{CheckWatch, ComponentTimes};
pub use logs::{log_panics, start_logs};
pub use metrics::{Metrics, RequestLabels};
