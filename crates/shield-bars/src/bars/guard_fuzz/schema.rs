//! Schemathesis against a running LinkShield, once as a stranger and once as an administrator.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::backend::Backend;
use crate::harness::{Result, Trouble, Verdict, build_linkshield, run as run_command, workspace};

/// What is installed, into a directory of this bar's own beside the build.
const PACKAGE: &str = "schemathesis==4.32.5";
const INSTALL_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How long the longest run may take: access tokens live for 15 minutes, and a log-in is recent for 10.
const RUN_LIMIT: Duration = Duration::from_secs(9 * 60);
const HOOKS: &str = include_str!("hooks.py");
/// What can end the credential that it is asked with, once the tool has learned the ids.
const ENDS_ITSELF: [&str; 6] = [
    "/api/v1/user/logout",
    "/auth/logout",
    "/api/v1/user/sessions/{id}",
    "/api/v1/jwt/keys/{id}",
    "/api/v1/admin/users/{id}",
    "/auth/admin/revoke-user-tokens/{user_id}",
];
const PROFILE: &str = "/api/v1/user/profile";

/// Who asks what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// Everything, without a credential.
    Stranger,
    /// Everything but what ends itself.
    Administrator,
    /// The rest.
    LastAdministrator,
}

/// How often a route answered with a status.
type Counts = BTreeMap<(String, String, u16), u64>;

pub(super) async fn run(verdict: &mut Verdict) -> Result<String> {
    let tool = install().await?;
    let backend = Backend::start(&build_linkshield().await?).await?;
    let place = TempDir::new().map_err(|error| Trouble::caused("make a directory", error))?;
    let hooks = place.path().join("hooks.py");
    fs::write(&hooks, HOOKS).map_err(|error| Trouble::caused("write the hooks", error))?;
    ask(&tool, &hooks, &backend, Asker::Administrator, verdict).await?;
    let profile = backend.ask("GET", PROFILE, "").await?;
    verdict.demand(profile.status == 200, || {
        format!("the administrator's credential did not last: GET {PROFILE} answers {}", profile.status)
    });
    ask(&tool, &hooks, &backend, Asker::LastAdministrator, verdict).await?;
    ask(&tool, &hooks, &backend, Asker::Stranger, verdict).await?;
    let counts = counts(&backend).await?;
    judge(&backend, &counts, verdict).await
}

async fn install() -> Result<PathBuf> {
    let place = workspace().join("target").join("schemathesis");
    let (program, mark) = (place.join("bin/schemathesis"), place.join("installed"));
    // An install that broke off leaves no mark, and is done again.
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == PACKAGE) && program.exists() {
        return Ok(program);
    }
    println!("  installing {PACKAGE}");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&place);
    let mut pip = Command::new(place.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", PACKAGE]);
    for command in [venv, pip] {
        let finished = run_command(command, INSTALL_LIMIT).await?;
        if !finished.succeeded() {
            return Err(Trouble::new(format!("install {PACKAGE}:\n{}", finished.stderr)));
        }
    }
    fs::write(&mark, PACKAGE).map_err(|error| Trouble::caused("note the install", error))?;
    Ok(program)
}

async fn ask(
    tool: &Path,
    hooks: &Path,
    backend: &Backend,
    asker: Asker,
    verdict: &mut Verdict,
) -> Result<()> {
    let mut command = Command::new(tool);
    command.arg("run").arg(format!("http://{}/openapi.json", backend.address));
    command.args(["--checks", "not_a_server_error", "--continue-on-failure", "--no-color"]);
    // With more than one worker, Python 3.11 fails to parse its own sources at times.
    command.args(["--max-time", asker.seconds(), "--workers", "1", "--warnings", "off"]);
    command.args(["--suppress-health-check", "all", "--request-timeout", "30"]);
    let choose = match asker {
        Asker::Stranger => None,
        Asker::Administrator => Some("--exclude-path"),
        Asker::LastAdministrator => Some("--include-path"),
    };
    if let Some(choose) = choose {
        command.arg("-H").arg(format!("Authorization: Bearer {}", backend.token));
        command.args(ENDS_ITSELF.into_iter().flat_map(|path| [choose, path]));
    }
    command.env("SCHEMATHESIS_HOOKS", hooks).current_dir(hooks.parent().unwrap_or(hooks));
    let finished = run_command(command, RUN_LIMIT).await?;
    let lines: Vec<&str> = finished.stdout.lines().collect();
    println!("  {asker:?}, {:.0} s:", finished.took.as_secs_f64());
    lines[lines.len().saturating_sub(12)..].iter().for_each(|line| println!("    {line}"));
    verdict.demand(finished.succeeded(), || {
        format!("{asker:?}: schemathesis ended with {}: {}", finished.code(), finished.reason())
    });
    Ok(())
}

// === impl Asker ===

impl Asker {
    const fn seconds(self) -> &'static str {
        match self {
            Self::Administrator => "240",
            Self::Stranger => "120",
            Self::LastAdministrator => "30",
        }
    }
}

/// What the backend counted itself.
async fn counts(backend: &Backend) -> Result<Counts> {
    let metrics = backend.ask("GET", "/metrics", "").await?.body;
    let mut counts = Counts::new();
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix("linkshield_http_requests_total{") else { continue };
        let Some((labels, count)) = rest.rsplit_once("} ") else { continue };
        let label = |name: &str| {
            let start = format!("{name}=\"");
            let (_, rest) = labels.split_once(&start)?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let read = (|| {
            let status = label("status")?.parse().ok()?;
            Some(((label("method")?, label("route")?, status), count.parse::<u64>().ok()?))
        })();
        let (key, count) = read.ok_or_else(|| Trouble::new(format!("read the metric `{line}`")))?;
        *counts.entry(key).or_default() += count;
    }
    Ok(counts)
}

async fn judge(backend: &Backend, counts: &Counts, verdict: &mut Verdict) -> Result<String> {
    let document = backend.ask("GET", "/openapi.json", "").await?.body;
    let document: Value =
        serde_json::from_str(&document).map_err(|error| Trouble::caused("read `/openapi.json`", error))?;
    let paths = document["paths"].as_object().ok_or_else(|| Trouble::new("find paths in `/openapi.json`"))?;
    let (mut operations, mut answered) = (0, 0);
    for (path, methods) in paths {
        for method in methods.as_object().into_iter().flat_map(|methods| methods.keys()) {
            let method = method.to_uppercase();
            let of = |wanted: &dyn Fn(u16) -> bool| {
                let matching = counts.iter().filter(|((known, route, status), _)| {
                    *known == method && route == path && wanted(*status)
                });
                matching.map(|(_, count)| count).sum::<u64>()
            };
            let (all, good) = (of(&|_| true), of(&|status| status < 300));
            operations += 1;
            answered += u32::from(good > 0);
            verdict.demand(all > 0, || format!("{method} {path} was never asked"));
        }
    }
    let total: u64 = counts.values().sum();
    let failed: u64 = counts.iter().filter(|((.., status), _)| *status >= 500).map(|(_, count)| count).sum();
    for ((method, route, status), count) in counts.iter().filter(|((.., status), _)| *status >= 500) {
        println!("  !! {method} {route}: {count} x {status}");
    }
    verdict.demand(failed == 0, || format!("{failed} answers of 500 or above"));
    verdict.demand(operations > 0 && total > 10 * operations, || format!("only {total} requests"));
    Ok(format!(
        "{total} requests to {operations} operations ({answered} with success), {failed} server errors"
    ))
}
