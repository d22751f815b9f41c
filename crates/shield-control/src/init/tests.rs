//! Temporary projects of every kind, and what is written for them.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::{Existing, Guess, ProjectKind, WriteManifestError, inspect, write};
use crate::manifest::{Manifest, Placeholders};

/// A directory `shop` with these files.
fn project(files: &[(&str, &str)]) -> (TempDir, std::path::PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("shop");
    fs::create_dir(&root).unwrap();
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (parent, root)
}

/// The guess and the manifest that the written file resolves to.
fn written(files: &[(&str, &str)]) -> (Guess, Manifest) {
    let (_parent, root) = project(files);
    let written = write(&root, Existing::Keep).unwrap();
    let manifest = Manifest::load(&written.path).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(written.guess.blanks(), [""; 0]);
    (written.guess, manifest)
}

fn argv(manifest: &Manifest) -> String {
    let values = Placeholders {
        artifact: "/a".to_owned(),
        address: [127, 0, 0, 1].into(),
        port: 20_000,
        data: "/d".to_owned(),
    };
    manifest.service.start.expand(&values).join(" ")
}

fn ready(manifest: &Manifest) -> String {
    format!("{} {}", manifest.service.ready.path, manifest.service.ready.status)
}

const PACKAGE: &str = "[package]\nname = \"book-shop\"\nversion = \"0.1.0\"\n";
const AXUM: &str = r#"
fn main() {
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let app = Router::new().route("/healthz", get(health));
}
"#;

#[test]
fn cargo_service_ships_unedited() {
    let (guess, manifest) = written(&[("Cargo.toml", PACKAGE), ("src/main.rs", AXUM)]);
    assert_eq!(guess.kind, ProjectKind::Cargo);
    assert_eq!(manifest.name.as_str(), "book-shop");
    assert_eq!(argv(&manifest), "/a");
    assert_eq!(manifest.service.env.0["PORT"].as_str(), "{port}");
    assert_eq!(ready(&manifest), "/healthz 200-299");
    assert_eq!(manifest.stages.build.command.as_deref(), Some("cargo build --release --target-dir target"));
    assert_eq!(manifest.stages.build.artifact, "target/release/book-shop");
    assert_eq!(manifest.stages.smoke[0].path, "/healthz");
    assert!(
        guess.sentences[0].contains("because Cargo.toml has one binary, `book-shop`"),
        "{:?}",
        guess.sentences
    );
}

#[test]
fn cargo_file_reads_like_this() {
    let (_parent, root) = project(&[("Cargo.toml", PACKAGE), ("src/main.rs", AXUM)]);
    let path = write(&root, Existing::Keep).unwrap().path;
    let head: String = fs::read_to_string(path).unwrap().split("# The defaults").next().unwrap().to_owned();
    assert_eq!(
        head,
        r#"# How `shield` builds, starts and releases this service: a Cargo project.
# Every key: docs/shield-toml.md.
format = 1
name = "book-shop"

[service]
start = "{artifact}"
# instances = 1

[service.env]
PORT = "{port}"
HOST = "{address}"

# An instance is ready when this path answers with this status.
[service.ready]
path = "/healthz"
status = "200-299"

[stage.build]
command = "cargo build --release --target-dir target"
artifact = "target/release/book-shop"

[stage.test]
command = "cargo test --release --target-dir target"

# Asked of a staging instance before production; add requests that matter to your clients.
[[stage.smoke.request]]
name = "answers"
path = "/healthz"
status = "200-299"

"#
    );
}

#[test]
fn workspace_leads_to_its_one_binary() {
    let (guess, manifest) = written(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
        ("crates/base/Cargo.toml", "[package]\nname = \"base\"\n"),
        ("crates/base/src/lib.rs", "const NOT_SERVED_HERE: &str = \"/ready\";"),
        (
            "crates/web/Cargo.toml",
            "[package]\nname = \"web\"\n[[bin]]\nname = \"webd\"\npath = \"src/main.rs\"\n",
        ),
        (
            "crates/web/src/main.rs",
            "#[arg(long)]\n    port: u16,\n #[arg(long)]\n    host: String, get(\"/health\")",
        ),
    ]);
    assert_eq!(
        manifest.stages.build.command.as_deref(),
        Some("cargo build --release -p web --target-dir target")
    );
    assert_eq!(manifest.stages.build.artifact, "target/release/webd");
    assert_eq!(argv(&manifest), "/a --port 20000 --host 127.0.0.1");
    assert_eq!(ready(&manifest), "/health 200-299");
    assert!(guess.sentences[0].contains("one binary, `webd`"));
}

#[test]
fn several_binaries_give_the_one_that_serves() {
    let files = [
        ("Cargo.toml", PACKAGE),
        ("src/main.rs", ""),
        ("src/bin/admin.rs", ""),
        ("src/bin/worker/main.rs", ""),
    ];
    let (guess, manifest) = written(&files);
    assert_eq!(manifest.stages.build.artifact, "target/release/book-shop");
    assert!(guess.sentences[0].contains("the likeliest of 3 binaries (the others: `admin`, `worker`)"));
    let serving = ("src/bin/worker/main.rs", "use axum::Router;");
    let (_, manifest) = written(&[files[0], files[1], files[2], serving]);
    assert_eq!(manifest.stages.build.artifact, "target/release/worker");
    let chosen = format!("{PACKAGE}default-run = \"worker\"\n");
    let (_, manifest) = written(&[("Cargo.toml", &chosen), files[1], files[2], files[3]]);
    assert_eq!(
        manifest.stages.build.command.as_deref(),
        Some("cargo build --release --bin worker --target-dir target")
    );
}

const FASTAPI: &str =
    "from fastapi import FastAPI\n\napp = FastAPI(title=\"Shop\")\n\n@app.get(\"/health\")\n";

#[test]
fn fastapi_service_ships_unedited() {
    let (guess, manifest) = written(&[
        ("requirements.txt", "fastapi==0.115\n"),
        ("main.py", FASTAPI),
        (".venv/pyvenv.cfg", ""),
        (".venv/a.py", "other = FastAPI()"),
        ("node_modules/x/a.py", "other = FastAPI()"),
    ]);
    assert_eq!(guess.kind, ProjectKind::FastApi);
    assert_eq!(manifest.name.as_str(), "shop");
    assert_eq!(
        argv(&manifest),
        "/a/.venv/bin/python -m uvicorn --app-dir /a main:app --host 127.0.0.1 --port 20000"
    );
    assert_eq!(ready(&manifest), "/health 200-299");
    assert_eq!(manifest.stages.build.artifact, ".");
    let build = manifest.stages.build.command.unwrap();
    assert!(
        build.contains("-r requirements.txt\n") && build.contains("--no-compile fastapi uvicorn\n"),
        "{build}"
    );
    let leaves_out = |path: &str| manifest.stages.build.exclude.leave_out(Path::new(path));
    assert!(leaves_out("__pycache__/main.cpython-311.pyc") && leaves_out(".shield"));
    assert!(leaves_out(".venv/shield-installed") && !leaves_out("app/tests/__init__.py"));
    assert!(
        !leaves_out(".venv/lib/python3.11/site-packages/fastapi/__pycache__/a.pyc") && !leaves_out("main.py")
    );
}

#[test]
fn pyproject_alone_is_enough() {
    let (_, manifest) = written(&[
        (
            "pyproject.toml",
            "[project]\nname = \"Book_Shop\"\ndependencies = [\n  \"FastAPI[standard]>=0.100\",\n]\n",
        ),
        ("src/bookshop/__init__.py", ""),
        ("src/bookshop/web.py", "import fastapi\napp: fastapi.FastAPI = fastapi.FastAPI()\n"),
    ]);
    assert_eq!(manifest.name.as_str(), "book-shop");
    assert!(argv(&manifest).contains("--app-dir /a/src bookshop.web:app "), "{}", argv(&manifest));
    assert_eq!(ready(&manifest), "/openapi.json 200");
    let build = manifest.stages.build.command.unwrap();
    assert!(build.contains("tomllib") && build.contains("-r .venv/shield-requirements.txt"), "{build}");
}

#[test]
fn lists_of_build_tools_are_read() {
    let pyproject = "[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\nfastapi = \"^0.100\"\n";
    let (_, manifest) = written(&[("pyproject.toml", pyproject), ("app.py", FASTAPI)]);
    let build = manifest.stages.build.command.unwrap();
    assert!(build.contains("[\"tool\"][\"poetry\"]") && !build.contains("shield-constraints"), "{build}");
    let setup = ("setup.py", "setup(install_requires=['fastapi'])");
    let (_, manifest) = written(&[setup, ("app.py", FASTAPI)]);
    assert!(manifest.stages.build.command.unwrap().contains("--no-compile .\n"));
}

#[test]
fn fastapi_is_imported_from_where_it_lies() {
    let requirements = ("requirements.txt", "uvicorn\nfastapi\n");
    for (path, text, import) in [
        ("backend/main.py", "from db import x\napi = FastAPI()\n", "--app-dir /a/backend main:api"),
        ("backend/main.py", "from backend.db import x\napp = FastAPI()\n", "--app-dir /a backend.main:app"),
        ("app/main.py", "from .db import x\napp = FastAPI()\n", "--app-dir /a app.main:app"),
        ("shop/__init__.py", "app = FastAPI()\n", "--app-dir /a shop:app"),
        ("my app/main.py", "app = FastAPI()\n", "--app-dir /a/my app main:app"),
        (
            "main.py",
            "def make(debug=False):\n    app = FastAPI()\n    return app\n",
            "--app-dir /a --factory main:make",
        ),
        ("app/main.py", "from database import x\napp = FastAPI()\n", "--app-dir /a/app main:app"),
        (
            "src/shop/main.py",
            "from src.shop.db import x\napp = FastAPI()\n",
            "--app-dir /a src.shop.main:app",
        ),
        (
            "src/shop/web/main.py",
            "from ..db import x\napp = FastAPI()\n",
            "--app-dir /a/src shop.web.main:app",
        ),
        (
            "a/b/main.py",
            "import uvicorn\napp = FastAPI()\nuvicorn.run('b.main:app')",
            "--app-dir /a/a b.main:app",
        ),
    ] {
        let (_, manifest) =
            written(&[requirements, (path, text), ("app/database.py", ""), ("app/__init__.py", "")]);
        assert!(argv(&manifest).contains(import), "{}", argv(&manifest));
    }
}

#[test]
fn fastapi_readiness_avoids_uncertain_paths() {
    let requirements = ("requirements.txt", "fastapi");
    let routed = "app = FastAPI()\nrouter = APIRouter(prefix=\"/api\")\n@router.get(\"/health\")\n";
    assert_eq!(ready(&written(&[requirements, ("main.py", routed)]).1), "/openapi.json 200");
    let closed = "app = FastAPI(openapi_url=None)\n";
    assert_eq!(ready(&written(&[requirements, ("main.py", closed)]).1), "/ 200-499");
    let both = format!("{FASTAPI}\nrouter = APIRouter(prefix=\"/api\")\n");
    assert_eq!(ready(&written(&[requirements, ("main.py", &both)]).1), "/health 200-299");
}

#[test]
fn pytest_becomes_the_test_command() {
    let test = |list: (&str, &str), application: &str, tests: &str| {
        let (_, manifest) = written(&[list, (application, FASTAPI), (tests, "app = FastAPI()")]);
        manifest.stages.test.map(|test| test.command)
    };
    let listed = ("requirements.txt", "fastapi\npytest>=8\n");
    let plain = Some(".venv/bin/python -m pytest -q".to_owned());
    assert_eq!(test(listed, "main.py", "tests/unit/test_main.py"), plain);
    assert_eq!(test(listed, "main.py", "tests/__init__.py"), None);
    let from_source = Some("PYTHONPATH=src .venv/bin/python -m pytest -q".to_owned());
    assert_eq!(test(listed, "src/main.py", "tests/test_main.py"), from_source);
    let pyproject =
        |dependencies: &str| format!("[project]\nname = \"x\"\ndependencies = [{dependencies}]\n");
    let developing = format!("{}[dependency-groups]\ndev = [\n\"pytest\",\n]\n", pyproject("\"fastapi\""));
    assert_eq!(test(("pyproject.toml", &developing), "main.py", "tests/test_main.py"), None);
    let installed = pyproject("\"fastapi\", \"pytest\"");
    assert_eq!(test(("pyproject.toml", &installed), "main.py", "tests/test_main.py"), plain);
}

#[test]
fn fastapi_needs_no_list_of_dependencies() {
    let (guess, manifest) = written(&[("main.py", FASTAPI)]);
    assert!(guess.sentences[1].contains("no list of dependencies was found"), "{:?}", guess.sentences);
    assert!(manifest.stages.build.command.unwrap().contains("--no-compile fastapi uvicorn\n"));
    let page = ("package.json", r#"{"scripts": {"start": "node server.js"}}"#);
    let (guess, _) = written(&[("tools/main.py", FASTAPI), page, ("server.js", SERVER)]);
    assert_eq!(guess.kind, ProjectKind::Node);
}

#[test]
fn list_of_dependencies_may_lie_beside_the_application() {
    let (_, manifest) = written(&[
        ("the backend/app/main.py", "from app.x import y\napp = FastAPI()\n"),
        ("the backend/requirements.txt", "fastapi"),
    ]);
    assert!(argv(&manifest).contains("--app-dir /a app.main:app"), "{}", argv(&manifest));
    assert_eq!(manifest.stages.build.artifact, "the backend");
    let build = manifest.stages.build.command.unwrap();
    assert!(build.contains("\ncd 'the backend'\n.venv/bin/python -c"), "{build}");
    assert!(build.contains("cat ../shield.toml requirements*.txt | cksum"), "{build}");
    let (_, manifest) = written(&[
        ("api/main.py", "from api.x import y\napp = FastAPI()\n"),
        ("api/requirements.txt", "fastapi"),
    ]);
    assert!(argv(&manifest).contains("--app-dir /a api.main:app"), "{}", argv(&manifest));
    assert!(manifest.stages.build.command.unwrap().contains("-r api/requirements.txt\n"));
    assert_eq!(manifest.stages.build.artifact, ".");
}

#[test]
fn lock_files_pin_the_dependencies() {
    let pyproject = ("pyproject.toml", "[project]\nname = \"shop\"\ndependencies = [\"fastapi\"]\n");
    let (guess, manifest) = written(&[pyproject, ("uv.lock", ""), ("main.py", FASTAPI)]);
    let build = manifest.stages.build.command.unwrap();
    assert!(build.contains("- uv.lock > .venv/shield-constraints.txt"), "{build}");
    assert!(build.contains("-c .venv/shield-constraints.txt fastapi uvicorn"), "{build}");
    assert!(guess.sentences[1].contains("as uv.lock pins them"), "{:?}", guess.sentences);
}

#[test]
fn fastapi_application_is_the_usual_one() {
    let requirements = ("requirements.txt", "fastapi");
    let fake = ("fake_upstream.py", "app = FastAPI()\n");
    let (_, manifest) = written(&[requirements, fake, ("main.py", FASTAPI)]);
    assert!(argv(&manifest).contains(" main:app "), "{}", argv(&manifest));
    let factory = ("shop/factory.py", "def create_app(settings):\n    app = FastAPI()\n    return app\n");
    let made = ("shop/main.py", "from shop.factory import create_app\nserver = create_app(load())\n");
    let (_, manifest) = written(&[requirements, factory, made]);
    assert!(argv(&manifest).contains("--app-dir /a shop.main:server "), "{}", argv(&manifest));
    let (guess, manifest) =
        written(&[requirements, ("Procfile", "web: uvicorn fake_upstream:app"), fake, ("main.py", FASTAPI)]);
    assert!(argv(&manifest).contains(" fake_upstream:app "), "{}", argv(&manifest));
    assert!(guess.sentences[0].ends_with("because Procfile runs it like that"), "{:?}", guess.sentences);
}

#[test]
fn other_environments_stay_out() {
    let (_, manifest) = written(&[
        ("requirements.txt", "fastapi"),
        ("main.py", FASTAPI),
        ("venv/pyvenv.cfg", ""),
        ("env/a", ""),
    ]);
    assert!(manifest.stages.build.exclude.leave_out(Path::new("venv/lib")));
    assert!(!manifest.stages.build.exclude.leave_out(Path::new("env/a")));
}

const SERVER: &str = "http.createServer((q, s) => q.url === '/healthz' && s.end()).listen(process.env.PORT)";

#[test]
fn node_service_ships_unedited() {
    let (guess, manifest) = written(&[
        (
            "package.json",
            r#"{"name": "@acme/shop", "scripts": {"start": "NODE_ENV=production node server.js"}}"#,
        ),
        ("server.js", SERVER),
    ]);
    assert_eq!(guess.kind, ProjectKind::Node);
    assert_eq!(manifest.name.as_str(), "shop");
    assert_eq!(argv(&manifest), "node /a/server.js");
    assert_eq!(manifest.service.env.0["NODE_ENV"].as_str(), "production");
    assert_eq!(manifest.service.env.0["HOST"].as_str(), "{address}");
    assert_eq!(ready(&manifest), "/healthz 200-299");
    assert_eq!(manifest.stages.build.command, None);
    assert_eq!(manifest.stages.build.artifact, ".");
    assert_eq!(manifest.stages.test, None);
}

#[test]
fn node_installs_what_it_depends_on() {
    let package = r#"{"dependencies": {"express": "5"}, "main": "./lib/web.js",
        "scripts": {"build": "tsc", "test": "node --test", "start": "nodemon lib/web.js"}}"#;
    let files = [("package.json", package), ("lib/web.js", "app.listen(process.env.PORT)")];
    let (_, unlocked) = written(&files);
    assert_eq!(
        unlocked.stages.build.command.as_deref(),
        Some(
            "set -eu  # dependencies into node_modules\nwanted=\"$(cksum < package.json) $(node -v)\"\nif [ \"$(cat node_modules/.shield-installed 2>/dev/null)\" \
             != \"$wanted\" ]; then\n  npm install --include=dev --no-package-lock --no-audit --no-fund\n  mkdir -p \
             node_modules\n  printf '%s\\n' \"$wanted\" > node_modules/.shield-installed\nfi\nnpm run build\n"
        )
    );
    assert_eq!(argv(&unlocked), "node /a/lib/web.js");
    assert_eq!(ready(&unlocked), "/ 200-499");
    assert_eq!(unlocked.stages.test.unwrap().command, "CI=true npm test");
    let (guess, locked) = written(&[files[0], files[1], ("package-lock.json", "{}")]);
    assert!(locked.stages.build.command.unwrap().contains("npm ci"));
    let build = guess.sentences.iter().find(|sentence| sentence.starts_with("build")).unwrap();
    assert_eq!(build, "build command: `npm ci` and `npm run build`, because dependencies are locked");
}

#[test]
fn node_start_script_leads_to_the_server() {
    let package = |scripts: &str| format!(r#"{{"scripts": {scripts}, "dependencies": {{"express": "4"}}}}"#);
    let source = ("src/index.ts", "app.listen(process.env.PORT)");
    let (_, manifest) = written(&[
        ("package.json", &package(r#"{"build": "tsc", "start": "npm run build && node dist/index.js"}"#)),
        source,
    ]);
    assert_eq!(argv(&manifest), "node /a/dist/index.js");
    assert!(manifest.stages.build.command.unwrap().ends_with("fi\nnpm run build\n"));
    let (_, manifest) =
        written(&[("package.json", &package(r#"{"start": "tsc && node dist/index.js"}"#)), source]);
    assert!(manifest.stages.build.command.unwrap().ends_with("PATH=\"$PWD/node_modules/.bin:$PATH\"\ntsc\n"));
    let config = ("tsconfig.json", "{ \"compilerOptions\": { \"outDir\": \"./out\" } }");
    let (_, manifest) = written(&[("package.json", &package(r#"{"build": "tsc"}"#)), source, config]);
    assert_eq!(argv(&manifest), "node /a/out/index.js");
}

#[test]
fn package_managers_that_are_missing_are_fetched() {
    let package = r#"{"packageManager": "pnpm@8.1.0+sha224.x", "dependencies": {"express": "4"}}"#;
    let build = |lock| {
        let (_, manifest) = written(&[("package.json", package), ("server.js", SERVER), (lock, "")]);
        manifest.stages.build.command.unwrap()
    };
    assert!(
        build("pnpm-lock.yaml").contains("$(command -v pnpm || echo npx --yes pnpm@8.1.0) install --frozen")
    );
    assert!(build("yarn.lock").contains("$(command -v yarn || echo npx --yes yarn@1) install --frozen"));
}

#[test]
fn port_of_a_start_script_is_not_kept() {
    let package = r#"{"scripts": {"start": "PORT=3000 HOST=x MODE=y node server.js --port 3000"}}"#;
    let (_, manifest) = written(&[("package.json", package), ("server.js", SERVER)]);
    assert_eq!(argv(&manifest), "node /a/server.js --port 20000");
    let env = ["PORT", "HOST", "MODE"].map(|name| manifest.service.env.0[name].as_str());
    assert_eq!(env, ["{port}", "{address}", "y"]);
}

#[test]
fn node_server_needs_no_package() {
    let (guess, manifest) = written(&[("server.js", SERVER)]);
    assert_eq!((guess.kind, manifest.name.as_str()), (ProjectKind::Node, "shop"));
    assert!(
        guess
            .sentences
            .iter()
            .any(|sentence| sentence == "build command: none, because there is no package.json")
    );
}

#[test]
fn fixed_port_is_told() {
    let (guess, _) =
        written(&[("package.json", "{}"), ("index.js", "const PORT = 3000;\nserver.listen(PORT)")]);
    assert!(
        guess.sentences[1].contains("seem to listen on port 3000 whatever it says"),
        "{:?}",
        guess.sentences
    );
    let (guess, manifest) =
        written(&[("index.js", "parseArgs({ '--port': 1 }); server.listen(options.port)")]);
    assert_eq!(argv(&manifest), "node /a/index.js --port 20000", "{:?}", guess.sentences);
    let (_, manifest) = written(&[("index.js", "const port = process.argv[2] || 1;\nserver.listen(port)")]);
    assert_eq!(argv(&manifest), "node /a/index.js 20000");
}

#[test]
fn says_what_else_is_there() {
    let (guess, manifest) = written(&[
        ("requirements.txt", "fastapi"),
        ("main.py", FASTAPI),
        ("package.json", r#"{"scripts": {"start": "node server.js"}}"#),
        ("go.mod", ""),
        ("app.db", ""),
        (".env", ""),
    ]);
    let said = guess.sentences.join("\n");
    assert!(said.contains("not used for the guess: `package.json`, `go.mod`"), "{said}");
    assert!(
        said.contains("left out: `app.db`") && said.contains("`.env` becomes part of the artifact"),
        "{said}"
    );
    assert!(manifest.stages.build.exclude.leave_out(Path::new("app.db")));
}

#[test]
fn unknown_directory_gives_a_template() {
    for files in [
        &[][..],
        &[("main.go", "package main")],
        &[("Cargo.toml", PACKAGE), ("src/lib.rs", "")],
        &[("Cargo.toml", "not toml at all"), ("package.json", "{"), ("pyproject.toml", "[")],
        &[("requirements.txt", "django")],
        &[("package.json", "{\"name\": \"x\"}")],
    ] {
        let (_parent, root) = project(files);
        let written = write(&root, Existing::Keep).unwrap();
        assert_eq!(written.guess.kind, ProjectKind::Other);
        assert_eq!(written.guess.blanks(), ["service.start", "stage.build.artifact"]);
        let text = fs::read_to_string(&written.path).unwrap();
        let mistakes = Manifest::parse(&text, "shield.toml").unwrap_err();
        let keys: Vec<&str> = mistakes.list().iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, written.guess.blanks());
        let filled = text
            .replace("start = \"\"", "start = \"{artifact} {port}\"")
            .replace("artifact = \"\"", "artifact = \"shop\"");
        assert_eq!(Manifest::parse(&filled, "shield.toml").unwrap().name.as_str(), "shop");
    }
}

#[test]
fn template_says_where_a_project_lies() {
    let (_parent, root) = project(&[
        ("server/package.json", "{}"),
        ("web/Cargo.toml", ""),
        ("node_modules/x/package.json", ""),
    ]);
    let sentences = inspect(&root).sentences;
    assert!(
        sentences[0].starts_with("further down: `server/package.json`, `web/Cargo.toml`;"),
        "{sentences:?}"
    );
}

#[test]
fn template_shows_what_belongs_into_its_blanks() {
    let (_parent, root) = project(&[("go.mod", "module shop")]);
    let text = fs::read_to_string(write(&root, Existing::Keep).unwrap().path).unwrap();
    let without_blanks = text.replace("\nstart = \"\"", "").replace("\nartifact = \"\"", "");
    let examples = ["start = \"{art", "command = \"go", "artifact = \"s", "[service.env]", "PORT = "];
    let shown = examples.into_iter().fold(without_blanks, |text, example| {
        assert!(text.contains(&format!("# {example}")), "{example}: {text}");
        text.replace(&format!("# {example}"), example)
    });
    let manifest = Manifest::parse(&shown, "shield.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(argv(&manifest), "/a --listen 127.0.0.1:20000");
}

#[test]
fn commented_defaults_are_accepted() {
    let (_parent, root) = project(&[("Cargo.toml", PACKAGE), ("src/main.rs", AXUM)]);
    let text = fs::read_to_string(write(&root, Existing::Keep).unwrap().path).unwrap();
    let (head, defaults) = text.split_once("# [release]").unwrap();
    let uncommented = format!("{head}[release]{}", defaults.replace("\n# ", "\n"));
    let plain = Manifest::parse(&text, "shield.toml").unwrap();
    let explicit =
        Manifest::parse(&uncommented, "shield.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(explicit, plain);
}

#[test]
fn never_overwrites_unless_told() {
    let (_parent, root) = project(&[("shield.toml", "mine"), ("server.js", SERVER), ("package.json", "{}")]);
    let error = write(&root, Existing::Keep).unwrap_err();
    assert!(matches!(error, WriteManifestError::Exists { .. }));
    assert!(error.hints()[0].contains("--force"));
    assert_eq!(fs::read_to_string(root.join("shield.toml")).unwrap(), "mine");
    let written = write(&root, Existing::Replace).unwrap();
    assert!(Manifest::load(&written.path).is_ok());
    assert_eq!(fs::read_dir(&root).unwrap().count(), 3);
}

#[test]
fn missing_directory_is_an_error() {
    let (_parent, root) = project(&[]);
    let missing = root.join("missing");
    assert_eq!(inspect(&missing).kind, ProjectKind::Other);
    assert!(matches!(write(&missing, Existing::Keep), Err(WriteManifestError::Write { .. })));
}
