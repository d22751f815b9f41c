//! A target that counts its requests, by route, and may lie about them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The request, those for the metrics left out, that the lie is about.
const WHEN: u64 = 20;

/// How it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Each request once.
    Honest,
    /// One request twice.
    OneTwice,
    /// One request not at all.
    OneNever,
    /// From nothing again, from one request on.
    FromNothing,
    /// Each request once, and shows it only the third time that it is asked after that.
    Late,
}

/// The target, running.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Default)]
struct Counted {
    requests: u64,
    routes: BTreeMap<String, u64>,
    /// Every page of metrics, shown or not.
    pages: Vec<String>,
}

// === impl Target ===

impl Target {
    pub(crate) async fn open(counting: Counting) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted: Arc<Mutex<Counted>> = Arc::default();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let counted = counted.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = counted.lock().unwrap().answer(request.uri().path(), counting);
                    async move { answer }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { address }
    }
}

// === impl Counted ===

impl Counted {
    /// An error ends the connection without an answer.
    fn answer(&mut self, route: &str, counting: Counting) -> io::Result<Response<Full<Bytes>>> {
        self.count(route, counting);
        let (status, text) = match route {
            "/metrics" => (StatusCode::OK, self.page(counting)),
            "/broken" => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
            "/dropped" => return Err(io::Error::other("dropped")),
            _ => (StatusCode::OK, String::new()),
        };
        let mut response = Response::new(Full::new(text.into()));
        *response.status_mut() = status;
        Ok(response)
    }

    fn count(&mut self, route: &str, counting: Counting) {
        self.requests += u64::from(route != "/metrics");
        let chosen = self.requests == WHEN && route != "/metrics";
        let times = match counting {
            Counting::OneTwice if chosen => 2,
            Counting::OneNever if chosen => 0,
            // Nobody promised that a request without an answer is counted.
            _ if route == "/dropped" => self.requests % 2,
            _ => 1,
        };
        if counting == Counting::FromNothing && chosen {
            self.routes.clear();
        }
        *self.routes.entry(route.to_owned()).or_default() += times;
    }

    fn page(&mut self, counting: Counting) -> String {
        let mut page = "# TYPE hits_total counter\n".to_owned();
        for (route, hits) in &self.routes {
            writeln!(page, "hits_total{{route=\"{route}\"}} {hits}").unwrap();
        }
        self.pages.push(page);
        let late = if counting == Counting::Late { 3 } else { 0 };
        self.pages[(self.pages.len() - 1).saturating_sub(late)].clone()
    }
}
