#![expect(clippy::disallowed_methods, reason = "tests play the crash and the intruder on real files")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

use tempfile::TempDir;

use super::*;

#[test]
fn makes_owner_only_key_once() {
    let directory = TempDir::new().unwrap();
    let first = *SigningKey::open_or_create(directory.path()).unwrap().public();
    assert_eq!(SigningKey::open_or_create(directory.path()).unwrap().public(), &first);
    let mode = fs::metadata(directory.path().join(SIGNING_KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(PublicKey::read(&directory.path().join(PUBLIC_KEY_FILE)).unwrap(), first);
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [SIGNING_KEY_FILE, PUBLIC_KEY_FILE]);
}

#[test]
fn refuses_exposed_key() {
    let directory = TempDir::new().unwrap();
    SigningKey::open_or_create(directory.path()).unwrap();
    let path = directory.path().join(SIGNING_KEY_FILE);
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = SigningKey::open_or_create(directory.path()).unwrap_err();
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    SigningKey::open_or_create(directory.path()).unwrap();
}

#[test]
fn refuses_damaged_or_planted_key() {
    let directory = TempDir::new().unwrap();
    SigningKey::open_or_create(directory.path()).unwrap();
    let path = directory.path().join(SIGNING_KEY_FILE);
    let good = fs::read(&path).unwrap();
    for content in [&good[..good.len() - 1], b"", b"garbage"] {
        fs::write(&path, content).unwrap();
        assert!(matches!(SigningKey::open_or_create(directory.path()), Err(OpenKeyError::Rejected { .. })));
    }
    fs::write(directory.path().join("elsewhere"), &good).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert!(matches!(SigningKey::open_or_create(directory.path()), Err(OpenKeyError::File { .. })));
}

#[test]
fn refuses_public_file_of_another_key() {
    let directory = TempDir::new().unwrap();
    SigningKey::open_or_create(directory.path()).unwrap();
    let path = directory.path().join(PUBLIC_KEY_FILE);
    fs::write(&path, SigningKey::generate().unwrap().public().file_content()).unwrap();
    assert!(matches!(SigningKey::open_or_create(directory.path()), Err(OpenKeyError::PublicDiffers { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(SigningKey::open_or_create(directory.path()), Err(OpenKeyError::PublicDiffers { .. })));
}

#[test]
fn crash_on_first_use_is_no_obstacle() {
    let directory = TempDir::new().unwrap();
    // What a crash can leave: unfinished files, or a public file without its private one.
    for name in ["evidence-key.pk8.unfinished", "evidence-key.pub.unfinished", PUBLIC_KEY_FILE] {
        fs::write(directory.path().join(name), b"half").unwrap();
    }
    let key = SigningKey::open_or_create(directory.path()).unwrap();
    assert_eq!(&PublicKey::read(&directory.path().join(PUBLIC_KEY_FILE)).unwrap(), key.public());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn refuses_key_of_another_user() {
    let directory = TempDir::new().unwrap();
    SigningKey::open_or_create(directory.path()).unwrap();
    let us = crate::disk::current_user();
    let path = directory.path().join(SIGNING_KEY_FILE).display().to_string();
    let file = |owner, mode| crate::disk::SmallFile { content: Vec::new(), mode, owner };
    assert!(matches!(
        require_ours(&path, &file(us + 1, 0o600), us),
        Err(OpenKeyError::NotOurs { owner, user, .. }) if owner == us + 1 && user == us
    ));
    assert!(require_ours(&path, &file(us, 0o600), us).is_ok());
    assert!(require_ours(&path, &file(us, 0o400), us).is_ok());
}
