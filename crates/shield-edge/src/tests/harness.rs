//! An edge, its tables, and clients that never retry.

use std::{net::SocketAddr, os::fd::AsFd, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use shield_release::{Endpoint, Pool, PoolRole, RouteTable, WatchOrder};
use shield_types::{Generation, InstanceId, ReleaseId};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::backend::READY;
use crate::{
    EdgeClient, EdgeOptions, ServeEdgeError,
    limits::Limits,
    protocol::{EdgeConfig, EdgeStatus, ListenerName, ProbeConfig, TlsConfig},
    serve::serve_with,
};

/// Longest wait for a state that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct TestEdge {
    pub(super) client: EdgeClient,
    pub(super) http: SocketAddr,
    pub(super) https: SocketAddr,
    pub(super) socket: PathBuf,
    pub(super) certificate_pem: String,
    pub(super) process: JoinHandle<Result<(), ServeEdgeError>>,
    /// The control plane's own copies of the sockets.
    pub(super) sockets: Arc<[std::net::TcpListener; 2]>,
    _directory: TempDir,
}

pub(super) fn config() -> EdgeConfig {
    EdgeConfig {
        tls: None,
        request_body_bytes_max: 10_000,
        response_timeout: PATIENCE,
        probes: std::collections::BTreeMap::new(),
        probe: ProbeConfig {
            path: READY.to_owned(),
            status_min: 200,
            status_max: 299,
            interval: Duration::from_millis(50),
            timeout: Duration::from_secs(5),
        },
    }
}

impl TestEdge {
    pub(super) async fn start() -> Self {
        Self::with(Limits::default(), config()).await
    }

    pub(super) async fn with(limits: Limits, mut config: EdgeConfig) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate_pem = certified.cert.pem();
        config.tls = Some(TlsConfig {
            certificates_pem: certificate_pem.clone(),
            key_pem: certified.signing_key.serialize_pem(),
        });
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("run").join("edge.sock");
        let sockets = ["127.0.0.1:0"; 2].map(|address| std::net::TcpListener::bind(address).unwrap());
        let [http, https] = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
        let (client, process) = spawn(&socket, limits).await;
        client.configure(config).await.unwrap();
        let named = [(ListenerName::Http, sockets[0].as_fd()), (ListenerName::Https, sockets[1].as_fd())];
        client.give_listeners(&named).await.unwrap();
        let sockets = Arc::new(sockets);
        Self { client, http, https, socket, certificate_pem, process, sockets, _directory: directory }
    }

    pub(super) async fn status(&self) -> EdgeStatus {
        self.client.status().await.unwrap()
    }

    /// Asks for the status until it fits.
    pub(super) async fn until(&self, fits: impl Fn(&EdgeStatus) -> bool) -> EdgeStatus {
        let mut last = None;
        let waiting = async {
            loop {
                let status = self.status().await;
                if fits(&status) {
                    return status;
                }
                last = Some(status);
                tokio::task::yield_now().await;
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(status) => status,
            Err(_) => panic!("the state never came; last: {last:#?}"),
        }
    }

    pub(super) async fn apply(&self, table: RouteTable) -> u64 {
        match self.client.apply(table).await.unwrap() {
            crate::ApplyAnswer::Applied { claims, .. } => claims,
            stale @ crate::ApplyAnswer::Stale { .. } => panic!("{stale:?}"),
        }
    }

    pub(super) async fn connect(&self) -> Client {
        Client::connect(self.http).await
    }

    /// One request on a connection of its own.
    pub(super) async fn get(&self, path: &str) -> (StatusCode, String) {
        self.connect().await.send("GET", path, "").await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        self.connect().await.send("POST", path, body).await
    }

    /// Says `text` and reads until the edge closes.
    pub(super) async fn raw(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is an end like any other.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

pub(super) async fn spawn(
    socket: &std::path::Path,
    limits: Limits,
) -> (EdgeClient, JoinHandle<Result<(), ServeEdgeError>>) {
    let process = tokio::spawn(serve_with(EdgeOptions { socket: socket.to_owned() }, limits));
    let connecting = async {
        loop {
            match EdgeClient::connect(socket).await {
                Ok(client) => return client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    (timeout(PATIENCE, connecting).await.unwrap(), process)
}

/// A keep-alive connection; any failure fails the test.
pub(super) struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// The edge closed the connection after the last answer.
    pub(super) async fn closed(&mut self) -> bool {
        self.sender.ready().await.is_err()
    }

    pub(super) async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder().method(method).uri(path).header("host", "service.test");
        let request = request.body(Full::from(body.to_owned())).unwrap();
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    pub(super) async fn send(&mut self, method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let response = timeout(PATIENCE, self.try_send(method, path, body)).await.unwrap().unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

pub(super) fn release(name: &str) -> ReleaseId {
    name.parse().unwrap()
}

pub(super) fn pool(name: &str, weight: u8, addresses: &[SocketAddr]) -> Pool {
    let endpoint = |(slot, address): (usize, &SocketAddr)| Endpoint {
        instance: InstanceId::new(release(name), u16::try_from(slot).unwrap(), 0),
        address: *address,
    };
    Pool {
        release: release(name),
        role: if weight > 0 { PoolRole::Live } else { PoolRole::Warm },
        weight,
        endpoints: addresses.iter().enumerate().map(endpoint).collect(),
        record: serde_json::Value::Null,
    }
}

pub(super) fn table(generation: u64, pools: Vec<Pool>) -> RouteTable {
    RouteTable { generation: Generation(generation), pools, watch: None }
}

pub(super) fn watched(generation: u64, pools: Vec<Pool>, judged: &str, fallback: &str) -> RouteTable {
    let order = WatchOrder {
        release: release(judged),
        fallback: Some(release(fallback)),
        error_ratio_max: 0.001,
        alpha: 0.01,
    };
    RouteTable { watch: Some(order), ..table(generation, pools) }
}
