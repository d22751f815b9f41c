//! A new file in `migrations/` must rebuild the crate: the files are compiled in, and cargo watches only known ones.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
