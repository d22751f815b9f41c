//! The direction of dependencies (DESIGN section 3), kept over `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use crate::metadata;

/// What each crate may import from the workspace in its normal dependencies.
const ALLOWED: &[(&str, &[&str])] = &[
    ("shield-types", &[]),
    ("shield-release", &["shield-types"]),
    ("shield-evidence", &["shield-types"]),
    ("shield-guard", &["shield-types"]),
    ("shield-edge", &["shield-release", "shield-types"]),
    ("shield-runtime", &["shield-release", "shield-types"]),
    ("shield-load", &["shield-types"]),
    ("shield-audit", &["shield-types"]),
    ("shield-data", &["shield-guard", "shield-types"]),
    (
        "shield-control",
        &[
            "shield-edge",
            "shield-evidence",
            "shield-load",
            "shield-release",
            "shield-runtime",
            "shield-types",
        ],
    ),
    (
        "shield",
        &[
            "shield-control",
            "shield-edge",
            "shield-evidence",
            "shield-load",
            "shield-release",
            "shield-types",
            "workspace-features",
        ],
    ),
    ("linkshield", &["shield-data", "shield-guard", "shield-types", "workspace-features"]),
    ("workspace-features", &[]),
    ("shield-testkit", &["shield-types"]),
    // Drives the programs from outside, with every instrument there is, and measures libraries in process.
    (
        "shield-bars",
        &[
            "shield-audit",
            "shield-control",
            "shield-data",
            "shield-evidence",
            "shield-guard",
            "shield-load",
            "shield-release",
            "shield-testkit",
            "shield-types",
        ],
    ),
];

/// Only tests and bars may use these.
const DEVELOPMENT_ONLY: &[&str] = &["shield-testkit", "shield-bars"];

/// Members of the workspace that each member imports, by kind.
fn imports() -> BTreeMap<String, Vec<(String, DependencyKind)>> {
    let metadata = metadata();
    let members: BTreeSet<_> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let of_member = |package: &cargo_metadata::Package| {
        let own = package.dependencies.iter().filter(|dependency| members.contains(&dependency.name));
        own.map(|dependency| (dependency.name.clone(), dependency.kind)).collect()
    };
    metadata
        .workspace_packages()
        .iter()
        .map(|package| (package.name.to_string(), of_member(package)))
        .collect()
}

#[test]
fn imports_follow_the_design() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    for (package, imports) in imports() {
        let may = allowed.get(package.as_str()).unwrap_or_else(|| panic!("{package} has no line in ALLOWED"));
        for (import, _) in imports.iter().filter(|(_, kind)| *kind == DependencyKind::Normal) {
            assert!(may.contains(&import.as_str()), "{package} may not import {import}");
        }
    }
}

#[test]
fn instruments_stay_out_of_programs() {
    for (package, imports) in imports() {
        let shipped = !DEVELOPMENT_ONLY.contains(&package.as_str());
        for (import, kind) in imports.iter().filter(|(import, _)| DEVELOPMENT_ONLY.contains(&import.as_str()))
        {
            assert!(!shipped || *kind == DependencyKind::Development, "{package} ships {import}");
        }
    }
}

#[test]
fn ring_is_the_one_crypto_provider() {
    let metadata = metadata();
    let others =
        ["aws-lc-rs", "openssl", "openssl-sys", "native-tls", "boring", "mbedtls", "rustls-rustcrypto"];
    let found: Vec<_> =
        metadata.packages.iter().filter(|package| others.contains(&package.name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(metadata.packages.iter().filter(|package| package.name.as_str() == "ring").count(), 1);
}

#[test]
fn every_dependency_has_a_reason() {
    let root = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
    let table = root.split_once("[workspace.dependencies]").unwrap().1.split("\n[").next().unwrap();
    let mut previous = "";
    for line in table.lines() {
        let declares = line.contains(" = ") && !line.starts_with('#') && !line.contains("path = ");
        assert!(!declares || previous.starts_with("# "), "no line of reason before `{line}`");
        previous = line;
    }
}
