//! Building the programs that a bar drives, as they ship.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Command;

use super::{Result, Trouble, run};

/// Longest build, all crates downloaded and compiled on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Programs of this workspace.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// `shield`.
    pub(crate) shield: PathBuf,
    /// `testkit-backend`.
    pub(crate) backend: PathBuf,
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.ancestors().nth(2).expect("this crate lies in `crates/` of the workspace")
}

/// The cargo that runs this, else the one on the PATH.
pub(crate) fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// `shield` and the test backend in release mode.
pub(crate) async fn build_programs() -> Result<Programs> {
    build(&["-p", "shield"]).await?;
    build(&["-p", "shield-testkit", "--bin", "testkit-backend"]).await?;
    let release = release_directory();
    Ok(Programs { shield: release.join("shield"), backend: release.join("testkit-backend") })
}

/// `linkshield` in release mode.
pub(crate) async fn build_linkshield() -> Result<PathBuf> {
    build(&["-p", "linkshield"]).await?;
    Ok(release_directory().join("linkshield"))
}

/// A program of the test kit in release mode.
pub(crate) async fn build_testkit(name: &str) -> Result<PathBuf> {
    build(&["-p", "shield-testkit", "--bin", name]).await?;
    Ok(release_directory().join(name))
}

/// A program beside `linkshield`, made of its parts, in release mode.
pub(crate) async fn build_linkshield_example(name: &str) -> Result<PathBuf> {
    build(&["-p", "linkshield", "--example", name]).await?;
    Ok(release_directory().join("examples").join(name))
}

fn release_directory() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or(workspace().join("target"), PathBuf::from);
    workspace().join(target).join("release")
}

/// The same with a `shield` that can be killed at every point; apart, so that it is never mistaken for the one that ships.
pub(crate) async fn build_failpoints() -> Result<Programs> {
    let programs = build_programs().await?;
    let target = workspace().join("target-failpoints");
    let directory = target.to_string_lossy().into_owned();
    build(&["-p", "shield", "--features", "failpoints", "--target-dir", &directory]).await?;
    Ok(Programs { shield: target.join("release/shield"), ..programs })
}

async fn build(arguments: &[&str]) -> Result<()> {
    println!("  building: cargo build --release {}", arguments.join(" "));
    let mut command = Command::new(cargo_program());
    command.args(["build", "--release", "--locked", "-q"]).args(arguments).current_dir(workspace());
    let finished = run(command, BUILD_LIMIT).await?;
    if finished.succeeded() {
        return Ok(());
    }
    Err(Trouble::new(format!("build {}:\n{}", arguments.join(" "), finished.stderr)))
}
