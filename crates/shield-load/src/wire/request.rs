//! The requests of a program, made ready once and completed per request.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use crate::plan::model::{Connection, Scheme, Target};
use crate::scenario::model::{Action, HttpRequest, Step};
use crate::scenario::program::Program;
use crate::scenario::template::{Part, Template};
use crate::scenario::user::User;

/// Requests as bytes.
#[derive(Debug)]
pub(crate) struct Http1Requests {
    program: Arc<Program>,
    /// After the path: version, and the fields that every request has.
    common: String,
    /// Whole requests, of those steps that are the same each time.
    constant: Vec<Option<Vec<u8>>>,
}

/// Requests as parts of HTTP/2.
#[derive(Debug)]
pub(crate) struct Http2Requests {
    program: Arc<Program>,
    scheme: &'static str,
    authority: String,
    /// Ready heads, of those steps that are the same each time.
    constant: Vec<Option<(Uri, HeaderMap)>>,
}

/// Whether a request says its length: one with a body, and one whose method makes a server wait for a body.
fn says_length(request: &HttpRequest) -> bool {
    request.body.is_some() || [Method::POST, Method::PUT, Method::PATCH].contains(&request.method)
}

/// A request that is the same each time, but for cookies.
fn is_constant(request: &HttpRequest) -> bool {
    let headers = request.headers.iter().map(|(_, value)| value);
    headers.chain(&request.body).chain([&request.path]).all(|template| template.as_text().is_some())
}

/// The HTTP request of a step; a WebSocket step has none.
fn http(step: &Step) -> Option<&HttpRequest> {
    match &step.action {
        Action::Http(request) => Some(request),
        Action::WebSocket { .. } => None,
    }
}

/// Fills a path or a header. Bytes that would end it early come only from values, and are made harmless.
fn fill_line(user: &mut User, template: &Template, program: &Program, out: &mut Vec<u8>) {
    let start = out.len();
    user.fill(template, program, out);
    if template.parts.iter().any(|part| matches!(part, Part::Value { .. })) {
        out[start..].iter_mut().filter(|byte| byte.is_ascii_control()).for_each(|byte| *byte = b' ');
    }
}

/// Fills a path; a blank in it would end it.
fn fill_path(user: &mut User, template: &Template, program: &Program, out: &mut Vec<u8>) {
    let start = out.len();
    fill_line(user, template, program, out);
    out[start..].iter_mut().filter(|byte| **byte == b' ').for_each(|byte| *byte = b'+');
}

// === impl Http1Requests ===

impl Http1Requests {
    pub(crate) fn new(program: &Arc<Program>, target: &Target, connection: Connection) -> Self {
        let mut common = format!(" HTTP/1.1\r\nhost: {}\r\n", target.authority);
        if connection == Connection::Fresh {
            common.push_str("connection: close\r\n");
        }
        let mut requests = Self { program: program.clone(), common, constant: Vec::new() };
        requests.constant = program.steps.iter().map(|step| requests.constant(&step.step)).collect();
        requests
    }

    fn constant(&self, step: &Step) -> Option<Vec<u8>> {
        let request = http(step).filter(|request| is_constant(request))?;
        let text = |template: &Template| template.as_text().expect("a constant request").to_owned();
        let mut out = format!("{} {}{}", request.method, text(&request.path), self.common);
        for (name, value) in &request.headers {
            out.push_str(&format!("{name}: {}\r\n", text(value)));
        }
        let body = request.body.as_ref().map(text).unwrap_or_default();
        if says_length(request) {
            out.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        Some(format!("{out}\r\n{body}").into_bytes())
    }

    /// Writes the whole request of a step into `out`, in place of what was there. `body` is room to work in.
    pub(crate) fn write(&self, step: usize, user: &mut User, out: &mut Vec<u8>, body: &mut Vec<u8>) {
        out.clear();
        if let (Some(constant), true) = (&self.constant[step], user.cookies.is_empty()) {
            out.extend_from_slice(constant);
            return;
        }
        let program = &*self.program;
        let request = http(&program.steps[step].step).expect("a WebSocket step goes another way");
        out.extend_from_slice(request.method.as_str().as_bytes());
        out.push(b' ');
        fill_path(user, &request.path, program, out);
        out.extend_from_slice(self.common.as_bytes());
        for (name, value) in &request.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            fill_line(user, value, program, out);
            out.extend_from_slice(b"\r\n");
        }
        if !user.cookies.is_empty() {
            out.extend_from_slice(b"cookie: ");
            user.cookies.write(out);
            out.extend_from_slice(b"\r\n");
        }
        body.clear();
        if let Some(template) = &request.body {
            user.fill(template, program, body);
        }
        if says_length(request) {
            write!(out, "content-length: {}\r\n", body.len()).expect("a vector takes everything");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
}

// === impl Http2Requests ===

impl Http2Requests {
    pub(crate) fn new(program: &Arc<Program>, target: &Target) -> Self {
        let scheme = match target.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let authority = target.authority.clone();
        let mut requests = Self { program: program.clone(), scheme, authority, constant: Vec::new() };
        requests.constant = program.steps.iter().map(|step| requests.constant(&step.step)).collect();
        requests
    }

    fn constant(&self, step: &Step) -> Option<(Uri, HeaderMap)> {
        let request = http(step).filter(|request| is_constant(request))?;
        let uri = self.uri(request.path.as_text()?.to_owned().into())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            // `append`, not `insert`: a repeated header stays repeated.
            headers.append(name, HeaderValue::try_from(value.as_text()?).ok()?);
        }
        Some((uri, headers))
    }

    /// The head, and the body if there is one; none when a value made the head something that cannot be sent.
    pub(crate) fn make(&self, step: usize, user: &mut User) -> Option<(Request<()>, Option<Bytes>)> {
        let program = &*self.program;
        let template = http(&program.steps[step].step).expect("a WebSocket step goes another way");
        let mut request = Request::new(());
        *request.method_mut() = template.method.clone();
        match &self.constant[step] {
            Some((uri, headers)) => {
                *request.uri_mut() = uri.clone();
                *request.headers_mut() = headers.clone();
            }
            None => {
                let mut path = Vec::new();
                fill_path(user, &template.path, program, &mut path);
                *request.uri_mut() = self.uri(path.into())?;
                for (name, value) in &template.headers {
                    let mut line = Vec::new();
                    fill_line(user, value, program, &mut line);
                    request
                        .headers_mut()
                        .append(name, HeaderValue::from_maybe_shared(Bytes::from(line)).ok()?);
                }
            }
        }
        if !user.cookies.is_empty() {
            let mut line = Vec::new();
            user.cookies.write(&mut line);
            let value = HeaderValue::from_maybe_shared(Bytes::from(line)).ok()?;
            request.headers_mut().insert(header::COOKIE, value);
        }
        let mut body = Vec::new();
        if let Some(template) = &template.body {
            user.fill(template, program, &mut body);
        }
        if says_length(template) {
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Some((request, (!body.is_empty()).then(|| body.into())))
    }

    fn uri(&self, path: Bytes) -> Option<Uri> {
        let path = PathAndQuery::from_maybe_shared(path).ok()?;
        Uri::builder().scheme(self.scheme).authority(&*self.authority).path_and_query(path).build().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use fastrand::Rng;
    use http::HeaderName;

    use super::{Http1Requests, Http2Requests};
    use crate::plan::model::{Connection, Scheme, Target};
    use crate::scenario::mix::RequestMix;
    use crate::scenario::program::Program;
    use crate::scenario::user::User;

    const GET: usize = 0;
    const POST: usize = 1;

    fn target() -> Target {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        Target { scheme: Scheme::Http, authority: "host:1".into(), address }
    }

    fn program() -> Arc<Program> {
        let headers = vec![(HeaderName::from_static("x-a"), "b".to_owned())];
        Arc::new(Program::new(
            &RequestMix { headers, post_filling_bytes: 2, ..RequestMix::default() }.workload(),
        ))
    }

    fn user(program: &Program) -> User {
        let mut user = User::new(3, 3, program, Rng::with_seed(1));
        user.request = 5;
        user
    }

    fn http1(step: usize, cookies: &[&str]) -> String {
        let program = program();
        let mut user = user(&program);
        cookies.iter().for_each(|cookie| user.cookies.store(cookie.as_bytes()));
        let requests = Http1Requests::new(&program, &target(), Connection::Fresh);
        let mut out = b"old".to_vec();
        requests.write(step, &mut user, &mut out, &mut Vec::new());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn http1_request_is_complete() {
        let post = "POST /apply/load-3-5 HTTP/1.1\r\nhost: host:1\r\nconnection: close\r\nx-a: b\r\n\
                    content-length: 10\r\n\r\nload-3-5..";
        assert_eq!(http1(POST, &[]), post);
        let get = "GET / HTTP/1.1\r\nhost: host:1\r\nconnection: close\r\nx-a: b\r\n";
        assert_eq!(http1(GET, &[]), format!("{get}\r\n"));
        assert_eq!(http1(GET, &["a=1", "b=2"]), format!("{get}cookie: a=1; b=2\r\n\r\n"));
    }

    #[test]
    fn http2_request_is_complete() {
        let program = program();
        let mut user = user(&program);
        user.cookies.store(b"a=1");
        let (request, body) = Http2Requests::new(&program, &target()).make(POST, &mut user).unwrap();
        assert_eq!(request.uri(), "http://host:1/apply/load-3-5");
        let headers =
            ["content-length", "x-a", "cookie"].map(|name| request.headers()[name].to_str().unwrap());
        assert_eq!((headers, &*body.unwrap()), (["10", "b", "a=1"], &b"load-3-5.."[..]));
    }
}
