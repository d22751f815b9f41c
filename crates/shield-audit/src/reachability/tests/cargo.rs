use super::{found, matched};
use crate::{advisories::Match, dependencies::Ecosystem};

const CARGO_LOCK: &str = r#"
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["used", "tested", "other 2.0.0", "renamed"]
[[package]]
name = "used"
version = "1.0.0"
source = "registry+x"
dependencies = ["deep"]
[[package]]
name = "deep"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "tested"
version = "1.0.0"
source = "registry+x"
dependencies = ["only"]
[[package]]
name = "only"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "other"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "other"
version = "2.0.0"
source = "registry+x"
[[package]]
name = "renamed"
version = "1.0.0"
source = "registry+x"
"#;

fn cargo(manifest: &str) -> Vec<String> {
    let all = ["used", "deep", "tested", "only", "renamed"].map(|name| (name, "1.0.0"));
    let matches: Vec<Match> = all
        .into_iter()
        .chain([("other", "1.0.0"), ("other", "2.0.0")])
        .map(|(name, version)| matched(Ecosystem::CratesIo, name, version, &[]))
        .collect();
    let found = found(&[("Cargo.lock", CARGO_LOCK), ("Cargo.toml", manifest)], &matches);
    let unreached = matches.iter().filter(|one| found.tier(one).is_out_of_reach());
    unreached.map(|one| format!("{} {}", one.package.name(), one.version)).collect()
}

#[test]
fn crates_of_tests_are_apart() {
    let manifest = "[package]\nname = \"app\"\n[dependencies]\nused = \"1\"\nnew = { package = \"renamed\", version = \"1\" }\n\
        [dev-dependencies]\ntested = \"1\"\nused = \"1\"\n[target.'cfg(windows)'.dependencies]\nother = \"2\"\n";
    assert_eq!(cargo(manifest), ["tested 1.0.0", "only 1.0.0", "other 1.0.0", "other 2.0.0"]);
    let shared = "[package]\nname = \"app\"\n[build-dependencies]\nt = { workspace = true }\n[dev-dependencies]\ntested = \"1\"\n\
        [workspace.dependencies]\nt = { package = \"tested\", version = \"1\" }\n";
    assert_eq!(cargo(shared), ["other 1.0.0"]);
    // Without its manifest everything of a package counts.
    assert_eq!(cargo("what is this"), ["other 1.0.0"]);
}
