//! `shield audit` a second time: what the first one kept is used, and changes nothing that is said.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::support::{Project, Run, Running};

const APP: &str = "from flask import Flask, request\nfrom shop import run\n\napp = Flask(__name__)\n\n\n@app.get('/run')\ndef view():\n    return run(request.args['code'])\n";
const VARIABLES: [(&str, &str); 1] = [("SHIELD_ADVISORIES", "/nonexistent/advisories")];
const ARGUMENTS: [&str; 6] = ["audit", "code", "--json", "report.json", "--sarif", "report.sarif"];

fn project() -> Project {
    Project::of_files(&[
        ("code/app.py", APP),
        ("code/shop.py", "import os\n\n\ndef run(text):\n    return os.system(text)\n"),
        ("code/keys.py", "import hashlib\nhashlib.md5(b'')  # nosec\n"),
        ("code/.env", "API_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc\n"),
        ("code/tests/test_app.py", "import app\nfrom shop.nothing import run\n"),
    ])
}

fn said(project: &Project, run: &Run) -> (String, [Vec<u8>; 2]) {
    let files = ["report.json", "report.sarif"].map(|name| fs::read(project.path().join(name)).unwrap());
    (run.stdout.clone(), files)
}

/// What an audit prints and writes; it finds something.
fn audit(project: &Project, arguments: &[&str]) -> (String, [Vec<u8>; 2]) {
    let run = project.shield_with(&[&ARGUMENTS, arguments].concat(), &VARIABLES).expect(10);
    said(project, &run)
}

fn kept(project: &Project) -> Vec<PathBuf> {
    let directory = project.path().parent().unwrap().join("cache-home/shield/audits");
    fs::read_dir(directory).map_or_else(|_| Vec::new(), |all| all.map(|one| one.unwrap().path()).collect())
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn second_audit_says_the_same() {
    let project = project();
    let code = project.path().join("code");
    let before = names(&code);
    let alone = audit(&project, &["--no-cache"]);
    assert!(kept(&project).is_empty(), "nothing is kept");
    let first = audit(&project, &[]);
    let [file] = kept(&project).try_into().unwrap();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let second = audit(&project, &[]);
    assert!(first == alone && second == alone);
    assert_eq!((fs::read(&file).unwrap(), names(&code)), (bytes, before), "nothing changed, here or there");
}

#[test]
fn change_is_seen_and_damage_is_not() {
    let project = project();
    let [first, _] = audit(&project, &[]).1;
    project.write("code/shop.py", "def run(text):\n    return eval(text)\n");
    let changed = audit(&project, &[]);
    assert!(changed.1[0] != first && changed == audit(&project, &["--no-cache"]));
    let [file] = kept(&project).try_into().unwrap();
    fs::remove_file(&file).unwrap();
    assert!(audit(&project, &[]) == changed);
    let bytes = fs::read(&file).unwrap();
    for damage in [&bytes[..bytes.len() / 2], b"", b"shield audit 001 and nothing else"] {
        fs::write(&file, damage).unwrap();
        assert!(audit(&project, &[]) == changed);
        assert!(fs::read(&file).unwrap() == bytes, "it is whole again");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(audit(&project, &[]) == changed);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "others could have written it");
}

#[test]
fn audits_at_once_do_no_harm() {
    let project = project();
    let alone = audit(&project, &["--no-cache"]);
    let start = |_| project.start_having(&["audit", "code"], &VARIABLES);
    let running: Vec<Running> = (0..4).map(start).collect();
    let outputs: Vec<_> = running.into_iter().map(|one| one.finish().expect(10).stdout).collect();
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:?}");
    assert_eq!(kept(&project).len(), 1, "and no half of one");
    assert!(audit(&project, &[]) == alone);
}
