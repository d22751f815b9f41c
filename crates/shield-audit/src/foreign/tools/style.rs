//! What looks at how code is written: black, flake8, isort, radon.

use super::{STYLE, Tool, USUAL};
use crate::foreign::read::{Form, Gaps, Lines, Mark, Rows, Says, Table};

pub(super) static TOOLS: &[Tool] = &[
    Tool {
        name: "black",
        program: "black",
        install: "pip install black",
        arguments: &["--check", "."],
        found: &[1, 123],
        on_error_stream: true,
        form: Form::Lines(&[
            Lines {
                line: r"^would reformat (?<file>.+)$",
                says: Says::Found { rule: "format", message: "would be formatted otherwise" },
            },
            Lines {
                line: r"^error: cannot (?:format|parse):? (?<file>.+?)(?:: (?<message>.+)|:\d+:\d+)$",
                says: Says::NotLookedAt,
            },
            Lines {
                line: r"^(?:error: cannot format -|Oh no!|All done!|\d+ files? |\S*Error: | +|No Python)",
                says: Says::Chatter,
            },
        ]),
        ..USUAL
    },
    Tool {
        name: "flake8",
        program: "flake8",
        install: "pip install flake8",
        arguments: &["--format=default", "."],
        executes_project: true,
        form: Form::Lines(&[Lines {
            line: r"^(?<file>.+?):(?<line>\d+):(?<column>\d+): (?<rule>[A-Z]+\d+) (?<message>.+)$",
            says: Says::Found { rule: "", message: "" },
        }]),
        ..USUAL
    },
    Tool {
        name: "isort",
        program: "isort",
        install: "pip install isort",
        arguments: &["--check-only", "."],
        on_error_stream: true,
        form: Form::Lines(&[
            Lines {
                line: r"^ERROR: (?<file>.+) Imports are incorrectly sorted and/or formatted\.$",
                says: Says::Found { rule: "imports", message: "imports would be sorted otherwise" },
            },
            Lines {
                line: r"(?i)^(?<message>.*unable to parse file (?<file>.+?) due to .*)$",
                says: Says::NotLookedAt,
            },
            Lines { line: r"^(?:Skipped \d+|Broken \d+|\s)", says: Says::Chatter },
        ]),
        ..USUAL
    },
    Tool {
        name: "radon",
        program: "radon",
        install: "pip install radon",
        arguments: &["cc", "-j", "-n", "C", "."],
        found: &[],
        form: Form::Json(Table {
            mark: Mark::Object,
            rows: &[Rows {
                at: "*/*",
                only: &[("../error", "")],
                rule: &["rank"],
                file: &["../@"],
                span: [&["lineno"], &["col_offset"], &["endline"], &[]],
                first_column: 0,
                message: &["name"],
                rating: STYLE,
                ..Rows::NONE
            }],
            gaps: &[Gaps { at: "*", only: &[], what: &["@"], why: &["error"] }],
        }),
        ..USUAL
    },
];
