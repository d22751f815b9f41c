//! The watch: judges a freshly promoted pool, one outcome at a time, with a bounded probability of a false return.
//!
//! There is nothing to compare with any more (all traffic goes to the new pool), so the test is one-sided against a
//! tolerated ratio p0: the objective's, or, where the old pool is known to fail more often than that, the upper 99 %
//! bound of the old pool's own ratio. For each alternative p1 in p0 · {2, 5, 10, 30} the likelihood ratio is multiplied
//! by p1/p0 on an error and (1-p1)/(1-p0) on a success; the average of the four is a non-negative supermartingale that
//! starts at 1 whenever p ≤ p0, so by Ville's inequality it ever reaches 1/alpha with probability at most alpha, however
//! often it is looked at.
//!
//! Long success makes that process slow to see a sudden death; a second rule covers it: errors in a row without one
//! success. Five are enough while p0 is small; a larger p0 needs a longer run, chosen so that the rule adds at most
//! alpha/100 to the probability of a false return over the first million requests.
//!
//! No clock, no I/O: the same outcomes give the same verdict at the same request.

use serde::{Deserialize, Serialize};

use crate::WatchOrder;

/// The alternatives, as multiples of the tolerated ratio.
const MULTIPLES: [f64; 4] = [2.0, 5.0, 10.0, 30.0];
/// No alternative lies above this: a ratio of 1 would make one success an infinite contradiction.
const ALTERNATIVE_MAX: f64 = 0.98;
/// The tolerated ratio is kept inside these; outside of them the test has nothing to divide by.
const TOLERATED_MIN: f64 = 1e-6;
const TOLERATED_MAX: f64 = 0.97;
/// Errors in a row that end the watch while the tolerated ratio is small.
const RUN_MIN: u32 = 5;
/// The longest run that is ever asked for.
const RUN_MAX: u32 = 50;
/// Requests over which the run rule keeps its share of alpha.
const RUN_HORIZON_REQUESTS: f64 = 1e6;
/// The run rule's share of alpha.
const RUN_SHARE: f64 = 0.01;
/// -ln(0.01): the confidence of the bound on the old pool's ratio.
const BASELINE_LOG_DOUBT: f64 = 4.605_170_185_988_092;

/// How one request to the watched pool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Answered, and not with 5xx.
    Success,
    /// 5xx, connection failure or timeout of the first attempt.
    Error,
}

/// What the old pool did before the release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Requests that were judged.
    pub requests: u64,
    /// Of these, how many failed.
    pub errors: u64,
}

/// Why the old pool gets its traffic back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ReturnReason {
    /// Errors in a row without one success.
    ConsecutiveErrors {
        /// How many.
        count: u32,
    },
    /// More errors than the objective and the old pool explain.
    ErrorRatio {
        /// Errors seen.
        errors: u64,
        /// Requests judged.
        requests: u64,
        /// The ratio that was tolerated.
        tolerated: f64,
        /// Value of the e-process, at least 1/alpha.
        evidence: f64,
    },
    /// No instance of the pool passes its health check.
    NoHealthyInstance,
}

/// One alternative hypothesis: logarithms of its two factors and of their product so far.
#[derive(Clone, Copy, Debug)]
struct Alternative {
    on_error: f64,
    on_success: f64,
    product: f64,
}

/// State of the judgement of one pool.
#[derive(Clone, Debug)]
pub struct Watch {
    tolerated: f64,
    /// ln(1/alpha).
    threshold: f64,
    alternatives: [Alternative; MULTIPLES.len()],
    /// Errors in a row that end the watch.
    run_limit: u32,
    run: u32,
    errors: u64,
    requests: u64,
    /// A watch gives one verdict.
    ended: bool,
}

// === impl Baseline ===

impl Baseline {
    /// The ratio that the old pool is below with 99 % confidence (Chernoff's bound: never below Clopper and Pearson's).
    ///
    /// A pool that never failed gives no licence to fail: without an error the answer is 0, not the bound of a small
    /// sample, which would blind the watch of every service with little traffic.
    fn ratio_bound(self) -> f64 {
        if self.errors == 0 || self.requests == 0 {
            return 0.0;
        }
        let requests = self.requests as f64;
        let ratio = (self.errors as f64 / requests).min(1.0);
        let (mut low, mut high) = (ratio, 1.0);
        for _ in 0..64 {
            let middle = f64::midpoint(low, high);
            if requests * divergence(ratio, middle) < BASELINE_LOG_DOUBT {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// Kullback-Leibler divergence of two coins.
fn divergence(observed: f64, assumed: f64) -> f64 {
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    term(observed, assumed) + term(1.0 - observed, 1.0 - assumed)
}

// === impl Watch ===

impl Watch {
    /// Begins to judge as `order` says, knowing what the old pool did before.
    pub fn new(order: &WatchOrder, baseline: Baseline) -> Self {
        let tolerated = order.error_ratio_max.max(baseline.ratio_bound()).clamp(TOLERATED_MIN, TOLERATED_MAX);
        let alpha = order.alpha.clamp(1e-9, 0.5);
        let run = ((alpha * RUN_SHARE / RUN_HORIZON_REQUESTS).ln() / tolerated.ln()).ceil();
        Self {
            tolerated,
            threshold: -alpha.ln(),
            alternatives: MULTIPLES.map(|multiple| Alternative::new(tolerated, multiple)),
            run_limit: (run as u32).clamp(RUN_MIN, RUN_MAX),
            run: 0,
            errors: 0,
            requests: 0,
            ended: false,
        }
    }

    /// The error ratio that is not held against the pool.
    pub fn tolerated(&self) -> f64 {
        self.tolerated
    }

    /// Takes one outcome in; says so once when the pool has failed.
    pub fn observe(&mut self, outcome: Outcome) -> Option<ReturnReason> {
        self.requests = self.requests.saturating_add(1);
        match outcome {
            Outcome::Success => {
                self.run = 0;
                for alternative in &mut self.alternatives {
                    alternative.product += alternative.on_success;
                }
                None
            }
            Outcome::Error => self.observe_error(),
        }
    }

    fn observe_error(&mut self) -> Option<ReturnReason> {
        self.errors = self.errors.saturating_add(1);
        self.run = self.run.saturating_add(1);
        for alternative in &mut self.alternatives {
            alternative.product += alternative.on_error;
        }
        if self.ended {
            return None;
        }
        let reason = self.verdict()?;
        self.ended = true;
        Some(reason)
    }

    fn verdict(&self) -> Option<ReturnReason> {
        let log_evidence = self.log_evidence();
        if log_evidence >= self.threshold {
            return Some(ReturnReason::ErrorRatio {
                errors: self.errors,
                requests: self.requests,
                tolerated: self.tolerated,
                evidence: log_evidence.min(f64::MAX.ln()).exp(),
            });
        }
        (self.run >= self.run_limit).then_some(ReturnReason::ConsecutiveErrors { count: self.run })
    }

    /// Logarithm of the average of the products, without leaving log space.
    fn log_evidence(&self) -> f64 {
        let products = self.alternatives.map(|alternative| alternative.product);
        let largest = products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = products.iter().map(|product| (product - largest).exp()).sum();
        largest + (sum / MULTIPLES.len() as f64).ln()
    }
}

// === impl Alternative ===

impl Alternative {
    fn new(tolerated: f64, multiple: f64) -> Self {
        let assumed = (tolerated * multiple).min(ALTERNATIVE_MAX);
        Self {
            on_error: (assumed / tolerated).ln(),
            on_success: ((1.0 - assumed) / (1.0 - tolerated)).ln(),
            product: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(error_ratio_max: f64) -> WatchOrder {
        WatchOrder { release: "r2-0000".parse().unwrap(), fallback: None, error_ratio_max, alpha: 0.01 }
    }

    fn watch(error_ratio_max: f64) -> Watch {
        Watch::new(&order(error_ratio_max), Baseline::default())
    }

    /// A small generator with a seed, so that every run is the same (splitmix64).
    struct Generator(u64);

    impl Generator {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    fn requests_until_return(watch: &mut Watch, ratio: f64, seed: u64, limit: u64) -> Option<(u64, u64)> {
        let mut generator = Generator(seed);
        (1..=limit).find_map(|_| {
            let outcome = if generator.unit() < ratio { Outcome::Error } else { Outcome::Success };
            watch.observe(outcome).map(|_| (watch.requests, watch.errors))
        })
    }

    #[test]
    fn factors_never_expect_gain_under_null() {
        for step in 1..=97 {
            let tolerated = f64::from(step) / 100.0;
            for multiple in MULTIPLES {
                let factors = Alternative::new(tolerated, multiple);
                for part in 0..=20 {
                    let ratio = tolerated * f64::from(part) / 20.0;
                    let expected = ratio * factors.on_error.exp() + (1.0 - ratio) * factors.on_success.exp();
                    assert!(expected <= 1.0 + 1e-12, "{tolerated} {multiple} {ratio}: {expected}");
                }
            }
        }
    }

    #[test]
    fn false_returns_stay_below_alpha() {
        const RUNS: u64 = 10_000;
        for (tolerated, requests) in [(0.01, 2_000), (0.2, 500)] {
            let returned = (0..RUNS)
                .filter(|seed| {
                    requests_until_return(&mut watch(tolerated), tolerated, *seed, requests).is_some()
                })
                .count();
            // Alpha is 1 %; three standard deviations of a 1 % coin over 10,000 runs are 0.3 %.
            assert!(returned <= 130, "{returned} of {RUNS} at tolerated {tolerated}");
        }
    }

    #[test]
    fn detects_within_few_errors() {
        for (ratio, errors_max, limit) in [(1.0, 2, 2), (0.1, 5, 200), (0.01, 12, 20_000)] {
            let mut errors: Vec<u64> = (0..201)
                .map(|seed| requests_until_return(&mut watch(0.001), ratio, seed, limit).unwrap().1)
                .collect();
            errors.sort_unstable();
            assert!(errors[100] <= errors_max, "ratio {ratio}: median {} errors", errors[100]);
        }
    }

    #[test]
    fn sudden_death_needs_five_errors() {
        let mut watch = watch(0.001);
        for _ in 0..1_000_000 {
            assert_eq!(watch.observe(Outcome::Success), None);
        }
        for _ in 0..4 {
            assert_eq!(watch.observe(Outcome::Error), None);
        }
        assert_eq!(watch.observe(Outcome::Error), Some(ReturnReason::ConsecutiveErrors { count: 5 }));
        assert_eq!(watch.observe(Outcome::Error), None, "one verdict per watch");
    }

    #[test]
    fn one_success_ends_the_run() {
        let mut watch = watch(0.02);
        for _ in 0..100_000 {
            watch.observe(Outcome::Success);
        }
        for _ in 0..10 {
            for _ in 0..4 {
                assert_eq!(watch.observe(Outcome::Error), None);
            }
            watch.observe(Outcome::Success);
        }
    }

    #[test]
    fn failing_old_pool_raises_tolerance() {
        let half = Watch::new(&order(0.001), Baseline { requests: 1_000, errors: 500 });
        assert!(half.tolerated() > 0.5 && half.tolerated() < 0.56, "{}", half.tolerated());
        assert!(half.run_limit > 20, "a coin's runs are no evidence");
        let spotless = Watch::new(&order(0.001), Baseline { requests: 20, errors: 0 });
        assert!((spotless.tolerated() - 0.001).abs() < 1e-12);
    }

    #[test]
    fn baseline_bound_covers_the_exact_one() {
        // Clopper and Pearson, 99 % one-sided: 1 of 100 gives 0.0645, 10 of 1,000 gives 0.0202.
        for (errors, requests, exact) in [(1, 100, 0.0645), (10, 1_000, 0.0202)] {
            let bound = Baseline { requests, errors }.ratio_bound();
            assert!(bound >= exact && bound < exact * 1.4, "{errors}/{requests}: {bound}");
        }
    }

    #[test]
    fn strange_numbers_do_not_break_it() {
        for ratio in [-1.0, 0.0, f64::NAN, 1.0, f64::INFINITY] {
            let mut watch = watch(ratio);
            let returned = (0..100).find_map(|_| watch.observe(Outcome::Error));
            assert!(returned.is_some(), "{ratio}");
        }
    }
}
