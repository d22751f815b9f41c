//! State that must not be used, and who may reach the control plane.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::support::{Project, same};

#[test]
fn other_state_format_is_refused() {
    let project = Project::new();
    project.write(".shield/format", "shield-state 9\n");
    fs::set_permissions(project.state(), fs::Permissions::from_mode(0o700)).unwrap();
    same(
        &project.shield(&["ship"]).shown(),
        r#"
code 8
-- stdout
-- stderr
error: failed to open state directory `[DIR]/shop/.shield`: its format is `shield-state 9`, this shield reads `shield-state 1`
"#,
    );
}

#[test]
fn open_socket_directory_is_refused() {
    let project = Project::new();
    let sockets = project.runtime_directory().join("shield");
    fs::create_dir(&sockets).unwrap();
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o777)).unwrap();
    same(
        &project.shield(&["ship"]).shown(),
        r#"
code 8
-- stdout
-- stderr
error: failed to use socket directory `[DIR]/run/shield`: it must belong to this user and be closed to others
"#,
    );
    assert_eq!(project.processes(), []);
}

#[test]
fn changed_artifact_is_not_released() {
    let project = Project::shipped();
    let digest = project.status()["live"].as_str().unwrap().to_owned();
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    let stored = stored_artifacts(&project);
    for path in &stored {
        let text = fs::read_to_string(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(path, text + "# changed\n").unwrap();
    }
    project.shield(&["rollback", "--to", &digest]).expect(2).says("was changed since it was stored");
    assert_eq!(project.served(), "v2");
    project.source("v1", "honest");
    project.shield(&["ship"]).expect(0);
    assert_eq!((project.served().as_str(), stored_artifacts(&project)), ("v1", stored));
}

fn stored_artifacts(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.state().join("store")).unwrap().flatten().map(|entry| entry.path());
    let mut artifacts: Vec<_> =
        entries.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.')).collect();
    artifacts.sort();
    artifacts
}

#[test]
fn only_the_owner_reaches_state_and_sockets() {
    let project = Project::shipped();
    let mut open = Vec::new();
    let keys = [
        project.state().join("ca"),
        project.state().join("evidence"),
        project.runtime_directory().join("shield"),
    ];
    for directory in &keys {
        collect_open(directory, &mut open);
    }
    let root = fs::metadata(project.state()).unwrap();
    assert_eq!((root.mode() & 0o077, open), (0, Vec::<String>::new()));
}

/// Directories that others may enter, and private keys and sockets that others may open.
fn collect_open(path: &Path, open: &mut Vec<String>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let secret = metadata.is_dir() || name.contains("key") && !name.contains("pub");
    if secret && metadata.mode() & 0o077 != 0 {
        open.push(format!("{} {:o}", path.display(), metadata.mode()));
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap().flatten() {
            collect_open(&entry.path(), open);
        }
    }
}
