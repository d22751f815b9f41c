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
  caused by:
    shield.toml:3: name = "Shop!": not a name
        expected: 1 to 63 of a-z, 0-9 and `-`, starting with a letter
    shield.toml:4: colour: not a known key
        expected: one of audit, bench, drill, edge, format, name, release, service, stage
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

#[test]
fn scripts_get_every_mistake() {
    let project = Project::of_files(&[("shield.toml", MISTAKEN)]);
    let events = project.shield(&["ship", "--output-format", "json"]).expect(2).events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event["event"].as_str(), event["code"].as_i64()), (Some("error"), Some(2)));
    assert_eq!(event["error"], "failed to accept `shield.toml`, which has 8 mistakes");
    let lines: Vec<_> = event["mistakes"].as_array().unwrap().iter().map(|it| it["line"].as_i64()).collect();
    assert_eq!(lines, [3, 4, 7, 8, 11, 14, 17, 20].map(Some));
    assert_eq!(event["mistakes"][0]["value"], "\"Shop!\"");
}

#[test]
fn file_above_is_pointed_to() {
    let project = Project::new();
    project.write("src/main.py", "");
    let run = project.shield(&["ship", "--project", "src"]).expect(2);
    run.says("hint: `[DIR]/shop` has one: go there, or pass it with --project");
    assert!(!project.state().exists());
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
error: failed to accept `shield.toml`, which has 2 mistakes
  caused by:
    shield.toml:2: extra `=`, expected nothing
    shield.toml:2: unexpected key or value, expected newline, `#`
  hint: see docs/shield-toml.md for every key
"#,
    );
}
