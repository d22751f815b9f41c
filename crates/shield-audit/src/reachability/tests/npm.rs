use super::{found, matched};
use crate::{advisories::Match, dependencies::Ecosystem, reachability::Tier};

pub(super) const NPM_LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
    "": {"dependencies": {"web": "1"}, "devDependencies": {"tool": "1"}},
    "packages/ui": {"dependencies": {"web": "1", "old": "1"}},
    "node_modules/ui": {"link": true, "resolved": "packages/ui"},
    "node_modules/web": {"version": "1.0.0", "dependencies": {"deep": "1"}, "peerDependencies": {"peer": "1"}},
    "node_modules/web/node_modules/deep": {"version": "2.0.0"},
    "node_modules/deep": {"version": "1.0.0"},
    "node_modules/peer": {"version": "1.0.0"},
    "node_modules/old": {"version": "1.0.0"},
    "packages/ui/node_modules/old": {"version": "2.0.0"},
    "node_modules/@s/pkg": {"version": "1.0.0"},
    "node_modules/alias": {"name": "real", "version": "1.0.0"},
    "node_modules/served": {"version": "1.0.0", "bin": {"serve": "x.js"}},
    "node_modules/tool": {"version": "1.0.0", "dev": true, "bin": "x.js"},
    "node_modules/native": {"version": "1.0.0", "hasInstallScript": true, "dependencies": {"gyp": "1"}},
    "node_modules/gyp": {"version": "1.0.0"}
}}"#;

/// What of it is on the disk; nothing names another.
pub(super) const INSTALLED: [(&str, &str); 13] = [
    ("node_modules/web/index.js", "require('./x')"),
    ("node_modules/web/node_modules/deep/index.js", ""),
    ("node_modules/deep/index.js", ""),
    ("node_modules/peer/index.js", ""),
    ("node_modules/old/index.js", ""),
    ("packages/ui/node_modules/old/index.js", ""),
    ("node_modules/@s/pkg/lib/index.js", ""),
    ("node_modules/alias/index.js", ""),
    ("node_modules/served/x.js", ""),
    ("node_modules/tool/x.js", ""),
    ("node_modules/native/index.js", ""),
    ("node_modules/gyp/index.js", ""),
    ("node_modules/gyp/README.md", "`web`"),
];

/// What is out of reach of these files beside a lock file, as `name@version`.
fn npm(files: &[(&str, &str)]) -> Vec<String> {
    let all = [
        "web@1.0.0",
        "deep@1.0.0",
        "deep@2.0.0",
        "peer@1.0.0",
        "old@1.0.0",
        "old@2.0.0",
        "@s/pkg@1.0.0",
        "real@1.0.0",
        "served@1.0.0",
        "tool@1.0.0",
        "native@1.0.0",
        "gyp@1.0.0",
    ];
    let split =
        |text: &str| text.rsplit_once('@').map(|(name, version)| (name.to_owned(), version.to_owned()));
    let matches: Vec<Match> = all
        .iter()
        .filter_map(|one| split(one))
        .map(|(name, version)| matched(Ecosystem::Npm, &name, &version, &[]))
        .collect();
    let mut files = files.to_vec();
    files.push(("package-lock.json", NPM_LOCK));
    files.extend(
        INSTALLED
            .iter()
            .filter(|(path, _)| files.iter().all(|(other, _)| other != path))
            .copied()
            .collect::<Vec<_>>(),
    );
    let found = found(&files, &matches);
    let unreached = matches.iter().filter(|one| found.tier(one).is_out_of_reach());
    unreached.map(|one| format!("{}@{}", one.package.name(), one.version)).collect()
}

/// What installing runs is reached always.
const NOTHING: [&str; 10] = [
    "web@1.0.0",
    "deep@1.0.0",
    "deep@2.0.0",
    "peer@1.0.0",
    "old@1.0.0",
    "old@2.0.0",
    "@s/pkg@1.0.0",
    "real@1.0.0",
    "served@1.0.0",
    "tool@1.0.0",
];

fn without(gone: &[&str]) -> Vec<&'static str> {
    NOTHING.into_iter().filter(|one| !gone.contains(one)).collect()
}

#[test]
fn npm_imports_are_resolved() {
    assert_eq!(npm(&[("index.js", "console.log(1)")]), NOTHING);
    let web = without(&["web@1.0.0", "deep@2.0.0", "peer@1.0.0"]);
    for text in [
        "require('web')",
        "import x from \"web/sub\"",
        "export * from 'web'",
        "// don't\nimport('web')",
        "new Worker(require.resolve(`web`))",
        "import type { X } from 'web'",
        "const a = 'web!./x.css'",
    ] {
        assert_eq!(npm(&[("src/index.ts", text)]), web, "{text}");
    }
    assert_eq!(npm(&[("a.js", "require('old')")]), without(&["old@1.0.0"]));
    assert_eq!(npm(&[("packages/ui/a.js", "require('old')")]), without(&["old@2.0.0"]));
    assert_eq!(
        npm(&[("a.js", "require('alias'); import '@s/pkg/x'")]),
        without(&["real@1.0.0", "@s/pkg@1.0.0"])
    );
    assert_eq!(npm(&[("a.scss", "@import '~web/x';")]), web);
    assert_eq!(npm(&[(".eslintrc.yml", "extends: web")]), web);
    assert_eq!(npm(&[("bin/www", "#!/usr/bin/env node\nrequire('web')")]), web);
}

#[test]
fn npm_tests_are_apart() {
    assert_eq!(npm(&[("src/a.test.js", "require('web')"), ("tests/x.js", "require(name)")]), NOTHING);
    let used = npm(&[("src/a.js", "require('../tests/x')"), ("tests/x.js", "require('web')")]);
    assert_eq!(used, without(&["web@1.0.0", "deep@2.0.0", "peer@1.0.0"]));
}

#[test]
fn npm_unknown_names_reach_what_is_installed() {
    assert_eq!(npm(&[("a.js", "require(name)")]), ["tool@1.0.0"]);
}

#[test]
fn npm_scripts_run_programs() {
    let manifest = r##"{"dependencies": {"web": "1"}, "scripts": {"start": "serve -r @s/pkg dist", "lint": "tool ."},
        "imports": {"#x": "old"}}"##;
    assert_eq!(npm(&[("package.json", manifest)]), without(&["served@1.0.0", "@s/pkg@1.0.0", "old@1.0.0"]));
    assert_eq!(npm(&[("Dockerfile", "CMD [\"node_modules/.bin/serve\"]")]), without(&["served@1.0.0"]));
}

#[test]
fn npm_programs_are_started_from_code_and_settings() {
    for (path, text) in [
        ("a.js", "spawn('serve', [x])"),
        ("a.js", "exec('cd x && npx serve .')"),
        ("docker-compose.yml", "a:\n  command: serve .\n"),
    ] {
        assert_eq!(npm(&[(path, text)]), without(&["served@1.0.0"]), "{path}: {text}");
    }
}

#[test]
fn npm_packages_load_what_they_are_told() {
    let loads = ("node_modules/web/index.js", "module.exports = name => require(name)");
    assert_eq!(npm(&[loads, ("a.js", "require('web')(process.env.A)")]), ["tool@1.0.0"]);
    let named = without(&["web@1.0.0", "deep@2.0.0", "peer@1.0.0"]);
    assert_eq!(npm(&[loads, ("a.js", "require('web')('x')")]), named);
    assert_eq!(npm(&[("a.js", "require('web')(process.env.A)")]), named);
}

#[test]
fn npm_names_are_read_as_code_is() {
    let web = without(&["web@1.0.0", "deep@2.0.0", "peer@1.0.0"]);
    for (path, text) in [
        ("a.js", r"require('\x77eb')"),
        ("a.js", r"require('\u0077\u{65}b')"),
        ("run.sh", "node -e 'require(\"web\")'"),
    ] {
        assert_eq!(npm(&[(path, text)]), web, "{path}: {text}");
    }
    assert_eq!(npm(&[("run.sh", "node -e 'require(process.env.A)'")]), ["tool@1.0.0"]);
}

#[test]
fn npm_other_locks_say_nothing() {
    assert!(npm(&[("pnpm-lock.yaml", "")]).is_empty());
    assert!(npm(&[("old/package-lock.json", r#"{"dependencies": {}}"#)]).is_empty());
}

#[test]
fn npm_packages_load_what_they_do_not_declare() {
    let files =
        [("index.js", "require('web')"), ("node_modules/web/index.js", "try { require('@s/pkg') } catch {}")];
    assert_eq!(npm(&files), without(&["web@1.0.0", "deep@2.0.0", "peer@1.0.0", "@s/pkg@1.0.0"]));
    let optional =
        NPM_LOCK.replace("\"hasInstallScript\": true", "\"hasInstallScript\": true, \"optional\": true");
    let one = matched(Ecosystem::Npm, "web", "1.0.0", &[]);
    let tier = |lock: &str, installed: &[(&str, &str)]| {
        let files = [&[("package-lock.json", lock)], installed].concat();
        found(&files, std::slice::from_ref(&one)).tier(&one)
    };
    assert_eq!(tier(NPM_LOCK, &INSTALLED), Tier::NeverImported);
    // What is not there may load anything, unless it need not be there.
    assert_eq!(tier(NPM_LOCK, &INSTALLED[..10]), Tier::Unknown);
    assert_eq!(tier(&optional, &INSTALLED[11..]), Tier::NeverImported);
}
