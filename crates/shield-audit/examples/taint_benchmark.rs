//! Scores the flows of data, and the rules that need none, on the half of OWASP's benchmark for Python that they are tuned on.
//!
//! `taint_benchmark FOLDER` reads the folder's `expectedresults-*.csv`, prints rates by category for the tests with even
//! numbers, and names those that are wrong; the odd ones are the bar's (`audit.benchmark`). `taint_benchmark FOLDER flows`
//! prints every flow of any project.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs,
    path::Path,
};

use shield_audit::{
    finding::Finding,
    python::{Audit, is_candidate},
    taint::{Flows, SourceFile, follow},
    tree::{Settings, Tree, decode},
};

/// Which rules speak for a category: flows where data has to arrive, rules of single calls where it has not.
const CATEGORIES: [(&str, &[&str]); 14] = [
    ("cmdi", &["python/command-injection"]),
    ("codeinj", &["python/code-injection"]),
    ("deserialization", &["python/unsafe-deserialisation"]),
    ("hash", &["python/weak-hash"]),
    ("ldapi", &["python/ldap-injection"]),
    ("pathtraver", &["python/path-traversal"]),
    ("redirect", &["python/open-redirect"]),
    ("securecookie", &["python/insecure-cookie"]),
    ("sqli", &["python/sql-injection"]),
    ("trustbound", &["python/trust-boundary"]),
    ("weakrand", &["python/weak-random", "python/weak-random-sample", "python/weak-random-distribution"]),
    ("xpathi", &["python/xpath-injection"]),
    ("xss", &["python/cross-site-scripting"]),
    ("xxe", &["python/external-entities"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, rest @ ..] = arguments.as_slice() else { return Err("FOLDER [flows]".into()) };
    let folder = Path::new(folder);
    let settings = Settings::default();
    let tree = Tree::walk(folder, &settings)?;
    let texts = tree.visit(&settings, is_candidate, |entry, bytes| {
        (entry.path.clone(), decode(bytes).map(|text| text.characters.into_owned()).ok())
    });
    let texts: Vec<(String, String)> =
        texts.results.into_iter().filter_map(|(path, text)| Some((path, text?))).collect();
    let files: Vec<SourceFile<'_>> = texts
        .iter()
        .map(|(path, text)| SourceFile { path, text })
        .filter(|file| file.path.ends_with(".py"))
        .collect();
    let started = std::time::Instant::now();
    let flows = follow(&files);
    eprintln!("{} of {} files followed in {:?}", flows.followed, files.len(), started.elapsed());
    flows.unfollowed.iter().for_each(|one| eprintln!("{one}"));
    if rest.first().is_some_and(|word| word == "flows") {
        print_flows(&flows);
        return Ok(());
    }
    let audit = Audit::default();
    let visited = tree.visit(&settings, is_candidate, |entry, bytes| audit.file(entry, bytes));
    let single = visited.results.into_iter().flat_map(|report| report.findings);
    let found: Vec<Finding> = flows.findings.into_iter().chain(single).collect();
    score(folder, &found)
}

fn print_flows(flows: &Flows) {
    for finding in &flows.findings {
        let line = |place: &shield_audit::finding::Place| place.span.map_or(1, |span| span.line);
        println!(
            "{}:{} {} {:?} {:?} {} [{}] {}",
            finding.place.file,
            line(&finding.place),
            finding.rule.id,
            finding.severity,
            finding.confidence,
            finding.subject,
            finding.context,
            finding.message
        );
        for step in &finding.steps {
            println!("    {}:{} {}", step.place.file, line(&step.place), step.what);
        }
    }
}

fn score(folder: &Path, found: &[Finding]) -> Result<(), Box<dyn Error>> {
    let mut said: BTreeSet<(&str, &str)> = BTreeSet::new();
    for finding in found {
        let test = finding.place.file.rsplit('/').next().unwrap_or_default().trim_end_matches(".py");
        said.insert((test, finding.rule.id));
    }
    let expected = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("expectedresults-"))
        })
        .ok_or("no expectedresults-*.csv")?;
    // True and false positives, positives and negatives.
    let mut counts: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
    let text = fs::read_to_string(expected)?;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').collect();
        let [test, category, real, ..] = fields.as_slice() else { return Err("a line is too short".into()) };
        if test.ends_with(['1', '3', '5', '7', '9']) {
            continue;
        }
        let (_, rules) =
            CATEGORIES.iter().find(|(name, _)| name == category).ok_or("a category is unheard of")?;
        let hit = rules.iter().any(|rule| said.contains(&(*test, *rule)));
        let count = counts.entry(category).or_default();
        count[if *real == "true" { 2 } else { 3 }] += 1;
        if hit {
            count[if *real == "true" { 0 } else { 1 }] += 1;
        }
        if hit != (*real == "true") {
            println!("{test} {category} {real}");
        }
    }
    let mut sum = 0.0;
    let mut total = [0; 4];
    for (category, count) in &counts {
        let [right, wrong, positives, negatives] = count.map(f64::from);
        let score = 100.0 * (right / positives - wrong / negatives.max(1.0));
        sum += score;
        (0..4).for_each(|index| total[index] += count[index]);
        println!(
            "{category:16} {}/{} found, {}/{} wrong, {score:.1}",
            count[0], count[2], count[1], count[3]
        );
    }
    let [right, wrong, positives, _] = total.map(f64::from);
    println!(
        "mean {:.1}, precision {:.3}, recall {:.3}",
        sum / counts.len() as f64,
        right / (right + wrong),
        right / positives
    );
    Ok(())
}
