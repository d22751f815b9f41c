//! `shield init`: what is guessed about a directory.

use std::fs;

use crate::support::{Project, same};

fn init(files: &[(&str, &str)]) -> String {
    Project::of_files(files).shield(&["init"]).shown()
}

#[test]
fn empty_directory_gets_blanks() {
    same(
        &init(&[]),
        r#"
code 0
-- stdout
wrote [DIR]/shop/shield.toml
  template: no Cargo, FastAPI or Node service was found, so fill in `service.start` and `stage.build.artifact`
fill in before shipping: service.start, stage.build.artifact
-- stderr
"#,
    );
}

#[test]
fn node_project_is_recognised() {
    let package = r#"{ "name": "shop", "scripts": { "start": "node server.js" } }"#;
    let server = "require('http').createServer().listen(process.env.PORT)";
    same(
        &init(&[("package.json", package), ("server.js", server)]),
        r#"
code 0
-- stdout
wrote [DIR]/shop/shield.toml
  start command: `node {artifact}/server.js`, because the start script of package.json says so; not through npm, which keeps signals from the server
  environment: `PORT` and `HOST` tell the server where to listen
  build command: none, because package.json has no dependencies
  artifact: the project directory, with `node_modules` when there is one
  readiness: GET `/` with any status 200-499, because no health path was found in the sources; a path that checks what the service needs would be better
next: read it, then `shield ship`
-- stderr
"#,
    );
}

#[test]
fn fastapi_project_is_recognised() {
    let main = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get(\"/health\")\ndef health():\n    return {}\n";
    same(
        &init(&[("requirements.txt", "fastapi\nuvicorn\n"), ("main.py", main)]),
        r#"
code 0
-- stdout
wrote [DIR]/shop/shield.toml
  start command: uvicorn serves `main:app`, because main.py makes the FastAPI application
  build command: makes `.venv` and installs requirements.txt, fastapi and uvicorn, only when they changed
  artifact: the project directory with `.venv`, without caches
  readiness: GET `/health`, because the sources serve it
next: read it, then `shield ship`
-- stderr
"#,
    );
}

#[test]
fn cargo_project_is_recognised() {
    let package = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let main = "fn main() { let _ = std::env::var(\"PORT\"); route(\"/healthz\"); }";
    same(
        &init(&[("Cargo.toml", package), ("src/main.rs", main)]),
        r#"
code 0
-- stdout
wrote [DIR]/shop/shield.toml
  build command: `cargo build --release --target-dir target`, because Cargo.toml has one binary, `shop`
  artifact: `target/release/shop`, where that command puts it
  test command: `cargo test --release --target-dir target`
  start command: `{artifact}` with `PORT`, `HOST` in the environment
  readiness: GET `/healthz`, because the sources serve it
next: read it, then `shield ship`
-- stderr
"#,
    );
}

#[test]
fn existing_file_is_kept() {
    let project = Project::of_files(&[("shield.toml", "# mine\n")]);
    same(
        &project.shield(&["init"]).shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to write `[DIR]/shop/shield.toml`, which is already there
  hint: edit it, or run `shield init --force` to replace it
"#,
    );
    assert_eq!(fs::read_to_string(project.path().join("shield.toml")).unwrap(), "# mine\n");
    project.shield(&["init", "--force"]).expect(0);
    assert_ne!(fs::read_to_string(project.path().join("shield.toml")).unwrap(), "# mine\n");
}
