//! A LinkShield of this bar: built as it ships, on a port that the kernel gives, with an administrator who is logged in.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

use crate::harness::{Finished, Result, Trouble, run};

/// How long it may take to start, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
const EMAIL: &str = "bar@example.org";
const PASSWORD: &str = "giraffe seventy-one";
/// As many as a setting takes.
const UNLIMITED: &str = "100000000";

/// A running backend; it ends with this.
pub(super) struct Backend {
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
    /// An access token of somebody who may do everything.
    pub(super) token: String,
    _child: Child,
    data: TempDir,
}

/// An answer, as far as it matters.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

// === impl Backend ===

impl Backend {
    /// Starts `program`. Requests are limited as little as can be set, and those that name another client's address in
    /// `x-forwarded-for` count as that one's: limits before log-in cannot be set.
    pub(super) async fn start(program: &PathBuf) -> Result<Self> {
        let data = TempDir::new().map_err(|error| Trouble::caused("make a directory", error))?;
        let mut command = Command::new(program);
        command.args(["serve", "--port=0", "--log=warn", "--trusted-proxies=127.0.0.0/8"]);
        command.args([format!("--address-limit={UNLIMITED}"), format!("--anonymous-limit={UNLIMITED}")]);
        command.arg("--data").arg(data.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| Trouble::caused("start LinkShield", error))?;
        let stdout = child.stdout.take().expect("it was just piped");
        let mut line = String::new();
        let read = timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
        read.map_err(|_| Trouble::new("wait for LinkShield to start"))?
            .map_err(|error| Trouble::caused("read what LinkShield says", error))?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address.to_owned());
        let address = address.ok_or_else(|| Trouble::new(format!("find an address in `{}`", line.trim())))?;
        let mut backend = Self { address, token: String::new(), _child: child, data };
        let body = json!({ "email": EMAIL, "password": PASSWORD, "accept_terms": true });
        backend.expect(200, "POST", "/api/v1/user/register", &body).await?;
        let mut promote = Command::new(program);
        promote.args(["make-admin", EMAIL, "--data"]).arg(backend.data.path());
        let promoted: Finished = run(promote, PATIENCE).await?;
        if !promoted.succeeded() {
            return Err(Trouble::new(format!("make an administrator:\n{}", promoted.stderr)));
        }
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let login = backend.expect(200, "POST", "/api/v1/user/login", &body).await?;
        let token = login["access_token"].as_str().ok_or_else(|| Trouble::new("find an access token"))?;
        backend.token = token.to_owned();
        let id = login["user"]["id"].as_str().unwrap_or_default();
        let plan = json!({ "subscription_plan": "enterprise" });
        backend.expect(200, "PUT", &format!("/api/v1/admin/users/{id}"), &plan).await?;
        Ok(backend)
    }

    /// One request, with the credential once there is one.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let credential = match self.token.as_str() {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             {credential}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            Ok::<_, std::io::Error>(text)
        };
        let text = timeout(PATIENCE, exchange).await.map_err(|_| Trouble::new("wait for an answer"))?;
        let text = text.map_err(|error| Trouble::caused(format!("ask {method} {path}"), error))?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Trouble::new(format!("read the answer to {method} {path}")))?;
        Ok(Answer { status, body: body.to_owned() })
    }

    async fn expect(&self, status: u16, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.ask(method, path, &body.to_string()).await?;
        if answer.status != status {
            let Answer { status: found, body } = answer;
            return Err(Trouble::new(format!(
                "ask {method} {path}: expected {status}, found {found}: {body}"
            )));
        }
        serde_json::from_str(&answer.body).map_err(|error| Trouble::caused("read an answer", error))
    }
}
