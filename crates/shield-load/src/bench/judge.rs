//! Whether components are within their targets.
//!
//! Judged are averages, with the margin that was asked for, and the longest value under load where the service itself tells it.
//! What whole requests take at the longest is shown and not judged: it is the machine's and the handler's, too.

use crate::bench::order::BenchOrder;
use crate::bench::results::ComponentResults;
use crate::output::figures::figure;

/// Sets what held, and says what did not.
pub(crate) fn judge(order: &BenchOrder, components: &mut [ComponentResults]) -> Vec<String> {
    let mut reasons = Vec::new();
    for component in components {
        let missed = missed(order, component);
        component.held = missed.is_empty();
        reasons.extend(missed);
    }
    reasons
}

fn missed(order: &BenchOrder, component: &ComponentResults) -> Vec<String> {
    let (name, target_us) = (&component.name, component.target_us);
    let inside = component.quiet.is_some() || component.loaded.is_some();
    if order.metrics.is_some() && !inside {
        return vec![format!("`{name}` is not measured: the metrics have no value of its histogram")];
    }
    let Some(average_us) = component.average_us().filter(|_| component.request.is_some()) else {
        return vec![format!("`{name}` is not measured: no request with it was answered under load")];
    };
    let limit_us = target_us / f64::from(component.margin);
    let mut missed = Vec::new();
    if average_us > limit_us {
        let (average, limit) = (figure(average_us), figure(limit_us));
        missed.push(format!("`{name}` takes {average} µs on average, and must take at most {limit} µs"));
    }
    let loaded = component.loaded.as_ref();
    match loaded.map(|loaded| loaded.longest_us) {
        Some(Some(longest_us)) if longest_us > target_us => {
            let (longest, target) = (figure(longest_us), figure(target_us));
            missed.push(format!(
                "`{name}` took {longest} µs once under load, and must take at most {target} µs"
            ));
        }
        // Beyond the highest bucket that has an end.
        Some(None) if loaded.is_some_and(|loaded| !loaded.buckets.is_empty()) => {
            missed.push(format!("`{name}` took longer once under load than its histogram can tell"));
        }
        Some(_) => {}
        None if order.metrics.is_some() => {
            missed.push(format!("`{name}` is not measured under load: its histogram did not grow"));
        }
        None => {}
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::bench::results::ComponentResults;
    use crate::bench::sample::{figures, order, results};

    fn judged(change: impl FnOnce(&mut ComponentResults)) -> (bool, Vec<String>) {
        let mut component = results().components.remove(0);
        change(&mut component);
        let mut components = [component];
        let reasons = judge(&order(), &mut components);
        (components[0].held, reasons)
    }

    #[test]
    fn within_the_target_holds() {
        assert_eq!(judged(|_| ()), (true, Vec::new()));
    }

    #[test]
    fn average_counts_with_its_margin() {
        let (held, reasons) = judged(|component| component.loaded = Some(figures(101.0)));
        assert!(!held && reasons[0].contains("must take at most 100 µs"), "{reasons:?}");
    }

    #[test]
    fn longest_counts_under_load_alone() {
        let long = |longest_us| crate::bench::results::ComponentFigures {
            longest_us: Some(longest_us),
            ..figures(1.0)
        };
        assert!(judged(|component| component.quiet = Some(long(20_000.0))).0);
        let (held, reasons) = judged(|component| component.loaded = Some(long(20_000.0)));
        assert!(!held && reasons[0].contains("once under load"), "{reasons:?}");
    }

    #[test]
    fn unseen_under_load_does_not_hold() {
        let (held, reasons) = judged(|component| {
            component.quiet = Some(figures(1.0));
            component.loaded = None;
        });
        assert!(!held && reasons[0].contains("not measured under load"), "{reasons:?}");
    }

    #[test]
    fn unanswered_does_not_hold() {
        let (held, reasons) = judged(|component| component.request = None);
        assert!(!held && reasons[0].contains("no request with it was answered"), "{reasons:?}");
    }

    #[test]
    fn missing_histogram_does_not_hold() {
        let (held, reasons) = judged(|component| (component.quiet, component.loaded) = (None, None));
        assert!(!held && reasons[0].contains("not measured"), "{reasons:?}");
    }
}
