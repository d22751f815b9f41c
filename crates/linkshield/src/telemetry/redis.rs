//! What `/metrics` says of Redis, where there is one.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use shield_data::RedisStatus;
use tokio::sync::watch;

/// Reads the status whenever it is asked.
#[derive(Debug)]
pub(super) struct RedisMetrics(pub(super) watch::Receiver<RedisStatus>);

impl Collector for RedisMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let RedisStatus { shards, shards_present, epoch, connections, .. } = *self.0.borrow();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let gauges = [
            ("redis_masters", "Masters that are known; 0 while nobody says who it is", count(shards)),
            ("redis_masters_present", "Masters that answer", count(shards_present)),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counters = [
            ("redis_epochs", "Lives of masters' memories that were seen: restarts and promotions", epoch),
            ("redis_connections", "Connections that were opened", connections),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
