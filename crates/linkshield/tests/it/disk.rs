//! A disk without room: a tmpfs in a mount namespace that ends with the backend, so nothing stays mounted.

use std::{fs, io::Write, path::PathBuf, process::Stdio};

use serde_json::json;
use tokio::process::Command;

use crate::{
    client::{get, post, post_head, send, wait_for},
    process::Process,
    scratch::ScratchDirectory,
};

const CHECK: &str = "/api/v1/url-check/check";
const HEALTH: &str = "/api/v1/health";
const ADA: &str = "ada@example.org";
const SESSIONS: &str = "/api/v1/user/sessions";

/// A backend whose data directory is the disk, and where others see it.
async fn on_a_small_disk(disk: &ScratchDirectory) -> (Process, PathBuf) {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" && exec \"$0\" serve --data \"$1\" --port 0";
    command.args(["--map-root-user", "--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_linkshield")]);
    command.arg(disk.path()).env("LINKSHIELD_ANONYMOUS_LIMIT", "1000000");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let process = Process::of(&mut command).await;
    let seen = format!("/proc/{}/root{}", process.id(), disk.path().display());
    (process, seen.into())
}

/// How `make-admin` ended there, and what it told.
async fn make_admin(process: &Process, disk: &ScratchDirectory) -> (Option<i32>, String) {
    let mut command = Command::new("nsenter");
    command.args(["--target", &process.id().to_string(), "--user", "--mount", "--preserve-credentials"]);
    command.args([env!("CARGO_BIN_EXE_linkshield"), "make-admin", ADA, "--data"]).arg(disk.path());
    let output = command.output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The host and the credential of somebody with an account, as lines of a head.
async fn member(process: &Process, disk: &ScratchDirectory) -> String {
    let mut body = json!({ "email": ADA, "password": "wombat seventy", "accept_terms": true });
    assert_eq!(post(process.address, "/api/v1/user/register", &body.to_string()).await.status, 200);
    assert_eq!(make_admin(process, disk).await.0, Some(0));
    body.as_object_mut().unwrap().remove("accept_terms");
    let reply = post(process.address, "/api/v1/user/login", &body.to_string()).await;
    format!("host: test\r\nauthorization: Bearer {}", reply.json()["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_full_disk_is_told_everywhere() {
    let disk = ScratchDirectory::new();
    let (process, data) = on_a_small_disk(&disk).await;
    let member = member(&process, &disk).await;
    assert_eq!(get(process.address, HEALTH).await.status, 200);
    let filler = data.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    // To the last byte.
    for size in [64 * 1024, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    let check = async |number: u32| {
        let path = "a".repeat(1_900);
        let body = json!({ "url": format!("https://example.com/{number}/{path}") }).to_string();
        post(process.address, CHECK, &body).await
    };
    let mut number = 0;
    // What SQLite had taken from the disk before still has room.
    let refused = wait_for("a check that finds no room", async || {
        number += 1;
        let reply = check(number).await;
        assert!([200, 503].contains(&reply.status), "{}", reply.body);
        (reply.status == 503).then_some(reply)
    })
    .await;
    let end_sessions = post_head(SESSIONS, 0).replace("POST", "DELETE").replace("host: test", &member);
    for reply in [refused, send(process.address, end_sessions).await] {
        assert_eq!(reply.status, 503, "{}", reply.body);
        assert!(reply.body.contains("the disk of the database is full"), "{}", reply.body);
    }
    let health = get(process.address, HEALTH).await;
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("unhealthy")));
    let writes = &health.json()["checks"]["writes"];
    assert!(writes["detail"].as_str().unwrap().contains("disk of the database is full"), "{writes}");
    let ready = get(process.address, "/api/v1/health/ready").await;
    assert_eq!(ready.status, 200, "what is kept can be read: {}", ready.body);
    let (code, told) = make_admin(&process, &disk).await;
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("hint: free space on this disk"), "{told}");
    drop(file);
    fs::remove_file(&filler).unwrap();
    wait_for("writes", async || (check(number).await.status == 200).then_some(())).await;
    wait_for("health", async || (get(process.address, HEALTH).await.status == 200).then_some(())).await;
    process.signal("TERM").await;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
}
