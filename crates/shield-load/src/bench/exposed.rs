//! A component's histogram, as the service's metrics tell it.
//!
//! Sums and counts are exact; percentiles are the ends of buckets, so never too low. The longest value is exact where a gauge
//! tells it and rose between two readings; else it is the end of the highest bucket that something fell into.

use std::collections::BTreeMap;

use crate::bench::order::BenchComponent;
use crate::bench::results::{Bucket, ComponentFigures};
use crate::results::prometheus::Exposition;

/// One reading of a component.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// End of each bucket in seconds, ascending, and how many values lie at or below it.
    cumulative: Vec<(f64, f64)>,
    sum_s: f64,
    count: f64,
    longest_s: Option<f64>,
}

// === impl Reading ===

impl Reading {
    /// None when the service has no such histogram. One that counted nothing yet may be absent, too.
    pub(crate) fn of(exposition: &Exposition, component: &BenchComponent) -> Option<Self> {
        let of = |suffix: &str| exposition.sum(&format!("{}{suffix}", component.metric), &component.labels);
        let (sum_s, count) = (of("_sum")?, of("_count")?);
        let bucket = format!("{}_bucket", component.metric);
        let mut cumulative: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        let own = |labels: &BTreeMap<String, String>| {
            component.labels.iter().all(|(label, value)| labels.get(label) == Some(value))
        };
        for sample in exposition.samples.iter().filter(|sample| sample.name == bucket && own(&sample.labels))
        {
            let end_s: f64 = sample.labels.get("le").and_then(|end| end.parse().ok())?;
            // Bits of positive numbers are in the order of the numbers.
            cumulative.entry(end_s.max(0.0).to_bits()).or_insert((end_s, 0.0)).1 += sample.value;
        }
        let longest_s = component.longest_metric.as_ref();
        let longest_s = longest_s.and_then(|metric| exposition.sum(metric, &component.labels));
        Some(Self { cumulative: cumulative.into_values().collect(), sum_s, count, longest_s })
    }

    /// What was counted after `earlier`; none if that was nothing, or the service began anew.
    pub(crate) fn since(&self, earlier: Option<&Self>) -> Option<ComponentFigures> {
        let count = self.count - earlier.map_or(0.0, |earlier| earlier.count);
        let sum_s = self.sum_s - earlier.map_or(0.0, |earlier| earlier.sum_s);
        if count < 1.0 || sum_s < 0.0 {
            return None;
        }
        let before = |end_s: f64| {
            let known = earlier.and_then(|earlier| earlier.cumulative.iter().find(|(end, _)| *end == end_s));
            known.map_or(0.0, |(_, count)| *count)
        };
        let cumulative: Vec<(f64, f64)> =
            self.cumulative.iter().map(|(end_s, count)| (*end_s, count - before(*end_s))).collect();
        let mut below = 0.0;
        let buckets = cumulative.iter().map(|(end_s, up_to)| {
            let own = up_to - below;
            below = *up_to;
            Bucket { up_to_us: end_s.is_finite().then_some(end_s * 1e6), count: own.max(0.0).round() as u64 }
        });
        let buckets: Vec<Bucket> = buckets.filter(|bucket| bucket.count > 0).collect();
        let quantile_us = |share: f64| {
            let found = cumulative.iter().find(|(_, up_to)| *up_to >= (count * share).ceil());
            found.filter(|(end_s, _)| end_s.is_finite()).map(|(end_s, _)| end_s * 1e6)
        };
        let rose = self
            .longest_s
            .filter(|longest_s| *longest_s > earlier.and_then(|earlier| earlier.longest_s).unwrap_or(0.0));
        let highest = buckets.last().and_then(|bucket| bucket.up_to_us);
        Some(ComponentFigures {
            count: count.round() as u64,
            average_us: sum_s / count * 1e6,
            p50_us: quantile_us(0.5),
            p99_us: quantile_us(0.99),
            longest_us: rose.map(|longest_s| longest_s * 1e6).or(highest),
            longest_exact: rose.is_some(),
            buckets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Reading;
    use crate::bench::sample::component;
    use crate::results::prometheus::Exposition;

    fn reading(text: &str) -> Option<Reading> {
        Reading::of(&Exposition::parse(text).unwrap(), &component("jwt"))
    }

    /// Of `jwt`: so many at or below 1 µs, 2 µs and in all, their sum and the longest, in µs.
    fn exposed([first, second, all]: [u32; 3], sum_us: f64, longest_us: f64) -> String {
        let metric = "shield_component_duration_seconds";
        let buckets = [("1e-6", first), ("2e-6", second), ("+Inf", all)];
        let lines = buckets
            .map(|(end, count)| format!("{metric}_bucket{{component=\"jwt\",le=\"{end}\"}} {count}\n"));
        format!(
            "{metric}_sum{{component=\"csrf\"}} 99\n{}{metric}_sum{{component=\"jwt\"}} {}\n{metric}_count{{component=\"jwt\"}} {all}\n\
             shield_component_duration_max_seconds{{component=\"jwt\"}} {}\n",
            lines.concat(),
            sum_us / 1e6,
            longest_us / 1e6
        )
    }

    #[test]
    fn difference_of_two_readings() {
        let before = reading(&exposed([10, 10, 10], 5.0, 0.9)).unwrap();
        let after = reading(&exposed([60, 110, 110], 155.0, 1.9)).unwrap();
        let figures = after.since(Some(&before)).unwrap();
        assert_eq!(figures.count, 100);
        assert!((figures.average_us - 1.5).abs() < 1e-9, "{figures:?}");
        assert_eq!(figures.buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [50, 50]);
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() < 1e-9;
        assert!(near(figures.p50_us, 1.0) && near(figures.p99_us, 2.0), "{figures:?}");
        assert!(figures.longest_exact && near(figures.longest_us, 1.9), "{figures:?}");
    }

    #[test]
    fn longest_that_did_not_rise_is_a_bound() {
        let before = reading(&exposed([10, 11, 11], 5.0, 1.9)).unwrap();
        let after = reading(&exposed([20, 21, 21], 10.0, 1.9)).unwrap();
        let figures = after.since(Some(&before)).unwrap();
        assert!(!figures.longest_exact && (figures.longest_us.unwrap() - 1.0).abs() < 1e-9, "{figures:?}");
        let beyond = reading(&exposed([20, 21, 22], 10.0, 1.9)).unwrap().since(Some(&after)).unwrap();
        assert_eq!((beyond.longest_us, beyond.p99_us), (None, None), "beyond every bucket");
    }

    #[test]
    fn nothing_new_is_no_figure() {
        let same = reading(&exposed([10, 10, 10], 5.0, 1.9)).unwrap();
        assert_eq!(same.since(Some(&same)), None);
        let anew = reading(&exposed([1, 1, 1], 0.5, 0.5)).unwrap();
        assert_eq!(anew.since(Some(&same)), None, "the service began anew");
        assert!(anew.since(None).is_some(), "it had counted nothing before");
        assert_eq!(reading("http_requests_total 3\n"), None);
    }

    #[test]
    fn other_labels_are_added_up() {
        let lines = |node: &str, count: u32| {
            let metric = "shield_component_duration_seconds";
            let labels = format!("component=\"jwt\",node=\"{node}\"");
            format!(
                "{metric}_bucket{{{labels},le=\"1e-6\"}} {count}\n{metric}_sum{{{labels}}} 1e-6\n{metric}_count{{{labels}}} {count}\n"
            )
        };
        let figures = reading(&(lines("a", 3) + &lines("b", 4))).unwrap().since(None).unwrap();
        assert_eq!((figures.count, figures.buckets[0].count), (7, 7));
    }
}
