//! SPDX 2.3 in JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shield_types::Sha256Digest;

use super::shape::{Bill, address_of, checksum_of, licence_of};
use crate::dependencies::{Licence, Package};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const PROJECT: &str = "SPDXRef-Project";

/// The bill in SPDX. Its namespace is made of what is in it, so that the same bill has the same one.
#[must_use]
pub fn spdx(bill: &Bill) -> Value {
    let by_purl = bill.by_purl();
    let ids: Map<String, Value> =
        by_purl.keys().enumerate().map(|(number, purl)| (purl.clone(), json!(id_of(number, purl)))).collect();
    let mut packages = vec![project(bill)];
    let advisories = advisories(bill);
    packages.extend(by_purl.iter().map(|(purl, package)| {
        let mut references = vec![json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl})];
        references.extend(advisories.get(purl).into_iter().flatten().map(|id| {
            let locator = format!("https://osv.dev/vulnerability/{id}");
            json!({"referenceCategory": "SECURITY", "referenceType": "advisory", "referenceLocator": locator})
        }));
        let mut described = described(&ids[purl], package);
        described["externalRefs"] = json!(references);
        described
    }));
    let relation = |from: &Value, kind: &str, to: &Value| json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
    let mut relationships = vec![relation(&json!(DOCUMENT), "DESCRIBES", &json!(PROJECT))];
    for (purl, id) in &ids {
        relationships.push(relation(&json!(PROJECT), "DEPENDS_ON", id));
        let needs = bill.needs.get(purl).into_iter().flatten().filter_map(|need| ids.get(need));
        relationships.extend(needs.map(|need| relation(id, "DEPENDS_ON", need)));
    }
    let content = json!([bill.name, bill.version, packages, relationships]).to_string();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": format!("urn:shield:spdx:{}", Sha256Digest::of(content.as_bytes()).hex()),
        "creationInfo": {"created": bill.created, "creators": ["Tool: shield"]},
        "packages": packages,
        "relationships": relationships,
    })
}

/// The records about each package, by its package URL. An id is an address, so only what looks like one is taken.
fn advisories(bill: &Bill) -> BTreeMap<String, BTreeSet<&str>> {
    let mut advisories: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let plain = |id: &&String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    for found in &bill.matches {
        let of = advisories.entry(found.package.purl_of(&found.version)).or_default();
        of.extend(found.records.iter().filter(plain).map(String::as_str));
    }
    advisories
}

fn project(bill: &Bill) -> Value {
    let mut project = Map::from_iter([
        ("SPDXID".to_owned(), json!(PROJECT)),
        ("name".to_owned(), json!(bill.name)),
        ("downloadLocation".to_owned(), json!("NOASSERTION")),
        ("filesAnalyzed".to_owned(), json!(false)),
    ]);
    project.extend(bill.version.as_ref().map(|version| ("versionInfo".to_owned(), json!(version))));
    Value::Object(project)
}

fn described(id: &Value, package: &Package) -> Value {
    let mut described = Map::from_iter([
        ("SPDXID".to_owned(), id.clone()),
        ("name".to_owned(), json!(package.name.name())),
        ("downloadLocation".to_owned(), json!("NOASSERTION")),
        ("filesAnalyzed".to_owned(), json!(false)),
        ("licenseConcluded".to_owned(), json!("NOASSERTION")),
    ]);
    if !package.version.is_empty() {
        described.insert("versionInfo".to_owned(), json!(package.version));
    }
    match licence_of(package) {
        Some(Licence::Expression(text)) => {
            described.insert("licenseDeclared".to_owned(), json!(text));
        }
        Some(Licence::Words(text)) => {
            described.insert("licenseDeclared".to_owned(), json!("NOASSERTION"));
            described.insert("licenseComments".to_owned(), json!(format!("the package states `{text}`")));
        }
        None => {
            described.insert("licenseDeclared".to_owned(), json!("NOASSERTION"));
        }
    }
    if let Some(checksum) = checksum_of(package) {
        let checksums =
            json!([{"algorithm": format!("SHA{}", checksum.bits), "checksumValue": checksum.hex}]);
        described.insert("checksums".to_owned(), checksums);
    }
    if let Some(address) = address_of(package) {
        described.insert("sourceInfo".to_owned(), json!(format!("from `{address}`")));
    }
    Value::Object(described)
}

/// Letters, digits, points and hyphens, told apart by a number.
fn id_of(number: usize, purl: &str) -> String {
    let name = purl.strip_prefix("pkg:").unwrap_or(purl);
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
    let name: String =
        name.chars().map(|character| if allowed(character) { character } else { '-' }).collect();
    format!("SPDXRef-{number}-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::bill::shape::tests::bill;

    #[test]
    fn packages_carry_what_is_known() {
        let document = spdx(&bill());
        let declared: Vec<_> =
            (1..4).map(|place| document["packages"][place]["licenseDeclared"].clone()).collect();
        assert_eq!(declared, ["NOASSERTION", "NOASSERTION", "MIT"]);
        assert_eq!(document["packages"][2]["licenseComments"], "the package states `BSD`");
        assert_eq!(document["packages"][3]["SPDXID"], "SPDXRef-2-pypi-a-1.0");
        assert_eq!(document["packages"][3]["checksums"][0]["algorithm"], "SHA256");
    }

    #[test]
    fn relationships_name_both_ends() {
        let document = spdx(&bill());
        let relations = document["relationships"].as_array().unwrap();
        assert_eq!(relations.len(), 1 + 3 + 1);
        let needed = json!({"spdxElementId": "SPDXRef-2-pypi-a-1.0", "relationshipType": "DEPENDS_ON",
            "relatedSpdxElement": "SPDXRef-1-npm--40s-b-2.0.0"});
        assert!(relations.contains(&needed), "{relations:?}");
    }

    #[test]
    fn same_content_has_the_same_name() {
        let mut other = bill();
        other.packages.reverse();
        assert_eq!(spdx(&other).to_string(), spdx(&bill()).to_string());
        other.packages.remove(0);
        assert_eq!(spdx(&other)["documentNamespace"], spdx(&bill())["documentNamespace"]);
        other.packages.clear();
        assert_ne!(spdx(&other)["documentNamespace"], spdx(&bill())["documentNamespace"]);
    }
}
