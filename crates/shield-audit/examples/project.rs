//! What is found in a project: `project DIRECTORY [DATABASE...]`.
use shield_audit::{advisories::*, dependencies::*};
fn walk(root: &std::path::Path, at: &std::path::Path, to: &mut Vec<String>) { for e in std::fs::read_dir(at).unwrap().flatten() { let p = e.path(); if p.is_dir() { if e.file_name() != ".git" { walk(root, &p, to) } } else { to.push(p.strip_prefix(root).unwrap().to_string_lossy().into_owned()) } } }
fn main() {
    let args: Vec<_> = std::env::args().collect();
    let root = std::path::Path::new(&args[1]);
    let mut paths = vec![]; walk(root, root, &mut paths); paths.sort();
    let project = read_project(&paths, |p| std::fs::read(root.join(p)));
    for m in &project.manifests { println!("{:?} {} packages {} requirements {} unread {:?}", m.kind, m.file, m.packages.len(), m.requirements.len(), m.unread); }
    for f in find_disagreements(&project) { println!("{} {:?} {}", f.rule.id, f.place, f.message); }
    let mut builder = Builder::new();
    for d in &args[2..] { read_source(&mut builder, d.as_ref()).unwrap(); }
    let index = builder.finish();
    for b in project.believed() {
        println!("{} {:?} {:?} {} packages", b.directory, b.kind, b.files, b.packages.len());
        if let Answer::Checked(c) = match_packages(Some(&index), &b.packages) { println!("{} checked, {} unchecked, {} withdrawn", c.checked_packages, c.unchecked.len(), c.withdrawn.len()); for f in c.findings() { println!("  {:?} {:?} {}", f.severity, f.confidence, f.message) } for u in c.unchecked.iter().take(5) { println!("  {u:?}") } }
    }
}
