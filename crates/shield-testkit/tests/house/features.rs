//! Nothing is compiled twice: both programs ask for the same features of every crate they share.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Crates and their features in the tree of `package`, for this platform.
fn features(package: &str) -> BTreeMap<String, BTreeSet<String>> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments =
        ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p} [{f}]"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--package", package, "--target", &platform])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let Some((crate_and_version, rest)) = line.split_once(" [") else { continue };
        let list = rest.split(']').next().unwrap().to_owned();
        features.entry(crate_and_version.to_owned()).or_default().insert(list);
    }
    features
}

#[test]
fn programs_share_every_compiled_crate() {
    let (shield, linkshield) = (features("shield"), features("linkshield"));
    assert!(shield.len() > 50 && linkshield.len() > 50);
    let differing: Vec<_> = shield
        .iter()
        .filter_map(|(name, features)| {
            let other = linkshield.get(name)?;
            (features != other).then(|| format!("{name}: shield {features:?}, linkshield {other:?}"))
        })
        .collect();
    assert!(differing.is_empty(), "add to crates/workspace-features:\n{}", differing.join("\n"));
}
