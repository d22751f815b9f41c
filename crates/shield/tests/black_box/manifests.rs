//! `shield.toml`, missing or mistaken.

use crate::support::{Project, same};

#[test]
fn missing_file_hints_at_init() {
    let run = Project::of_files(&[]).shield(&["ship"]);
    same(
        &run.shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to find `shield.toml`
  hint: run `shield init` to write one, or go to the directory that has one
"#,
    );
}

#[test]
fn every_mistake_is_listed() {
    let project = Project::of_files(&[("shield.toml", MISTAKEN)]);
    let run = project.shield(&["ship"]);
    same(
        &run.shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to accept `shield.toml`, which has 8 mistakes
  caused by: shield.toml:3: name = "Shop!": not a name
    expected: 1 to 63 of a-z, 0-9 and `-`, starting with a letter
shield.toml:4: colour: not a known key
    expected: one of edge, format, name, release, service, stage
shield.toml:7: service.start = "{artifact} --port {prot}": `{prot}` is not a placeholder
    expected: `{artifact}`, `{address}`, `{port}`, `{data}`; `{{prot}}` for the text `{prot}`
shield.toml:8: service.instances = 0: out of range
    expected: a whole number from 1 to 32
shield.toml:11: service.ready.path = "health": not a path
    expected: a path that starts with `/`, such as `/health?deep=1`, without spaces or `#`
shield.toml:14: stage.build.artifact = "../app": outside the project
    expected: a path inside the project, such as `target/release/shop` or `.`
shield.toml:17: release.watch = "soon": not a duration
    expected: a whole number with ms, s, m or h, in quotes, from `0s` to `24h`
shield.toml:20: edge.https = "127.0.0.1:[PORT]": a port that shield gives to instances
    expected: a port outside 20000-29999
  hint: see docs/shield-toml.md for every key
"#,
    );
    assert!(project.processes().is_empty());
}

const MISTAKEN: &str = r#"
format = 1
name = "Shop!"
colour = "blue"

[service]
start = "{artifact} --port {prot}"
instances = 0

[service.ready]
path = "health"

[stage.build]
artifact = "../app"

[release]
watch = "soon"

[edge]
https = "127.0.0.1:20001"
"#;

#[test]
fn text_that_is_no_toml_is_located() {
    let run = Project::of_files(&[("shield.toml", "name = \"shop\"\nformat == 1\n")]).shield(&["up"]);
    same(
        &run.shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to accept `shield.toml`, which has 3 mistakes
  caused by: shield.toml:1: format = : not a format that shield 0.1.0 reads; no shield ever read it
    expected: `1`
shield.toml:2: extra `=`, expected nothing
shield.toml:2: unexpected key or value, expected newline, `#`
  hint: see docs/shield-toml.md for every key
"#,
    );
}
