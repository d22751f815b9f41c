//! How bad a tool says it is.

use crate::{advisories::severity_of_vector, finding::Severity};

/// Where a tool says how bad something is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rating {
    /// It never does, or means something else by it.
    Always(Severity),
    /// At one of these paths, in words, as a CVSS vector or as a score of it; the second, if there is nothing.
    At(&'static [&'static str], Severity),
}

/// From the word, the CVSS vector or the CVSS score of a tool.
pub(super) fn severity(text: &str) -> Option<Severity> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "critical" | "blocker" => Severity::Critical,
        "high" | "error" | "important" => Severity::High,
        "medium" | "moderate" | "warning" | "warn" => Severity::Medium,
        "low" | "minor" | "note" => Severity::Low,
        "info" | "information" | "informational" | "none" | "negligible" | "help" => Severity::Info,
        other => return score(other).or_else(|| severity_of_vector(&other.to_ascii_uppercase())),
    })
}

/// The bands of CVSS 3 and 4.
fn score(text: &str) -> Option<Severity> {
    let score: f64 = text.parse().ok()?;
    Some(match score {
        9.0..=10.0 => Severity::Critical,
        7.0..9.0 => Severity::High,
        4.0..7.0 => Severity::Medium,
        0.1..4.0 => Severity::Low,
        0.0..0.1 => Severity::Info,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_vectors_and_scores_are_understood() {
        for (text, expected) in [
            ("HIGH", Some(Severity::High)),
            ("moderate", Some(Severity::Medium)),
            ("8.2", Some(Severity::High)),
            ("9.0", Some(Severity::Critical)),
            ("0", Some(Severity::Info)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(Severity::Critical)),
            ("UNDEFINED", None),
            ("NaN", None),
            ("1e9", None),
        ] {
            assert_eq!(severity(text), expected, "{text}");
        }
    }
}
