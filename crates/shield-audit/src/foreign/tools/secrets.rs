//! What looks for secrets: detect-secrets, gitleaks, trufflehog.

use super::{LONG, Tool, USUAL};
use crate::{
    finding::Severity,
    foreign::read::{Form, Mark, Rating, Rows, Table, Topic},
};

pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "detect-secrets",
        program: "detect-secrets",
        install: "pip install detect-secrets",
        // It reads some 0.1 MB in a second.
        time_max: LONG,
        // Without the flag it sends what it finds to whoever gave it out.
        arguments: &["scan", "--all-files", "--no-verify", "."],
        form: Form::Json(Table {
            mark: Mark::Paths(&["results"]),
            rows: &[Rows {
                at: "results/*/*",
                topic: Topic::Secret,
                rule: &["type"],
                file: &["filename", "../@"],
                span: [&["line_number"], &[], &[], &[]],
                message: &["type"],
                rating: Rating::Always(Severity::High),
                ..Rows::NONE
            }],
            gaps: &[],
        }),
        ..USUAL
    },
    Tool {
        name: "gitleaks",
        program: "gitleaks",
        install: "brew install gitleaks",
        version: &["version"],
        arguments: &[
            "dir",
            ".",
            "--no-banner",
            "--redact",
            "--report-format",
            "json",
            "--report-path",
            "/dev/stdout",
        ],
        form: Form::Json(Table {
            mark: Mark::Array,
            rows: &[Rows {
                topic: Topic::Secret,
                rule: &["RuleID"],
                file: &["File"],
                span: [&["StartLine"], &["StartColumn"], &["EndLine"], &["EndColumn"]],
                message: &["Description"],
                rating: Rating::Always(Severity::High),
                ..Rows::NONE
            }],
            gaps: &[],
        }),
        ..USUAL
    },
    Tool {
        name: "trufflehog",
        program: "trufflehog",
        install: "brew install trufflehog",
        arguments: &["filesystem", "--json", "--no-verification", "--no-update", "."],
        found: &[183],
        form: Form::JsonLines(Table {
            mark: Mark::Array,
            rows: &[Rows {
                topic: Topic::Secret,
                rule: &["DetectorName"],
                file: &["SourceMetadata/Data/Filesystem/file", "SourceMetadata/Data/Git/file"],
                span: [
                    &["SourceMetadata/Data/Filesystem/line", "SourceMetadata/Data/Git/line"],
                    &[],
                    &[],
                    &[],
                ],
                message: &["DetectorDescription", "DetectorName"],
                rating: Rating::Always(Severity::High),
                ..Rows::NONE
            }],
            gaps: &[],
        }),
        ..USUAL
    },
];
