//! The bars, one module each.

mod audit_advisories;
mod audit_benchmark;
mod audit_fixes;
mod audit_hashes;
mod audit_imports;
mod audit_incomplete;
mod audit_original;
mod audit_original_report;
mod audit_reachability;
mod audit_rule_corpora;
mod audit_secrets;
mod audit_self;
mod bad_state;
mod evidence_tamper;
mod faults_undone;
mod first_run;
mod guard_asvs;
mod guard_chain;
mod guard_cost;
mod guard_defects;
mod guard_floods;
mod guard_fuzz;
mod guard_redis_loss;
mod guard_revocation;
mod guard_rotation;
mod guard_targets;
mod kill_anywhere;
mod load_compare;
mod load_cost;
mod load_histogram;
mod load_memory;
mod load_pace;
mod load_proxy_cost;
mod load_truth;
mod lying_instances;
mod other_languages;
mod zero_failed;

use clap::{Args, ValueEnum};

use crate::harness::{Result, Verdict};

/// A claim, and what it is called.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    /// What must hold, in one line.
    pub(crate) claim: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    FirstRun,
    ZeroFailed,
    KillAnywhere,
    BadState,
    LyingInstances,
    OtherLanguages,
    EvidenceTamper,
    LoadTruth,
    LoadCost,
    LoadHistogram,
    LoadPace,
    LoadMemory,
    FaultsUndone,
    LoadProxyCost,
    LoadCompare,
    GuardDefects,
    GuardCost,
    GuardChain,
    GuardAsvs,
    GuardFloods,
    GuardRotation,
    GuardRevocation,
    GuardRedisLoss,
    GuardFuzz,
    GuardTargets,
    AuditSecrets,
    AuditAdvisories,
    AuditOriginalReport,
    AuditImports,
    AuditFixes,
    AuditRuleCorpora,
    AuditBenchmark,
    AuditIncomplete,
    AuditReachability,
    AuditSelf,
}

/// Part of a bar that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Comparisons drawn from recordings.
    Resampled,
    /// Comparisons made anew.
    Live,
    /// Of those, the ones of a program with itself.
    LiveSame,
    /// Of those, the ones of a program with a worse one.
    LivePlanted,
    /// Of fuzzing, the parsers.
    Parsers,
    /// Of fuzzing, the running backend by its own document.
    Schema,
    /// Of costs, the run whose instructions are counted; nothing else measures it.
    Instructions,
    /// Of floods, the one of keys.
    Keys,
    /// Of floods, the one of log-ins.
    Logins,
}

/// Shorter or longer runs than the bar's own; the verdict is then about that run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Releases to make, in bars that count releases.
    #[arg(long)]
    pub(crate) releases: Option<u32>,
    /// Points at which to kill the control plane: the first so many.
    #[arg(long)]
    pub(crate) points: Option<u32>,
    /// Only the cases whose name contains this text, in bars of cases.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// How often to kill the edge, or who makes the faults.
    #[arg(long)]
    pub(crate) kills: Option<u32>,
    /// Requests to send, in bars that count them.
    #[arg(long)]
    pub(crate) requests: Option<u64>,
    /// Minutes for each target, in bars that go on for a time.
    #[arg(long)]
    pub(crate) minutes: Option<u64>,
    /// Only one part, in bars that have several.
    #[arg(long, value_enum)]
    pub(crate) part: Option<Part>,
}

/// Every bar, in the order of the documents.
pub(crate) const BARS: &[Bar] = &[
    Bar {
        name: "ship.first-run",
        claim: "fresh clone to an answer on the edge <= 480 s, no crate compiled twice, second ship <= 60 s",
        kind: Kind::FirstRun,
    },
    Bar {
        name: "ship.zero-failed",
        claim: "0 failed of >= 200,000 requests over 100 releases, every POST applied exactly once, >= 1 request in flight at each swap",
        kind: Kind::ZeroFailed,
    },
    Bar {
        name: "ship.kill-anywhere",
        claim: "control plane killed at every point: completed or undone, 0 failed, no orphan, lock free; edge killed 50 times: 0 refused, only requests in flight fail",
        kind: Kind::KillAnywhere,
    },
    Bar {
        name: "ship.bad-state",
        claim: "state damaged or disk full: 0 failed, the command that meets it says why, the next one works",
        kind: Kind::BadState,
    },
    Bar {
        name: "ship.lying-instances",
        claim: "7 lies: exit code and reason, users see 0 errors; 500s behind a good probe taken back within 10 failed requests",
        kind: Kind::LyingInstances,
    },
    Bar {
        name: "ship.other-languages",
        claim: "FastAPI and Node: init and ship unedited, then 20 releases of each under load, 0 failed, every POST applied exactly once",
        kind: Kind::OtherLanguages,
    },
    Bar {
        name: "ship.evidence-tamper",
        claim: "0 undetected of 1,000 changes of the evidence log",
        kind: Kind::EvidenceTamper,
    },
    Bar {
        name: "load.truth",
        claim: "p50, p95, p99, p99.9 and longest within 2 % or 5 ms of the stall server's diary, with 10 connections and unlimited; every request accounted for",
        kind: Kind::LoadTruth,
    },
    Bar {
        name: "load.cost",
        claim: "requests per generator CPU-second, in alternation: >= 0.6 of wrk plain, >= 0.3 with templates, an extraction and a check; HTTP/2 >= 0.6 of h2load",
        kind: Kind::LoadCost,
    },
    Bar {
        name: "load.histogram",
        claim: "1 µs to 10 min: every quantile within 0.1 % of the sorted values; k workers merged equal one, bit for bit",
        kind: Kind::LoadHistogram,
    },
    Bar {
        name: "load.pace",
        claim: "rate error <= 0.1 % over 10 s at 10,000/s as the server sees it; Poisson arrivals pass Kolmogorov-Smirnov (p > 0.01); a starved run of either model is INVALID",
        kind: Kind::LoadPace,
    },
    Bar {
        name: "load.memory",
        claim: "resident memory <= 64 MiB after 10^8 results and flat over the second half; 10,000 idle users <= 300 MiB",
        kind: Kind::LoadMemory,
    },
    Bar {
        name: "load.faults-undone",
        claim: "100 of 100: every fault seen on its victim within 100 ms of its plan, same seed same schedule, all undone within 5 s of kill -9 of shield (6 s of silence)",
        kind: Kind::FaultsUndone,
    },
    Bar {
        name: "load.proxy-cost",
        claim: "fault proxy without a fault: <= 50 µs added p50, >= 1 GB per CPU-second in bulk",
        kind: Kind::LoadProxyCost,
    },
    Bar {
        name: "load.compare",
        claim: "5 % less throughput or 10 % more p99 found >= 95 % of the time at <= 1 % false alarms over resampled recordings; live: 0 alarms in 10 A/A runs, >= 9 of 10 planted ones found, <= 5 min each",
        kind: Kind::LoadCompare,
    },
    Bar {
        name: "guard.defects",
        claim: "each defect of the original that concerns security has black-box tests that fail when it comes back, and all of them pass",
        kind: Kind::GuardDefects,
    },
    Bar {
        name: "guard.cost",
        claim: "in process, one thread: JWT hit <= 2 x SHA-256; HS256 <= 3 x HMAC; EdDSA, ES256 <= 1.1 x verification; rate limit 0.1 µs, of 1 M keys 0.5 µs, 32 B each; CSRF <= 2 x HMAC; session 0.3 µs; API key of 1 M 0.6 µs, malformed 50 ns; through Redis <= 3 x GET, <= 1 call per 100 requests",
        kind: Kind::GuardCost,
    },
    Bar {
        name: "guard.chain",
        claim: "whole chain on a hit: <= 3 µs, 0 allocations, 0 questions; >= 80 % of the bare handler's throughput per processor second over HTTP",
        kind: Kind::GuardChain,
    },
    Bar {
        name: "guard.asvs",
        claim: ">= 45 passing tests named by ASVS 5.0 requirement, each number one of the standard's",
        kind: Kind::GuardAsvs,
    },
    Bar {
        name: "guard.floods",
        claim: "10^7 new keys: 0 limited keys evicted, memory within its cap; login overload x 5: p99 of the API up by <= 20 %",
        kind: Kind::GuardFloods,
    },
    Bar {
        name: "guard.rotation",
        claim: "keys rotate while tokens are issued: 0 valid tokens refused",
        kind: Kind::GuardRotation,
    },
    Bar {
        name: "guard.revocation",
        claim: "token, session, user, kid, key refused on three nodes <= 250 ms p99 after the call returns; <= 2 s across a failover of Redis; 0 of >= 1,000 lost over 20 of them, nor over deaths of the PostgreSQL primary",
        kind: Kind::GuardRevocation,
    },
    Bar {
        name: "guard.redis-loss",
        claim: "Redis killed, frozen, failed over under load: 0 requests wait > 25 ms on it, 0 sessions lost, 0 revoked tokens accepted, admitted <= 1.5 x the limit (log-in 1.0 x), used again <= 1 s after it is back",
        kind: Kind::GuardRedisLoss,
    },
    Bar {
        name: "guard.fuzz",
        claim: "parsers of tokens, cookies, keys and headers fed for 10 minutes each: 0 findings; schemathesis against /openapi.json of a running LinkShield: 0 server errors",
        kind: Kind::GuardFuzz,
    },
    Bar {
        name: "guard.targets",
        claim: "shield bench on LinkShield, in process, quiet and at 60 % of capacity: averages >= 100 x inside the original's targets (10, 5, 3, 8, 5 ms), the whole chain >= 1,000 x inside 50 ms, the longest under load inside them",
        kind: Kind::GuardTargets,
    },
    Bar {
        name: "audit.secrets",
        claim: "the original: <= 25 findings (detect-secrets 109), none of the 9 credential URLs lost, >= 200 x less CPU; gitleaks' literal examples: >= 95 % of the covered kinds found, <= 2 % of the harmless ones reported; time linear on hostile bytes",
        kind: Kind::AuditSecrets,
    },
    Bar {
        name: "audit.advisories",
        claim: "ranges agree with PyPI's advisories on >= 99.5 % of the versions that they list, and of those on the index that day that they do not; Cargo.lock hits are exactly rustsec's; 12,000 packages < 50 ms",
        kind: Kind::AuditAdvisories,
    },
    Bar {
        name: "audit.original-report",
        claim: "all 5,841 + 316 entries of the original report judged with a reason, sums exact; on a fresh install the search lists exactly what the original's own does, <= 60 weak and <= 80 dangerous files remain, none of ruff's 94 + 128 findings lost without a reason; the five own uses of MD5 mended, its tests unchanged and as green",
        kind: Kind::AuditOriginalReport,
    },
    Bar {
        name: "audit.imports",
        claim: "the original: every resolvable import mended, every remainder classified; pytest then fails to collect only for modules that exist nowhere or files that do not parse; a second run changes nothing",
        kind: Kind::AuditImports,
    },
    Bar {
        name: "audit.rule-corpora",
        claim: "bandit's examples: >= 97 % of its 597 findings by file, line and test (ruff 77 %); ruff's flake8-bandit fixtures: >= 95 % of 498, <= 2 % lines beyond",
        kind: Kind::AuditRuleCorpora,
    },
    Bar {
        name: "audit.fixes",
        claim: "bandit's examples, BenchmarkPython, 1,000 mutated files: no applied fix leaves a file that does not parse or adds a finding, taken back to the byte; the original's five MD5 uses mended, its tests as green",
        kind: Kind::AuditFixes,
    },
    Bar {
        name: "audit.benchmark",
        claim: "OWASP BenchmarkPython, tests with odd numbers after tuning on the even ones: mean of TPR - FPR over the categories >= 70 (ruff 19.7, bandit 14.8, semgrep 12.3), precision >= .90, recall >= .80; all 1,243 files parsed",
        kind: Kind::AuditBenchmark,
    },
    Bar {
        name: "audit.incomplete",
        claim: "bad UTF-8, newest syntax, a 100 MB file, a symlink loop, a malformed OSV record, an unreadable directory: never abort, never change other findings, listed, and the outcome says incomplete",
        kind: Kind::AuditIncomplete,
    },
    Bar {
        name: "audit.reachability",
        claim: "the original with its environment: 0 modules imported by a real run that the graph calls unreachable; >= 40 % of the findings in dependencies removed as unreachable",
        kind: Kind::AuditReachability,
    },
    Bar {
        name: "audit.self",
        claim: "the audit of this repository is clean from the lowest severity, each accepted finding with a reason",
        kind: Kind::AuditSelf,
    },
];

/// Measures one.
pub(crate) async fn run(bar: &Bar, options: &Options) -> Result<Verdict> {
    match bar.kind {
        Kind::FirstRun => first_run::run(options).await,
        Kind::ZeroFailed => zero_failed::run(options).await,
        Kind::KillAnywhere => kill_anywhere::run(options).await,
        Kind::BadState => bad_state::run(options).await,
        Kind::LyingInstances => lying_instances::run(options).await,
        Kind::OtherLanguages => other_languages::run(options).await,
        Kind::EvidenceTamper => evidence_tamper::run(options).await,
        Kind::LoadTruth => load_truth::run(options).await,
        Kind::LoadCost => load_cost::run(options).await,
        Kind::LoadHistogram => load_histogram::run(options).await,
        Kind::LoadPace => load_pace::run(options).await,
        Kind::LoadMemory => load_memory::run(options).await,
        Kind::FaultsUndone => faults_undone::run(options).await,
        Kind::LoadProxyCost => load_proxy_cost::run(options).await,
        Kind::LoadCompare => load_compare::run(options).await,
        Kind::GuardDefects => guard_defects::run(options).await,
        Kind::GuardCost => guard_cost::run(options).await,
        Kind::GuardChain => guard_chain::run(options).await,
        Kind::GuardAsvs => guard_asvs::run(options).await,
        Kind::GuardFloods => guard_floods::run(options).await,
        Kind::GuardRotation => guard_rotation::run(options).await,
        Kind::GuardRevocation => guard_revocation::run(options).await,
        Kind::GuardRedisLoss => guard_redis_loss::run(options).await,
        Kind::GuardFuzz => guard_fuzz::run(options).await,
        Kind::GuardTargets => guard_targets::run(options).await,
        Kind::AuditSecrets => audit_secrets::run(options).await,
        Kind::AuditAdvisories => audit_advisories::run(options).await,
        Kind::AuditOriginalReport => audit_original_report::run(options).await,
        Kind::AuditImports => audit_imports::run(options).await,
        Kind::AuditFixes => audit_fixes::run(options).await,
        Kind::AuditRuleCorpora => audit_rule_corpora::run(options).await,
        Kind::AuditBenchmark => audit_benchmark::run(options).await,
        Kind::AuditIncomplete => audit_incomplete::run(options).await,
        Kind::AuditReachability => audit_reachability::run(options).await,
        Kind::AuditSelf => audit_self::run(options).await,
    }
}
