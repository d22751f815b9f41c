//! What `/metrics` says of PostgreSQL, where it is the database.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use shield_data::PostgresState;

use crate::store::Store;

/// Asks the store whenever it is asked.
#[derive(Debug)]
pub(super) struct PostgresMetrics(pub(super) Store);

impl Collector for PostgresMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(state) = self.0.postgres_state() else { return Ok(()) };
        let PostgresState { primary, timeline, epoch, searches, superseded, hosts } = state;
        let help = "1 for the host that is used as the primary; the hosts are those of the setting";
        let mut family = encoder.encode_descriptor("postgres_primary", help, None, MetricType::Gauge)?;
        for (host, _) in &hosts {
            let used = i64::from(primary.as_ref() == Some(host));
            let labels = [("host", host.to_string())];
            ConstGauge::new(used).encode(family.encode_family(&labels)?)?;
        }
        let gauge = ConstGauge::new(timeline.unwrap_or(0));
        let help = "Timeline of the primary; 0 while there is none";
        gauge.encode(encoder.encode_descriptor("postgres_timeline", help, None, gauge.metric_type())?)?;
        let counters = [
            ("postgres_epochs", "Primaries that were found, and that ceased to be", epoch),
            ("postgres_searches", "Times that all hosts were asked because something failed", searches),
            ("postgres_superseded", "Connections closed because their primary was one no more", superseded),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
