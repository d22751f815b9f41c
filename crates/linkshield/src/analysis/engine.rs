//! Applies every rule to a URL and adds up what they found.

use super::{
    finding::{Finding, ThreatLevel},
    rules,
    score::assess,
    shown::shown,
    target::{Target, TargetError},
};

/// Name of this analyzer in results.
pub const ANALYZER_NAME: &str = "linkshield-structure";
/// Version of the rules; changes whenever a rule, a weight or the formula does.
pub const ANALYZER_VERSION: &str = "1.1.0";

/// Everything the analysis says about one URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// 0 to 100.
    pub risk_score: u8,
    /// The level the score falls in.
    pub level: ThreatLevel,
    /// 0 to 100.
    pub confidence: u8,
    /// One sentence for a person.
    pub verdict: String,
    /// Worst first.
    pub findings: Vec<Finding>,
}

/// Judges a parsed URL.
pub fn analyse(target: &Target) -> Report {
    let mut findings = rules::findings(target);
    rules::follow_redirects(target, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.points)));
    let assessment = assess(&findings);
    Report {
        risk_score: assessment.risk_score,
        level: assessment.level,
        confidence: assessment.confidence,
        verdict: verdict(target, assessment.level, &findings),
        findings,
    }
}

/// Parses and judges a text.
///
/// # Errors
/// When the text is not a URL.
pub fn analyse_text(text: &str) -> Result<Report, TargetError> {
    Target::parse(text).map(|target| analyse(&target))
}

fn verdict(target: &Target, level: ThreatLevel, findings: &[Finding]) -> String {
    let place = match target.host.text() {
        host if host.is_empty() => format!("a `{}:` URL", target.url.scheme()),
        host => format!("`{}`", shown(&host)),
    };
    match findings.first() {
        None => format!(
            "Nothing in the structure of this link to {place} is suspicious; the page was not fetched."
        ),
        Some(worst) if level == ThreatLevel::Safe => {
            format!(
                "This link to {place} has only ordinary oddities ({}); the page was not fetched.",
                lower(worst.title)
            )
        }
        Some(worst) => {
            format!("This link to {place} is rated {level}, above all for this: {}.", lower(worst.title))
        }
    }
}

/// Lower-cases the first letter unless the first word is an abbreviation.
fn lower(title: &str) -> String {
    let mut characters = title.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => title.to_owned(),
    }
}
