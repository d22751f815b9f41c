//! The requests of a plan, made ready once and completed per request.

use bytes::Bytes;
use fastrand::Rng;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::measure::ids::id_text;
use crate::plan::model::{Connection, LoadPlan, Scheme};

/// What fills the body of a POST after its id.
const FILLING: u8 = b'.';

/// One request as drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) lane: u32,
    pub(crate) number: u64,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Post,
    /// By index of its path.
    Get(usize),
}

/// Requests as bytes.
#[derive(Debug)]
pub(crate) struct Http1Requests {
    gets: Vec<Vec<u8>>,
    post: PostText,
    post_head_end: Vec<u8>,
}

/// Requests as parts of HTTP/2.
#[derive(Debug)]
pub(crate) struct Http2Requests {
    gets: Vec<Uri>,
    post: PostText,
    scheme: &'static str,
    authority: String,
    headers: HeaderMap,
}

/// What all POSTs share.
#[derive(Clone, Debug)]
struct PostText {
    path_before_id: String,
    path_after_id: String,
    id_prefix: String,
    body_bytes: usize,
}

/// Draws the next request of a lane.
pub(crate) fn draw(plan: &LoadPlan, random: &mut Rng, lane: u32, number: u64) -> Drawn {
    let what = if random.f64() < plan.mix.post_share {
        What::Post
    } else {
        What::Get(random.usize(..plan.mix.get_paths.len()))
    };
    Drawn { lane, number, what }
}

// === impl PostText ===

impl PostText {
    fn new(plan: &LoadPlan) -> Self {
        let mix = &plan.mix;
        let (before, after) = mix.post_path.split_once("{id}").expect("the plan was validated");
        Self {
            path_before_id: before.to_owned(),
            path_after_id: after.to_owned(),
            id_prefix: mix.id_prefix.clone(),
            body_bytes: mix.post_body_bytes,
        }
    }

    fn id(&self, drawn: Drawn) -> String {
        id_text(&self.id_prefix, drawn.lane, drawn.number)
    }

    fn body(&self, id: &str, out: &mut Vec<u8>) {
        let end = out.len() + self.body_bytes;
        out.extend_from_slice(&id.as_bytes()[..id.len().min(self.body_bytes)]);
        out.resize(end, FILLING);
    }
}

// === impl Http1Requests ===

impl Http1Requests {
    pub(crate) fn new(plan: &LoadPlan, connection: Connection) -> Self {
        let mut fields = format!(" HTTP/1.1\r\nhost: {}\r\n", plan.target.authority);
        for (name, value) in &plan.mix.headers {
            fields.push_str(&format!("{name}: {value}\r\n"));
        }
        if connection == Connection::Fresh {
            fields.push_str("connection: close\r\n");
        }
        let gets =
            plan.mix.get_paths.iter().map(|path| format!("GET {path}{fields}\r\n").into_bytes()).collect();
        let post_head_end =
            format!("{fields}content-length: {}\r\n\r\n", plan.mix.post_body_bytes).into_bytes();
        Self { gets, post: PostText::new(plan), post_head_end }
    }

    /// Writes the whole request into `out`, in place of what was there.
    pub(crate) fn write(&self, drawn: Drawn, out: &mut Vec<u8>) {
        out.clear();
        match drawn.what {
            What::Get(path) => out.extend_from_slice(&self.gets[path]),
            What::Post => {
                let id = self.post.id(drawn);
                out.extend_from_slice(b"POST ");
                out.extend_from_slice(self.post.path_before_id.as_bytes());
                out.extend_from_slice(id.as_bytes());
                out.extend_from_slice(self.post.path_after_id.as_bytes());
                out.extend_from_slice(&self.post_head_end);
                self.post.body(&id, out);
            }
        }
    }
}

// === impl Http2Requests ===

impl Http2Requests {
    pub(crate) fn new(plan: &LoadPlan) -> Self {
        let scheme = match plan.target.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let authority = plan.target.authority.clone();
        let gets = plan.mix.get_paths.iter().map(|path| uri(scheme, &authority, path.clone())).collect();
        let header = |(name, value): &(String, String)| {
            let name = HeaderName::try_from(name).expect("the plan was validated");
            (name, HeaderValue::try_from(value).expect("the plan was validated"))
        };
        // `append`, not `insert`: a repeated header stays repeated.
        let mut headers = HeaderMap::new();
        for (name, value) in plan.mix.headers.iter().map(header) {
            headers.append(name, value);
        }
        Self { gets, post: PostText::new(plan), scheme, authority, headers }
    }

    /// The head, and the body if there is one.
    pub(crate) fn make(&self, drawn: Drawn) -> (Request<()>, Option<Bytes>) {
        let mut request = Request::new(());
        *request.headers_mut() = self.headers.clone();
        match drawn.what {
            What::Get(path) => {
                *request.uri_mut() = self.gets[path].clone();
                (request, None)
            }
            What::Post => {
                let id = self.post.id(drawn);
                let path = format!("{}{id}{}", self.post.path_before_id, self.post.path_after_id);
                *request.uri_mut() = uri(self.scheme, &self.authority, path);
                *request.method_mut() = Method::POST;
                let length = HeaderValue::from(self.post.body_bytes);
                request.headers_mut().insert(http::header::CONTENT_LENGTH, length);
                let mut body = Vec::with_capacity(self.post.body_bytes);
                self.post.body(&id, &mut body);
                (request, (!body.is_empty()).then(|| body.into()))
            }
        }
    }
}

fn uri(scheme: &str, authority: &str, path: String) -> Uri {
    let path = PathAndQuery::from_maybe_shared(path).expect("the plan was validated");
    let builder = Uri::builder().scheme(scheme).authority(authority).path_and_query(path);
    builder.build().expect("the plan was validated")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fastrand::Rng;

    use super::{Drawn, Http1Requests, Http2Requests, What, draw};
    use crate::plan::model::{Connection, LoadPlan, Scheme, Target};

    fn plan() -> LoadPlan {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority: "host:1".into(), address });
        plan.mix.headers.push(("x-a".into(), "b".into()));
        plan.mix.post_path = "/apply/{id}?q=1".into();
        plan.mix.post_body_bytes = 10;
        plan
    }

    const POST: Drawn = Drawn { lane: 3, number: 5, what: What::Post };

    #[test]
    fn http1_request_is_complete() {
        let requests = Http1Requests::new(&plan(), Connection::Fresh);
        let mut out = b"old".to_vec();
        requests.write(POST, &mut out);
        let text = "POST /apply/load-3-5?q=1 HTTP/1.1\r\nhost: host:1\r\nx-a: b\r\nconnection: close\r\n\
                    content-length: 10\r\n\r\nload-3-5..";
        assert_eq!(String::from_utf8(out).unwrap(), text);
        let mut out = Vec::new();
        requests.write(Drawn { what: What::Get(0), ..POST }, &mut out);
        assert_eq!(out, b"GET / HTTP/1.1\r\nhost: host:1\r\nx-a: b\r\nconnection: close\r\n\r\n");
    }

    #[test]
    fn http2_request_is_complete() {
        let (request, body) = Http2Requests::new(&plan()).make(POST);
        assert_eq!(request.uri(), "http://host:1/apply/load-3-5?q=1");
        assert_eq!(request.headers()["content-length"], "10");
        assert_eq!(request.headers()["x-a"], "b");
        assert_eq!(body.unwrap(), "load-3-5..");
    }

    #[test]
    fn draws_as_seeded() {
        let drawn = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..100).map(|number| draw(&plan(), &mut random, 0, number).what).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let posts = drawn(7).iter().filter(|what| **what == What::Post).count();
        assert!((30..70).contains(&posts), "{posts} of 100");
    }
}
