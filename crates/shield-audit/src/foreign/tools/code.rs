//! What looks at code for defects: bandit, mypy, ruff, semgrep, clippy.

use super::{LINT, LONG, Tool, USUAL};
use crate::{
    finding::Severity,
    foreign::read::{Form, Gaps, Mark, Rating, Rows, Table},
};

pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "bandit",
        program: "bandit",
        install: "pip install bandit",
        time_max: LONG,
        arguments: &["-q", "-r", ".", "-f", "json", "-x", "./.venv,./venv,./env,./.tox,./node_modules"],
        form: Form::Json(Table {
            mark: Mark::Paths(&["results"]),
            rows: &[Rows {
                at: "results/*",
                rule: &["test_id"],
                file: &["filename"],
                span: [&["line_number"], &["col_offset"], &[], &[]],
                first_column: 0,
                message: &["issue_text"],
                rating: Rating::At(&["issue_severity"], Severity::Low),
                cwe: &["issue_cwe/id"],
                ..Rows::NONE
            }],
            gaps: &[Gaps { at: "errors/*", only: &[], what: &["filename"], why: &["reason"] }],
        }),
        ..USUAL
    },
    Tool {
        name: "clippy",
        program: "cargo-clippy",
        install: "rustup component add clippy",
        time_max: LONG,
        arguments: &["clippy", "--workspace", "--all-targets", "--message-format", "json"],
        found: &[101],
        needs: &["Cargo.toml"],
        asks_network: true,
        executes_project: true,
        form: Form::JsonLines(Table {
            mark: Mark::Array,
            rows: &[Rows {
                only: &[("reason", "compiler-message")],
                rule: &["message/code/code"],
                file: &["message/spans/[is_primary]/file_name"],
                span: [
                    &["message/spans/[is_primary]/line_start"],
                    &["message/spans/[is_primary]/column_start"],
                    &["message/spans/[is_primary]/line_end"],
                    &["message/spans/[is_primary]/column_end"],
                ],
                message: &["message/message"],
                rating: LINT,
                ..Rows::NONE
            }],
            gaps: &[Gaps {
                at: "*",
                only: &[
                    ("reason", "compiler-message"),
                    ("message/level", "error"),
                    ("message/code/code", ""),
                ],
                what: &["message/spans/[is_primary]/file_name", "target/src_path"],
                why: &["message/message"],
            }],
        }),
        ..USUAL
    },
    Tool {
        name: "mypy",
        program: "mypy",
        install: "pip install mypy",
        time_max: LONG,
        arguments: &["--output", "json", "--cache-dir", "/dev/null", "."],
        found: &[1, 2],
        executes_project: true,
        form: Form::JsonLines(Table {
            mark: Mark::Array,
            rows: &[Rows {
                rule: &["code", "severity"],
                file: &["file"],
                span: [&["line"], &["column"], &["end_line"], &["end_column"]],
                first_column: 0,
                message: &["message"],
                rating: LINT,
                ..Rows::NONE
            }],
            gaps: &[Gaps { at: "*", only: &[("code", "syntax")], what: &["file"], why: &["message"] }],
        }),
        ..USUAL
    },
    Tool {
        name: "ruff",
        program: "ruff",
        install: "pip install ruff",
        arguments: &["check", "--extend-select", "S", "--no-cache", "--output-format", "json", "."],
        form: Form::Json(Table {
            mark: Mark::Array,
            rows: &[Rows {
                rule: &["code"],
                file: &["filename"],
                span: [
                    &["location/row"],
                    &["location/column"],
                    &["end_location/row"],
                    &["end_location/column"],
                ],
                message: &["message"],
                rating: LINT,
                ..Rows::NONE
            }],
            gaps: &[Gaps {
                at: "*",
                only: &[("code", "invalid-syntax")],
                what: &["filename"],
                why: &["message"],
            }],
        }),
        ..USUAL
    },
    Tool {
        name: "semgrep",
        program: "semgrep",
        install: "pip install semgrep",
        time_max: LONG,
        arguments: &[
            "scan",
            "--json",
            "--quiet",
            "--metrics=off",
            "--disable-version-check",
            "--config=p/default",
            ".",
        ],
        asks_network: true,
        form: Form::Json(Table {
            mark: Mark::Paths(&["results"]),
            rows: &[Rows {
                at: "results/*",
                rule: &["check_id"],
                file: &["path"],
                span: [&["start/line"], &["start/col"], &["end/line"], &["end/col"]],
                message: &["extra/message"],
                rating: Rating::At(&["extra/severity"], Severity::Medium),
                cwe: &["extra/metadata/cwe", "extra/metadata/cwe/*"],
                ..Rows::NONE
            }],
            gaps: &[Gaps { at: "errors/*", only: &[], what: &["path"], why: &["message", "type"] }],
        }),
        ..USUAL
    },
];
