//! Reachability: `imports_reach PROJECT SITE [RUNTIME_MODULES [FILES...]]`.
#![expect(clippy::unwrap_used, reason = "a measurement by hand: a panic ends it")]
use std::collections::BTreeMap;

use shield_audit::imports::*;
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let around = Surroundings {
        project: arguments[1].clone(),
        python_path: vec![],
        site_packages: vec![arguments[2].clone()],
    };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&Disk, &around);
    let mut inventory = Inventory::read(&Disk, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = Library::new(&Disk, &inventory, target);
    let distributions = Distributions::read(&Disk, &around.site_packages);
    let roots: Vec<_> = layout
        .sources
        .iter()
        .filter(|p| !p.contains("test") && !p.contains("/scripts/") && !p.ends_with("setup.py"))
        .filter_map(|p| inventory.at(p))
        .collect();
    let reached = reach(&library, &distributions, &roots);
    println!(
        "roots {} modules {} reached {} open {} unread {:?}",
        roots.len(),
        inventory.len(),
        reached.count(),
        reached.open.len(),
        reached.unread
    );
    let site = inventory.modules().filter(|(_, m)| m.home == Home::Site);
    let (mut n, mut r) = (0, 0);
    let mut via: BTreeMap<String, usize> = BTreeMap::new();
    for (id, _) in site {
        n += 1;
        if let Some(link) = reached.link(id) {
            r += 1;
            *via.entry(format!("{:?}", link.via)).or_default() += 1;
        }
    }
    println!("site modules {n} reached {r} {via:?}");
    for (d, u) in reached.usage(&inventory, &distributions) {
        println!("dist {d} {}/{}", u.reached, u.modules)
    }
    for name in std::env::var("CHAIN").unwrap_or_default().split_whitespace() {
        let Some(id) = inventory.find(name) else { continue };
        println!(
            "chain {name}: {}",
            reached
                .chain(id)
                .iter()
                .map(|(id, via)| format!("{} ({via:?})", inventory.module(*id).name))
                .collect::<Vec<_>>()
                .join(" > ")
        );
    }
    for id in &reached.open {
        println!("open {}", inventory.module(*id).name)
    }
    if let Some(list) = arguments.get(3) {
        let mut missing = 0;
        let text = std::fs::read_to_string(list).unwrap();
        for line in text.lines() {
            let (name, file) = line.split_once(' ').unwrap();
            match inventory.at(file).or_else(|| inventory.find(name)) {
                None => {
                    println!("UNKNOWN {name} {file}");
                    missing += 1
                }
                Some(id) => {
                    if reached.link(id).is_none() {
                        println!("UNREACHED {name} {file}");
                        missing += 1
                    }
                }
            }
        }
        println!("runtime modules {} not reached {missing}", text.lines().count());
    }
    for list in &arguments[4.min(arguments.len())..] {
        let text = std::fs::read_to_string(list).unwrap();
        let (mut all, mut yes) = (0, 0);
        for f in text.lines() {
            all += 1;
            if inventory.at(f).is_some_and(|id| reached.link(id).is_some()) {
                yes += 1;
                println!(
                    "still {f} {}",
                    inventory
                        .at(f)
                        .map(|id| reached
                            .chain(id)
                            .iter()
                            .map(|(id, via)| format!("{} ({via:?})", inventory.module(*id).name))
                            .collect::<Vec<_>>()
                            .join(" > "))
                        .unwrap_or_default()
                );
            }
        }
        println!(
            "{list}: files {all} reachable {yes} removed {:.1} %",
            100.0 * (all - yes) as f64 / all as f64
        );
    }
}
