//! From CVSS vectors and the words of databases to our severities.

use std::str::FromStr as _;

use cvss::Cvss;

use crate::finding::Severity;

/// The severity of a CVSS vector of version 3 or 4; none of any other text.
pub(crate) fn of_vector(vector: &str) -> Option<Severity> {
    let severity = Cvss::from_str(vector.trim()).ok()?.severity();
    Some(match severity {
        cvss::Severity::None => Severity::Info,
        cvss::Severity::Low => Severity::Low,
        cvss::Severity::Medium => Severity::Medium,
        cvss::Severity::High => Severity::High,
        cvss::Severity::Critical => Severity::Critical,
    })
}

/// The severity that a database names in a word, as GitHub's does.
pub(super) fn of_word(word: &str) -> Option<Severity> {
    match word.to_ascii_uppercase().as_str() {
        "LOW" => Some(Severity::Low),
        "MODERATE" | "MEDIUM" => Some(Severity::Medium),
        "HIGH" => Some(Severity::High),
        "CRITICAL" => Some(Severity::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_scored() {
        let of = |vector| of_vector(vector);
        assert_eq!(of("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), Some(Severity::Critical));
        assert_eq!(of("CVSS:3.1/AV:L/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N"), Some(Severity::Low));
        let version4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        assert_eq!(of(version4), Some(Severity::Critical));
        assert_eq!(of("CVSS:9.9/AV:N"), None);
    }

    #[test]
    fn words_are_known() {
        assert_eq!(of_word("moderate"), Some(Severity::Medium));
        assert_eq!(of_word("whatever"), None);
    }
}
