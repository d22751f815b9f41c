//! Without a build script cargo ignores build dependencies, and with them the features they ask for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
