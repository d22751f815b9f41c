//! A shop with accounts: tokens that expire, sessions with CSRF protection, an API key, orders that are applied once.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Orders that one token is good for.
const TOKEN_USES: u32 = 5;

/// What the shop has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) logins: Vec<String>,
    pub(crate) refreshes: u32,
    pub(crate) orders: BTreeMap<String, u32>,
    /// Customers by the account that placed an order.
    pub(crate) customers: BTreeSet<String>,
    pub(crate) refused: u32,
    /// Requests of every kind.
    pub(crate) requests: u64,
    /// Account and uses left of each token that is good.
    tokens: BTreeMap<String, (String, u32)>,
    issued: u32,
}

/// The shop, running.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Shop {
    /// Opens it. `forgets` and `repeats` are orders that are answered and not applied, or applied twice: one in so many.
    pub(crate) async fn open(forgets: Option<u32>, repeats: Option<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let seen = shared.clone();
                let service = service_fn(move |request| answer(request, seen.clone(), (forgets, repeats)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { address, seen }
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Seen>>,
    lies: (Option<u32>, Option<u32>),
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut seen = seen.lock().unwrap();
    seen.requests += 1;
    let path = head.uri.path().to_owned();
    Ok(match (&head.method, path.as_str()) {
        (&Method::POST, "/login") => seen.login(&json),
        (&Method::POST, "/refresh") => seen.refresh(&json),
        (&Method::POST, "/orders") => seen.order(&head.headers, &json, lies),
        (&Method::POST, "/session") => session(&json),
        (&Method::POST, "/basket") => basket(&head.headers),
        (&Method::GET, "/key") => key(&head.headers),
        (&Method::GET, "/ledger") => {
            let lines =
                seen.orders.iter().flat_map(|(id, times)| (0..*times).map(move |_| format!("{id}\n")));
            text(StatusCode::OK, lines.collect())
        }
        (&Method::GET, "/metrics") => {
            text(StatusCode::OK, format!("# TYPE shop_requests counter\nshop_requests {}\n", seen.requests))
        }
        (&Method::GET, "/broken") => text(StatusCode::INTERNAL_SERVER_ERROR, "broken".to_owned()),
        _ => text(StatusCode::NOT_FOUND, String::new()),
    })
}

// === impl Seen ===

impl Seen {
    fn login(&mut self, json: &Value) -> Response<Full<Bytes>> {
        let account = json["email"].as_str().unwrap_or_default().to_owned();
        if json["password"] != format!("secret of {account}") {
            return text(StatusCode::UNAUTHORIZED, "wrong password".to_owned());
        }
        self.logins.push(account.clone());
        self.issue(account)
    }

    fn refresh(&mut self, json: &Value) -> Response<Full<Bytes>> {
        let Some(account) = json["refresh_token"].as_str().and_then(|token| token.strip_prefix("refresh "))
        else {
            return text(StatusCode::UNAUTHORIZED, "no refresh token".to_owned());
        };
        self.refreshes += 1;
        self.issue(account.to_owned())
    }

    fn issue(&mut self, account: String) -> Response<Full<Bytes>> {
        self.issued += 1;
        let token = format!("token-{}", self.issued);
        self.tokens.insert(token.clone(), (account.clone(), TOKEN_USES));
        let body = json!({ "access_token": token, "refresh_token": format!("refresh {account}") });
        text(StatusCode::OK, body.to_string())
    }

    fn order(
        &mut self,
        headers: &HeaderMap,
        json: &Value,
        lies: (Option<u32>, Option<u32>),
    ) -> Response<Full<Bytes>> {
        let token = header(headers, "authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let account = match self.tokens.get_mut(token) {
            Some((account, uses)) if *uses > 0 => {
                *uses -= 1;
                account.clone()
            }
            _ => {
                self.refused += 1;
                return text(StatusCode::UNAUTHORIZED, "token expired".to_owned());
            }
        };
        self.customers.insert(account);
        let id = json["id"].as_str().unwrap_or_default().to_owned();
        let number = self.orders.len() as u32 + 1;
        let lie = |every: Option<u32>| every.is_some_and(|every| number.is_multiple_of(every));
        let times = if lie(lies.0) { 0 } else { 1 + u32::from(lie(lies.1)) };
        self.orders.insert(id.clone(), times);
        text(StatusCode::CREATED, json!({ "order": { "id": id, "state": "new" } }).to_string())
    }
}

fn session(json: &Value) -> Response<Full<Bytes>> {
    let account = json["email"].as_str().unwrap_or_default().replace('@', "-at-");
    let mut response = text(StatusCode::OK, "{}".to_owned());
    for cookie in [format!("session={account}; HttpOnly"), format!("csrf_token=csrf-{account}")] {
        response.headers_mut().append("set-cookie", cookie.parse().unwrap());
    }
    response
}

/// Takes the session only with the CSRF token that belongs to it.
fn basket(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let cookies = header(headers, "cookie").unwrap_or_default();
    let session = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session="));
    let token = header(headers, "x-csrf-token").and_then(|token| token.strip_prefix("csrf-"));
    let good = session.is_some() && session == token;
    text(if good { StatusCode::OK } else { StatusCode::FORBIDDEN }, cookies.to_owned())
}

fn key(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let good = header(headers, "x-api-key") == Some("ls_test_1");
    text(if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, String::new())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
