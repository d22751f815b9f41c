//! From findings to a score, a level and a confidence.
//!
//! **Risk score** (0 to 100): the points of all findings are added. Two bounds keep the sum honest:
//! - *floor*: it is at least the lowest score of the level of the most severe finding, so one strong finding is
//!   enough (the original weighed a certain hit of 95 down to 28.5 and called it low);
//! - *ceiling*: it is at most the highest score of one level above the most severe finding, so a pile of small
//!   oddities never looks like proof. Findings of severity `info` alone can make a URL `low`, never more.
//!
//! **Level**: safe 0-19, low 20-39, medium 40-69, high 70-89, critical 90-100.
//!
//! **Confidence** (0 to 100): how sure the analysis is of the level. The structure of a URL proves danger better than
//! safety, so `safe` never says more than 60: the page was not looked at.

use super::finding::{Finding, Severity, ThreatLevel};

/// What the findings of a URL amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assessment {
    /// 0 to 100.
    pub risk_score: u8,
    /// The level that the score falls in.
    pub level: ThreatLevel,
    /// 0 to 100.
    pub confidence: u8,
}

/// Adds up the findings of one URL.
pub fn assess(findings: &[Finding]) -> Assessment {
    let strongest = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Info);
    let sum = findings.iter().fold(0_u8, |sum, finding| sum.saturating_add(finding.points));
    let (floor, ceiling) = (strongest.level().score_min(), strongest.level().next().score_max());
    let risk_score = sum.clamp(floor, ceiling);
    Assessment { risk_score, level: level_of(risk_score), confidence: confidence(findings, strongest) }
}

fn level_of(risk_score: u8) -> ThreatLevel {
    let reached = |level: &ThreatLevel| risk_score >= level.score_min();
    ThreatLevel::ALL.into_iter().rev().find(reached).unwrap_or(ThreatLevel::Safe)
}

fn confidence(findings: &[Finding], strongest: Severity) -> u8 {
    let base: u8 = match strongest {
        Severity::Info => 60,
        Severity::Low => 55,
        Severity::Medium => 65,
        Severity::High => 80,
        Severity::Critical => 95,
    };
    let agreeing = findings.iter().filter(|finding| finding.severity > Severity::Info).count();
    let bonus = 5 * agreeing.saturating_sub(1).min(3);
    base.saturating_add(u8::try_from(bonus).unwrap_or(0)).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Rule;

    fn finding(severity: Severity, points: u8) -> Finding {
        Rule { id: "test", severity, points, title: "test" }.found(String::new(), "")
    }

    #[test]
    fn no_findings_are_safe() {
        assert_eq!(assess(&[]), Assessment { risk_score: 0, level: ThreatLevel::Safe, confidence: 60 });
    }

    #[test]
    fn d13_single_strong_finding_suffices() {
        assert_eq!(assess(&[finding(Severity::High, 70)]).level, ThreatLevel::High);
        assert_eq!(assess(&[finding(Severity::Critical, 95)]).level, ThreatLevel::Critical);
        assert_eq!(
            assess(&[finding(Severity::Critical, 1)]).risk_score,
            90,
            "the floor holds without points"
        );
    }

    #[test]
    fn weak_signals_stay_one_level_above() {
        let lows = vec![finding(Severity::Low, 20); 20];
        assert_eq!(assess(&lows).level, ThreatLevel::Medium);
        let infos = vec![finding(Severity::Info, 15); 20];
        assert_eq!(assess(&infos).level, ThreatLevel::Low);
        let highs = vec![finding(Severity::High, 75); 2];
        assert_eq!(assess(&highs).level, ThreatLevel::Critical);
    }

    #[test]
    fn levels_cover_scores_without_gap() {
        for score in 0..=100 {
            let level = level_of(score);
            assert!(level.score_min() <= score && score <= level.score_max(), "{score} in {level}");
        }
    }
}
