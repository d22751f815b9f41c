//! An audit with a cache says exactly what one without says.

use std::{
    collections::HashSet, ffi::OsStr, fs, num::NonZeroUsize, os::unix::ffi::OsStrExt, path::Path,
    time::SystemTime,
};

use jiff::civil::date;
use proptest::prelude::*;
use shield_types::Sha256Digest;

use super::{HistoryOf, Settings, audit, code, kept::Kept};
use crate::{
    cache::Cache,
    report::{Criteria, json, sarif},
    secrets::Scanner,
    tree::Tree,
};

/// Something for every part of an audit to find, over several files where that matters.
const TREE: [(&str, &str); 13] = [
    (
        "app.py",
        "from flask import request\nfrom shop.store import run\n\n\ndef view():\n    return run(request.args['q'])\n",
    ),
    ("shop/__init__.py", ""),
    ("shop/store.py", "import os\n\n\ndef run(text):\n    return os.system(text)\n"),
    ("shop/keys.py", "import hashlib\nhashlib.md5(b'')\nhashlib.md5(b'')  # nosec\n"),
    ("shop/broken.py", "eval(x)\nif:\n"),
    ("shop/imports.py", "import requests\nfrom shop.nothing import x\nfrom shop import late\n"),
    ("tests/test_app.py", "import app\nassert app\n"),
    ("settings.env", "API_KEY=sk_live_4eC39HqLyjWDarjtT1zdp7dc\n"),
    ("Dockerfile", "FROM python:latest\nRUN curl http://example.com | sh\n"),
    ("web/page.js", "document.body.innerHTML = location.hash;\neval(location.hash);\n"),
    ("requirements.txt", "flask==3.0.0\n"),
    ("venv/pyvenv.cfg", ""),
    ("venv/lib/python3.12/site-packages/requests/__init__.py", "import hashlib\nhashlib.md5(b'')\n"),
];

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    TREE.iter().for_each(|(path, text)| write(folder.path(), path, text));
    folder
}

fn write(root: &Path, path: &str, text: &str) {
    fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    fs::write(root.join(path), text).unwrap();
}

fn program() -> Sha256Digest {
    Sha256Digest::of(b"this program")
}

fn settings(threads: usize) -> Settings {
    let mut settings = Settings::on(date(2026, 11, 27));
    settings.tree.threads = NonZeroUsize::new(threads).unwrap();
    settings
}

/// What an audit says, in two forms.
fn said(root: &Path, settings: &Settings) -> String {
    let report = audit(root, settings, &|_| {}).unwrap();
    json(&report, &Criteria::default()) + &sarif(&report, &Criteria::default())
}

/// What an audit without a cache says.
fn alone(root: &Path) -> String {
    said(root, &settings(2))
}

/// What an audit with a cache says, and what it keeps if that is something else.
fn with(root: &Path, bytes: &[u8]) -> (String, Option<Vec<u8>>) {
    let mut settings = settings(2);
    settings.cache = Some(Cache::open(bytes.to_vec(), program()));
    (said(root, &settings), settings.cache.take().unwrap().into_bytes())
}

#[test]
fn unchanged_is_said_again() {
    let tree = tree();
    let cold = alone(tree.path());
    for rule in ["python/command-injection", "weak-hash", "imports/", "secret/", "dockerfile/", "javascript/"]
    {
        assert!(cold.contains(rule), "{rule}");
    }
    let (first, kept) = with(tree.path(), b"");
    let (second, kept_again) = with(tree.path(), &kept.unwrap());
    assert_eq!((first, second), (cold.clone(), cold));
    assert!(kept_again.is_none(), "all of it was taken, and nothing was made");
}

#[test]
fn threads_leave_no_trace() {
    let tree = tree();
    let kept = [1, 2, 7].map(|threads| {
        let mut settings = settings(threads);
        settings.cache = Some(Cache::open(Vec::new(), program()));
        (said(tree.path(), &settings), settings.cache.take().unwrap().into_bytes())
    });
    assert!(kept[0] == kept[1] && kept[1] == kept[2]);
}

#[test]
fn every_change_is_seen() {
    let tree = tree();
    let root = tree.path();
    let mut kept = with(root, b"").1.unwrap();
    let helper = "import subprocess\n\n\ndef start(text):\n    subprocess.run(text, shell=True)\n";
    let caller = "from shop.helper import start\n\n\ndef run(text):\n    return start(text)\n";
    let way_in = "from flask import request\n\n\ndef view():\n    exec(request.form['q'])\n";
    let changes: [(&str, &dyn Fn()); 12] = [
        ("a function that nobody calls", &|| write(root, "shop/helper.py", helper)),
        ("a call of it", &|| write(root, "shop/store.py", caller)),
        ("a way in", &|| write(root, "shop/imports.py", way_in)),
        ("another sink behind a call", &|| {
            write(root, "shop/store.py", "def run(text):\n    return eval(text)\n")
        }),
        ("a module that was missing", &|| write(root, "shop/nothing.py", "x = 1\n")),
        ("a submodule that was missing", &|| write(root, "shop/late.py", "eval(input())\n")),
        ("a comment", &|| write(root, "shop/keys.py", "import hashlib\nhashlib.md5(b'')  # nosec\n")),
        ("a repair", &|| write(root, "shop/broken.py", "eval(x)\nif x:\n    exec(x)\n")),
        ("a name", &|| fs::rename(root.join("app.py"), root.join("main.py")).unwrap()),
        ("a place", &|| fs::rename(root.join("web/page.js"), root.join("venv/lib/page.js")).unwrap()),
        ("no package", &|| {
            fs::remove_dir_all(root.join("venv/lib/python3.12/site-packages/requests")).unwrap()
        }),
        ("nothing left", &|| fs::remove_dir_all(root.join("shop")).unwrap()),
    ];
    let mut before = alone(root);
    for (what, change) in changes {
        change();
        let now = alone(root);
        assert_ne!(now, before, "{what}");
        let (said, changed) = with(root, &kept);
        assert_eq!(said, now, "{what}");
        kept = changed.unwrap();
        before = now;
    }
    for gone in ["store.py", "keys.py", "requests/__init__.py"] {
        assert!(memchr::memmem::find(&kept, gone.as_bytes()).is_none(), "{gone}: what went away is dropped");
    }
}

/// Times and sizes are no identity: an archive, or somebody who wants to hide something, can leave them as they were.
#[test]
fn same_time_and_size_hide_nothing() {
    let tree = tree();
    write(tree.path(), "calm.py", "print('calm')\n");
    let kept = with(tree.path(), b"").1.unwrap();
    let path = tree.path().join("calm.py");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    write(tree.path(), "calm.py", "exec(input())\n");
    fs::File::open(&path).unwrap().set_modified(modified).unwrap();
    let (said, _) = with(tree.path(), &kept);
    assert_eq!(said, alone(tree.path()));
    assert!(said.contains("calm.py"));
    assert!(modified < SystemTime::now());
}

/// Bytes that are no UTF-8 are replaced in reports, so that two files can have one name there.
#[test]
fn names_that_look_alike_are_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let [calm, other] = [b"\xfe.py", b"\xff.py"].map(|name| folder.path().join(OsStr::from_bytes(name)));
    let way_in = "from flask import request\n\n\ndef view():\n    return str(request.form['q'])\n";
    [&calm, &other].into_iter().for_each(|path| fs::write(path, way_in).unwrap());
    let kept = with(folder.path(), b"").1.unwrap();
    for path in [calm, other] {
        fs::write(&path, way_in.replace("str(", "eval(")).unwrap();
        let said = with(folder.path(), &kept).0;
        assert!(said.contains("code-injection"));
        assert_eq!(said, alone(folder.path()));
        fs::write(&path, way_in).unwrap();
    }
}

#[test]
fn another_program_begins_anew() {
    let tree = tree();
    let kept = with(tree.path(), b"").1.unwrap();
    let other = Cache::open(kept.clone(), Sha256Digest::of(b"another program"));
    let mut settings = settings(2);
    settings.cache = Some(other);
    assert_eq!(said(tree.path(), &settings), alone(tree.path()));
    let now = settings.cache.take().unwrap().into_bytes().unwrap();
    assert!(now != kept && now.len() == kept.len());
}

/// Which secrets there are is kept nowhere, and known all the same where commits are asked.
#[test]
fn secrets_of_the_tree_stay_known() {
    let folder = tree();
    let (tree, scanner) = (Tree::walk(folder.path(), &Default::default()).unwrap(), Scanner::new());
    let secrets = |bytes: Vec<u8>| -> (HashSet<_>, Option<Vec<u8>>) {
        let mut settings = settings(2);
        settings.history = HistoryOf::Repository;
        settings.cache = Some(Cache::open(bytes, program()));
        let looked = code::look(&tree, (&settings, Kept::of(&settings).as_ref()), &scanner, &|_| {});
        (looked.secrets, settings.cache.take().unwrap().into_bytes())
    };
    let (cold, kept) = secrets(Vec::new());
    let (warm, again) = secrets(kept.clone().unwrap());
    assert!(cold == warm && !cold.is_empty() && again.is_none());
    let secret = b"4eC39HqLyjWDarjtT1zdp7dc";
    let digest = Sha256Digest::of(b"sk_live_4eC39HqLyjWDarjtT1zdp7dc");
    let kept = kept.unwrap();
    assert!(memchr::memmem::find(&kept, secret).is_none(), "no secret");
    assert!(memchr::memmem::find(&kept, digest.as_bytes()).is_none(), "and nothing to guess it with");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.py", "eval(x)\n");
        write(folder.path(), "b.py", "import a\nexec(x)  # nosec\n");
        let cold = alone(folder.path());
        let kept = with(folder.path(), b"").1.unwrap();
        let mut flipped = kept.clone();
        flipped[at.index(kept.len())] ^= flip;
        let headed = [&kept[..at.index(kept.len())], &bytes].concat();
        for hostile in [&bytes, &flipped, &headed, &kept[..at.index(kept.len())].to_vec()] {
            prop_assert_eq!(&with(folder.path(), hostile).0, &cold);
        }
    }
}
