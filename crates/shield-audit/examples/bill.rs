//! Bills of an environment: `bill DIRECTORY OUT`.
use shield_audit::dependencies::{bill::*, *};
fn main() {
    let args: Vec<_> = std::env::args().collect();
    let mut bill = Bill { name: "me".into(), created: "2026-01-02T03:04:05Z".into(), ..Bill::default() };
    bill.add_environment(&read_environment(args[1].as_ref()).unwrap());
    std::fs::write(format!("{}/cdx.json", args[2]), cyclonedx(&bill).to_string()).unwrap();
    std::fs::write(format!("{}/spdx.json", args[2]), spdx(&bill).to_string()).unwrap();
}
