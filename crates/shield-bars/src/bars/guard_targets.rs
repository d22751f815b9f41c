//! `guard.targets`: what LinkShield's security components cost, beside what the original allowed them.
//!
//! `shield bench` in a project with this repository's own `shield.toml`: the same settings, requests and account, LinkShield and
//! `shield` in release mode. A run whose generator was the bottleneck says nothing and is repeated.

use std::{fs, path::Path};

use shield_load::{BenchResults, ComponentFigures, Verdict as Outcome, output::bench_text};

use super::Options;
use crate::harness::{
    Project, Result, Trouble, Verdict, build_linkshield, build_programs, free_edge_port, workspace,
};

/// What the original allows each, in milliseconds, and how many times the average must be inside of it.
const TARGETS: [(&str, f64, f64); 6] = [
    ("jwt", 10.0, 100.0),
    ("rate_limit", 5.0, 100.0),
    ("csrf", 3.0, 100.0),
    ("session", 8.0, 100.0),
    ("api_key", 5.0, 100.0),
    ("chain", 50.0, 1_000.0),
];
const BUDGET: &str = "40s";
/// Runs until one is valid.
const ATTEMPTS: u32 = 3;

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let programs = build_programs().await?;
    let linkshield = build_linkshield().await?;
    let port = free_edge_port()?;
    let project = Project::around(&programs, port)?;
    furnish(&project, port, &linkshield)?;
    let results = measured(&project).await?;
    project.close().await?;
    println!("{}", bench_text(&results));
    let mut verdict = Verdict::default();
    verdict.demand(results.verdict != Outcome::Invalid, || {
        format!("the generator was the bottleneck {ATTEMPTS} times: {:?}", results.reasons)
    });
    verdict.demand(results.failed == 0, || format!("{} requests under load failed", results.failed));
    let figures: Vec<String> = TARGETS.iter().map(|target| judge(&results, *target, &mut verdict)).collect();
    Ok(verdict.with_figure(format!("average quiet / at 60 %, times inside: {}", figures.join(", "))))
}

/// Holds one component against its target, which the settings cannot change.
fn judge(
    results: &BenchResults,
    (name, target_ms, margin): (&str, f64, f64),
    verdict: &mut Verdict,
) -> String {
    let component = results.components.iter().find(|component| component.name == name);
    let views = component.and_then(|component| Some((component.quiet.as_ref()?, component.loaded.as_ref()?)));
    let Some((quiet, loaded)) = views else {
        verdict.demand(false, || format!("{name}: not measured"));
        return format!("{name} not measured");
    };
    let target_us = target_ms * 1e3;
    let inside = |figures: &ComponentFigures| target_us / figures.average_us;
    for (view, figures) in [("quiet", quiet), ("at 60 %", loaded)] {
        verdict.demand(inside(figures) >= margin, || {
            format!("{name}, {view}: {:.0} x inside its target, not {margin:.0} x", inside(figures))
        });
    }
    let longest_us = loaded.longest_us.unwrap_or(f64::INFINITY);
    verdict.demand(longest_us <= target_us, || {
        format!("{name}, at 60 %: once {longest_us:.0} µs, beyond {target_us:.0} µs")
    });
    format!("{name} {:.0} / {:.0}", inside(quiet), inside(loaded))
}

/// This repository's own settings, around a LinkShield that is built already.
fn furnish(project: &Project, port: u16, linkshield: &Path) -> Result<()> {
    let read = |path: &str| {
        fs::read_to_string(workspace().join(path))
            .map_err(|error| Trouble::caused(format!("read `{path}`"), error))
    };
    let write = |path: &str, text: &str| {
        fs::write(project.path(path), text).map_err(|error| Trouble::caused(format!("write `{path}`"), error))
    };
    let manifest = read("shield.toml")?
        .replace("cargo build --release -p linkshield", "true")
        .replace("target/release/linkshield", "linkshield")
        .replace("127.0.0.1:8443", &format!("127.0.0.1:{port}"));
    fs::create_dir(project.path("bench")).map_err(|error| Trouble::caused("make `bench`", error))?;
    write("shield.toml", &manifest)?;
    for path in ["bench/load.toml", "bench/prepare.py"] {
        write(path, &read(path)?)?;
    }
    let copied = fs::copy(linkshield, project.path("linkshield"));
    copied.map(drop).map_err(|error| Trouble::caused(format!("copy `{}`", linkshield.display()), error))
}

/// The first valid run, or the last one.
async fn measured(project: &Project) -> Result<BenchResults> {
    let file = project.path("figures.json");
    let shown = file.display().to_string();
    let arguments = ["bench", "--budget", BUDGET, "--json", &shown];
    for attempt in 1.. {
        let finished = project.shield(&arguments).await?;
        if !matches!(finished.code(), 0 | 10 | 12) {
            return Err(Trouble::new(format!("measure: code {}: {}", finished.code(), finished.reason())));
        }
        if finished.code() != 12 || attempt == ATTEMPTS {
            break;
        }
        println!("  attempt {attempt}: the generator was the bottleneck");
    }
    let text = fs::read_to_string(&file).map_err(|error| Trouble::caused("read the figures", error))?;
    serde_json::from_str(&text).map_err(|error| Trouble::caused("read the figures", error))
}
