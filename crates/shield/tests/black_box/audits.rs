//! `shield audit`: what it comes to, where it is written, and what is done about it.

use std::{fs, os::unix::fs::symlink};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Project, Run, Running};

/// A program that runs what a stranger sends.
const OPEN: &str = "from flask import Flask, request\n\napp = Flask(__name__)\n\n\n@app.get('/run')\ndef run():\n    return str(eval(request.args['code']))\n";

/// A key of a cache: no secret hangs on it.
const CACHE: &str =
    "import hashlib\n\n\ndef cache_key(url: str) -> str:\n    return hashlib.md5(url.encode()).hexdigest()\n";

const PROJECT: &str = "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n";

/// A project with settings of the audit, which follow.
const MANIFEST: &str = "format = 1\nname = \"shop\"\n[service]\nstart = \"{artifact} --port {port}\"\n[service.ready]\npath = \"/\"\n[stage.build]\nartifact = \"a\"\n[audit]\n";

/// Runs `shield audit` on `code`, with no index of advisories.
fn audit(project: &Project, arguments: &[&str]) -> Run {
    let variables = [("SHIELD_ADVISORIES", "/nonexistent/advisories")];
    project.shield_with(&[&["audit", "code"], arguments].concat(), &variables)
}

#[test]
fn outcomes_have_codes_of_their_own() {
    let project = Project::of_files(&[("code/a.py", "x = 1\n")]);
    audit(&project, &[]).expect(0).says("clean: nothing of severity high or above; 1 files read");
    project.write("code/broken.py", "def f(:\n");
    audit(&project, &["--fail-on", "critical"]).expect(14).says("files broken.py").says("does not parse");
    audit(&project, &["--fail-on", "critical", "--gaps", "files"]).expect(0);
    project.write("code/open.py", OPEN);
    audit(&project, &[]).expect(15).says("python/code-injection").says("open.py:8");
    fs::remove_file(project.path().join("code/broken.py")).unwrap();
    audit(&project, &[]).expect(10).says("python/code-injection");
    audit(&project, &["--gaps", "everything"]).expect(2).says("files, languages, flows, history");
}

#[test]
fn packages_without_a_database_are_a_gap() {
    let project = Project::of_files(&[("code/requirements.txt", "shop-lib==1.0\n")]);
    audit(&project, &[])
        .expect(14)
        .says("no database of advisories")
        .says("`shield audit --update` fetches one");
    audit(&project, &["--gaps", "advisories"]).expect(0);
    // Nobody lists what is installed: it is in use all the same.
    fs::remove_file(project.path().join("code/requirements.txt")).unwrap();
    let metadata = "Metadata-Version: 2.1\nName: shop-lib\nVersion: 1.0\n";
    project.write("code/lib/python3.12/site-packages/shop_lib-1.0.dist-info/METADATA", metadata);
    audit(&project, &[]).expect(14).says("no database of advisories");
}

#[test]
fn one_file_is_audited_by_what_lies_beside_it() {
    let project = Project::of_files(&[("code/open.py", OPEN), ("code/other.py", "def f(:\n")]);
    let audit = |path: &str, arguments: &[&str]| {
        let variables = [("SHIELD_ADVISORIES", "/nonexistent/advisories")];
        project.shield_with(&[&["audit", path], arguments].concat(), &variables)
    };
    audit("code/open.py", &[]).expect(10).says("open.py:8").says("read: 1 files");
    project.write("code/shield.toml", &format!("{MANIFEST}fail_on = \"low\"\nrules = [\"rules.toml\"]\n"));
    project.write(
        "code/rules.toml",
        "format = 1\n[[ban]]\nid = \"our/flask\"\ntitle = \"t\"\nseverity = \"low\"\nhelp = \"h\"\nimport = [\"flask\"]\n",
    );
    audit("code/open.py", &[]).expect(10).says("our/flask").says("of severity low or above");
    for rule in ["python/code-injection", "python/cross-site-scripting"] {
        let picked =
            ["--accept-rule", rule, "--in", "open.py", "--reason", "a test", "--until", "2999-01-01"];
        audit("code/open.py", &picked).expect(0);
    }
    assert!(project.path().join("code/audit-baseline.txt").is_file());
    audit("code/open.py", &["--fail-on", "high"]).expect(0).says("accepted by the baseline");
}

/// Who writes a project may not be allowed to read what its audit can.
#[test]
fn links_out_of_the_project_are_not_read() {
    let project = Project::of_files(&[
        ("outside/secret", "DB_PASSWORD=hunter2\n"),
        ("outside/rules.toml", "format = 1\nhunter3 = 1\n"),
        ("outside/module.py", "import hunter4\n"),
        ("code/a.py", "import linked\n"),
    ]);
    let place = |path: &str| project.path().join(path);
    let refused = |name: &str| {
        let run = audit(&project, &["--plan"]).expect(2).says("outside of the audited directory");
        assert!(!run.shown().contains("hunter"), "{}", run.shown());
        fs::remove_file(place(name)).unwrap();
    };
    for (name, target) in [("audit-baseline.txt", "secret"), ("shield.toml", "secret")] {
        symlink(place("outside").join(target), place("code").join(name)).unwrap();
        refused(&format!("code/{name}"));
    }
    for setting in ["baseline = \"accepted\"", "rules = [\"accepted\"]"] {
        symlink(place("outside/rules.toml"), place("code/accepted")).unwrap();
        project.write("code/shield.toml", &format!("{MANIFEST}{setting}\n"));
        refused("code/accepted");
    }
    fs::remove_file(place("code/shield.toml")).unwrap();
    symlink(place("outside/secret"), place("code/CODEOWNERS")).unwrap();
    symlink(place("outside/module.py"), place("code/linked.py")).unwrap();
    let run = audit(&project, &["--plan"]).expect(14).says("a link out of the audited directory");
    assert!(!run.shown().contains("hunter"), "{}", run.shown());
    symlink(place("outside"), place("code/.shield")).unwrap();
    for mending in ["--fix", "--revert"] {
        audit(&project, &[mending]).expect(2).says("outside of the audited directory");
    }
    assert!(!place("outside/remedies").exists());
    // Who runs the audit may name any file.
    project.write("outside/accepted", "");
    audit(&project, &["--baseline", "outside/accepted"]).expect(14);
}

#[test]
fn every_form_is_written() {
    let project = Project::of_files(&[("code/open.py", OPEN)]);
    let forms = ["json", "html", "markdown", "sarif", "cyclonedx", "spdx"];
    let arguments: Vec<String> =
        forms.iter().flat_map(|form| [format!("--{form}"), format!("report.{form}")]).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    audit(&project, &arguments).expect(10);
    let read = |form: &str| fs::read_to_string(project.path().join(format!("report.{form}"))).unwrap();
    for form in ["json", "sarif", "cyclonedx", "spdx"] {
        serde_json::from_str::<serde_json::Value>(&read(form))
            .unwrap_or_else(|error| panic!("{form}: {error}"));
    }
    for form in ["json", "html", "markdown", "sarif"] {
        assert!(read(form).contains("code-injection"), "{form}");
    }
    audit(&project, &["--json", "nowhere/report.json"]).expect(2);
}

#[test]
fn more_than_python_is_read_and_the_rest_is_told() {
    let cell = |code: &str| format!("{{\"cell_type\": \"code\", \"source\": [\n\"{code}\"\n]}}");
    let notebook = format!("{{\"cells\": [\n{},\n{}\n]}}\n", cell("!ls"), cell("eval(input())"));
    let project = Project::of_files(&[
        ("code/run.sh", "set -e\ncurl -k https://example.org/x -o x\n"),
        ("code/look.ipynb", &notebook),
        ("code/page.html", "<p>a</p>\n<script>\n  main.innerHTML = location.hash\n</script>\n"),
        ("code/index.php", "<?php echo $_GET['a'];\n"),
        ("code/Main.java", "class Main {}\n"),
        ("code/other.php", "<?php\n"),
    ]);
    let forms = ["--json", "r.json", "--html", "r.html", "--markdown", "r.md"];
    audit(&project, &[&forms[..], &["--fail-on", "medium"]].concat())
        .expect(15)
        .says("run.sh:2:1")
        .says("look.ipynb:6:2")
        .says("page.html:3:3")
        .says("read for secrets only: 2 PHP, 1 Java");
    let read = |name: &str| fs::read_to_string(project.path().join(name)).unwrap();
    assert!(read("r.json").contains("\"PHP\": 2"));
    for name in ["r.html", "r.md"] {
        assert!(read(name).to_lowercase().contains("read for secrets only: 2 php, 1 java"), "{name}");
    }
    for name in ["run.sh", "look.ipynb", "page.html"] {
        fs::remove_file(project.path().join("code").join(name)).unwrap();
    }
    audit(&project, &[]).expect(14).says("read for secrets only: 2 PHP, 1 Java");
    audit(&project, &["--gaps", "languages"]).expect(0).says("read for secrets only: 2 PHP, 1 Java");
}

#[test]
fn mended_is_as_it_was_when_taken_back() {
    let project = Project::of_files(&[("code/cache.py", CACHE), ("code/pyproject.toml", PROJECT)]);
    let text = || fs::read_to_string(project.path().join("code/cache.py")).unwrap();
    audit(&project, &["--plan"]).expect(10).says("## Dated").says("cache.py:5");
    assert_eq!(text(), CACHE);
    audit(&project, &["--fix"]).expect(0).says("mended cache.py:5 python/weak-hash (A)");
    assert!(text().contains("hashlib.md5(url.encode(), usedforsecurity=False)"), "{}", text());
    audit(&project, &["--revert"]).expect(0).says("1 files are as they were");
    assert_eq!(text(), CACHE);
    audit(&project, &["--revert"]).expect(0).says("nothing to take back");
}

/// What a hostile user of `--fix` found: Ctrl-C left untested changes in the files, and the tests running in them.
#[test]
fn interrupted_mending_leaves_nothing_untested() {
    let loader = "import yaml\n\n\ndef read(text):\n    return yaml.load(text)\n";
    // The first run is of the files as they were.
    let test = "format = 1\nname = \"shop\"\n[service]\nstart = \"x --port {port}\"\nready = { path = \"/\" }\n[stage.build]\ncommand = \"true\"\nartifact = \".\"\n[stage.test]\ncommand = \"test -e ../once || exec touch ../once; touch ../twice; while test -e ../twice; do sleep 0.1; done\"\n";
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL] {
        let project = Project::of_files(&[("code/a.py", loader), ("code/shield.toml", test)]);
        let text = || fs::read_to_string(project.path().join("code/a.py")).unwrap();
        let variables = [("SHIELD_ADVISORIES", "/nonexistent/advisories")];
        let mending: Running = project.start_having(&["audit", "code", "--fix"], &variables);
        while !project.path().join("twice").exists() {
            std::thread::yield_now();
        }
        assert_ne!(text(), loader);
        kill_process(Pid::from_raw(mending.pid() as i32).unwrap(), signal).unwrap();
        let run = mending.finish();
        if signal == Signal::KILL {
            assert!(audit(&project, &[]).shown().contains("files hold changes that no test has judged"));
            audit(&project, &["--revert"]).says("2 files are as they were");
        } else {
            run.expect(130).says("interrupted: no file holds a change that was not judged");
        }
        assert_eq!(text(), loader);
        assert!(!audit(&project, &[]).shown().contains("no test has judged"));
    }
}
