//! `shield init`: what is guessed about a directory.

use std::fs;

use crate::support::{Project, same};

fn init(files: &[(&str, &str)]) -> String {
    Project::of_files(files).shield(&["init"]).shown()
}

#[test]
fn empty_directory_gets_blanks() {
    same(&init(&[]), "@@");
}

#[test]
fn node_project_is_recognised() {
    let package = r#"{ "name": "shop", "scripts": { "start": "node server.js" } }"#;
    let server = "require('http').createServer().listen(process.env.PORT)";
    same(&init(&[("package.json", package), ("server.js", server)]), "@@");
}

#[test]
fn fastapi_project_is_recognised() {
    let main = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get(\"/health\")\ndef health():\n    return {}\n";
    same(&init(&[("requirements.txt", "fastapi\nuvicorn\n"), ("main.py", main)]), "@@");
}

#[test]
fn cargo_project_is_recognised() {
    let package = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let main = "fn main() { let _ = std::env::var(\"PORT\"); route(\"/healthz\"); }";
    same(&init(&[("Cargo.toml", package), ("src/main.rs", main)]), "@@");
}

#[test]
fn existing_file_is_kept() {
    let project = Project::of_files(&[("shield.toml", "# mine\n")]);
    same(&project.shield(&["init"]).shown(), "@@");
    assert_eq!(fs::read_to_string(project.path().join("shield.toml")).unwrap(), "# mine\n");
    project.shield(&["init", "--force"]).expect(0);
    assert_ne!(fs::read_to_string(project.path().join("shield.toml")).unwrap(), "# mine\n");
}
