//! LinkShield in release mode answers checks, and in every other stretch of time five times as many people want to log in as
//! it can hash passwords for.
//!
//! How many it can is measured first, by clients that wait for each other. Everybody who logs in has an address and a name of
//! its own, so that only the hashing limits them; passwords are wrong, which takes as long. Checks are asked for in the open
//! model: what waits is counted from the moment at which it was due. Compared are the medians of the stretches' p99 with and
//! without the flood, which take turns, so that both meet the same machine.
//!
//! The flood must be answered as well: some of it checked, as many as can be, the rest refused at once, none cut off.

use std::{fmt::Write, fs, path::Path, time::Duration};

use shield_load::{LoadPlan, LoadReport, read_load_file, start};
use tempfile::TempDir;

use crate::harness::{LinkShield, Result, Trouble, Verdict};

/// Stretches of each kind.
const ROUNDS: usize = 9;
const STRETCH: Duration = Duration::from_secs(8);
/// Checks that are asked for per second; each is looked up once more.
const CHECKS_PER_SECOND: u32 = 150;
const OVERLOAD: f64 = 5.0;
/// How much longer the p99 may be, as a ratio.
const P99_RATIO_MAX: f64 = 1.2;
/// The flood must not end in refusals alone: the least share of what can be hashed that is.
const HASHED_SHARE_MIN: f64 = 0.5;

/// What a flood of log-ins met.
#[derive(Debug, Default)]
struct Flood {
    hashed: u64,
    refused: u64,
    /// Answered otherwise, or not at all.
    failed: u64,
    took: Duration,
    longest: Duration,
}

/// Makes plans; every log-in of all of them has a name and an address of its own.
struct Scene {
    service: LinkShield,
    directory: TempDir,
    people: u32,
}

pub(super) async fn measure(verdict: &mut Verdict) -> Result<String> {
    let directory =
        tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
    let mut scene = Scene { service: LinkShield::start().await?, directory, people: 0 };
    scene.checks().await?;
    let capacity = scene.capacity().await?;
    println!(
        "  {capacity:.1} log-ins per second can be hashed; {CHECKS_PER_SECOND} checks per second besides"
    );

    let (mut quiet, mut loaded, mut flood) = (Vec::new(), Vec::new(), Flood::default());
    for _ in 0..ROUNDS {
        quiet.push(p99(&scene.checks().await?)?);
        let (checks, logins) = scene.checks_in_a_flood(OVERLOAD * capacity).await?;
        loaded.push(p99(&checks)?);
        flood.add(&logins);
    }
    let (quiet_ms, loaded_ms) = (median_ms(&mut quiet), median_ms(&mut loaded));
    let ratio = loaded_ms / quiet_ms;
    println!("  p99 of checks without: {}; with: {}", list(&quiet), list(&loaded));
    println!(
        "  log-ins: {} hashed, {} refused, {} failed, longest {:.1} s",
        flood.hashed,
        flood.refused,
        flood.failed,
        flood.longest.as_secs_f64()
    );
    verdict.demand(ratio <= P99_RATIO_MAX, || {
        format!("p99 of checks {loaded_ms:.2} ms instead of {quiet_ms:.2}, more than {P99_RATIO_MAX} times")
    });
    verdict
        .demand(flood.failed == 0, || format!("{} log-ins were neither checked nor refused", flood.failed));
    verdict.demand(flood.refused > 0, || "no log-in was refused: that was no overload".to_owned());
    let least = HASHED_SHARE_MIN * capacity * flood.took.as_secs_f64();
    verdict.demand(flood.hashed as f64 >= least, || {
        format!("{} log-ins were hashed, fewer than {least:.0}", flood.hashed)
    });
    Ok(format!(
        "log-ins at {OVERLOAD} x their capacity: p99 of checks {loaded_ms:.2} ms instead of {quiet_ms:.2}, {ratio:.2} times"
    ))
}

/// Of the requests that were to be answered, all of them.
fn p99(checks: &LoadReport) -> Result<Duration> {
    let failed: u64 = checks.failed.values().sum();
    if failed + checks.unsent > 0 {
        let said: Vec<_> = checks.failures.iter().map(ToString::to_string).collect();
        return Err(Trouble::new(format!("have {failed} checks answered: {}", said.join("; "))));
    }
    checks.latency.quantile(0.99).ok_or_else(|| Trouble::new("have a check answered"))
}

fn median_ms(stretches: &mut [Duration]) -> f64 {
    stretches.sort_unstable();
    stretches[stretches.len() / 2].as_secs_f64() * 1e3
}

fn list(stretches: &[Duration]) -> String {
    let figures: Vec<_> =
        stretches.iter().map(|stretch| format!("{:.2}", stretch.as_secs_f64() * 1e3)).collect();
    format!("{} ms", figures.join(" "))
}

// === impl Flood ===

impl Flood {
    fn add(&mut self, report: &LoadReport) {
        let status = |status| report.statuses.get(&status).copied().unwrap_or_default();
        self.hashed += status(401);
        self.refused += status(503);
        self.failed += report.failed.values().sum::<u64>();
        self.took += report.elapsed;
        let longest = report.steps.iter().filter_map(|step| step.latency.longest()).max();
        self.longest = self.longest.max(longest.unwrap_or_default());
    }
}

// === impl Scene ===

impl Scene {
    /// Nothing but checks, for one stretch.
    async fn checks(&self) -> Result<LoadReport> {
        load(self.plan_of_checks()?).await
    }

    /// Checks beside so many log-ins per second.
    async fn checks_in_a_flood(&mut self, per_second: f64) -> Result<(LoadReport, LoadReport)> {
        let when =
            format!("open = {{ phases = [{{ rate = {per_second:.1}, for = \"8s\" }}], users_max = 4000 }}");
        let logins = self.plan_of_logins(&when, 2.0 * per_second * STRETCH.as_secs_f64())?;
        let checks = self.plan_of_checks()?;
        tokio::try_join!(load(checks), load(logins))
    }

    /// Log-ins per second of clients that begin one when the one before has ended: one is hashed, the others wait.
    async fn capacity(&mut self) -> Result<f64> {
        let report = load(self.plan_of_logins("closed = { users = 4, for = \"8s\" }", 10_000.0)?).await?;
        let mut flood = Flood::default();
        flood.add(&report);
        if flood.hashed == 0 || flood.failed + flood.refused > 0 {
            let said: Vec<_> = report.failures.iter().map(ToString::to_string).collect();
            return Err(Trouble::new(format!("measure log-ins: {flood:?}: {}", said.join("; "))));
        }
        Ok(flood.hashed as f64 / flood.took.as_secs_f64())
    }

    fn plan_of_checks(&self) -> Result<LoadPlan> {
        self.plan(&format!(
            r#"
            name = "checks"
            open = {{ phases = [{{ rate = {CHECKS_PER_SECOND}, for = "8s" }}], users = 20 }}
            [[scenario]]
            name = "check"
            [[scenario.step]]
            post = "/api/v1/url-check/check"
            json = {{ url = "https://example.com/{{{{random}}}}" }}
            expect = ["200-299"]
            extract = {{ check = "/id" }}
            [[scenario.step]]
            name = "look-up"
            get = "/api/v1/url-check/check/{{{{check}}}}"
            "#
        ))
    }

    /// Log-ins of people who were never here.
    fn plan_of_logins(&mut self, when: &str, people_max: f64) -> Result<LoadPlan> {
        let mut rows = "name,address\n".to_owned();
        for _ in 0..people_max.ceil() as u32 {
            let [_, a, b, c] = self.people.to_be_bytes();
            writeln!(rows, "person-{},10.{a}.{b}.{c}", self.people).expect("a text takes every text");
            self.people += 1;
        }
        let path = self.directory.path().join("people.csv");
        fs::write(path, rows).map_err(|error| Trouble::caused("write the list of people", error))?;
        self.plan(&format!(
            r#"
            name = "log-ins"
            timeout = "15s"
            {when}
            [[feed]]
            name = "people"
            file = "people.csv"
            [[scenario]]
            name = "log-in"
            [[scenario.step]]
            post = "/api/v1/user/login"
            json = {{ email = "{{{{people.name}}}}@example.org", password = "wrong {{{{random}}}}" }}
            headers = {{ x-forwarded-for = "{{{{people.address}}}}" }}
            expect = [401, 503]
            "#
        ))
    }

    fn plan(&self, text: &str) -> Result<LoadPlan> {
        let text = format!("target = \"http://{}\"\n{text}", self.service.address);
        let directory: &Path = self.directory.path();
        let file = read_load_file(&text, "load.toml", directory)
            .map_err(|mistakes| Trouble::new(format!("read the load file: {mistakes}")))?;
        Ok(LoadPlan { failures_kept_max: 5, ..file.plan(self.service.address, None) })
    }
}

async fn load(plan: LoadPlan) -> Result<LoadReport> {
    let load = start(plan).map_err(|error| Trouble::caused("start the load", error))?;
    Ok(load.join().await)
}
