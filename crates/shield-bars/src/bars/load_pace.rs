//! `load.pace`: requests are sent when they are due, and a generator that cannot says so.
//!
//! The server writes down when each request arrived; what the generator says about itself is not asked. The rate is that of
//! the arrivals from the first to the last; gaps of Poisson arrivals are held against the exponential distribution (one-sample
//! Kolmogorov-Smirnov, p by the asymptotic series). A generator that shares one processor with busy loops, at the lowest
//! priority, must call its run invalid, whether requests are due by a schedule or users send them one after the other; left
//! alone, it must not.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use shield_load::Verdict as LoadVerdict;
use tempfile::TempDir;
use tokio::time::sleep;

use super::Options;
use crate::harness::{LoadRun, Result, SmallServer, Trouble, Verdict, shield_load};

const RATE: f64 = 10_000.0;
const SECONDS: u32 = 10;
const RATE_ERROR_MAX: f64 = 0.001;
/// Slow enough that the time a request needs to arrive is small against its gap.
const POISSON_RATE: f64 = 200.0;
const POISSON_SECONDS: u32 = 30;
const P_MIN: f64 = 0.01;
/// Users of the closed model.
const USERS: usize = 20;
/// Loops that take the processor away.
const LOOPS: usize = 8;
/// Longest wait for the last arrivals to be written down.
const WRITTEN_LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let (rate, arrivals) = paced("even", RATE, SECONDS).await?;
    verdict.demand(rate.code == 0, || {
        format!("10,000/s: exit code {}: {}", rate.code, rate.results.reasons.join("; "))
    });
    let span_s = (arrivals[arrivals.len() - 1] - arrivals[0]) as f64 / 1e9;
    let measured = (arrivals.len() - 1) as f64 / span_s;
    let error = (measured / RATE - 1.0).abs();
    println!(
        "  {} arrivals in {span_s:.4} s: {measured:.1}/s, off by {:.4} %",
        arrivals.len(),
        error * 100.0
    );
    verdict
        .demand(arrivals.len() as u64 == rate.results.totals.offered, || "arrivals are missing".to_owned());
    verdict.demand(error <= RATE_ERROR_MAX, || format!("the rate is off by {:.3} %", error * 100.0));

    let (poisson, arrivals) = paced("poisson", POISSON_RATE, POISSON_SECONDS).await?;
    verdict.demand(poisson.code == 0, || {
        format!("Poisson: exit code {}: {}", poisson.code, poisson.results.reasons.join("; "))
    });
    let gaps: Vec<f64> = arrivals.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect();
    let p = exponential_p(gaps, POISSON_RATE);
    println!("  {} Poisson arrivals: p = {p:.3} that their gaps are exponential", arrivals.len());
    verdict.demand(p > P_MIN, || format!("gaps are not exponential: p = {p:.4}"));

    starvation(&mut verdict).await?;
    Ok(verdict.with_figure(format!(
        "rate off by {:.4} %, Poisson p = {p:.3}, starved runs of both models invalid",
        error * 100.0
    )))
}

/// Whether a run says that it was short of processor time, and only then.
async fn starvation(verdict: &mut Verdict) -> Result<()> {
    let open = |server: &SmallServer| load_file(server, "even", RATE, SECONDS);
    let undisturbed = undisturbed(closed_file).await?;
    println!(
        "  closed, left alone: exit code {} {}",
        undisturbed.code,
        undisturbed.results.reasons.join("; ")
    );
    verdict.demand(undisturbed.code == 0, || {
        format!("the closed run was left alone, and is {:?}", undisturbed.results.verdict)
    });
    for (model, starved) in [("open", starved(open).await?), ("closed", starved(closed_file).await?)] {
        println!("  {model}, starved: exit code {}, {}", starved.code, starved.results.reasons.join("; "));
        let invalid = starved.code == 12 && starved.results.verdict == LoadVerdict::Invalid;
        verdict.demand(invalid, || format!("the starved {model} run is {:?}", starved.results.verdict));
    }
    Ok(())
}

/// A run, and when its requests arrived.
async fn paced(arrivals: &str, rate: f64, seconds: u32) -> Result<(LoadRun, Vec<u64>)> {
    let directory = temporary()?;
    let log = directory.path().join("arrivals");
    let shown = log.to_str().ok_or_else(|| Trouble::new("name the log in UTF-8"))?;
    let server = SmallServer::start("testkit-quick", &["--arrivals", shown]).await?;
    let run = shield_load(directory.path(), &load_file(&server, arrivals, rate, seconds), &[]).await?;
    let mut times = written(&log, run.results.totals.answered).await?;
    times.sort_unstable();
    Ok((run, times))
}

fn load_file(server: &SmallServer, arrivals: &str, rate: f64, seconds: u32) -> String {
    format!(
        "name = \"pace\"\ntarget = \"http://{}\"\n\n[open]\narrivals = \"{arrivals}\"\nusers = 50\nusers_max = 500\n\
         phases = [{{ rate = {rate:?}, for = \"{seconds}s\" }}]\n\n[[scenario]]\nname = \"get\"\n\
         [[scenario.step]]\nname = \"get\"\nget = \"/\"\n",
        server.address
    )
}

/// Users who rest between two requests, so that the target's speed is not what is measured.
fn closed_file(server: &SmallServer) -> String {
    format!(
        "name = \"pace\"\ntarget = \"http://{}\"\n\n[closed]\nusers = {USERS}\nfor = \"{SECONDS}s\"\n\n[[scenario]]\n\
         name = \"get\"\n[[scenario.step]]\nname = \"get\"\nget = \"/\"\nthink = \"10ms\"\n",
        server.address
    )
}

async fn written(log: &Path, count: u64) -> Result<Vec<u64>> {
    let deadline = tokio::time::Instant::now() + WRITTEN_LIMIT;
    loop {
        let text =
            std::fs::read_to_string(log).map_err(|error| Trouble::caused("read the arrivals", error))?;
        let whole = text.ends_with('\n') || text.is_empty();
        let times: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if whole && times.len() as u64 >= count && times.len() > 1 {
            return Ok(times);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Trouble::new(format!("find {count} arrivals: {} are written down", times.len())));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The chance that gaps as far from the exponential distribution as these come of it.
fn exponential_p(mut gaps: Vec<f64>, rate: f64) -> f64 {
    gaps.sort_by(f64::total_cmp);
    let count = gaps.len() as f64;
    let distance = gaps.iter().enumerate().fold(0.0_f64, |largest, (rank, gap)| {
        let share = 1.0 - (-gap * rate).exp();
        largest.max((share - rank as f64 / count).abs()).max((share - (rank + 1) as f64 / count).abs())
    });
    let scaled = (count.sqrt() + 0.12 + 0.11 / count.sqrt()) * distance;
    let terms = (1..=100).map(|k| {
        let k = f64::from(k);
        2.0 * (-1.0_f64).powf(k - 1.0) * (-2.0 * k * k * scaled * scaled).exp()
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}

/// A run that has both processors to itself and the server.
async fn undisturbed(file: impl Fn(&SmallServer) -> String) -> Result<LoadRun> {
    let directory = temporary()?;
    let server = SmallServer::start("testkit-quick", &[]).await?;
    shield_load(directory.path(), &file(&server), &[]).await
}

/// A run at the lowest priority on a processor that busy loops share.
async fn starved(file: impl Fn(&SmallServer) -> String) -> Result<LoadRun> {
    let directory = temporary()?;
    let server = SmallServer::start("testkit-quick", &[]).await?;
    let loops = (0..LOOPS).map(|_| BusyLoop::start()).collect::<Result<Vec<_>>>()?;
    let run =
        shield_load(directory.path(), &file(&server), &["taskset", "-c", "0", "nice", "-n", "19"]).await;
    drop(loops);
    run
}

/// A process that does nothing but take the first processor; ends with this.
struct BusyLoop(Child);

impl BusyLoop {
    fn start() -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", "sh", "-c", "while :; do :; done"]).stdin(Stdio::null());
        command.spawn().map(Self).map_err(|error| Trouble::caused("start a busy loop with taskset", error))
    }
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn temporary() -> Result<TempDir> {
    tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))
}

#[cfg(test)]
mod tests {
    use super::exponential_p;

    #[test]
    fn tells_exponential_from_even() {
        let exponential = (1..2_000).map(|rank| -(1.0 - f64::from(rank) / 2_000.0).ln() / 10.0).collect();
        assert!(exponential_p(exponential, 10.0) > 0.99);
        let even = (1..2_000).map(|rank| f64::from(rank) / 10_000.0).collect();
        assert!(exponential_p(even, 10.0) < 1e-6);
    }
}
