//! What the project is made of, with what is known to be wrong with it.

use jiff::Timestamp;
use serde_json::Value;

use super::{Report, vex::seconds};
use crate::dependencies::bill::{self, Bill};

/// The bill of materials as CycloneDX 1.6, made at `created`: with vulnerabilities, and what they mean here.
#[must_use]
pub fn cyclonedx(report: &Report, created: Timestamp) -> String {
    written(&bill::cyclonedx(&made(report, created)))
}

/// The bill of materials as SPDX 2.3, made at `created`: packages refer to their advisories.
#[must_use]
pub fn spdx(report: &Report, created: Timestamp) -> String {
    written(&bill::spdx(&made(report, created)))
}

fn made(report: &Report, created: Timestamp) -> Bill {
    Bill { created: seconds(created), statements: report.statements(), ..report.bill.clone() }
}

fn written(document: &Value) -> String {
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn vulnerabilities_say_what_they_mean_here() {
        let document: Value = serde_json::from_str(&cyclonedx(&sample::found(), sample::created())).unwrap();
        let of = |name: &str| {
            let all = document["vulnerabilities"].as_array().unwrap();
            all.iter().find(|one| one["id"] == name).unwrap()["analysis"].clone()
        };
        assert_eq!(of("CVE-1")["state"], "exploitable");
        assert_eq!(of("CVE-1")["detail"], "update `used` to 2.0");
        assert_eq!(of("CVE-2")["justification"], "code_not_reachable");
        assert_eq!(of("RUSTSEC-3"), Value::Null);
        assert_eq!(document["metadata"]["timestamp"], "2026-11-27T10:00:00Z");
    }

    #[test]
    fn packages_refer_to_advisories() {
        let document: Value = serde_json::from_str(&spdx(&sample::found(), sample::created())).unwrap();
        let packages = document["packages"].as_array().unwrap();
        let used = packages.iter().find(|package| package["name"] == "used").unwrap();
        assert_eq!(used["externalRefs"][1]["referenceLocator"], "https://osv.dev/vulnerability/CVE-1");
    }
}
