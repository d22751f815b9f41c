//! What is found in the languages beside Python and in configuration: `files DIRECTORY`. One line for each finding and for each file
//! that was not looked at, then how much was read and how long it took.

use std::{env, path::Path, time::Instant};

use shield_audit::{
    configuration, languages,
    tree::{Origin, Settings, Tree},
};

fn main() {
    let root = env::args().nth(1).expect("a directory is given");
    let settings = Settings::default();
    let tree = Tree::walk(Path::new(&root), &settings).expect("the directory is there");
    let audit = languages::Audit::default();
    let start = Instant::now();
    let visited = tree.visit(
        &settings,
        |entry| entry.origin == Origin::Project,
        |entry, bytes| {
            let reports = [audit.file(&entry.path, bytes), configuration::file(&entry.path, bytes)];
            (bytes.len(), reports)
        },
    );
    let spent = start.elapsed();
    let (files, bytes) = (visited.results.len(), visited.results.iter().map(|one| one.0).sum::<usize>());
    for report in visited.results.into_iter().flat_map(|one| one.1) {
        for finding in report.findings {
            let line = finding.place.span.map_or(0, |span| span.line);
            println!(
                "{}:{line}\t{}\t{}/{}\t{}\t{}",
                finding.place.file,
                finding.rule.id,
                finding.severity.name(),
                finding.confidence.name(),
                finding.subject,
                finding.rule.aliases.join(",")
            );
        }
        report.suppressed.iter().for_each(|one| println!("suppressed\t{}", one.finding.place.file));
        report.skipped.iter().for_each(|one| println!("skipped\t{one}"));
    }
    println!("{files} files, {bytes} bytes, {spent:?}");
}
