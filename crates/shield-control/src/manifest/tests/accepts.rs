//! What a good file resolves to.

use std::{error::Error, fs, os::unix::net::UnixListener, path::Path};

use shield_audit::{
    audit::HistoryOf,
    finding::Severity,
    foreign::{Permission, Wanted},
    imports::PythonVersion,
    report::Part,
};

use crate::drill::DrillName;

use super::{
    super::{LoadManifestError, Manifest, Template},
    FULL, MINIMAL,
};

fn parsed(text: &str) -> Manifest {
    Manifest::parse(text, "shield.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn fills_in_every_default() {
    let manifest = serde_json::to_value(parsed(MINIMAL)).unwrap();
    let expected = serde_json::json!({
        "name": "shop",
        "service": {
            "start": ["{artifact}", "--port", "{port}"],
            "instances": 1,
            "env": {},
            "ready": { "path": "/health", "status": "200-299", "interval": "250ms", "timeout": "1s" },
        },
        "stages": {
            "build": {
                "command": null, "artifact": "target/release/shop", "exclude": [".git", ".shield"], "deadline": "30m",
            },
            "test": null,
            "audit": null,
            "bench": null,
            "staging_env": {},
            "smoke": [],
            "load": null,
            "drill": null,
        },
        "release": {
            "strategy": "blue-green", "min_healthy": "10s", "start_deadline": "1m", "drain": "30s", "watch": "1m",
            "stop_grace": "10s", "error_ratio_max": "0.1%",
        },
        "edge": {
            "https": "127.0.0.1:8443", "http": null, "hostnames": ["localhost"], "request_body_bytes_max": 10_485_760,
            "response_timeout": "30s",
        },
        "drill": {
            "environments": [], "load": null, "rate": 20, "disk": null, "before": "5s", "lasts": "10s", "after": "10s",
        },
        "bench": null,
        "audit": {
            "criteria": { "fail_on": "high", "gaps": [] }, "exclude": [], "history": "tree", "site_packages": [],
            "python": null, "baseline": null, "scanners": [], "rules": [],
        },
    });
    assert_eq!(manifest, expected);
}

#[test]
fn reads_every_key() {
    let manifest = parsed(FULL);
    assert_eq!(manifest.service.instances, 2);
    assert_eq!(manifest.stages.build.artifact, "target/release/shop");
    assert_eq!(manifest.stages.build.exclude.patterns(), [".git", "*.log"]);
    assert_eq!(manifest.stages.test.as_ref().unwrap().command, "cargo test");
    assert_eq!(manifest.staging_variables().0["RUST_LOG"], "debug".parse::<Template>().unwrap());
    assert_eq!(manifest.edge.http.unwrap().port(), 8080);
    assert_eq!(manifest.stages.load.as_ref().unwrap().file, "load.toml");
    assert_eq!(
        manifest.stages.drill.as_ref().unwrap().drills,
        [DrillName::InstanceKill, DrillName::EdgeKill]
    );
    assert_eq!(manifest.drill.environments[0].as_str(), "production");
    let stage = manifest.stages.audit.as_ref().unwrap();
    assert_eq!(
        (stage.fail_on, stage.allow.as_slice()),
        (Some(Severity::Critical), &[Permission::Network][..])
    );
    let audit = &manifest.audit;
    assert_eq!(
        (audit.criteria.fail_on, audit.criteria.gaps.as_slice()),
        (Severity::Medium, &[Part::Advisories][..])
    );
    assert_eq!(
        (audit.exclude.as_slice(), audit.history),
        (&["vendor".to_owned()][..], HistoryOf::Repository)
    );
    assert_eq!(audit.site_packages, ["/usr/lib/python3/dist-packages"]);
    assert_eq!((audit.python, audit.baseline.as_deref()), (Some(PythonVersion(12)), Some("accepted.txt")));
    assert_eq!(audit.scanners, [Wanted::Named("bandit"), Wanted::Named("ruff")]);
    assert_eq!(audit.rules, ["audit-rules.toml"]);
    let bench = manifest.bench.as_ref().unwrap();
    let jwt = &bench.components[0];
    assert_eq!((bench.load.as_str(), bench.prepare.as_deref()), ("bench.toml", Some("./accounts")));
    assert_eq!((jwt.target.as_millis(), jwt.margin, jwt.without.as_deref()), (10, 100, Some("stranger")));
    assert_eq!(jwt.primitive.unwrap().bytes, 480);
    let smoke = &manifest.stages.smoke[0];
    assert_eq!((smoke.method.as_str(), smoke.headers["content-type"].as_str()), ("POST", "application/json"));
}

#[test]
fn survives_the_wire() {
    for text in [MINIMAL, FULL] {
        let manifest = parsed(text);
        let json = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    }
}

/// What an earlier shield wrote down had none of them.
#[test]
fn later_stages_and_tables_may_be_absent() {
    let mut json = serde_json::to_value(parsed(MINIMAL)).unwrap();
    for table in ["drill", "bench"] {
        json.as_object_mut().unwrap().remove(table);
    }
    for stage in ["load", "drill", "bench"] {
        json["stages"].as_object_mut().unwrap().remove(stage);
    }
    assert_eq!(serde_json::from_value::<Manifest>(json).unwrap(), parsed(MINIMAL));
}

/// What a component says nothing of, by its name.
#[test]
fn components_have_defaults() {
    let with = |metric: &str| {
        let text = format!(
            "{MINIMAL}[bench]\nload = \"b.toml\"\n[[bench.component]]\nname = \"jwt\"\ntarget = \"10ms\"\nwith = \"a\"\n{metric}"
        );
        parsed(&text).bench.unwrap().components.remove(0)
    };
    let own = with("");
    assert_eq!(own.labels["component"], "jwt");
    assert_eq!(own.longest_metric.as_deref(), Some("shield_component_duration_max_seconds"));
    let other = with("metric = \"jwt_seconds\"\nlabels = {}\n");
    assert!(other.labels.is_empty() && other.longest_metric.is_none(), "{other:?}");
}

#[test]
fn equal_meaning_gives_equal_manifest() {
    let sections = MINIMAL.replace("[service.ready]\npath", "ready.path");
    assert_eq!(parsed(&sections), parsed(MINIMAL));
    assert_eq!(parsed(&MINIMAL.replace('\n', "\r\n")), parsed(MINIMAL));
    assert_eq!(parsed(&format!("{MINIMAL}[release]\nwatch = \"60s\"\n")), parsed(MINIMAL));
}

#[test]
fn missing_file_hints_init() {
    let directory = tempfile::tempdir().unwrap();
    let error = Manifest::load(&directory.path().join("shield.toml")).unwrap_err();
    assert!(matches!(error, LoadManifestError::Missing { .. }));
    assert!(error.hints()[0].contains("shield init"));
}

#[test]
fn unreadable_files_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shield.toml");
    fs::write(&path, b"format = 1\nname = \"\xff\"\n").unwrap();
    assert!(matches!(Manifest::load(&path), Err(LoadManifestError::NotText { line: 2, .. })));
    fs::write(&path, "format = 1\n").unwrap();
    let error = Manifest::load(&path).unwrap_err();
    assert!(matches!(error, LoadManifestError::Mistakes { count: 4, .. }), "{error:?}");
    assert!(error.to_string().ends_with("which has 4 mistakes"));
    assert!(matches!(Manifest::load(directory.path()), Err(LoadManifestError::Read { .. })));
    let socket = directory.path().join("socket");
    drop(UnixListener::bind(&socket).unwrap());
    let error = Manifest::load(&socket).unwrap_err();
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("not a regular file"));
    fs::write(&path, MINIMAL).unwrap();
    assert_eq!(Manifest::load(Path::new(&path)).unwrap(), parsed(MINIMAL));
}
