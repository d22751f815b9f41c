//! Compares the evaluation of ranges with the lists of versions in the same records: `ranges DATABASE`.
use std::collections::BTreeSet;
use shield_audit::{advisories::*, dependencies::*};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let start = std::time::Instant::now();
    let mut builder = Builder::new();
    read_source(&mut builder, path.as_ref()).unwrap();
    let index = builder.finish();
    println!("built in {:?}: {} bytes {:?}", start.elapsed(), index.bytes().len(), index.summary());
    let start = std::time::Instant::now();
    let index = Index::open(index.bytes().to_vec()).unwrap();
    println!("opened in {:?}", start.elapsed());
    let (mut pairs, mut agreed, mut unordered, mut advisories) = (0u64, 0u64, 0u64, 0u64);
    for purl in index.purls() {
        let Some(name) = purl.strip_prefix("pkg:pypi/") else { continue };
        let found = index.look_up(&PackageName::new(Ecosystem::PyPi, name)).unwrap();
        let probes: BTreeSet<_> = found.iter().flat_map(|one| &one.versions).collect();
        for one in found.iter().filter(|one| !one.ranges.is_empty() && !one.versions.is_empty()) {
            advisories += 1;
            let (mut extra, mut missing) = (vec![], vec![]);
            for probe in &probes {
                let Ok(version) = Version::parse(Ecosystem::PyPi, probe) else { unordered += 1; continue };
                pairs += 1;
                let listed = one.versions.contains(probe);
                let inside = one.in_range(Ecosystem::PyPi, &version).unwrap();
                match (listed, inside) { (true, false) => missing.push(probe.as_str()), (false, true) => extra.push(probe.as_str()), _ => agreed += 1 }
            }
            if !extra.is_empty() || !missing.is_empty() { println!("{name} {} {:?} listed only {missing:?} range only {extra:?}", one.id, one.ranges); }
        }
    }
    println!("{advisories} advisories {agreed} of {pairs} = {:.4} %, {unordered} without order", 100.0 * agreed as f64 / pairs as f64);
    let names: Vec<_> = index.purls().filter_map(|p| p.rsplit('/').next()).map(|n| PackageName::new(Ecosystem::PyPi, n)).collect();
    let asked: Vec<_> = (0..12_000).map(|n| if n % 12 == 0 { names[n / 12 % names.len()].clone() } else { PackageName::new(Ecosystem::PyPi, &format!("absent{n}")) }).collect();
    let start = std::time::Instant::now();
    let version = Version::parse(Ecosystem::PyPi, "2.0").unwrap();
    let hits: usize = asked.iter().map(|name| index.look_up(name).unwrap().iter().filter(|a| a.hits(Ecosystem::PyPi, "2.0", Some(&version)).unwrap().is_some()).count()).sum();
    println!("12,000 look-ups {:?}, {hits} hits", start.elapsed());
}
