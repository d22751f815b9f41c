//! Answers a share of HTTP/1.1 requests instead of forwarding them.
//!
//! Pure: the client's bytes go in, and come out into the lines as they were, except for the requests that are answered here.
//! An answer must not overtake those of earlier requests, so the next request is looked at when the one before has been
//! answered to its last byte. What is not understood passes from there on, untouched: this breaks requests, not connections.

use bytes::{Buf, BytesMut};
use fastrand::Rng;
use http::StatusCode;
use shield_types::settings::Ratio;
use tokio::time::Instant;

use crate::fault::proxy::answer::{Answer, Followed};
use crate::fault::proxy::line::{Ending, Line};
use crate::fault::proxy::request::{
    Body, HEAD_BYTES_MAX, Parsed, RequestHead, begins_with_request_line, parse_request,
};

/// Who sent bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Client,
    Upstream,
}

/// Which requests are answered, and how.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) status: StatusCode,
    pub(crate) share: Ratio,
    pub(crate) random: Rng,
}

/// Where one connection is in its requests and answers.
#[derive(Debug)]
pub(crate) struct Filter {
    answers: Answers,
    /// The client's bytes that were not looked at; [`HEAD_BYTES_MAX`] at most.
    inbox: BytesMut,
    client_ended: bool,
    last: Option<Speaker>,
    request: Request,
    /// The upstream's answer to a request, while it is not whole.
    answer: Option<Answer>,
    /// Requests that were answered and not yet counted.
    answered: u64,
}

#[derive(Debug)]
enum Request {
    /// Joined in the middle: where a request begins is not known.
    Unsure,
    Head,
    Forwarded(Body),
    Swallowed(Body, After),
    /// The answer is to be written.
    Answering(After),
    /// Forwarded whole; its answer is not whole.
    Awaiting,
    Raw,
}

/// What comes after an answer of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    NextRequest,
    Close,
}

// === impl Filter ===

impl Filter {
    /// For a connection on which `last` was the last to send.
    pub(crate) fn new(answers: Answers, last: Option<Speaker>) -> Self {
        let request = if last.is_none() { Request::Head } else { Request::Unsure };
        let (inbox, client_ended) = (BytesMut::new(), false);
        Self { answers, inbox, client_ended, last, request, answer: None, answered: 0 }
    }

    /// Answers like this from now on.
    pub(crate) fn resume(&mut self, answers: Answers) {
        self.answers = answers;
    }

    /// How many bytes may be read from the client now.
    pub(crate) fn room(&self) -> usize {
        if self.client_ended { 0 } else { HEAD_BYTES_MAX.saturating_sub(self.inbox.len()) }
    }

    /// Where they are read to.
    pub(crate) fn inbox(&mut self, room: usize) -> &mut BytesMut {
        self.inbox.reserve(room);
        &mut self.inbox
    }

    /// The client sends nothing more.
    pub(crate) fn end(&mut self) {
        self.client_ended = true;
    }

    /// Requests that were answered since the last time.
    pub(crate) fn take_answered(&mut self) -> u64 {
        std::mem::take(&mut self.answered)
    }

    /// Answers nothing more; whether it is done. It is not while a request that it answers is under way.
    pub(crate) fn release(&mut self, now: Instant, upstream: &mut Line) -> bool {
        if matches!(self.request, Request::Swallowed(..) | Request::Answering(_)) {
            self.answers.share = Ratio::from_millionths(0);
            return false;
        }
        self.forward(now, upstream, self.inbox.len());
        if self.client_ended {
            upstream.end(now, Ending::Finished);
        }
        true
    }

    /// Goes as far as it can; whether anything happened.
    pub(crate) fn step(&mut self, now: Instant, upstream: &mut Line, downstream: &mut Line) -> bool {
        let mut happened = false;
        if downstream.ended() {
            self.give_up();
        }
        while self.step_once(now, upstream, downstream) {
            happened = true;
        }
        if self.client_ended && self.inbox.is_empty() && !matches!(self.request, Request::Answering(_)) {
            upstream.end(now, Ending::Finished);
        }
        happened
    }

    /// Nobody is answered any more: what was to be forwarded is, what was to be answered is not.
    fn give_up(&mut self) {
        if matches!(self.request, Request::Swallowed(..) | Request::Answering(_)) {
            self.inbox.clear();
            self.client_ended = true;
        }
        self.request = Request::Raw;
    }

    fn step_once(&mut self, now: Instant, upstream: &mut Line, downstream: &mut Line) -> bool {
        if let Request::Answering(after) = self.request {
            return self.answer(now, after, upstream, downstream);
        }
        if self.inbox.is_empty() || matches!(self.request, Request::Awaiting) || upstream.room() == 0 {
            return false;
        }
        match &mut self.request {
            Request::Unsure
                if self.last == Some(Speaker::Upstream) && begins_with_request_line(&self.inbox) =>
            {
                self.request = Request::Head;
            }
            Request::Unsure | Request::Raw => self.forward(now, upstream, self.inbox.len()),
            Request::Head => return self.step_head(now, upstream),
            Request::Forwarded(body) => {
                let taken = body.take(&self.inbox);
                let done = body.done();
                self.forward(now, upstream, taken.unwrap_or(self.inbox.len()));
                match taken {
                    None => self.request = Request::Raw,
                    Some(_) if done => self.request_ended(),
                    Some(_) => {}
                }
            }
            Request::Swallowed(body, after) => match body.take(&self.inbox) {
                Some(taken) => {
                    self.inbox.advance(taken);
                    if body.done() {
                        self.request = Request::Answering(*after);
                    }
                }
                // Where the next request begins will never be known.
                None => {
                    self.inbox.clear();
                    self.request = Request::Answering(After::Close);
                }
            },
            Request::Answering(_) | Request::Awaiting => unreachable!("both were handled above"),
        }
        true
    }

    /// Looks at a head; false while it is incomplete.
    fn step_head(&mut self, now: Instant, upstream: &mut Line) -> bool {
        match parse_request(&self.inbox) {
            Parsed::Incomplete if !self.client_ended => return false,
            Parsed::Incomplete | Parsed::Foreign => self.request = Request::Raw,
            Parsed::Request(head) if self.answers.hit() => self.swallow(head),
            Parsed::Request(head) => {
                self.forward(now, upstream, head.length);
                self.answer = Some(Answer::expected(head.method));
                self.request = Request::Forwarded(head.body);
                if let Request::Forwarded(body) = &self.request
                    && body.done()
                {
                    self.request_ended();
                }
            }
        }
        true
    }

    fn swallow(&mut self, head: RequestHead) {
        self.inbox.advance(head.length);
        let after = if head.closes { After::Close } else { After::NextRequest };
        self.request = match head.body {
            // Whether a client that waits for `100 Continue` still sends its body is its choice.
            _ if head.expects => {
                self.inbox.clear();
                Request::Answering(After::Close)
            }
            body if body.done() => Request::Answering(after),
            body => Request::Swallowed(body, after),
        };
    }

    fn request_ended(&mut self) {
        self.request = if self.answer.is_some() { Request::Awaiting } else { Request::Head };
    }

    /// Writes an answer if there is room for it.
    fn answer(&mut self, now: Instant, after: After, upstream: &mut Line, downstream: &mut Line) -> bool {
        if downstream.room() == 0 {
            return false;
        }
        downstream.push(now, answer_text(self.answers.status, after).as_bytes());
        self.answered += 1;
        self.request = Request::Head;
        if after == After::Close {
            self.inbox.clear();
            self.client_ended = true;
            upstream.end(now, Ending::Finished);
            downstream.end(now, Ending::Finished);
        }
        true
    }

    fn forward(&mut self, now: Instant, upstream: &mut Line, count: usize) {
        if count > 0 {
            upstream.push(now, &self.inbox[..count]);
            self.inbox.advance(count);
            self.last = Some(Speaker::Client);
        }
    }

    /// Follows what the upstream sent, which passes as it is.
    pub(crate) fn observe(&mut self, mut bytes: &[u8]) {
        self.last = Some(Speaker::Upstream);
        while !bytes.is_empty() {
            let Some(answer) = self.answer.take() else { return };
            match answer.follow(&mut bytes) {
                Followed::Part(answer) => self.answer = Some(answer),
                Followed::Whole if matches!(self.request, Request::Awaiting) => self.request = Request::Head,
                Followed::Whole => {}
                Followed::Lost => self.request = Request::Raw,
            }
        }
    }
}

// === impl Answers ===

impl Answers {
    fn hit(&mut self) -> bool {
        self.random.f64() < self.share.as_f64()
    }
}

fn answer_text(status: StatusCode, after: After) -> String {
    let reason = status.canonical_reason().unwrap_or("Injected Fault");
    let length = match status {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => "",
        _ => "content-length: 0\r\n",
    };
    let close = match after {
        After::NextRequest => "",
        After::Close => "connection: close\r\n",
    };
    format!("HTTP/1.1 {} {reason}\r\n{length}{close}\r\n", status.as_u16())
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use http::StatusCode;
    use proptest::prelude::*;
    use shield_types::settings::Ratio;
    use tokio::time::Instant;

    use super::{Answers, Filter, Speaker};
    use crate::fault::proxy::line::{Ending, Line};

    const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const POST: &str =
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 31\r\n\r\nGET /not-a-request HTTP/1.1\r\n\r\n";
    const CHUNKED: &str = "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const REFUSED: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// A filter between two sockets that are always ready.
    struct Bench {
        filter: Filter,
        upstream: Line,
        downstream: Line,
    }

    impl Bench {
        fn new(share: Ratio, last: Option<Speaker>) -> Self {
            let answers =
                Answers { status: StatusCode::SERVICE_UNAVAILABLE, share, random: Rng::with_seed(3) };
            Self { filter: Filter::new(answers, last), upstream: Line::new(), downstream: Line::new() }
        }

        /// The client sends this; what goes to either side.
        fn client(&mut self, bytes: &str) -> (String, String) {
            self.filter.inbox(bytes.len()).extend_from_slice(bytes.as_bytes());
            self.settle()
        }

        /// The upstream sends this.
        fn upstream(&mut self, bytes: &str) -> (String, String) {
            self.filter.observe(bytes.as_bytes());
            self.downstream.push(Instant::now(), bytes.as_bytes());
            self.settle()
        }

        fn settle(&mut self) -> (String, String) {
            let (mut up, mut down) = (String::new(), String::new());
            loop {
                let moved = self.filter.step(Instant::now(), &mut self.upstream, &mut self.downstream);
                up.push_str(&take(&mut self.upstream));
                down.push_str(&take(&mut self.downstream));
                if !moved {
                    return (up, down);
                }
            }
        }
    }

    fn take(line: &mut Line) -> String {
        let bytes = line.due(Instant::now()).to_vec();
        line.sent(bytes.len());
        String::from_utf8(bytes).unwrap()
    }

    fn none() -> Ratio {
        Ratio::from_millionths(0)
    }

    fn sides(up: &str, down: &str) -> (String, String) {
        (up.to_owned(), down.to_owned())
    }

    #[test]
    fn answers_pipelined_requests_and_swallows_their_bodies() {
        let mut bench = Bench::new(Ratio::ONE, None);
        let told = bench.client(&[POST, CHUNKED, GET].concat());
        assert_eq!(told, sides("", &REFUSED.repeat(3)));
        assert_eq!(bench.filter.take_answered(), 3);
    }

    #[test]
    fn forwards_one_request_after_the_other() {
        let mut bench = Bench::new(none(), None);
        assert_eq!(bench.client(&[POST, CHUNKED, GET].concat()), sides(POST, ""));
        assert_eq!(bench.upstream(&OK[..30]), sides("", &OK[..30]));
        assert_eq!(bench.upstream(&OK[30..]), sides(CHUNKED, &OK[30..]));
        let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
        assert_eq!(bench.upstream(interim), sides("", interim));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert_eq!(bench.upstream(chunked), sides(GET, chunked));
    }

    #[test]
    fn answer_to_head_has_no_body() {
        let mut bench = Bench::new(none(), None);
        let head = "HEAD / HTTP/1.1\r\n\r\n";
        bench.client(&[head, GET].concat());
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(bench.upstream(answer), sides(GET, answer));
    }

    #[test]
    fn closes_where_client_asked_for_it() {
        let mut bench = Bench::new(Ratio::ONE, None);
        let (up, down) = bench.client("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert_eq!(up, "");
        assert!(down.contains("connection: close"), "{down}");
        let now = Instant::now();
        assert!(bench.upstream.ending_due(now).is_some() && bench.downstream.ending_due(now).is_some());
    }

    #[test]
    fn does_not_wait_for_expected_body() {
        let mut bench = Bench::new(Ratio::ONE, None);
        let told = bench.client("POST / HTTP/1.1\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
        assert!(told.1.contains("503") && told.1.contains("connection: close"), "{told:?}");
    }

    #[test]
    fn foreign_bytes_pass() {
        for foreign in ["\u{16}\u{3}\u{1}\u{2}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let mut bench = Bench::new(Ratio::ONE, None);
            assert_eq!(bench.client(foreign), sides(foreign, ""));
            assert_eq!(bench.client(GET), sides(GET, ""));
        }
    }

    #[test]
    fn upgraded_connection_passes() {
        let mut bench = Bench::new(none(), None);
        let upgrade = "GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
        assert_eq!(bench.client(upgrade), sides(upgrade, ""));
        let switched = "HTTP/1.1 101 Switching Protocols\r\n\r\nframes";
        assert_eq!(bench.upstream(switched), sides("", switched));
        bench.filter.answers.share = Ratio::ONE;
        assert_eq!(bench.client(GET), sides(GET, ""));
    }

    #[test]
    fn joins_at_first_request_after_an_answer() {
        let mut bench = Bench::new(Ratio::ONE, Some(Speaker::Client));
        assert_eq!(bench.client(GET), sides(GET, ""), "may be the rest of a body");
        assert_eq!(bench.upstream(OK), sides("", OK));
        assert_eq!(bench.client(GET), sides("", REFUSED));
    }

    #[test]
    fn finishes_swallowing_before_it_leaves() {
        let mut bench = Bench::new(Ratio::ONE, None);
        bench.client(&POST[..60]);
        assert!(!bench.filter.release(Instant::now(), &mut bench.upstream));
        assert_eq!(bench.client(&[&POST[60..], GET].concat()), sides(GET, REFUSED));
        assert!(bench.filter.release(Instant::now(), &mut bench.upstream));
    }

    #[test]
    fn ended_upstream_ends_it_all() {
        for (share, forwarded) in [(none(), &POST[..60]), (Ratio::ONE, "")] {
            let mut bench = Bench::new(share, None);
            bench.client(&[GET, &POST[..60]].concat());
            bench.downstream.end(Instant::now(), Ending::Finished);
            assert_eq!(bench.settle().0, forwarded);
            bench.filter.end();
            bench.settle();
            assert_eq!(bench.upstream.ending_due(Instant::now()), Some(Ending::Finished));
        }
    }

    #[test]
    fn leaves_half_a_head_to_the_upstream() {
        let mut bench = Bench::new(Ratio::ONE, None);
        assert_eq!(bench.client("GET / HT"), sides("", ""));
        assert!(bench.filter.release(Instant::now(), &mut bench.upstream));
        assert_eq!(take(&mut bench.upstream), "GET / HT");
    }

    proptest! {
        #[test]
        fn requests_survive_any_cut(kinds in prop::collection::vec(0_usize..3, 1..8), cut in 1_usize..40) {
            let mut bench = Bench::new(Ratio::from_millionths(500_000), None);
            let requests: Vec<&str> = kinds.iter().map(|kind| [GET, POST, CHUNKED][*kind]).collect();
            let (mut up, mut down) = (String::new(), String::new());
            for piece in requests.concat().as_bytes().chunks(cut) {
                let told = bench.client(std::str::from_utf8(piece).unwrap());
                up.push_str(&told.0);
                down.push_str(&told.1);
            }
            // The upstream answers whatever it got, until nothing more comes.
            let mut told = up.clone();
            while !told.is_empty() {
                let (more_up, more_down) = bench.upstream(OK);
                up.push_str(&more_up);
                down.push_str(&more_down);
                told = more_up;
            }
            let (refused, answered) = (down.matches(REFUSED).count(), down.matches(OK).count());
            prop_assert_eq!(refused + answered, requests.len());
            prop_assert_eq!(down.len(), refused * REFUSED.len() + answered * OK.len());
            prop_assert_eq!(bench.filter.take_answered() as usize, refused);
            // What the upstream got are whole requests, in their order.
            let mut rest = up.as_str();
            let forwarded = requests.iter().filter(|request| {
                let next = rest.strip_prefix(**request);
                rest = next.unwrap_or(rest);
                next.is_some()
            });
            let forwarded = forwarded.count();
            prop_assert_eq!(rest, "");
            prop_assert_eq!(forwarded, answered);
        }

        #[test]
        fn no_bytes_panic(pieces in prop::collection::vec((any::<bool>(), "[ -~\\r\\n]{0,60}"), 0..20)) {
            let mut bench = Bench::new(Ratio::from_millionths(500_000), None);
            for (from_client, bytes) in pieces {
                if from_client { bench.client(&bytes) } else { bench.upstream(&bytes) };
            }
        }
    }
}
