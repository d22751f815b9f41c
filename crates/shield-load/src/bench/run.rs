//! The measurement itself, phase after phase.

use std::time::{Duration, Instant};

use crate::bench::added::added;
use crate::bench::cpu::ServiceProcess;
use crate::bench::error::BenchError;
use crate::bench::exposed::Reading;
use crate::bench::judge::judge;
use crate::bench::order::{BenchComponent, BenchOrder};
use crate::bench::phases::{Loads, causes, limited, of_scenario};
use crate::bench::primitive::measure;
use crate::bench::results::{
    Added, BENCH_FORMAT, BenchResults, ComponentFigures, ComponentResults, PrimitiveFigures,
};
use crate::measure::report::LoadReport;
use crate::results::model::Verdict;
use crate::scenario::model::Scenario;
use crate::session::exam::MetricsPlace;
use crate::session::run::{now, scheme_name};

/// Parts of the budget: for pairs, for the capacity, and under load. The rest goes by between them.
const PAIRS: f64 = 0.45;
const CAPACITY: f64 = 0.1;
const LOADED: f64 = 0.35;
/// The least that a capacity can be told from.
const CAPACITY_LEAST: Duration = Duration::from_millis(800);
/// Share of the capacity that the load is.
pub const LOAD_SHARE: f64 = 0.6;

/// A measurement under way.
struct Bench<'a> {
    order: &'a BenchOrder,
    loads: Loads<'a>,
    metrics: Option<MetricsPlace>,
    warnings: Vec<String>,
}

/// One reading of every component, in their order.
type Readings = Vec<Option<Reading>>;

/// What was seen of every component, in their order.
type Figures = Vec<Option<ComponentFigures>>;

/// What all phases came to.
struct Observed {
    quiet: Figures,
    loaded: Figures,
    added: Vec<Option<Added>>,
    capacity_per_second: f64,
    report: LoadReport,
    /// Processor time of the service under load.
    used: Option<Duration>,
}

/// Measures; `tell` gets what is done, as it is done. Dropped, it cuts off what is under way.
pub async fn run_bench(
    order: &BenchOrder,
    tell: &mut (dyn FnMut(String) + Send),
) -> Result<BenchResults, BenchError> {
    let (started_at, began) = (now(), Instant::now());
    let address = order.file.target.resolve().await?;
    let metrics = match &order.metrics {
        Some(url) => Some(MetricsPlace::find(url, order.trust_pem.clone()).await?),
        None => None,
    };
    let loads = Loads { file: &order.file, address, trust_pem: order.trust_pem.as_deref() };
    let mut bench = Bench { order, loads, metrics, warnings: Vec::new() };
    bench.try_out(tell).await?;
    let observed = bench.observe(tell).await?;
    tell("the primitives".to_owned());
    let mut components = bench.components(&observed).await?;
    let reasons = judge(order, &mut components);
    let Observed { capacity_per_second, report, used, .. } = observed;
    let (verdict, reasons) = verdict(&report, reasons);
    let answered = report.answered;
    let each_us = |used: Duration| used.as_secs_f64() * 1e6 / answered as f64;
    Ok(BenchResults {
        format: BENCH_FORMAT,
        tool: format!("shield {}", env!("CARGO_PKG_VERSION")),
        service: order.service.clone(),
        target: format!("{}://{}", scheme_name(order.file.target.scheme), order.file.target.authority),
        started_at,
        elapsed_s: began.elapsed().as_secs_f64(),
        verdict,
        reasons,
        warnings: bench.warnings,
        capacity_per_second,
        rate_per_second: capacity_per_second * LOAD_SHARE,
        answered,
        failed: report.failed_count(),
        cpu_per_request_us: used.filter(|_| answered > 0).map(each_us),
        audit: report.audit,
        components,
    })
}

// === impl Bench ===

impl Bench<'_> {
    fn scenario(&self, component: &BenchComponent, name: &str) -> Result<&Scenario, BenchError> {
        let missing =
            || BenchError::NoScenario { component: component.name.clone(), scenario: name.to_owned() };
        self.loads.scenario(name).ok_or_else(missing)
    }

    /// Every scenario must be answered before the time of others is spent on it.
    async fn try_out(&self, tell: &mut (dyn FnMut(String) + Send)) -> Result<(), BenchError> {
        tell("a trial of every scenario".to_owned());
        for component in &self.order.components {
            let names = [Some(&component.with), component.without.as_ref()];
            names.into_iter().flatten().try_for_each(|name| self.scenario(component, name).map(drop))?;
        }
        for scenario in &self.loads.file.workload.scenarios {
            let (tried, scenario) = (self.loads.try_out(scenario).await?, scenario.name.clone());
            match tried {
                Ok(()) => {}
                Err(silence) if silence.limited > 0 => {
                    return Err(BenchError::Limited { scenario, refused: silence.limited });
                }
                Err(silence) if silence.total => {
                    return Err(BenchError::Unreachable { scenario, reason: silence.reason });
                }
                Err(silence) => return Err(BenchError::Unexpected { scenario, reason: silence.reason }),
            }
        }
        Ok(())
    }

    /// The phases, with a reading of the metrics before and after each that is looked at from inside.
    async fn observe(&mut self, tell: &mut (dyn FnMut(String) + Send)) -> Result<Observed, BenchError> {
        let before_pairs = self.read().await?;
        let added = self.pairs(tell).await?;
        let after_pairs = self.read().await?;
        let capacity_per_second = self.capacity(tell).await?;
        let before_load = self.read().await?;
        let process = self.process();
        let used = process.and_then(ServiceProcess::used);
        let (per_second, duration) = (capacity_per_second * LOAD_SHARE, self.order.budget.mul_f64(LOADED));
        tell(format!(
            "all scenarios at {per_second:.0} per second, 60 % of the capacity, for {:.1} s",
            duration.as_secs_f64()
        ));
        let report = self.loads.run_at(per_second, duration).await?;
        self.check_unlimited(&report)?;
        let used = used.and_then(|before| process?.used()?.checked_sub(before));
        let after_load = self.read().await?;
        let quiet = since(&after_pairs, &before_pairs);
        let loaded = since(&after_load, &before_load);
        Ok(Observed { quiet, loaded, added, capacity_per_second, report, used })
    }

    /// What was observed, component by component; nothing is judged yet.
    async fn components(&self, observed: &Observed) -> Result<Vec<ComponentResults>, BenchError> {
        let Observed { quiet, loaded, added, report, .. } = observed;
        let figures = quiet.iter().zip(loaded).zip(added);
        let mut components = Vec::new();
        for (component, ((quiet, loaded), added)) in self.order.components.iter().zip(figures) {
            let average_us = quiet.as_ref().or(loaded.as_ref()).map(|figures| figures.average_us);
            components.push(ComponentResults {
                name: component.name.clone(),
                target_us: component.target.as_secs_f64() * 1e6,
                margin: component.margin,
                quiet: quiet.clone(),
                loaded: loaded.clone(),
                added: *added,
                request: of_scenario(report, self.scenario(component, &component.with)?),
                primitive: self.primitive(component, average_us).await,
                held: false,
            });
        }
        Ok(components)
    }

    /// What the service says of every component now.
    async fn read(&self) -> Result<Readings, BenchError> {
        let components = &self.order.components;
        let (Some(place), Some(url)) = (&self.metrics, &self.order.metrics) else {
            return Ok(vec![None; components.len()]);
        };
        let exposition = place.scrape().await;
        let exposition = exposition.map_err(|reason| BenchError::Metrics { url: url.clone(), reason })?;
        Ok(components.iter().map(|component| Reading::of(&exposition, component)).collect())
    }

    /// Lets the two requests of each component take turns.
    async fn pairs(
        &mut self,
        tell: &mut (dyn FnMut(String) + Send),
    ) -> Result<Vec<Option<Added>>, BenchError> {
        let order = self.order;
        let pairs = order.components.iter().filter(|component| component.without.is_some()).count();
        let limit = order.budget.mul_f64(PAIRS / pairs.max(1) as f64);
        let mut differences = Vec::new();
        for component in &order.components {
            let Some(without) = &component.without else {
                differences.push(None);
                continue;
            };
            tell(format!(
                "`{}` against `{without}`, in turns, for {:.1} s",
                component.with,
                limit.as_secs_f64()
            ));
            let (with, without) =
                (self.scenario(component, &component.with)?, self.scenario(component, without)?);
            let compared = added(self.loads.alone(without), self.loads.alone(with), limit).await;
            let compared = compared.map_err(|source| BenchError::Compare {
                component: component.name.clone(),
                source: Box::new(source),
            })?;
            differences.push(
                compared
                    .map_err(|reason| {
                        self.warnings.push(format!(
                            "what `{}` adds to a request is not known: {reason}",
                            component.name
                        ));
                    })
                    .ok(),
            );
        }
        Ok(differences)
    }

    async fn capacity(&self, tell: &mut (dyn FnMut(String) + Send)) -> Result<f64, BenchError> {
        let duration = self.order.budget.mul_f64(CAPACITY).max(CAPACITY_LEAST);
        tell(format!("the capacity, for {:.1} s", duration.as_secs_f64()));
        let (per_second, report) = self.loads.capacity(duration).await?;
        self.check_unlimited(&report)?;
        if per_second > 0.0 {
            return Ok(per_second);
        }
        let scenario = self.loads.file.name.clone();
        Err(BenchError::Unexpected {
            scenario,
            reason: "no iteration ended while the capacity was looked for".to_owned(),
        })
    }

    /// A load that the service's limits cut down says how fast it refuses.
    fn check_unlimited(&self, report: &LoadReport) -> Result<(), BenchError> {
        match limited(report) {
            0 => Ok(()),
            refused => Err(BenchError::Limited { scenario: self.loads.file.name.clone(), refused }),
        }
    }

    fn process(&mut self) -> Option<ServiceProcess> {
        let found = ServiceProcess::at(self.loads.address);
        found
            .map_err(|reason| {
                self.warnings.push(format!("processor time per request is not known: {reason}"))
            })
            .ok()
    }

    async fn primitive(
        &self,
        component: &BenchComponent,
        average_us: Option<f64>,
    ) -> Option<PrimitiveFigures> {
        let primitive = component.primitive?;
        let measured = tokio::task::spawn_blocking(move || measure(primitive)).await;
        let mut figures = measured.expect("hashing does not panic");
        figures.ratio = average_us.map(|average_us| average_us / figures.median_us);
        Some(figures)
    }
}

fn since(later: &Readings, earlier: &Readings) -> Figures {
    let between =
        |(later, earlier): (&Option<Reading>, &Option<Reading>)| later.as_ref()?.since(earlier.as_ref());
    later.iter().zip(earlier).map(between).collect()
}

/// A load that proves nothing comes first, then one that was not answered.
fn verdict(report: &LoadReport, missed: Vec<String>) -> (Verdict, Vec<String>) {
    let mut invalid = report.audit.invalid.clone();
    if !report.accounted() {
        invalid.push("not every request under load is accounted for".to_owned());
    }
    if !invalid.is_empty() {
        invalid.extend(missed);
        return (Verdict::Invalid, invalid);
    }
    let mut reasons = missed;
    if report.failed_count() > 0 {
        let failed = format!(
            "{} of {} requests under load failed: {}",
            report.failed_count(),
            report.offered,
            causes(report)
        );
        reasons.insert(0, failed);
    }
    (if reasons.is_empty() { Verdict::Passed } else { Verdict::Failed }, reasons)
}
