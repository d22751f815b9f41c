//! Which claims of an OpenVEX document can be derived, for people.

use super::escape::visible;
use crate::audit::{Replayed, ReplayedClaim};

/// A line a claim, then how many of them hold. What claims nothing that has a proof is only counted.
#[must_use]
pub fn claims(claims: &[ReplayedClaim]) -> String {
    let (mut text, mut holding, mut proven) = (String::new(), 0, 0);
    for claim in claims {
        let (verdict, why) = match &claim.replayed {
            Replayed::NoClaim => continue,
            Replayed::Holds => ("holds", "nothing imports it, by the same graph as in the document"),
            Replayed::HoldsAnew => {
                ("holds", "nothing imports it, by another graph: the project has changed since")
            }
            Replayed::Fails(why) => ("does not hold", why.as_str()),
            Replayed::Open(why) => ("cannot be told", why.as_str()),
        };
        proven += 1;
        holding += usize::from(verdict == "holds");
        text += &visible(&format!("{verdict}: {} in {}: {why}", claim.vulnerability, claim.package));
        text.push('\n');
    }
    let rest = match claims.len() - proven {
        0 => String::new(),
        rest => format!("; {rest} other statements claim nothing that has a proof"),
    };
    format!("{text}{holding} of {proven} claims hold{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_has_a_line() {
        let claim = |replayed| ReplayedClaim {
            vulnerability: "CVE-1".to_owned(),
            package: "pkg:pypi/a@1\u{1b}[2J".to_owned(),
            status: "not_affected".to_owned(),
            replayed,
        };
        let fails = Replayed::Fails("two of its modules\nare imported".to_owned());
        let text = claims(&[claim(Replayed::Holds), claim(fails), claim(Replayed::NoClaim)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[1].starts_with("does not hold: CVE-1 in pkg:pypi/a@1␛[2J: two of its modules␊"),
            "{text}"
        );
        assert_eq!(lines[2], "1 of 2 claims hold; 1 other statements claim nothing that has a proof");
    }
}
