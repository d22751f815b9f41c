//! What scanners say about a directory, joined with our own findings of Python: `foreign_run DIRECTORY [PROGRAMS]`.
//!
//! PROGRAMS is a directory with more scanners, such as `bin` of a virtual environment. Prints what came of every known scanner and
//! each defect with who saw it. The network and code of the directory are allowed: run it on what you trust.
#![expect(clippy::unwrap_used, reason = "a measurement by hand: a panic ends it")]

use std::{env, fs, path::Path};

use shield_audit::{
    foreign::{Allowed, Outcome, Runner, Sources, consolidate},
    python::{Audit, is_candidate},
    tree::{Settings, Tree},
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let root = Path::new(&arguments[0]);
    let mut runner = Runner::new(root);
    runner.allowed = Allowed { network: true, project_code: true };
    runner.search_path.extend(arguments.get(1).map(Into::into));
    let mut observations = Vec::new();
    for ran in runner.run_all() {
        println!("{}: {}", ran.tool.name, ran.outcome);
        if let Outcome::Read(output) = ran.outcome {
            output.unread.iter().for_each(|unread| println!("  {}: {}", unread.path, unread.reason));
            observations.extend(output.observations);
        }
    }
    let settings = Settings::default();
    let tree = Tree::walk(root, &settings).unwrap();
    let audit = Audit::default();
    let reports = tree.visit(&settings, is_candidate, |entry, bytes| audit.file(entry, bytes));
    let findings = reports.results.into_iter().flat_map(|report| report.findings).collect();
    let line = |file: &str, line: u32| {
        let text = fs::read_to_string(root.join(file)).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?).map(str::to_owned)
    };
    for one in consolidate(findings, observations, &Sources { names: Vec::new(), line: &line }) {
        let place = one.place();
        let at = place.span.map_or(0, |span| span.line);
        let who: Vec<String> = one.seen_by.iter().map(|by| format!("{}:{}", by.tool, by.rule)).collect();
        println!("{} {}:{at} {} [{}]", one.fingerprint(), place.file, one.rule(), who.join(" "));
    }
}
