//! The binary as a process: settings, start-up failures, signals, two of them on one database.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{ExitStatus, Stdio},
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    client::{PATIENCE, get, post, post_head, read_reply, send, wait_for},
    scratch::ScratchDirectory,
};

const CHECK: &str = "/api/v1/url-check/check";

pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Reads the log while the process runs: a full pipe would stop it.
    log: JoinHandle<String>,
}

impl Process {
    pub(crate) async fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::of(command(data).args(["--port", "0"]).args(arguments)).await
    }

    /// Of a command that becomes the backend.
    pub(crate) async fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.unwrap();
            log
        });
        match first_address(&mut child).await {
            Some(address) => Self { child, address, log },
            None => panic!("it ended before it listened: {}", timeout(PATIENCE, log).await.unwrap().unwrap()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let process = self.child.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &process]).status().await.unwrap();
        assert!(sent.success());
    }

    /// How it ended, and its log.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let log = timeout(PATIENCE, self.log).await.unwrap().unwrap();
        (timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap(), log)
    }

    /// A request whose body is not complete, once the process has begun to answer it.
    async fn half_a_request(&self, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (front, _back) = body.split_at(5);
        stream.write_all(format!("{}{front}", post_head(CHECK, body.len())).as_bytes()).await.unwrap();
        wait_for("the request to be in flight", async || {
            // The question itself is the second one.
            get(self.address, "/metrics").await.body.contains("requests_in_flight 2").then_some(())
        })
        .await;
        stream
    }
}

/// The address that the process prints once it listens; none when it ends before.
async fn first_address(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap()?;
    Some(line.rsplit("http://").next().unwrap().parse().unwrap())
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkshield"));
    command.arg("serve").arg("--data").arg(data);
    // As variables, so that a test's own options win.
    command.envs([("LINKSHIELD_ADDRESS_LIMIT", "1000000"), ("LINKSHIELD_ANONYMOUS_LIMIT", "1000000")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn fails(command: &mut Command) -> (Option<i32>, String) {
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn reports_all_setting_mistakes() {
    let data = ScratchDirectory::new();
    let mut command = command(&data.path().join("untouched"));
    command.args(["--port", "99999", "--environment", "prod"]).env("LINKSHIELD_DRAIN_TIMEOUT", "soon");
    let (code, stderr) = fails(command.env("LINKSHIELD_PROT", "1")).await;
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        "error: 4 settings were not accepted\n  \
         caused by: environment variable `LINKSHIELD_PROT` is read by nothing, the closest one is `LINKSHIELD_PORT`\n  \
         caused by: `--port` (LINKSHIELD_PORT) is `99999`, accepted is a number from 0 to 65535\n  \
         caused by: `--environment` (LINKSHIELD_ENVIRONMENT) is `prod`, accepted is development, staging or production\n  \
         caused by: `--drain-timeout` (LINKSHIELD_DRAIN_TIMEOUT) is `soon`, accepted is a duration from 0s to 10m\n  \
         hint: `linkshield serve --help` lists every setting with its default\n"
    );
    assert!(!data.path().join("untouched").exists());
}

#[tokio::test]
async fn names_busy_port() {
    let data = ScratchDirectory::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let (code, stderr) = fails(command(data.path()).args(["--port", &port])).await;
    assert_eq!(code, Some(3));
    assert!(
        stderr.contains(&format!("error: address `127.0.0.1:{port}` cannot be listened on\n  caused by: ")),
        "{stderr}"
    );
    assert!(stderr.contains("  hint: another process has this port"), "{stderr}");
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced() {
    let data = ScratchDirectory::new();
    let (key, copy) = (data.path().join("master.key"), data.path().join("copy"));
    let process = Process::start(data.path(), &[]).await;
    process.signal("TERM").await;
    assert_eq!(process.end().await.0.code(), Some(0));
    std::fs::rename(&key, &copy).unwrap();
    let mistyped = data.path().join("typo").join("master.key");
    std::fs::create_dir(mistyped.parent().unwrap()).unwrap();
    for (file, arguments) in [(&key, vec![]), (&mistyped, vec!["--master-key".into(), mistyped.clone()])] {
        let (code, stderr) = fails(command(data.path()).args(["--port", "0"]).args(arguments)).await;
        let expected = format!(
            "error: the master key `{}` is missing\n  hint: put it back from your copy, or name it with \
             `--master-key FILE` (LINKSHIELD_MASTER_KEY); without it neither signing keys nor second factors of this \
             database can be opened, and no other key is made in its place\n",
            file.display()
        );
        assert_eq!((code, stderr), (Some(3), expected));
        assert!(!file.exists(), "nothing is made in its place");
    }
    std::fs::rename(&copy, &key).unwrap();
    let process = Process::start(data.path(), &[]).await;
    process.signal("TERM").await;
    assert_eq!(process.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn lives_without_reader_of_its_log() {
    let data = ScratchDirectory::new();
    let mut child = command(data.path()).args(["--port", "0"]).spawn().unwrap();
    drop(child.stderr.take());
    let address = first_address(&mut child).await.unwrap();
    for _ in 0..3 {
        assert_eq!(get(address, "/api/v1/health/live").await.status, 200);
    }
}

#[tokio::test]
async fn failure_is_in_log_under_its_id() {
    let data = ScratchDirectory::new();
    let process = Process::start(data.path(), &["--log", "error"]).await;
    std::fs::remove_file(data.path().join("linkshield.db")).unwrap();
    let reply = post(process.address, CHECK, &json!({ "url": "https://example.com/" }).to_string()).await;
    assert_eq!(reply.status, 503);
    assert!(reply.json()["detail"].as_str().unwrap().contains("not where it was opened"), "{}", reply.body);
    assert_eq!(get(process.address, "/api/v1/health").await.status, 503);
    process.signal("TERM").await;
    let (_status, log) = process.end().await;
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = events.iter().find(|event| event["request_id"] == reply.json()["request_id"]).unwrap();
    assert!(event["cause"].as_str().unwrap().contains("was deleted or replaced"), "{event}");
    assert!(!reply.body.contains("linkshield.db"), "the inside stays inside");
}

#[tokio::test]
async fn says_which_answers_were_not_read() {
    let data = ScratchDirectory::new();
    let process = Process::start(data.path(), &["--drain-timeout", "0s"]).await;
    let path = "é".repeat(2000);
    let urls: Vec<String> = (0..100).map(|index| format!("https://example.com/{index}{path}")).collect();
    let body = json!({ "urls": urls }).to_string();
    let member = member(data.path(), process.address).await;
    let bulk = post_head("/api/v1/url-check/bulk-check", body.len()).replace("host: test", &member);
    assert_eq!(send(process.address, format!("{bulk}{body}")).await.status, 200);
    let request = format!("GET /api/v1/url-check/history?page_size=100 HTTP/1.1\r\n{member}\r\n\r\n");
    // Much more than sockets buffer; nobody reads it.
    let mut stream = TcpStream::connect(process.address).await.unwrap();
    stream.write_all(request.repeat(50).as_bytes()).await.unwrap();
    wait_for("the answers to fill the buffers", async || {
        get(process.address, "/metrics").await.body.contains("linkshield_http_answers_unsent 1").then_some(())
    })
    .await;
    process.signal("TERM").await;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(4), "{log}");
    assert!(log.contains("unread answers cut at the drain deadline"), "{log}");
    drop(stream);
}

#[tokio::test]
async fn names_unusable_data_directory() {
    let data = ScratchDirectory::new();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, stderr) = fails(&mut command(&file)).await;
    assert_eq!(code, Some(3));
    assert!(
        stderr.starts_with(&format!(
            "error: data directory `{}` cannot be created\n  caused by: ",
            file.display()
        )),
        "{stderr}"
    );
    assert!(stderr.contains("  hint: `--data DIR`"), "{stderr}");
}

#[tokio::test]
async fn idle_process_ends_on_signal() {
    for signal in ["TERM", "INT"] {
        let data = ScratchDirectory::new();
        let process = Process::start(data.path(), &["--drain-timeout", "10m"]).await;
        assert_eq!(get(process.address, "/api/v1/health/ready").await.status, 200);
        process.signal(signal).await;
        let (status, log) = process.end().await;
        assert_eq!(status.code(), Some(0), "{log}");
        for line in log.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(event["message"].is_string(), "{line}");
        }
    }
}

#[tokio::test]
async fn ends_on_signal_while_database_is_locked() {
    let data = ScratchDirectory::new();
    let lock = std::fs::File::create(data.path().join("linkshield.lock")).unwrap();
    lock.lock().unwrap();
    let child = command(data.path()).args(["--port", "0"]).spawn().unwrap();
    let process = child.id().unwrap();
    wait_for("the process to wait for the lock", async || {
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
        let mut targets = open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|target| target.ends_with("linkshield.lock")).then_some(())
    })
    .await;
    let sent = Command::new("sh").args(["-c", "kill -TERM $0", &process.to_string()]).status().await.unwrap();
    assert!(sent.success());
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("ended before the database was open"), "{log}");
}

#[tokio::test]
async fn drains_request_in_flight() {
    let data = ScratchDirectory::new();
    let process = Process::start(data.path(), &["--drain-timeout", "10m"]).await;
    let body = json!({ "url": "https://example.com/slow" }).to_string();
    let mut slow = process.half_a_request(&body).await;
    process.signal("TERM").await;
    let ready = wait_for("readiness to turn false", async || {
        let ready = get(process.address, "/api/v1/health/ready").await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    assert_eq!(ready.json()["status"], "draining");
    assert_eq!(get(process.address, "/api/v1/health/live").await.status, 200);
    slow.write_all(&body.as_bytes()[5..]).await.unwrap();
    let reply = read_reply(&mut slow).await;
    assert_eq!((reply.status, &reply.json()["threat_level"]), (200, &json!("safe")));
    let address = process.address;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn says_what_drain_deadline_cut() {
    let data = ScratchDirectory::new();
    let process = Process::start(data.path(), &["--drain-timeout", "0s"]).await;
    let _slow = process.half_a_request(&json!({ "url": "https://example.com/" }).to_string()).await;
    process.signal("TERM").await;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(4), "{log}");
    let cut = log.lines().find(|line| line.contains("request cut at the drain deadline")).unwrap();
    assert!(cut.contains(CHECK), "{cut}");
}

#[tokio::test]
async fn second_signal_ends_at_once() {
    let data = ScratchDirectory::new();
    let process = Process::start(data.path(), &["--drain-timeout", "10m"]).await;
    let _slow = process.half_a_request(&json!({ "url": "https://example.com/" }).to_string()).await;
    process.signal("TERM").await;
    wait_for("the drain to begin", async || {
        (get(process.address, "/api/v1/health/ready").await.status == 503).then_some(())
    })
    .await;
    process.signal("INT").await;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(130), "{log}");
}

#[tokio::test]
async fn two_processes_share_one_database() {
    const CHECKS: usize = 150;
    let data = ScratchDirectory::new();
    // Both create the database at the same moment.
    let (blue, green) = tokio::join!(Process::start(data.path(), &[]), Process::start(data.path(), &[]));
    let member = member(data.path(), blue.address).await;
    let check = async |process: &Process, path: &str| {
        let body = json!({ "url": format!("https://example.com/{path}") }).to_string();
        let head = post_head(CHECK, body.len()).replace("host: test", &member);
        let reply = send(process.address, format!("{head}{body}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    };
    let write = async |process: &Process, name: &str| {
        for index in 0..CHECKS {
            check(process, &format!("{name}/{index}")).await;
        }
    };
    tokio::join!(write(&blue, "blue"), write(&green, "green"), write(&blue, "azure"), write(&green, "lime"));
    let history = async |process: &Process| {
        let line = "GET /api/v1/url-check/history?domain=example.com HTTP/1.1\r\nconnection: close";
        let reply = send(process.address, format!("{line}\r\n{member}\r\n\r\n")).await;
        reply.json()["total_count"].clone()
    };
    for process in [&blue, &green] {
        assert_eq!(history(process).await, 4 * CHECKS);
    }
    blue.signal("TERM").await;
    assert_eq!(blue.end().await.0.code(), Some(0));
    check(&green, "blue/7").await;
    assert_eq!(history(&green).await, 4 * CHECKS, "the result is shared");
    green.signal("TERM").await;
    assert_eq!(green.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn a_killed_signing_key_hands_over_in_both_processes() {
    let data = ScratchDirectory::new();
    let (blue, green) = tokio::join!(Process::start(data.path(), &[]), Process::start(data.path(), &[]));
    let old = member(data.path(), blue.address).await;
    let ask = async |process: &Process, line: &str, lines: &str| {
        send(process.address, format!("{line} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n\r\n")).await
    };
    let profile =
        async |process: &Process, lines: &str| ask(process, "GET /api/v1/user/profile", lines).await.status;
    assert_eq!((profile(&blue, &old).await, profile(&green, &old).await), (200, 200));
    let keys = ask(&blue, "GET /api/v1/jwt/keys", &old).await.json();
    let kill = format!("DELETE /api/v1/jwt/keys/{}", keys[0]["key_id"].as_str().unwrap());
    assert_eq!(ask(&blue, &kill, &old).await.status, 204);
    // At first sight, whoever gave the token; nobody waits until the other process looks by itself.
    for from in [&green, &blue] {
        let body = json!({ "email": "ada@example.org", "password": "wombat seventy" }).to_string();
        let answer = post(from.address, "/api/v1/user/login", &body).await.json();
        let next =
            format!("host: test\r\nauthorization: Bearer {}", answer["access_token"].as_str().unwrap());
        assert_eq!((profile(&blue, &next).await, profile(&green, &next).await), (200, 200));
    }
    assert_eq!(profile(&blue, &old).await, 401);
    wait_for("the other process", async || (profile(&green, &old).await == 401).then_some(())).await;
}

/// How `make-admin` ended, what it said, what it told.
async fn make_admin_in(data: &Path, email: &str) -> (Option<i32>, String, String) {
    ran(&["make-admin", email, "--data", data.to_str().unwrap()]).await
}

/// How a command ended, what it said, what it told.
async fn ran(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_linkshield")).args(arguments).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The host and the credential of somebody with an account, as lines of a head.
pub(crate) async fn member(data: &Path, address: SocketAddr) -> String {
    let mut body = json!({ "email": "ada@example.org", "password": "wombat seventy", "accept_terms": true });
    assert_eq!(post(address, "/api/v1/user/register", &body.to_string()).await.status, 200);
    assert_eq!(make_admin_in(data, "ada@example.org").await.0, Some(0));
    body.as_object_mut().unwrap().remove("accept_terms");
    let reply = post(address, "/api/v1/user/login", &body.to_string()).await;
    let answer = reply.json();
    let member = format!("host: test\r\nauthorization: Bearer {}", answer["access_token"].as_str().unwrap());
    // More checks a day than any test makes.
    let (path, plan) = (answer["user"]["id"].as_str().unwrap(), r#"{"subscription_plan":"enterprise"}"#);
    let head = post_head(&format!("/api/v1/admin/users/{path}"), plan.len()).replace("POST", "PUT");
    let changed = send(address, format!("{}{plan}", head.replace("host: test", &member))).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    member
}

#[tokio::test]
async fn makes_the_first_administrator() {
    let data = ScratchDirectory::new();
    let make_admin = async |email: &str| make_admin_in(data.path(), email).await;
    let (code, _, told) = make_admin("ada@example.org").await;
    assert_eq!(code, Some(2), "{told}");
    let process = Process::start(data.path(), &[]).await;
    let body = json!({ "email": "ada@example.org", "password": "wombat seventy", "accept_terms": true });
    assert_eq!(post(process.address, "/api/v1/user/register", &body.to_string()).await.status, 200);
    let (code, _, told) = make_admin("eve@example.org").await;
    assert_eq!(code, Some(5), "{told}");
    assert_eq!(make_admin("nobody").await.0, Some(2));
    let (code, said, told) = make_admin("Ada@example.org").await;
    assert_eq!((code, said.as_str()), (Some(0), "ada@example.org is a super administrator\n"), "{told}");
    assert!(told.contains("log in again, or refresh"), "{told}");
    assert_eq!(make_admin("ada@example.org").await.0, Some(0), "who is one stays one");
    let events = std::fs::read_to_string(data.path().join("security-events.jsonl")).unwrap();
    let told: Vec<_> = events.lines().filter(|line| line.contains("role.changed")).collect();
    assert_eq!(told.len(), 1, "{events}");
    assert!(told[0].contains(r#""from":"user","to":"super_admin""#), "{}", told[0]);
    let body = json!({ "email": "ada@example.org", "password": "wombat seventy" }).to_string();
    let reply = post(process.address, "/api/v1/user/login", &body).await;
    assert_eq!(reply.json()["user"]["role"], "super_admin", "{}", reply.body);
    process.signal("TERM").await;
    let (status, log) = process.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn finds_accounts_on_the_machine() {
    let data = ScratchDirectory::new();
    let place = data.path().to_str().unwrap().to_owned();
    let find = async |email: &str| ran(&["find-account", email, "--data", &place]).await;
    assert_eq!(find("ada@example.org").await.0, Some(2), "nothing is made where there is no database");
    assert!(!data.path().join("linkshield.db").exists());
    let process = Process::start(data.path(), &[]).await;
    let body = json!({ "email": "Ada@example.org", "password": "wombat seventy", "accept_terms": true });
    let registered = post(process.address, "/api/v1/user/register", &body.to_string()).await.json();
    let (code, said, told) = find("ada@EXAMPLE.org").await;
    assert_eq!(code, Some(0), "{told}");
    let id = registered["id"].as_str().unwrap();
    let head = format!(
        "id: {id}\naddress: Ada@example.org\nrole: user\nstatus: pending_verification\nlocked: no\nplan: free\n"
    );
    assert!(said.starts_with(&head) && said.contains("\nlast log-in: never\n"), "{said}");
    let (code, said, told) = find("eve@example.org").await;
    assert_eq!((code, said.as_str()), (Some(5), ""), "{told}");
    assert_eq!(find("nobody").await.0, Some(2));
    process.signal("TERM").await;
    assert_eq!(process.end().await.0.code(), Some(0));
}

/// Found by a hostile user: the hint was of another mistake, and no file was named.
#[tokio::test]
async fn mistakes_with_lists_name_file_and_remedy() {
    let data = ScratchDirectory::new();
    let path = |name: &str| data.path().join(name).to_str().unwrap().to_owned();
    let (list, absent, nowhere) = (path("list.txt"), path("no-list.txt"), path("nowhere/filter"));
    std::fs::write(&list, "wombat seventy\n").unwrap();
    let make = async |list: &str, output: &str, form: &str| {
        let (code, said, told) = ran(&["breached-passwords", list, "--output", output, "--form", form]).await;
        assert_eq!((code, said.as_str()), (Some(3), ""), "{told}");
        told
    };
    let told = make(&absent, &path("filter"), "hashes").await;
    assert!(told.contains(&absent) && !told.contains("--form"), "{told}");
    let told = make(&list, &path("filter"), "hashes").await;
    assert!(told.contains("line 1 of") && told.contains("--form passwords"), "{told}");
    let told = make(&list, &nowhere, "passwords").await;
    assert!(told.contains(&nowhere), "{told}");
}

#[tokio::test]
async fn asvs_v6_2_12_breached_passwords_are_refused() {
    let data = ScratchDirectory::new();
    let (list, filter) = (data.path().join("list.txt"), data.path().join("breached"));
    std::fs::write(&list, "tr0ub4dor&3 x\nwombat seventy\n").unwrap();
    let build = async |form: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linkshield"));
        let command = command.arg("breached-passwords").arg(&list).arg("--output").arg(&filter);
        command.args(["--form", form]).output().await.unwrap()
    };
    let refused = build("hashes").await;
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("line 1 of") && !told.contains("tr0ub"), "{told}");
    assert!(!filter.exists());
    let built = build("passwords").await;
    assert_eq!(built.status.code(), Some(0));
    let said = String::from_utf8(built.stdout).unwrap();
    assert!(said.contains("2 breached passwords"), "{said}");

    let option = format!("--breached-passwords={}", filter.display());
    let process = Process::start(data.path(), &[&option]).await;
    let register = async |password: &str| {
        let body = json!({ "email": "ada@example.org", "password": password, "accept_terms": true });
        post(process.address, "/api/v1/user/register", &body.to_string()).await
    };
    let refused = register("wombat seventy").await;
    assert!(
        refused.status == 422 && refused.body.contains("data breach"),
        "{} {}",
        refused.status,
        refused.body
    );
    assert_eq!(register("wombat eighty-1").await.status, 200);
    process.signal("TERM").await;
    assert_eq!(process.end().await.0.code(), Some(0));

    std::fs::write(&filter, "no filter").unwrap();
    let damaged = command(data.path()).args(["--port", "0", &option]).output().await.unwrap();
    assert_eq!(damaged.status.code(), Some(3), "nothing is served without the list that was asked for");
}
