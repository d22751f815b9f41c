//! `shield.toml`, missing or mistaken.

use crate::support::{Project, same};

#[test]
fn missing_file_hints_at_init() {
    let run = Project::of_files(&[]).shield(&["ship"]);
    same(&run.shown(), "@@");
}

#[test]
fn every_mistake_is_listed() {
    let project = Project::of_files(&[("shield.toml", MISTAKEN)]);
    let run = project.shield(&["ship"]);
    same(&run.shown(), "@@");
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
    same(&run.shown(), "@@");
}
