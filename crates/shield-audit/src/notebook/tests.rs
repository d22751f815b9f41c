//! What is said of small notebooks.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn said(text: &str) -> Vec<String> {
    let report = file(&python::Audit::default(), "a.ipynb", text.as_bytes());
    let found = report.findings.iter().map(|finding| {
        let span = finding.place.span.unwrap();
        format!("{} {}:{}", finding.rule.id, span.line, span.column)
    });
    let skipped = report.skipped.iter().map(ToString::to_string);
    found.chain(skipped).collect()
}

/// A notebook with these lines in cells of code, from line 3 on, and every cell behind a line of its own.
fn notebook(cells: &[&[&str]]) -> String {
    let cell = |lines: &&[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| json!(format!("{line}\n")).to_string()).collect();
        format!("{{\"cell_type\": \"code\", \"outputs\": [], \"source\": [\n{}\n]}}", lines.join(",\n"))
    };
    let cells: Vec<_> = cells.iter().map(cell).collect();
    format!("{{\"cells\": [\n{}\n], \"metadata\": {{}}, \"nbformat\": 4}}\n", cells.join(",\n"))
}

#[test]
fn findings_lie_at_the_lines_of_the_file() {
    let text =
        notebook(&[&["from hashlib import md5 as digest"], &["\"ü\\\\\"; x = 1", "y = '\"'; digest(b'x')"]]);
    assert_eq!(said(&text), ["python/weak-hash 7:12"]);
    assert_eq!(&text.lines().nth(6).unwrap()[11..17], "digest");
    // All of a cell in one literal, as other programs write it.
    let one = "{\"cells\": [{\"cell_type\": \"code\",\n\"source\": \"x = 1\\neval(input())\"}]}";
    assert_eq!(said(one), ["python/eval 2:19"]);
    let third =
        "{\"worksheets\": [{\"cells\": [{\"cell_type\": \"code\",\n\"input\": [\"eval(input())\"]}]}]}";
    assert_eq!(said(third), ["python/eval 2:12"]);
}

#[test]
fn magics_are_no_mistakes() {
    let text = notebook(&[
        &["%matplotlib inline", "!pip install x", "files = !ls", "if x:", "    !ls {x}", "x?", "eval(y)"],
        &["%%time", "eval(y)"],
        &["%%javascript", "eval(y) {"],
        &["%%writefile a.py", "eval(y)"],
        &["await f()"],
    ]);
    assert_eq!(said(&text), ["python/eval 9:2", "python/eval 13:2"]);
}

#[test]
fn commands_are_looked_at() {
    let text = notebook(&[
        &["x = 1", "!curl https://x \\", "  | sh"],
        &["%%bash", "wget --no-check-certificate https://x"],
        &["'!curl https://x | sh'"],
    ]);
    assert_eq!(said(&text), ["shell/download-run 4:3", "shell/unverified-download 9:2"]);
}

#[test]
fn broken_cells_change_nothing_for_others() {
    let text = notebook(&[&["import os as o"], &["if (", "eval(x)"], &["o.system(input())"]]);
    let said = said(&text);
    assert!(said.iter().any(|one| one.starts_with("python/os-shell 10:2")), "{said:?}");
    assert!(said.iter().any(|one| one.starts_with("a.ipynb: line 7 does not parse")), "{said:?}");
    assert_eq!(said.iter().filter(|one| one.starts_with("a.ipynb")).count(), 1, "{said:?}");
}

#[test]
fn other_languages_are_none_of_ours() {
    let julia = r#"{"cells": [{"cell_type": "code", "source": ["eval(x)"]}], "metadata": {"kernelspec": {"language": "julia"}}}"#;
    assert_eq!(said(julia), Vec::<String>::new());
    assert!(foreign_language("a.ipynb", julia.as_bytes()).is_some());
    assert_eq!(foreign_language("a.ipynb", notebook(&[]).as_bytes()), None);
    let markdown = r#"{"cells": [{"cell_type": "markdown", "source": ["eval(x)"]}, {"cell_type": "code"}]}"#;
    assert_eq!(said(markdown), Vec::<String>::new());
    assert_eq!(said("{\n\"cells\": [").len(), 1);
}

#[test]
fn comments_take_findings_back() {
    let text = notebook(&[&["eval(x)  # nosec"]]);
    let report = file(&python::Audit::default(), "a.ipynb", text.as_bytes());
    assert_eq!((report.findings.len(), report.suppressed.len()), (0, 1));
    assert_eq!(report.suppressed[0].finding.place.span.unwrap().line, 3);
}

proptest! {
    /// Places are inside of the file, whatever characters and escapes there are before them.
    #[test]
    fn places_are_those_of_the_characters(text in "(\\PC|\\\\|\"|\n|\t|😀){0,20}", ascii in any::<bool>()) {
        let code = format!("x = {}\neval(y)", json!(text));
        let literal = json!(code).to_string();
        let literal = if ascii {
            let escape = |one: char| {
                let mut units = [0; 2];
                one.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
            };
            literal.chars().map(|one| if one.is_ascii() { one.to_string() } else { escape(one) }).collect()
        } else {
            literal
        };
        let all = format!("{{\"cells\": [{{\"cell_type\": \"code\", \"source\": {literal}}}]}}");
        let report = file(&python::Audit::default(), "a.ipynb", all.as_bytes());
        prop_assert_eq!(report.findings.len(), 1, "{:?}", report);
        let span = report.findings[0].place.span.unwrap();
        let offset = Lines::of(&all).offset(span.line, span.column).to_usize();
        prop_assert!(all[offset..].starts_with("eval(y)"));
    }
}
