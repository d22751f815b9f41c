//! What looks at dependencies: cargo-audit, cargo-deny, osv-scanner, pip-audit, safety, snyk, trivy.

use super::{LINT, LONG, Tool, USUAL};
use crate::{
    finding::Severity,
    foreign::read::{Form, Gaps, Mark, Rating, Rows, Table, Topic},
};

pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "cargo-audit",
        program: "cargo-audit",
        install: "cargo install cargo-audit",
        arguments: &["audit", "--json"],
        needs: &["Cargo.lock"],
        asks_network: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["vulnerabilities"]),
            rows: &[CARGO_AUDIT, Rows { at: "warnings/*/*", rating: LINT, ..CARGO_AUDIT }],
            gaps: &[],
        }),
        ..USUAL
    },
    Tool {
        name: "cargo-deny",
        program: "cargo-deny",
        install: "cargo install cargo-deny",
        arguments: &["--format", "json", "check"],
        // One bit for each of its four checks.
        found: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        needs: &["Cargo.lock"],
        on_error_stream: true,
        asks_network: true,
        form: Form::JsonLines(Table {
            mark: Mark::Array,
            rows: &[Rows {
                only: &[("type", "diagnostic")],
                topic: Topic::Package {
                    package: &["fields/advisory/package", "fields/graphs/0/Krate/name"],
                    version: &["fields/graphs/0/Krate/version"],
                    names: &["fields/advisory/id", "fields/advisory/aliases/*"],
                },
                rule: &["fields/advisory/id", "fields/code"],
                file: &["=Cargo.lock"],
                message: &["fields/message"],
                rating: Rating::At(&["fields/advisory/cvss", "fields/severity"], Severity::Medium),
                ..Rows::NONE
            }],
            gaps: &[Gaps {
                at: "*",
                only: &[("type", "log"), ("fields/level", "ERROR")],
                what: &["=Cargo.lock"],
                why: &["fields/message"],
            }],
        }),
        ..USUAL
    },
    Tool {
        name: "osv-scanner",
        program: "osv-scanner",
        install: "brew install osv-scanner",
        arguments: &["--format", "json", "-r", "."],
        nothing: &[128],
        asks_network: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["results"]),
            rows: &[Rows {
                at: "results/*/packages/*/vulnerabilities/*",
                topic: Topic::Package {
                    package: &["../../package/name"],
                    version: &["../../package/version"],
                    names: &["id", "aliases/*"],
                },
                rule: &["id"],
                file: &["../../../../source/path"],
                message: &["summary", "details"],
                rating: Rating::At(
                    &["database_specific/severity", "severity/*/score", "../../groups/0/max_severity"],
                    Severity::Medium,
                ),
                cwe: &["database_specific/cwe_ids/*"],
                ..Rows::NONE
            }],
            gaps: &[],
        }),
        ..USUAL
    },
    Tool {
        name: "pip-audit",
        program: "pip-audit",
        install: "pip install pip-audit",
        time_max: LONG,
        arguments: &["-f", "json", "--progress-spinner", "off", "-r", "requirements.txt"],
        needs: &["requirements.txt"],
        asks_network: true,
        executes_project: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["dependencies"]),
            rows: &[Rows {
                at: "dependencies/*/vulns/*",
                topic: Topic::Package {
                    package: &["../../name"],
                    version: &["../../version"],
                    names: &["id", "aliases/*"],
                },
                rule: &["id"],
                file: &["=requirements.txt"],
                message: &["description"],
                rating: Rating::Always(Severity::High),
                ..Rows::NONE
            }],
            // It exits with 0 and "no known vulnerabilities" when it could look nothing up.
            gaps: &[Gaps { at: "dependencies/*", only: &[], what: &["name"], why: &["skip_reason"] }],
        }),
        ..USUAL
    },
    Tool {
        name: "safety",
        program: "safety",
        install: "pip install safety",
        arguments: &["check", "--json", "-r", "requirements.txt"],
        found: &[64, 255],
        needs: &["requirements.txt"],
        asks_network: true,
        form: Form::JsonWithin(Table {
            mark: Mark::Paths(&["vulnerabilities"]),
            rows: &[Rows {
                at: "vulnerabilities/*",
                topic: Topic::Package {
                    package: &["package_name"],
                    version: &["analyzed_version"],
                    names: &["vulnerability_id", "CVE"],
                },
                rule: &["vulnerability_id"],
                file: &["=requirements.txt"],
                message: &["advisory"],
                rating: Rating::At(
                    &["severity/cvssv3/base_severity", "severity/cvssv3/base_score"],
                    Severity::High,
                ),
                ..Rows::NONE
            }],
            gaps: &[],
        }),
        ..USUAL
    },
    Tool {
        name: "snyk",
        program: "snyk",
        install: "npm install -g snyk",
        time_max: LONG,
        arguments: &["test", "--json", "--all-projects"],
        nothing: &[3],
        asks_network: true,
        executes_project: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["vulnerabilities", "0/vulnerabilities"]),
            rows: &[SNYK, Rows { at: "*/vulnerabilities/*", ..SNYK }],
            gaps: &[Gaps { at: "*", only: &[("ok", "false")], what: &["path"], why: &["error"] }],
        }),
        ..USUAL
    },
    Tool {
        name: "trivy",
        program: "trivy",
        install: "brew install trivy",
        time_max: LONG,
        arguments: &["fs", "--format", "json", "--quiet", "--scanners", "vuln,secret,misconfig", "."],
        asks_network: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["SchemaVersion", "Results"]),
            rows: &[
                Rows {
                    at: "Results/*/Vulnerabilities/*",
                    topic: Topic::Package {
                        package: &["PkgName"],
                        version: &["InstalledVersion"],
                        names: &["VulnerabilityID", "VendorIDs/*"],
                    },
                    rule: &["VulnerabilityID"],
                    message: &["Title", "Description"],
                    cwe: &["CweIDs/*"],
                    ..TRIVY
                },
                Rows {
                    at: "Results/*/Secrets/*",
                    topic: Topic::Secret,
                    rule: &["RuleID"],
                    span: [&["StartLine"], &[], &["EndLine"], &[]],
                    message: &["Title"],
                    ..TRIVY
                },
                Rows {
                    at: "Results/*/Misconfigurations/*",
                    only: &[("Status", "FAIL")],
                    rule: &["ID", "AVDID"],
                    span: [&["CauseMetadata/StartLine"], &[], &["CauseMetadata/EndLine"], &[]],
                    message: &["Message", "Title"],
                    ..TRIVY
                },
            ],
            gaps: &[],
        }),
        ..USUAL
    },
];

const CARGO_AUDIT: Rows = Rows {
    at: "vulnerabilities/list/*",
    topic: Topic::Package {
        package: &["package/name"],
        version: &["package/version"],
        names: &["advisory/id", "advisory/aliases/*"],
    },
    rule: &["advisory/id", "kind"],
    file: &["=Cargo.lock"],
    message: &["advisory/title", "kind"],
    rating: Rating::At(&["advisory/cvss"], Severity::High),
    ..Rows::NONE
};

const SNYK: Rows = Rows {
    at: "vulnerabilities/*",
    topic: Topic::Package {
        package: &["packageName", "moduleName", "name"],
        version: &["version"],
        names: &["id", "identifiers/CVE/*", "identifiers/GHSA/*"],
    },
    rule: &["id"],
    file: &["../../displayTargetFile", "../../targetFile"],
    message: &["title"],
    rating: Rating::At(&["severity"], Severity::Medium),
    cwe: &["identifiers/CWE/*"],
    ..Rows::NONE
};

const TRIVY: Rows =
    Rows { file: &["../../Target"], rating: Rating::At(&["Severity"], Severity::Medium), ..Rows::NONE };
