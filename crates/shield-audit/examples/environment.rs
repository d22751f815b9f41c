//! What is installed in a directory: `environment DIRECTORY [DATABASE...]`.
use shield_audit::{advisories::*, dependencies::*};
fn main() {
    let args: Vec<_> = std::env::args().collect();
    let start = std::time::Instant::now();
    let environment = read_environment(args[1].as_ref()).unwrap();
    println!("{} distributions {} files {:?} unread {:?}", environment.distributions.len(), environment.distributions.iter().map(|d| d.files.len()).sum::<usize>(), start.elapsed(), environment.unread.iter().take(5).collect::<Vec<_>>());
    let mut builder = Builder::new();
    for d in &args[2..] { read_source(&mut builder, d.as_ref()).unwrap(); }
    let index = builder.finish();
    let packages: Vec<_> = environment.distributions.iter().map(|d| d.package.clone()).collect();
    if let Answer::Checked(c) = match_packages(Some(&index), &packages) { println!("{} checked, {} unchecked, {} withdrawn", c.checked_packages, c.unchecked.len(), c.withdrawn.len()); for f in c.findings() { println!("  {:?} {:?} {}", f.severity, f.confidence, f.message) } }
    for p in &packages { println!("{} {} {:?}", p.name, p.version, p.licence); }
}
