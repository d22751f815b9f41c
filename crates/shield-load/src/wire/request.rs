//! The requests of a program, made ready once and completed per request.

use std::io::Write;
use std::sync::Arc;

use fastrand::Rng;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, header};

use crate::plan::model::{Connection, Scheme, Target};
use crate::scenario::model::{Action, HttpRequest, Step};
use crate::scenario::program::Program;
use crate::scenario::template::{Part, Template};
use crate::scenario::user::User;
use crate::wire::http2::{RequestLine, write_field, write_request_line};

/// Requests as bytes.
#[derive(Debug)]
pub(crate) struct Http1Requests {
    program: Arc<Program>,
    /// After the path: version, and the fields that every request has.
    common: String,
    /// Whole requests, of those steps that are the same each time.
    constant: Vec<Option<Vec<u8>>>,
}

/// Requests as header blocks and bodies.
#[derive(Debug)]
pub(crate) struct Http2Requests {
    program: Arc<Program>,
    scheme: &'static str,
    authority: String,
    /// Ready requests, of those steps that are the same each time.
    constant: Vec<Option<Http2Room>>,
}

/// Room to make a request in; reused.
#[derive(Debug, Default)]
pub(crate) struct Http2Room {
    block: Vec<u8>,
    body: Vec<u8>,
    line: Vec<u8>,
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

/// Whether a user's own cookies are sent: not where the step says which are.
pub(crate) fn sends_held_cookies(headers: &[(HeaderName, Template)], user: &User) -> bool {
    !user.cookies.is_empty() && !headers.iter().any(|(name, _)| *name == header::COOKIE)
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
pub(crate) fn fill_path(user: &mut User, template: &Template, program: &Program, out: &mut Vec<u8>) {
    let start = out.len();
    fill_line(user, template, program, out);
    out[start..].iter_mut().filter(|byte| **byte == b' ').for_each(|byte| *byte = b'+');
}

/// Writes the lines of some headers.
pub(crate) fn fill_headers(
    user: &mut User,
    headers: &[(HeaderName, Template)],
    program: &Program,
    out: &mut Vec<u8>,
) {
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        fill_line(user, value, program, out);
        out.extend_from_slice(b"\r\n");
    }
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
        fill_headers(user, &request.headers, program, out);
        if sends_held_cookies(&request.headers, user) {
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

    fn constant(&self, step: &Step) -> Option<Http2Room> {
        let request = http(step).filter(|request| is_constant(request))?;
        // Whoever fills in what has no places makes no difference.
        let mut user = User::new(0, 0, &self.program, Rng::with_seed(0));
        let mut made = Http2Room::default();
        self.write(request, &mut user, &mut made)?;
        Some(made)
    }

    /// The header block and the body; none when a value made the head something that cannot be sent.
    pub(crate) fn make<'a>(
        &'a self,
        step: usize,
        user: &mut User,
        room: &'a mut Http2Room,
    ) -> Option<(&'a [u8], &'a [u8])> {
        let constant = self.constant[step].as_ref();
        if let (Some(constant), true) = (constant, user.cookies.is_empty()) {
            return Some((&constant.block, &constant.body));
        }
        let request = http(&self.program.steps[step].step).expect("a WebSocket step goes another way");
        self.write(request, user, room)?;
        if sends_held_cookies(&request.headers, user) {
            room.line.clear();
            user.cookies.write(&mut room.line);
            HeaderValue::from_bytes(&room.line).ok()?;
            write_field(header::COOKIE.as_str(), &room.line, &mut room.block);
        }
        Some((&room.block, &room.body))
    }

    /// Everything but cookies, in place of what was there.
    fn write(&self, request: &HttpRequest, user: &mut User, room: &mut Http2Room) -> Option<()> {
        let program = &*self.program;
        let Http2Room { block, body, line } = room;
        line.clear();
        fill_path(user, &request.path, program, line);
        let path = PathAndQuery::try_from(&line[..]).ok()?;
        block.clear();
        let (method, path) = (request.method.as_str(), path.as_str());
        write_request_line(
            &RequestLine { method, scheme: self.scheme, authority: &self.authority, path },
            block,
        );
        for (name, value) in &request.headers {
            line.clear();
            fill_line(user, value, program, line);
            if HeaderValue::from_bytes(line).is_err() || is_of_one_connection(name, line) {
                return None;
            }
            write_field(name.as_str(), line, block);
        }
        body.clear();
        if let Some(template) = &request.body {
            user.fill(template, program, body);
        }
        if says_length(request) {
            write_field(header::CONTENT_LENGTH.as_str(), body.len().to_string().as_bytes(), block);
        }
        Some(())
    }
}

/// A header about one connection of HTTP/1.1, which has no place in HTTP/2.
fn is_of_one_connection(name: &HeaderName, value: &[u8]) -> bool {
    let names = [&header::CONNECTION, &header::TRANSFER_ENCODING, &header::UPGRADE];
    names.contains(&name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str())
        || *name == header::TE && value != b"trailers"
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use fastrand::Rng;
    use http::HeaderName;

    use super::{Http1Requests, Http2Requests, Http2Room, is_of_one_connection};
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
        program_with(("x-a", "b"))
    }

    fn program_with((name, value): (&'static str, &str)) -> Arc<Program> {
        let headers = vec![(HeaderName::from_static(name), value.to_owned())];
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
    fn cookie_of_the_step_stands_alone() {
        let program = program_with(("cookie", "z=9"));
        let mut user = user(&program);
        user.cookies.store(b"a=1");
        let mut out = Vec::new();
        Http1Requests::new(&program, &target(), Connection::KeepAlive).write(
            GET,
            &mut user,
            &mut out,
            &mut Vec::new(),
        );
        assert_eq!(String::from_utf8(out).unwrap(), "GET / HTTP/1.1\r\nhost: host:1\r\ncookie: z=9\r\n\r\n");
        let (requests, mut room) = (Http2Requests::new(&program, &target()), Http2Room::default());
        let (block, _) = requests.make(GET, &mut user, &mut room).unwrap();
        assert!(block.ends_with(b"\x03z=9") && !block.windows(3).any(|part| part == b"a=1"), "{block:?}");
    }

    #[test]
    fn http2_request_is_complete() {
        let program = program();
        let mut user = user(&program);
        let requests = Http2Requests::new(&program, &target());
        let mut room = Http2Room::default();
        let (block, body) = requests.make(GET, &mut user, &mut room).unwrap();
        let get = b"\x82\x86\x01\x06host:1\x84\0\x03x-a\x01b";
        assert_eq!((block, body), (&get[..], &b""[..]));
        user.cookies.store(b"a=1");
        let (block, _) = requests.make(GET, &mut user, &mut room).unwrap();
        assert_eq!(block, [&get[..], b"\x1f\x11\x03a=1"].concat());
        let (block, body) = requests.make(POST, &mut user, &mut room).unwrap();
        let post =
            b"\x83\x86\x01\x06host:1\x04\x0f/apply/load-3-5\0\x03x-a\x01b\x0f\x0d\x0210\x1f\x11\x03a=1";
        assert_eq!((block, body), (&post[..], &b"load-3-5.."[..]));
    }

    #[test]
    fn http2_refuses_headers_of_one_connection() {
        let of = |name, value: &[u8]| is_of_one_connection(&HeaderName::from_static(name), value);
        assert!(of("upgrade", b"h2c") && of("keep-alive", b"1") && of("te", b"gzip"));
        assert!(!of("te", b"trailers") && !of("accept", b"*/*"));
    }
}
