//! The check of a count: what a counter of the target rose by, held against what was sent.
//!
//! A request that was answered was counted, once. One that failed after a byte of it may have left was counted or not:
//! nobody promised anything. So a true counter rises by no less than the answered ones, and by no more than both. A rise
//! outside of that is a request that was lost or repeated on the way, or somebody else's.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::measure::report::LoadReport;
use crate::results::prometheus::Exposition;

/// Up to here every whole number is a different `f64`.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A counter at one moment: the value of each of its series, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CounterReading {
    series: BTreeMap<BTreeMap<String, String>, u64>,
}

/// The metrics tell no count.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum ReadCounterError {
    /// A value that nothing is counted by.
    #[error("count by a counter that is `{value}`: not a whole number from 0 to 2^53")]
    NotACount {
        /// The value.
        value: f64,
    },
}

/// What a counter may have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Countable {
    /// Requests that were answered: each was counted.
    pub(crate) answered: u64,
    /// Requests that failed after a byte of them may have left: each was counted, or not.
    pub(crate) uncertain: u64,
    /// Readings of the counter itself that it counted as well.
    pub(crate) read: u64,
    /// Readings without an answer: it counted each, or not.
    pub(crate) read_uncertain: u64,
}

/// How a rise compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountFinding {
    /// It is what was sent.
    Agrees {
        /// How far it rose.
        rise: u64,
    },
    /// More was counted than can have been sent.
    More {
        /// How far it rose.
        rise: u64,
        /// By so many.
        by: u64,
    },
    /// Something was answered and not counted.
    Fewer {
        /// How far it rose.
        rise: u64,
        /// So many.
        by: u64,
    },
    /// It fell, or a part of it is gone: nothing follows from where it stands.
    Fell,
    /// It was never seen.
    Missing,
}

// === impl CounterReading ===

impl CounterReading {
    /// The series of this name that have all of these labels, whatever others they have. None of them is a reading, too:
    /// many targets show a series only once it has counted.
    pub(crate) fn of(
        exposition: &Exposition,
        metric: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Self, ReadCounterError> {
        let mut series: BTreeMap<BTreeMap<String, String>, u64> = BTreeMap::new();
        for sample in exposition.samples.iter().filter(|sample| sample.name == metric) {
            if labels.iter().any(|(label, value)| sample.labels.get(label) != Some(value)) {
                continue;
            }
            let value = sample.value;
            if !(0.0..=EXACT_MAX).contains(&value) || value.fract() != 0.0 {
                return Err(ReadCounterError::NotACount { value });
            }
            let sum = series.entry(sample.labels.clone()).or_default();
            *sum = sum.saturating_add(value as u64);
        }
        Ok(Self { series })
    }

    /// How far all series together rose since `first`; none when one of them fell or is gone, whatever the others did.
    pub(crate) fn rise_since(&self, first: &Self) -> Option<u64> {
        if first.series.keys().any(|labels| !self.series.contains_key(labels)) {
            return None;
        }
        self.series.iter().try_fold(0_u64, |sum, (labels, value)| {
            let before = first.series.get(labels).copied().unwrap_or(0);
            Some(sum.saturating_add(value.checked_sub(before)?))
        })
    }
}

// === impl CountFinding ===

impl CountFinding {
    pub(crate) fn agrees(self) -> bool {
        matches!(self, Self::Agrees { .. })
    }
}

// === impl Countable ===

impl Countable {
    /// What was sent by these steps, those of set-ups, log-ins and renewals included.
    pub(crate) fn of(report: &LoadReport, steps: &[String]) -> Self {
        let counted = || report.steps.iter().filter(|step| steps.contains(&step.name));
        Self {
            answered: counted().map(|step| step.answered).sum(),
            uncertain: counted().map(|step| step.uncertain).sum(),
            ..Self::default()
        }
    }

    /// Holds a counter against it.
    pub(crate) fn hold(&self, first: &CounterReading, last: &CounterReading) -> CountFinding {
        let Some(rise) = last.rise_since(first) else { return CountFinding::Fell };
        if last.series.is_empty() {
            return CountFinding::Missing;
        }
        let least = self.answered + self.read;
        let most = least + self.uncertain + self.read_uncertain;
        if rise < least {
            CountFinding::Fewer { rise, by: least - rise }
        } else if rise > most {
            CountFinding::More { rise, by: rise - most }
        } else {
            CountFinding::Agrees { rise }
        }
    }

    /// A finding in words.
    pub(crate) fn tell(&self, finding: CountFinding) -> String {
        let Self { answered, uncertain, read, .. } = *self;
        let risen = |rise: u64| match read {
            0 => format!("rose by {rise}"),
            _ => format!("rose by {rise}, {read} of it by reading the metrics"),
        };
        match finding {
            CountFinding::Agrees { rise } => {
                let failed = match uncertain {
                    0 => String::new(),
                    _ => format!(", and {uncertain} failed that may have arrived"),
                };
                format!("{}: {answered} answered{failed}", risen(rise))
            }
            CountFinding::More { rise, by } => format!(
                "{}: {by} more than this run sent ({answered} answered, {uncertain} failed that may have arrived); does something else use the target?",
                risen(rise)
            ),
            CountFinding::Fewer { rise, by } => format!(
                "{}: {by} fewer than the {answered} that were answered; was the target started anew meanwhile, or is it one of several instances?",
                risen(rise)
            ),
            CountFinding::Fell => {
                "went backwards: the target was started anew, or another instance was asked".to_owned()
            }
            CountFinding::Missing => "is not in the target's metrics".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{CountFinding, Countable, CounterReading, ReadCounterError};
    use crate::measure::histogram::Histogram;
    use crate::measure::report::{LoadReport, StepCounts};
    use crate::results::prometheus::Exposition;

    fn reading(text: &str) -> CounterReading {
        let labels = BTreeMap::from([("route".to_owned(), "/a".to_owned())]);
        CounterReading::of(&Exposition::parse(text).unwrap(), "hits", &labels).unwrap()
    }

    #[test]
    fn matching_series_are_summed() {
        let first = reading("hits{route=\"/a\",status=\"200\"} 5\nhits{route=\"/b\"} 1\nhits 9\n");
        let last = reading(
            "hits{route=\"/a\",status=\"200\"} 7\nhits{route=\"/a\",status=\"500\"} 3\nhits{route=\"/b\"} 90\n",
        );
        assert_eq!(last.rise_since(&first), Some(5));
        assert_eq!(first.rise_since(&CounterReading::default()), Some(5));
    }

    #[test]
    fn one_series_that_fell_is_no_rise() {
        let first = reading("hits{route=\"/a\",status=\"200\"} 5\nhits{route=\"/a\",status=\"500\"} 5\n");
        let fell = reading("hits{route=\"/a\",status=\"200\"} 500\nhits{route=\"/a\",status=\"500\"} 4\n");
        let gone = reading("hits{route=\"/a\",status=\"200\"} 500\n");
        assert_eq!((fell.rise_since(&first), gone.rise_since(&first)), (None, None));
        assert_eq!(Countable::default().hold(&first, &gone), CountFinding::Fell);
    }

    #[test]
    fn values_that_count_nothing_are_refused() {
        for value in ["NaN", "+Inf", "-1", "0.5", "9007199254740994"] {
            let exposition = Exposition::parse(&format!("hits {value}\n")).unwrap();
            let read = CounterReading::of(&exposition, "hits", &BTreeMap::new());
            assert!(matches!(read, Err(ReadCounterError::NotACount { .. })), "{value}: {read:?}");
        }
    }

    #[test]
    fn rise_lies_between_answered_and_sent() {
        let countable = Countable { answered: 100, uncertain: 3, read: 2, read_uncertain: 1 };
        let hold = |rise: u64| {
            countable.hold(
                &reading("hits{route=\"/a\"} 7\n"),
                &reading(&format!("hits{{route=\"/a\"}} {}\n", 7 + rise)),
            )
        };
        assert_eq!(hold(101), CountFinding::Fewer { rise: 101, by: 1 });
        assert_eq!(hold(102), CountFinding::Agrees { rise: 102 });
        assert_eq!(hold(106), CountFinding::Agrees { rise: 106 });
        assert_eq!(hold(107), CountFinding::More { rise: 107, by: 1 });
        let told = countable.tell(hold(107));
        assert!(told.contains("1 more than this run sent") && told.contains("something else use"), "{told}");
    }

    #[test]
    fn counter_that_nobody_saw_is_missing() {
        let none = CounterReading::default();
        assert_eq!(Countable::default().hold(&none, &none), CountFinding::Missing);
    }

    #[test]
    fn only_named_steps_count() {
        let step = |name: &str, answered, uncertain| StepCounts {
            scenario: "s".to_owned(),
            name: name.to_owned(),
            answered,
            failed: 10,
            uncertain,
            latency: Histogram::default(),
        };
        let steps = vec![step("log-in", 2, 0), step("order", 30, 4), step("other", 500, 60)];
        let report = LoadReport { steps, ..LoadReport::default() };
        let countable = Countable::of(&report, &["order".to_owned(), "log-in".to_owned()]);
        assert_eq!(countable, Countable { answered: 32, uncertain: 4, ..Countable::default() });
    }
}
