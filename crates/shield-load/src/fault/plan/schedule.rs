//! From a plan to a schedule: every random choice is drawn here, in the order of the plan.
//!
//! Each fault draws from a generator of its own, so that a change of one leaves the choices of the others as they were.

use std::ops::RangeInclusive;

use fastrand::Rng;

use crate::fault::plan::effect::{Effect, ScheduledFault};
use crate::fault::plan::model::{Fault, FaultPlan, PlannedFault, ProxyKind};

/// A plan that cannot be carried out, whatever the seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFaultsError {
    /// One must be drawn.
    #[error("schedule fault `{fault}`: it names no target")]
    NoTarget {
        /// Its name.
        fault: String,
    },
    /// One must be drawn.
    #[error("schedule fault `{fault}`: the range of its `{parameter}` is empty")]
    EmptyRange {
        /// Its name.
        fault: String,
        /// Which range.
        parameter: &'static str,
    },
    /// Out of bounds.
    #[error("schedule fault `{fault}`: its `{parameter}` is `{value}`, not {accepted}")]
    OutOfBounds {
        /// Its name.
        fault: String,
        /// Which parameter.
        parameter: &'static str,
        /// What was written.
        value: i64,
        /// What would do.
        accepted: &'static str,
    },
    /// A network fault needs a proxy of the plan.
    #[error("schedule fault `{fault}`: the plan has no {kind} proxy `{proxy}`")]
    NoProxy {
        /// Its name.
        fault: String,
        /// What it must carry.
        kind: ProxyKind,
        /// The proxy it names.
        proxy: String,
    },
}

/// Most busy threads of one fault: a slip of the keyboard should not take the machine down.
const WORKERS_MAX: u32 = 1024;

// === impl FaultPlan ===

impl FaultPlan {
    /// What happens when, in order of time. Pure: the same plan gives the same schedule, bit for bit.
    pub fn schedule(&self) -> Result<Vec<ScheduledFault>, ScheduleFaultsError> {
        let mut seeds = Rng::with_seed(self.seed);
        let drawn = self.faults.iter().map(|planned| self.draw(planned, &mut Rng::with_seed(seeds.u64(..))));
        let mut schedule = drawn.collect::<Result<Vec<_>, _>>()?;
        schedule.sort_by_key(|fault| fault.from);
        Ok(schedule)
    }

    fn draw(&self, planned: &PlannedFault, random: &mut Rng) -> Result<ScheduledFault, ScheduleFaultsError> {
        let from = planned.at + planned.spread.mul_f64(random.f64());
        let effect = self.effect(planned, random)?;
        Ok(ScheduledFault {
            name: planned.name.clone(),
            from,
            until: from + planned.lasts,
            effect,
            found_by: planned.found_by.clone(),
        })
    }

    fn effect(&self, planned: &PlannedFault, random: &mut Rng) -> Result<Effect, ScheduleFaultsError> {
        let mut draw = Draw { fault: &planned.name, random };
        Ok(match &planned.fault {
            Fault::Network { proxies, fault } => {
                let proxy = draw.one_of(proxies)?;
                self.demand_proxies(planned, ProxyKind::Tcp, proxies)?;
                Effect::Network { proxy, fault: fault.clone() }
            }
            Fault::ExpiredCertificate { proxies, host, share } => {
                let proxy = draw.one_of(proxies)?;
                self.demand_proxies(planned, ProxyKind::Tcp, proxies)?;
                Effect::ExpiredCertificate { proxy, host: host.clone(), share: *share }
            }
            Fault::Dns { proxies, trouble } => {
                let proxy = draw.one_of(proxies)?;
                self.demand_proxies(planned, ProxyKind::Dns, proxies)?;
                Effect::Dns { proxy, trouble: *trouble }
            }
            Fault::Kill { targets, command } => {
                Effect::Kill { target: draw.one_of(targets)?, command: command.clone() }
            }
            Fault::Freeze { targets } => Effect::Freeze { target: draw.one_of(targets)? },
            Fault::Restart { targets, command } => {
                Effect::Restart { target: draw.one_of(targets)?, command: command.clone() }
            }
            Fault::Cpu { workers, nice, share_percent } => {
                draw.within("workers", i64::from(*workers), 1..=i64::from(WORKERS_MAX), "1 to 1024")?;
                draw.within("nice", i64::from(*nice), -20..=19, "-20 to 19")?;
                draw.within("share_percent", i64::from(*share_percent.end()), 1..=100, "1 to 100")?;
                let share_percent = draw.number("share_percent", share_percent)?;
                Effect::Cpu { workers: *workers, nice: *nice, share_percent }
            }
            Fault::Memory { bytes, share_max_percent } => {
                draw.within("share_max_percent", i64::from(*share_max_percent), 1..=100, "1 to 100")?;
                Effect::Memory { bytes: draw.number("bytes", bytes)?, share_max_percent: *share_max_percent }
            }
            Fault::Disk { directory, filesystem, amount } => {
                Effect::Disk { directory: directory.clone(), filesystem: filesystem.clone(), amount: *amount }
            }
            Fault::Descriptors { targets, spare } => {
                Effect::Descriptors { target: draw.one_of(targets)?, spare: draw.number("spare", spare)? }
            }
            Fault::ClockSkew { targets, seconds } => {
                Effect::ClockSkew { target: draw.one_of(targets)?, seconds: draw.number("seconds", seconds)? }
            }
        })
    }

    /// All that may be drawn must be there, not only what was: a plan that is wrong is wrong for every seed.
    fn demand_proxies(
        &self,
        planned: &PlannedFault,
        kind: ProxyKind,
        names: &[String],
    ) -> Result<(), ScheduleFaultsError> {
        let fits = |name: &str| self.proxies.iter().any(|proxy| proxy.name == name && proxy.kind == kind);
        let missing = names.iter().find(|name| !fits(name));
        missing.map_or(Ok(()), |proxy| {
            Err(ScheduleFaultsError::NoProxy { fault: planned.name.clone(), kind, proxy: proxy.clone() })
        })
    }
}

/// The choices of one fault.
struct Draw<'a> {
    fault: &'a str,
    random: &'a mut Rng,
}

// === impl Draw ===

impl Draw<'_> {
    fn one_of<T: Clone>(&mut self, choices: &[T]) -> Result<T, ScheduleFaultsError> {
        let chosen = self.random.choice(choices).cloned();
        chosen.ok_or_else(|| ScheduleFaultsError::NoTarget { fault: self.fault.to_owned() })
    }

    fn number<T>(
        &mut self,
        parameter: &'static str,
        range: &RangeInclusive<T>,
    ) -> Result<T, ScheduleFaultsError>
    where
        T: Copy + PartialOrd + Into<i128> + TryFrom<i128>,
    {
        let (first, last): (i128, i128) = ((*range.start()).into(), (*range.end()).into());
        let empty = || ScheduleFaultsError::EmptyRange { fault: self.fault.to_owned(), parameter };
        if range.is_empty() {
            return Err(empty());
        }
        T::try_from(self.random.i128(first..=last)).map_err(|_| empty())
    }

    fn within(
        &self,
        parameter: &'static str,
        value: i64,
        bounds: RangeInclusive<i64>,
        accepted: &'static str,
    ) -> Result<(), ScheduleFaultsError> {
        if bounds.contains(&value) {
            return Ok(());
        }
        Err(ScheduleFaultsError::OutOfBounds { fault: self.fault.to_owned(), parameter, value, accepted })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::fault::plan::model::{DiskAmount, PlannedProxy};
    use crate::fault::process::identity::{ProcessIdentity, ProcessTarget};
    use crate::fault::proxy::DnsTrouble;

    fn targets(count: i32) -> Vec<ProcessTarget> {
        let process = |pid| ProcessIdentity { pid, start_ticks: 7 };
        (2..count + 2).map(process).map(ProcessTarget::process).collect()
    }

    fn faults() -> impl Strategy<Value = Fault> {
        let several = (1..5).prop_map(targets);
        prop_oneof![
            several.clone().prop_map(|targets| Fault::Kill { targets, command: Vec::new() }),
            several.clone().prop_map(|targets| Fault::Freeze { targets }),
            several.clone().prop_map(|targets| Fault::Restart { targets, command: vec!["true".to_owned()] }),
            (1..9_u32, -20..20, 1..50_u8, 50..101_u8).prop_map(|(workers, nice, low, high)| Fault::Cpu {
                workers,
                nice,
                share_percent: low..=high
            }),
            (0..9_u64, 9..u64::MAX)
                .prop_map(|(low, high)| Fault::Memory { bytes: low..=high, share_max_percent: 9 }),
            any::<u64>().prop_map(|bytes| Fault::Disk {
                directory: "/d".into(),
                filesystem: "/".into(),
                amount: DiskAmount::Leave(bytes)
            }),
            (several.clone(), 0..9_u32)
                .prop_map(|(targets, spare)| Fault::Descriptors { targets, spare: spare..=9 }),
            (several, i64::MIN..0)
                .prop_map(|(targets, low)| Fault::ClockSkew { targets, seconds: low..=i64::MAX }),
        ]
    }

    fn plans() -> impl Strategy<Value = FaultPlan> {
        let milliseconds = || (0..100_000_u64).prop_map(Duration::from_millis);
        let planned = (milliseconds(), milliseconds(), milliseconds(), faults()).prop_map(
            |(at, lasts, spread, fault)| PlannedFault {
                name: "a fault".to_owned(),
                at,
                lasts,
                spread,
                fault,
                found_by: None,
            },
        );
        (any::<u64>(), prop::collection::vec(planned, 0..8)).prop_map(|(seed, faults)| FaultPlan {
            seed,
            proxies: Vec::new(),
            faults,
        })
    }

    fn plan(fault: Fault) -> FaultPlan {
        let second = Duration::from_secs(1);
        let planned = PlannedFault {
            name: "it".to_owned(),
            at: second,
            lasts: second,
            spread: second,
            fault,
            found_by: None,
        };
        FaultPlan { seed: 3, proxies: Vec::new(), faults: vec![planned] }
    }

    proptest! {
        #[test]
        fn same_plan_gives_same_schedule(plan in plans()) {
            let schedule = plan.schedule().unwrap();
            prop_assert_eq!(&schedule, &plan.clone().schedule().unwrap());
            prop_assert!(schedule.is_sorted_by_key(|fault| fault.from));
            prop_assert_eq!(schedule.len(), plan.faults.len());
        }

        #[test]
        fn plan_and_schedule_survive_json(plan in plans()) {
            let read: FaultPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
            prop_assert_eq!(&read, &plan);
            let schedule = plan.schedule().unwrap();
            let text = serde_json::to_string(&schedule).unwrap();
            prop_assert_eq!(serde_json::from_str::<Vec<ScheduledFault>>(&text).unwrap(), schedule);
        }

        #[test]
        fn later_faults_leave_earlier_choices(plan in plans(), more in faults()) {
            let mut longer = plan.clone();
            longer.faults.push(PlannedFault {
                name: "one more".to_owned(),
                at: Duration::ZERO,
                lasts: Duration::ZERO,
                spread: Duration::from_secs(9),
                fault: more,
                found_by: None,
            });
            let mut schedule = longer.schedule().unwrap();
            schedule.retain(|fault| fault.name != "one more");
            prop_assert_eq!(schedule, plan.schedule().unwrap());
        }
    }

    #[test]
    fn seeds_shift_and_choose() {
        let mut plan = plan(Fault::Freeze { targets: targets(9) });
        let drawn: Vec<_> = (0..99)
            .map(|seed| {
                plan.seed = seed;
                plan.schedule().unwrap().remove(0)
            })
            .collect();
        let second = Duration::from_secs(1);
        assert!(drawn.iter().all(|fault| (second..second * 2).contains(&fault.from)));
        assert!(drawn.iter().all(|fault| fault.until - fault.from == second));
        let chosen = |pid| {
            let aimed = |fault: &&ScheduledFault| fault.effect.to_string().contains(&format!("pid {pid} "));
            drawn.iter().filter(aimed).count()
        };
        assert!((2..11).all(|pid| chosen(pid) > 0));
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "an empty range is what is refused")]
    fn refuses_what_cannot_be_drawn() {
        let refused = |fault| plan(fault).schedule().unwrap_err().to_string();
        assert!(
            refused(Fault::Kill { targets: Vec::new(), command: Vec::new() }).contains("names no target")
        );
        let empty = Fault::Memory { bytes: 2..=1, share_max_percent: 50 };
        assert!(refused(empty).contains("range of its `bytes` is empty"));
        let busy = |workers, nice, share_percent| refused(Fault::Cpu { workers, nice, share_percent });
        assert!(busy(0, 0, 1..=1).contains("`workers` is `0`"));
        assert!(busy(1, 20, 1..=1).contains("`nice` is `20`"));
        assert!(busy(1, 0, 1..=101).contains("`share_percent` is `101`"));
    }

    #[test]
    fn refuses_a_proxy_that_is_not_there() {
        let fault =
            serde_json::from_str(r#"{"kind":"network","proxies":["edge"],"fault":{"kind":"refuse"}}"#);
        let missing =
            |kind| ScheduleFaultsError::NoProxy { fault: "it".to_owned(), kind, proxy: "edge".to_owned() };
        let mut plan = plan(fault.unwrap());
        assert_eq!(plan.schedule(), Err(missing(ProxyKind::Tcp)));
        let (listen, upstream) = (([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 1).into());
        plan.proxies.push(PlannedProxy { name: "edge".to_owned(), kind: ProxyKind::Dns, listen, upstream });
        assert_eq!(plan.schedule(), Err(missing(ProxyKind::Tcp)), "it carries names");
        plan.proxies[0].kind = ProxyKind::Tcp;
        assert!(plan.schedule().is_ok());
        plan.faults[0].fault = Fault::Dns { proxies: vec!["edge".to_owned()], trouble: DnsTrouble::Drop {} };
        assert_eq!(plan.schedule(), Err(missing(ProxyKind::Dns)), "it carries connections");
    }
}
