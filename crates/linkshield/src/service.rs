//! Checking a URL: parse, reuse or analyse, remember, answer.
//!
//! A result is reused for five minutes (the original's rule) when the same account, or another client without one, asks for
//! the same normalised URL, unless the request has `priority`. An account's checks are its own: no other's is shown to it. Two exceptions keep that honest: a spelling that raises findings of its own (an octal
//! host, a hidden tab) neither takes nor gives a result, since the normal form no longer shows the trick; and a
//! result of other rules or lists, such as another release's, is not taken.

use std::{sync::LazyLock, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shield_guard::AccountId;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::{
    analysis::{
        ANALYZER_NAME, ANALYZER_VERSION, Finding, Host, Report, Severity, Target, ThreatLevel, analyse,
        analyse_text, threat_list_version,
    },
    store::{CheckId, NewCheck, NewScanResult, Recorded, RetentionLimits, ScanType, Store, StoreError},
};

/// How long a result answers for the same normalised URL.
pub const REUSE_PERIOD: Duration = Duration::from_secs(5 * 60);

const THREAT_LIST_PROVIDER: &str = "linkshield-threat-list";
const THREAT_LIST_RULE: &str = "threat-list";

static ANALYZER: LazyLock<String> = LazyLock::new(|| {
    format!("{ANALYZER_NAME}/{ANALYZER_VERSION} {THREAT_LIST_PROVIDER}/{}", threat_list_version())
});

/// Checks URLs and remembers the results.
#[derive(Debug, Clone)]
pub struct CheckService {
    store: Store,
    limits: RetentionLimits,
}

/// Everything the analysis found, as `analysis_results`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysisResults {
    /// 0 to 100; see the levels.
    pub risk_score: u8,
    /// The level the score falls in: safe 0-19, low 20-39, medium 40-69, high 70-89, critical 90-100.
    pub threat_level: ThreatLevel,
    /// One sentence for a person.
    pub verdict: String,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// The parts of the URL that the findings speak about.
    pub parts: UrlParts,
    /// Which scans were made, and which this release cannot make.
    pub scans: Vec<ScanState>,
    /// Who analysed.
    pub analyzer: Analyzer,
}

/// The parts of a URL as a browser understands them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UrlParts {
    /// Scheme.
    pub scheme: String,
    /// Host in ASCII form; empty when the scheme has none.
    pub host: String,
    /// Host with punycode decoded, when it is a name.
    pub host_unicode: Option<String>,
    /// What somebody registered, when the host is a name.
    pub registrable_domain: Option<String>,
    /// The public suffix, when the host is a name.
    pub public_suffix: Option<String>,
    /// Port, when it is not the scheme's own.
    pub port: Option<u16>,
    /// Whether `https://` was added.
    pub scheme_assumed: bool,
}

/// Whether a kind of scan was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScanState {
    /// The kind of scan.
    pub scan_type: ScanType,
    /// `completed` or `not_available`.
    #[schema(value_type = String)]
    pub state: &'static str,
    /// Why it was not made.
    #[schema(value_type = Option<String>)]
    pub reason: Option<&'static str>,
}

/// Names and versions of what judged.
#[derive(Debug, Serialize, ToSchema)]
pub struct Analyzer {
    /// Name of the analyzer.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// Version of its rules.
    #[schema(value_type = String)]
    pub version: &'static str,
    /// Version of the local threat list.
    #[schema(value_type = String)]
    pub threat_list_version: &'static str,
}

/// Whether a recent result may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// A result of the last five minutes will do.
    Allowed,
    /// Analyse again.
    Refused,
}

// === impl CheckService ===

impl CheckService {
    /// A service over `store` that keeps it within `limits`.
    pub fn new(store: Store, limits: RetentionLimits) -> Self {
        Self { store, limits }
    }

    /// The database behind it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Checks one URL for an account, or for a client that did not say who it is.
    ///
    /// # Errors
    /// When the database does not answer or does not take the result.
    pub async fn check(
        &self,
        target: &Target,
        account: Option<AccountId>,
        reuse: Reuse,
    ) -> Result<Recorded, StoreError> {
        let since = reuse_since(reuse);
        let check = judge(target, account);
        if let (Some(since), true) = (since, check.reusable) {
            let found = self.store.find_reusable(&check, since).await?;
            if let Some(check) = found {
                return Ok(Recorded { check, reused: true });
            }
        }
        let mut recorded = self.store.record(vec![check], since).await?;
        Ok(recorded.remove(0))
    }

    /// Checks many URLs in one transaction; answers in their order.
    ///
    /// # Errors
    /// When the database does not take the results; then none is stored.
    pub async fn check_all(
        &self,
        targets: Vec<Target>,
        account: Option<AccountId>,
        reuse: Reuse,
    ) -> Result<Vec<Recorded>, StoreError> {
        // A hundred long URLs take a while; whether the service is ready must be answered meanwhile.
        let judged =
            spawn_blocking(move || targets.iter().map(|target| judge(target, account)).collect()).await;
        self.store.record(judged.expect("judging does not panic"), reuse_since(reuse)).await
    }

    /// Deletes what the retention limits no longer allow; answers how many checks went.
    ///
    /// # Errors
    /// When the database does not take the deletion; what was deleted before stays deleted.
    pub async fn prune(&self) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            match self.store.prune_batch(self.limits, Timestamp::now()).await? {
                0 => return Ok(total),
                deleted => total += deleted,
            }
        }
    }
}

fn reuse_since(reuse: Reuse) -> Option<Timestamp> {
    let period_ms = i64::try_from(REUSE_PERIOD.as_millis()).unwrap_or(i64::MAX);
    let since =
        || Timestamp::from_millisecond(Timestamp::now().as_millisecond().saturating_sub(period_ms)).ok();
    (reuse == Reuse::Allowed).then(since).flatten()
}

/// Analyses a URL and packs everything that is to be remembered.
fn judge(target: &Target, account: Option<AccountId>) -> NewCheck {
    let scan_started_at = Timestamp::now();
    let report = analyse(target);
    let reusable = spelling_adds_nothing(target, &report);
    let scan_results = scan_results(&report);
    let results = AnalysisResults {
        risk_score: report.risk_score,
        threat_level: report.level,
        verdict: report.verdict,
        findings: report.findings,
        parts: parts(target),
        scans: scans(),
        analyzer: Analyzer {
            name: ANALYZER_NAME,
            version: ANALYZER_VERSION,
            threat_list_version: threat_list_version(),
        },
    };
    NewCheck {
        account,
        id: CheckId::new(),
        original_url: target.original.clone(),
        normalized_url: target.normalized().to_owned(),
        domain: target.host.text(),
        registrable_domain: target.host.owner(),
        threat_level: results.threat_level,
        confidence_score: report.confidence,
        scan_started_at,
        scan_completed_at: Timestamp::now(),
        analysis_results: serde_json::to_string(&results)
            .expect("a struct of strings and numbers becomes JSON"),
        analyzer: ANALYZER.clone(),
        reusable,
        scan_results,
    }
}

/// Whether the normal form raises the same findings as this spelling of it.
fn spelling_adds_nothing(target: &Target, report: &Report) -> bool {
    let ids = |report: &Report| report.findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
    target.original == target.normalized()
        || analyse_text(target.normalized()).is_ok_and(|plain| ids(&plain) == ids(report))
}

fn parts(target: &Target) -> UrlParts {
    let name = match &target.host {
        Host::Name(name) => Some(name),
        Host::Address(_) | Host::None => None,
    };
    UrlParts {
        scheme: target.url.scheme().to_owned(),
        host: target.host.text(),
        host_unicode: name.map(|name| name.unicode.clone()),
        registrable_domain: name.and_then(|name| name.registrable.clone()),
        public_suffix: name.map(|name| name.suffix.clone()),
        port: target.url.port(),
        scheme_assumed: target.spelling.scheme_assumed,
    }
}

fn scans() -> Vec<ScanState> {
    let state = |scan_type| match scan_type {
        ScanType::Technical | ScanType::Security => ScanState { scan_type, state: "completed", reason: None },
        ScanType::Reputation => unavailable(scan_type, "reputation is not collected in this release"),
        ScanType::Content => unavailable(scan_type, "pages are not fetched in this release"),
        ScanType::BrokenLinks => unavailable(scan_type, "links are not followed in this release"),
    };
    ScanType::ALL.into_iter().map(state).collect()
}

fn unavailable(scan_type: ScanType, reason: &'static str) -> ScanState {
    ScanState { scan_type, state: "not_available", reason: Some(reason) }
}

/// The structural scan and the threat list scan, told apart by the rule that found something.
fn scan_results(report: &Report) -> Vec<NewScanResult> {
    let (listed, structural): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.id == THREAT_LIST_RULE);
    let threats = |findings: &[&Finding]| {
        let serious = findings.iter().filter(|finding| finding.severity >= Severity::Medium);
        serious.map(|finding| finding.id).collect::<Vec<_>>()
    };
    vec![
        NewScanResult {
            scan_type: ScanType::Technical,
            provider: ANALYZER_NAME,
            threat_detected: !threats(&structural).is_empty(),
            threat_types: threats(&structural),
            confidence_score: report.confidence,
            metadata: json!({ "version": ANALYZER_VERSION, "findings": structural.len() }),
        },
        NewScanResult {
            scan_type: ScanType::Security,
            provider: THREAT_LIST_PROVIDER,
            threat_detected: !listed.is_empty(),
            threat_types: threats(&listed),
            // A hit is certain; absence from a short list says little.
            confidence_score: if listed.is_empty() { 10 } else { 100 },
            metadata: json!({ "version": threat_list_version() }),
        },
    ]
}
