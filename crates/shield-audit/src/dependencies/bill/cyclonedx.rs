//! CycloneDX 1.6 in JSON (ECMA-424).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::shape::{Bill, address_of, checksum_of, licence_of};
use crate::{
    advisories::{
        Match, severity_of_vector,
        vex::{Justification, Statement, Status},
    },
    dependencies::{Licence, Package},
    finding::Severity,
};

/// The bill in CycloneDX. It has no serial number: that would differ each time.
#[must_use]
pub fn cyclonedx(bill: &Bill) -> Value {
    let packages = bill.by_purl();
    let mut subject = Map::from_iter([
        ("type".to_owned(), json!("application")),
        ("bom-ref".to_owned(), json!("project")),
        ("name".to_owned(), json!(bill.name)),
    ]);
    if let Some(version) = &bill.version {
        subject.insert("version".to_owned(), json!(version));
    }
    let components: Vec<_> = packages.iter().map(|(purl, package)| component(purl, package)).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "tools": {"components": [{"type": "application", "name": "shield"}]},
            "component": subject,
        },
        "components": components,
        "dependencies": dependencies(bill, &packages),
        "vulnerabilities": vulnerabilities(bill),
    })
}

fn component(purl: &str, package: &Package) -> Value {
    let mut component = Map::from_iter([
        ("type".to_owned(), json!("library")),
        ("bom-ref".to_owned(), json!(purl)),
        ("name".to_owned(), json!(package.name.name())),
        ("purl".to_owned(), json!(purl)),
    ]);
    if !package.version.is_empty() {
        component.insert("version".to_owned(), json!(package.version));
    }
    if let Some(checksum) = checksum_of(package) {
        let hashes = json!([{"alg": format!("SHA-{}", checksum.bits), "content": checksum.hex}]);
        component.insert("hashes".to_owned(), hashes);
    }
    let licences = licence_of(package).map(|licence| match licence {
        Licence::Expression(text) => json!([{"expression": text}]),
        Licence::Words(text) => json!([{"license": {"name": text}}]),
    });
    component.extend(licences.map(|licences| ("licenses".to_owned(), licences)));
    if let Some(address) = address_of(package) {
        let properties = json!([{"name": "shield:origin", "value": address}]);
        component.insert("properties".to_owned(), properties);
    }
    Value::Object(component)
}

/// The project needs everything; what a package needs is known of installed ones.
fn dependencies(bill: &Bill, packages: &BTreeMap<String, &Package>) -> Vec<Value> {
    let all: Vec<_> = packages.keys().collect();
    let project = json!({"ref": "project", "dependsOn": all});
    let known = packages.keys().filter_map(|purl| {
        let needs: Vec<_> =
            bill.needs.get(purl)?.iter().filter(|need| packages.contains_key(*need)).collect();
        Some(json!({"ref": purl, "dependsOn": needs}))
    });
    std::iter::once(project).chain(known).collect()
}

fn vulnerabilities(bill: &Bill) -> Vec<Value> {
    let key = |one: &'_ Statement| (one.vulnerability.clone(), one.package.clone());
    let statements: BTreeMap<_, _> = bill.statements.iter().map(|one| (key(one), &one.status)).collect();
    // A version that several files name is one component.
    let found = bill.matches.iter().map(|one| {
        let key = (one.vulnerability.clone(), one.package.purl_of(&one.version));
        let status = statements.get(&key).copied();
        (key, vulnerability(one, status))
    });
    found.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What a vulnerability means here, in the words of this format.
fn analysis(status: &Status) -> Value {
    match status {
        Status::NotAffected { justification, proof } => {
            let justification = match justification {
                Justification::ComponentNotPresent | Justification::VulnerableCodeNotPresent => {
                    "code_not_present"
                }
                Justification::VulnerableCodeNotInExecutePath => "code_not_reachable",
                Justification::VulnerableCodeCannotBeControlledByAdversary => "requires_environment",
                Justification::InlineMitigationsAlreadyExist => "protected_by_mitigating_control",
            };
            let (roots, targets) = (proof.roots.len(), proof.targets.len());
            let detail =
                format!("{} ({roots} roots, {targets} modules, graph {})", proof.method, proof.graph);
            json!({"state": "not_affected", "justification": justification, "detail": detail})
        }
        Status::Affected { action } => {
            json!({"state": "exploitable", "detail": action})
        }
        Status::Fixed => json!({"state": "resolved"}),
        Status::UnderInvestigation => json!({"state": "in_triage"}),
    }
}

fn vulnerability(found: &Match, status: Option<&Status>) -> Value {
    let purl = found.package.purl_of(&found.version);
    let mut ratings: Vec<_> = found.vectors.iter().filter_map(|vector| rating(vector)).collect();
    if let (true, Some(severity)) = (ratings.is_empty(), found.severity) {
        ratings.push(json!({"severity": severity_word(severity)}));
    }
    let references = found.names.iter().filter(|name| **name != found.vulnerability);
    let references: Vec<_> =
        references.map(|name| json!({"id": name, "source": {"name": source_of(name)}})).collect();
    let mut vulnerability = Map::from_iter([
        ("bom-ref".to_owned(), json!(format!("{}/{purl}", found.vulnerability))),
        ("id".to_owned(), json!(found.vulnerability)),
        ("source".to_owned(), json!({"name": source_of(&found.vulnerability)})),
        ("references".to_owned(), json!(references)),
        ("ratings".to_owned(), json!(ratings)),
        ("description".to_owned(), json!(found.summary)),
        ("affects".to_owned(), json!([{"ref": purl}])),
    ]);
    if let Some(version) = &found.fixed_in {
        vulnerability.insert("recommendation".to_owned(), json!(format!("update to {version}")));
    }
    vulnerability.extend(status.map(|status| ("analysis".to_owned(), analysis(status))));
    Value::Object(vulnerability)
}

fn rating(vector: &str) -> Option<Value> {
    let method = match vector.get(..8)? {
        "CVSS:3.0" => "CVSSv3",
        "CVSS:3.1" => "CVSSv31",
        "CVSS:4.0" => "CVSSv4",
        _ => return None,
    };
    let severity = severity_of_vector(vector)?;
    Some(json!({"method": method, "severity": severity_word(severity), "vector": vector}))
}

const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Who gave a name.
fn source_of(name: &str) -> &str {
    match name.split('-').next().unwrap_or(name) {
        "CVE" => "NVD",
        "GHSA" => "GitHub Advisories",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advisories::{Hit, Kind},
        dependencies::bill::shape::tests::bill,
        finding::Place,
    };

    #[test]
    fn components_carry_what_is_known() {
        let document = cyclonedx(&bill());
        let licences: Vec<_> = (0..3).map(|place| &document["components"][place]["licenses"][0]).collect();
        assert_eq!(
            licences,
            [&Value::Null, &json!({"license": {"name": "BSD"}}), &json!({"expression": "MIT"})]
        );
        assert_eq!(document["components"][2]["hashes"][0]["alg"], "SHA-256");
        assert_eq!(document["components"][0]["properties"][0]["value"], "git+https://example.org/c");
        assert_eq!(
            document["dependencies"][1],
            json!({"ref": "pkg:pypi/a@1.0", "dependsOn": ["pkg:npm/%40s/b@2.0.0"]})
        );
    }

    #[test]
    fn order_of_packages_is_free() {
        let mut other = bill();
        other.packages.reverse();
        assert_eq!(cyclonedx(&other).to_string(), cyclonedx(&bill()).to_string());
    }

    #[test]
    fn vulnerabilities_are_named() {
        let mut with = bill();
        with.matches.push(Match {
            package: with.packages[1].name.clone(),
            version: "1.0".to_owned(),
            place: Place { file: "lock".to_owned(), span: None },
            vulnerability: "CVE-1".to_owned(),
            names: vec!["CVE-1".to_owned(), "PYSEC-1".to_owned()],
            records: vec!["CVE-1".to_owned()],
            kind: Kind::Vulnerable,
            summary: "bad".to_owned(),
            severity: Some(Severity::High),
            vectors: vec!["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()],
            symbols: Vec::new(),
            hit: Hit::Agreed,
            suspect: false,
            fixed_in: Some("2".to_owned()),
            clean_in: None,
        });
        let found = &cyclonedx(&with)["vulnerabilities"][0];
        assert_eq!(
            (&found["affects"][0]["ref"], &found["ratings"][0]["severity"]),
            (&json!("pkg:pypi/a@1.0"), &json!("critical"))
        );
        assert_eq!(found["references"][0]["id"], "PYSEC-1");
    }
}
