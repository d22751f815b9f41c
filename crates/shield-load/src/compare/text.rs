//! A comparison in lines for people.

use std::fmt;

use crate::compare::pauses::{Pauses, StoodStill};
use crate::compare::verdict::{Comparison, Finding, Metric, MetricVerdict};

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Regression => "REGRESSION",
            Self::Improvement => "improvement",
            Self::NoDifferenceSeen => "no difference seen",
            Self::NotMeasured => "not measured",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, seconds, confidence, .. } = self;
        writeln!(formatter, "{} ({blocks} blocks, {seconds:.1} s counted)", self.finding())?;
        for metric in &self.metrics {
            writeln!(formatter, "  {metric}")?;
        }
        writeln!(formatter, "  {}", self.pauses)?;
        let how = if self.complete { "" } else { " (at a look in between, for which they are wider)" };
        write!(formatter, "  all intervals hold together with {:.1} %{how}", confidence * 100.0)?;
        self.invalid.iter().try_for_each(|reason| write!(formatter, "\n  INVALID: {reason}"))
    }
}

impl fmt::Display for MetricVerdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: Option<f64>| value.map_or("-".to_owned(), |value| quantity(self.metric, value));
        let (name, a, b) = (self.metric.name(), value(self.a), value(self.b));
        write!(formatter, "{name:11} A {a:>12}  B {b:>12}  ")?;
        if let Some(change) = self.change {
            match self.metric {
                Metric::ErrorShare => write!(
                    formatter,
                    "B-A {:+.4} % ({:+.4} to {:+.4})",
                    change.estimate * 100.0,
                    change.low * 100.0,
                    change.high * 100.0
                )?,
                _ => {
                    write!(formatter, "B/A {:.4} ({:.4} to {:.4})", change.estimate, change.low, change.high)?
                }
            }
            formatter.write_str("  ")?;
        }
        write!(formatter, "{}", self.finding)?;
        if self.finding == Finding::NoDifferenceSeen {
            match self.detectable {
                Some(detectable) => write!(formatter, "; {:.2} % worse would have been", detectable * 100.0)?,
                None => formatter.write_str("; nor would any have been")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pauses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, lost, tolerated, finding } = self;
        write!(formatter, "stood still A {a}  B {b}  ")?;
        if let Some(lost) = lost {
            write!(formatter, "answers lost on the whole {:.2} %  ", lost * 100.0)?;
        }
        match finding {
            Finding::NotMeasured => write!(
                formatter,
                "too few pauses to tell B from A; no more than {:.2} % would have been let pass",
                tolerated * 100.0
            ),
            other => write!(formatter, "{other}"),
        }
    }
}

impl fmt::Display for StoodStill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.times {
            0 => formatter.write_str("never"),
            1 => write!(formatter, "once, {:.2} s", self.seconds),
            times => write!(formatter, "{times} times, {:.2} s in all", self.seconds),
        }
    }
}

fn quantity(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Throughput => format!("{value:.1}/s"),
        Metric::LatencyP50 | Metric::LatencyP99 => format!("{value:.3} ms"),
        Metric::ErrorShare => format!("{:.4} %", value * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use crate::compare::pauses::{Pauses, StoodStill};
    use crate::compare::verdict::{Comparison, Finding, Interval, Metric, MetricVerdict};

    #[test]
    fn reads_as_a_table() {
        let throughput = MetricVerdict {
            metric: Metric::Throughput,
            a: Some(10_000.0),
            b: Some(9_400.0),
            change: Some(Interval { estimate: 0.94, low: 0.92, high: 0.96 }),
            ignored: 0.01,
            detectable: Some(0.04),
            finding: Finding::Regression,
        };
        let errors = MetricVerdict {
            metric: Metric::ErrorShare,
            a: Some(0.0),
            b: Some(0.0),
            change: Some(Interval { estimate: 0.0, low: 0.0, high: 0.0 }),
            ignored: 0.0,
            detectable: Some(0.000_1),
            finding: Finding::NoDifferenceSeen,
        };
        let p99 = MetricVerdict {
            metric: Metric::LatencyP99,
            a: None,
            b: None,
            change: None,
            detectable: None,
            finding: Finding::NotMeasured,
            ..errors
        };
        let comparison = Comparison {
            blocks: 48,
            seconds: 48.0,
            confidence: 0.99,
            complete: true,
            metrics: vec![throughput, p99, errors],
            pauses: Pauses {
                a: StoodStill::default(),
                b: StoodStill { times: 3, seconds: 2.75 },
                lost: Some(0.06),
                tolerated: 0.04,
                finding: Finding::NotMeasured,
            },
            invalid: vec!["the generator was busy".to_owned()],
        };
        let expected = "\
REGRESSION (48 blocks, 48.0 s counted)
  throughput  A    10000.0/s  B     9400.0/s  B/A 0.9400 (0.9200 to 0.9600)  REGRESSION
  p99         A            -  B            -  not measured
  error share A     0.0000 %  B     0.0000 %  B-A +0.0000 % (+0.0000 to +0.0000)  no difference seen; 0.01 % worse would have been
  stood still A never  B 3 times, 2.75 s in all  answers lost on the whole 6.00 %  too few pauses to tell B from A; no more than 4.00 % would have been let pass
  all intervals hold together with 99.0 %
  INVALID: the generator was busy";
        assert_eq!(comparison.to_string(), expected);
    }
}
