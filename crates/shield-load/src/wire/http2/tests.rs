//! Both sides of a connection, without sockets.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;

use super::block::write_field;
use super::codec::{FrameHead, HEAD_BYTES, PAYLOAD_BYTES_MAX, PREFACE, STREAM_MAX, flag, kind, setting};
use super::connection::{CONNECTION_WINDOW, ConnectionEnd, Core, STREAM_WINDOW};
use super::driver::Connection;
use super::exchange::{Exchange, Outcome};
use super::outgoing::OUT_BYTES_MAX;
use super::sending::{Begun, Fetched, Request, Trust};
use crate::measure::counters::Counters;
use crate::measure::failure::FailureKind;
use crate::scenario::mix::RequestMix;
use crate::scenario::program::Program;
use crate::wire::exchange::Progress;

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const STATUS_200: &[u8] = &[0x88];

/// Counts how often it wakes.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn program() -> Arc<Program> {
    Arc::new(Program::new(&RequestMix::gets("/").workload()))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    FrameHead { length: payload.len(), kind, flags, stream }.write(&mut out);
    out.extend_from_slice(payload);
    out
}

/// A connection whose server said its settings, and whose own first words left.
fn greeted() -> Core {
    let mut core = Core::new(program(), None);
    assert_eq!(core.take(SETTINGS), Ok(SETTINGS.len()));
    assert!(core.out.pending().starts_with(PREFACE));
    flush(&mut core);
    core
}

/// Everything leaves; its frames.
fn flush(core: &mut Core) -> Vec<(u8, u8, u32, Vec<u8>)> {
    core.pump();
    let pending = core.out.pending().to_vec();
    core.out.advance(pending.len());
    let mut rest = pending.strip_prefix(PREFACE).unwrap_or(&pending);
    let mut frames = Vec::new();
    while let Some(head) = rest.first_chunk() {
        let head = FrameHead::parse(head);
        let (payload, after) = rest[HEAD_BYTES..].split_at(head.length);
        frames.push((head.kind, head.flags, head.stream, payload.to_vec()));
        rest = after;
    }
    frames
}

fn try_begin(core: &mut Core, body: &[u8]) -> Begun {
    core.begin(Request { step: 0, block: b"\x82", body }, Trust::Looked, Waker::noop())
}

fn begin(core: &mut Core) -> u32 {
    match try_begin(core, b"") {
        Begun::Stream(id) => id,
        other => panic!("{other:?}"),
    }
}

fn say(core: &mut Core, frames: &[Vec<u8>]) {
    let bytes = frames.concat();
    assert_eq!(core.take(&bytes), Ok(bytes.len()));
}

fn fetch(core: &mut Core, id: u32) -> Fetched {
    core.fetch(id, Waker::noop())
}

fn kind_of(core: &mut Core, id: u32) -> FailureKind {
    match fetch(core, id) {
        Fetched::Broken(broken) => broken.kind,
        other => panic!("{other:?}"),
    }
}

fn is_whole(core: &mut Core, id: u32) -> bool {
    matches!(fetch(core, id), Fetched::Answered(answer) if answer.status == 200)
}

fn goaway(last: u32, reason: u32) -> Vec<u8> {
    frame(kind::GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
}

fn setting(name: u16, value: u32) -> Vec<u8> {
    frame(kind::SETTINGS, 0, 0, &[&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

#[test]
fn answer_is_whole_in_whatever_frames() {
    let mut core = greeted();
    let id = begin(&mut core);
    flush(&mut core);
    let (padded, priority) = (flag::PADDED, flag::PRIORITY);
    let mut interim = Vec::new();
    write_field(":status", b"103", &mut interim);
    let mut rest = Vec::new();
    write_field("content-length", b"4", &mut rest);
    let frames = [
        frame(kind::HEADERS, flag::END_HEADERS, id, &interim),
        frame(kind::HEADERS, padded | priority, id, &[&[2, 0, 0, 0, 0, 9][..], STATUS_200, b"xx"].concat()),
        frame(kind::CONTINUATION, 0, id, b""),
        frame(kind::CONTINUATION, flag::END_HEADERS, id, &rest),
        frame(kind::DATA, padded, id, b"\x01abx"),
        frame(0xee, 0xff, 77, b"whatever"),
        frame(kind::DATA, 0, id, b"cd"),
        frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, id, b"\0\x01a\x01b"),
    ];
    let (last, before) = frames.split_last().unwrap();
    say(&mut core, before);
    assert!(matches!(fetch(&mut core, id), Fetched::Pending));
    say(&mut core, std::slice::from_ref(last));
    assert!(is_whole(&mut core, id));
    assert!(core.takes() == Some(0) && flush(&mut core).is_empty());
}

#[test]
fn frames_survive_any_cut() {
    let answer = [
        frame(kind::HEADERS, flag::END_HEADERS, 1, STATUS_200),
        frame(kind::PING, 0, 0, &[7; 8]),
        frame(kind::DATA, flag::END_STREAM, 1, b"body"),
    ]
    .concat();
    for cut in 1..answer.len() {
        let mut core = greeted();
        let id = begin(&mut core);
        let mut held = Vec::new();
        for part in answer.chunks(cut) {
            held.extend_from_slice(part);
            let taken = core.take(&held).unwrap();
            held.drain(..taken);
        }
        assert!(held.is_empty() && is_whole(&mut core, id), "cut every {cut}");
    }
}

#[test]
fn asks_are_answered() {
    let mut core = greeted();
    say(&mut core, &[frame(kind::PING, 0, 0, b"12345678"), frame(kind::PING, flag::ACK, 0, b"12345678")]);
    say(&mut core, &[setting(setting::MAX_CONCURRENT_STREAMS, 1), frame(kind::SETTINGS, flag::ACK, 0, b"")]);
    let expected =
        [(kind::PING, flag::ACK, 0, b"12345678".to_vec()), (kind::SETTINGS, flag::ACK, 0, Vec::new())];
    assert_eq!(flush(&mut core), expected);
}

#[test]
fn goaway_takes_back_what_did_not_leave() {
    let mut core = greeted();
    let first = begin(&mut core);
    flush(&mut core);
    let late = begin(&mut core);
    say(&mut core, &[frame(kind::PING, 0, 0, &[1; 8]), goaway(STREAM_MAX, 0)]);
    assert_eq!(flush(&mut core), [(kind::PING, flag::ACK, 0, vec![1; 8])]);
    assert!(matches!(fetch(&mut core, late), Fetched::Withheld));
    assert!(matches!(try_begin(&mut core, b""), Begun::Refused(refusal) if refusal.orderly));
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, first, STATUS_200)]);
    assert!(is_whole(&mut core, first) && core.over());
}

#[test]
fn begun_frame_ends_after_goaway() {
    let mut core = greeted();
    let (begun, late) = (begin(&mut core), begin(&mut core));
    let whole = core.out.pending()[..HEAD_BYTES + 1].to_vec();
    core.out.advance(5);
    say(&mut core, &[goaway(STREAM_MAX, 0)]);
    assert_eq!(core.out.pending(), &whole[5..]);
    assert!(matches!(fetch(&mut core, late), Fetched::Withheld));
    assert!(matches!(fetch(&mut core, begun), Fetched::Pending));
}

#[test]
fn goaway_below_stream_refuses_it() {
    let mut core = greeted();
    let (first, second) = (begin(&mut core), begin(&mut core));
    flush(&mut core);
    say(&mut core, &[goaway(STREAM_MAX, 0), goaway(first, 2)]);
    assert_eq!(kind_of(&mut core, second), FailureKind::RefusedByGoaway);
    assert!(matches!(fetch(&mut core, first), Fetched::Pending));
    core.fail(&ConnectionEnd::Closed);
    assert_eq!(kind_of(&mut core, first), FailureKind::ClosedBeforeAnswer);
}

#[test]
fn end_of_connection_is_told_by_how_far_the_answer_came() {
    let mut core = greeted();
    let (nothing, head) = (begin(&mut core), begin(&mut core));
    flush(&mut core);
    let unsent = begin(&mut core);
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS, head, STATUS_200)]);
    core.fail(&ConnectionEnd::Closed);
    assert_eq!(kind_of(&mut core, nothing), FailureKind::ClosedBeforeAnswer);
    assert_eq!(kind_of(&mut core, head), FailureKind::Truncated);
    assert!(matches!(fetch(&mut core, unsent), Fetched::Withheld));
    assert!(matches!(try_begin(&mut core, b""), Begun::Refused(refusal) if !refusal.orderly));
}

#[test]
fn no_more_streams_than_the_server_takes() {
    let mut core = greeted();
    let bell = Arc::new(Bell::default());
    say(&mut core, &[setting(setting::MAX_CONCURRENT_STREAMS, 1)]);
    let id = begin(&mut core);
    assert!(matches!(try_begin(&mut core, b""), Begun::Full));
    let ticket = core.wakers.wait(None, &bell.clone().into());
    assert_eq!(core.wakers.wait(Some(ticket), &bell.clone().into()), ticket);
    flush(&mut core);
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, id, STATUS_200)]);
    core.wakers.take().into_iter().for_each(Waker::wake);
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    assert!(matches!(try_begin(&mut core, b""), Begun::Stream(_)));
}

#[test]
fn one_stream_until_the_server_said_its_settings() {
    let mut core = Core::new(program(), None);
    begin(&mut core);
    assert!(matches!(try_begin(&mut core, b""), Begun::Full));
    say(&mut core, &[SETTINGS.to_vec()]);
    (0..200).for_each(|_| {
        begin(&mut core);
    });
}

#[test]
fn bodies_respect_the_servers_windows() {
    let mut core = greeted();
    say(&mut core, &[setting(setting::INITIAL_WINDOW_SIZE, 10)]);
    flush(&mut core);
    let Begun::Stream(id) = try_begin(&mut core, &[b'x'; 25]) else { panic!("not begun") };
    let window_update = |stream, bytes: u32| frame(kind::WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    let sent = |core: &mut Core| -> Vec<(u8, u8, usize)> {
        flush(core).iter().map(|(kind, flags, _, payload)| (*kind, *flags, payload.len())).collect()
    };
    assert_eq!(sent(&mut core), [(kind::HEADERS, flag::END_HEADERS, 1), (kind::DATA, 0, 10)]);
    say(&mut core, &[window_update(0, 1000)]);
    assert!(sent(&mut core).is_empty());
    say(&mut core, &[window_update(id, 5)]);
    assert_eq!(sent(&mut core), [(kind::DATA, 0, 5)]);
    say(&mut core, &[setting(setting::INITIAL_WINDOW_SIZE, 20)]);
    assert_eq!(sent(&mut core), [(kind::SETTINGS, flag::ACK, 0), (kind::DATA, flag::END_STREAM, 10)]);
}

#[test]
fn connection_window_bounds_all_bodies() {
    let mut core = greeted();
    say(&mut core, &[setting(setting::INITIAL_WINDOW_SIZE, 1 << 20)]);
    for _ in 0..3 {
        try_begin(&mut core, &[b'x'; 40_000]);
    }
    let data = |core: &mut Core| -> usize {
        let frames = flush(core);
        frames.iter().filter(|frame| frame.0 == kind::DATA).map(|frame| frame.3.len()).sum()
    };
    assert_eq!(data(&mut core), 65_535);
    say(&mut core, &[frame(kind::WINDOW_UPDATE, 0, 0, &1_000_000_u32.to_be_bytes())]);
    assert_eq!(data(&mut core), 120_000 - 65_535);
}

#[test]
fn answered_early_stops_its_body() {
    let mut core = greeted();
    let Begun::Stream(id) = try_begin(&mut core, &[b'x'; 100_000]) else { panic!("not begun") };
    flush(&mut core);
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, id, STATUS_200)]);
    assert!(is_whole(&mut core, id));
    assert_eq!(flush(&mut core), [(kind::RST_STREAM, 0, id, vec![0, 0, 0, 8])]);
}

#[test]
fn windows_are_given_back_in_batches() {
    let mut core = greeted();
    let id = begin(&mut core);
    flush(&mut core);
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS, id, STATUS_200)]);
    let data = frame(kind::DATA, 0, id, &[0; PAYLOAD_BYTES_MAX]);
    let (mut of_stream, mut of_connection) = (0, 0);
    let rounds = 2 * CONNECTION_WINDOW as usize / PAYLOAD_BYTES_MAX;
    for _ in 0..rounds {
        say(&mut core, std::slice::from_ref(&data));
        for (kind, _, stream, payload) in flush(&mut core) {
            let given = i64::from(super::codec::number(&payload).unwrap());
            assert_eq!(kind, kind::WINDOW_UPDATE);
            let window = if stream == 0 { CONNECTION_WINDOW } else { STREAM_WINDOW };
            assert!(given >= window / 2 && given <= window);
            *(if stream == 0 { &mut of_connection } else { &mut of_stream }) += 1;
        }
    }
    assert!((1..=4).contains(&of_connection) && (1..=64).contains(&of_stream));
}

#[test]
fn violations_end_the_connection() {
    let (headers, all) = (kind::HEADERS, flag::END_HEADERS);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("push", frame(kind::PUSH_PROMISE, all, 1, &[0, 0, 0, 2, 0x82])),
        ("push allowed", setting(setting::ENABLE_PUSH, 1)),
        ("entry of the table", frame(headers, all, 1, &[0xbe])),
        ("size of the table", frame(headers, all, 1, &[0x3f, 0xe1, 0x1f, 0x88])),
        ("data on no stream", frame(kind::DATA, 0, 0, b"x")),
        ("stream of the server", frame(headers, all, 2, STATUS_200)),
        ("stream that was never opened", frame(headers, all, 9, STATUS_200)),
        ("settings on a stream", frame(kind::SETTINGS, 0, 1, b"")),
        ("settings of odd length", frame(kind::SETTINGS, 0, 0, b"12345")),
        ("settings acknowledged with words", frame(kind::SETTINGS, flag::ACK, 0, b"123456")),
        ("wide window", setting(setting::INITIAL_WINDOW_SIZE, 0x8000_0000)),
        ("short frames", setting(setting::MAX_FRAME_SIZE, 100)),
        ("interrupted block", [frame(headers, 0, 1, STATUS_200), frame(kind::PING, 0, 0, &[0; 8])].concat()),
        ("continued by another", [frame(headers, 0, 1, b""), frame(kind::CONTINUATION, 0, 3, b"")].concat()),
        ("continued nothing", frame(kind::CONTINUATION, all, 1, b"")),
        (
            "long block",
            [frame(headers, 0, 1, b""), frame(kind::CONTINUATION, 0, 1, &[0; PAYLOAD_BYTES_MAX]).repeat(5)]
                .concat(),
        ),
        (
            "block of many frames",
            [frame(headers, 0, 1, b""), frame(kind::CONTINUATION, 0, 1, b"").repeat(100)].concat(),
        ),
        ("long frame", vec![0, 0x40, 1, kind::DATA, 0, 0, 0, 0, 1]),
        ("padding", frame(kind::DATA, flag::PADDED, 1, &[9, 1])),
        ("priority of no length", frame(headers, all | flag::PRIORITY, 1, b"123")),
        ("short ping", frame(kind::PING, 0, 0, b"1")),
        ("short reset", frame(kind::RST_STREAM, 0, 1, b"1")),
        ("reset of nothing", frame(kind::RST_STREAM, 0, 0, &[0; 4])),
        ("short goaway", frame(kind::GOAWAY, 0, 0, &[0; 7])),
        ("goaway taken back", [goaway(1, 0), goaway(3, 0)].concat()),
        ("window of no use", frame(kind::WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("window too wide", frame(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
    ];
    for (name, bytes) in cases {
        let mut core = greeted();
        let (first, _) = (begin(&mut core), begin(&mut core));
        flush(&mut core);
        let violation = core.take(&bytes).expect_err(name);
        core.fail(&ConnectionEnd::Violated(violation));
        assert_eq!(kind_of(&mut core, first), FailureKind::Protocol, "{name}");
        assert!(flush(&mut core).iter().any(|frame| frame.0 == kind::GOAWAY), "{name}");
    }
    assert!(Core::new(program(), None).take(&frame(kind::PING, 0, 0, &[0; 8])).is_err(), "no settings");
}

#[test]
fn server_cannot_make_answers_pile_up() {
    let mut core = greeted();
    let asks = frame(kind::PING, 0, 0, &[0; 8]).repeat(1000);
    let asked = (0..100).take_while(|_| core.take(&asks).is_ok()).count();
    assert!(asked < 100 && core.out.len() <= 2 * OUT_BYTES_MAX + asks.len());
}

#[test]
fn senseless_answer_costs_only_its_stream() {
    let head = |stream, flags, fields: &[(&str, &[u8])]| {
        let mut block = Vec::new();
        fields.iter().for_each(|(name, value)| write_field(name, value, &mut block));
        frame(kind::HEADERS, flag::END_HEADERS | flags, stream, &block)
    };
    let ok = |fields: &[(&str, &[u8])]| head(1, 0, &[&[(":status", &b"200"[..])][..], fields].concat());
    let data = |flags, data: &[u8]| frame(kind::DATA, flags, 1, data);
    let cases = [
        ("body first", vec![data(0, b"x")]),
        ("no status", vec![head(1, 0, &[("a", b"b")])]),
        ("protocols switched", vec![head(1, 0, &[(":status", b"101")])]),
        ("interim for ever", vec![head(1, 0, &[(":status", b"100")]); 17]),
        ("interim at the end", vec![head(1, flag::END_STREAM, &[(":status", b"100")])]),
        ("two heads", vec![ok(&[]), ok(&[])]),
        ("trailers in the middle", vec![ok(&[]), head(1, 0, &[("a", b"b")])]),
        ("too long", vec![ok(&[("content-length", b"1")]), data(0, b"xx")]),
        ("too short", vec![ok(&[("content-length", b"2")]), data(flag::END_STREAM, b"x")]),
        ("no window", vec![frame(kind::WINDOW_UPDATE, 0, 1, &[0; 4])]),
    ];
    for (name, frames) in cases {
        let mut core = greeted();
        let (broken, other) = (begin(&mut core), begin(&mut core));
        flush(&mut core);
        say(&mut core, &frames);
        assert_eq!(kind_of(&mut core, broken), FailureKind::Protocol, "{name}");
        assert_eq!(flush(&mut core)[0].0, kind::RST_STREAM, "{name}");
        say(&mut core, &[head(other, flag::END_STREAM, &[(":status", b"200")])]);
        assert!(is_whole(&mut core, other), "{name}");
    }
}

#[test]
fn given_up_stream_is_reset_and_frees_its_place() {
    let mut core = greeted();
    say(&mut core, &[setting(setting::MAX_CONCURRENT_STREAMS, 2)]);
    let (first, second) = (begin(&mut core), begin(&mut core));
    flush(&mut core);
    assert!(!core.cancel(first), "it was written");
    assert_eq!(flush(&mut core), [(kind::RST_STREAM, 0, first, vec![0, 0, 0, 8])]);
    let (third, _) = (begin(&mut core), core.cancel(second));
    let fourth = begin(&mut core);
    assert!(core.cancel(third), "nothing of it left");
    let frames: Vec<_> = flush(&mut core).iter().map(|frame| (frame.0, frame.2)).collect();
    assert_eq!(frames, [(kind::RST_STREAM, second), (kind::HEADERS, fourth)]);
    assert!(!core.cancel(fourth), "it was written, although what was before it was not");
    // What the server still says about it is passed over.
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, fourth, &[0xff])]);
    assert_eq!(core.takes(), Some(0));
}

#[test]
fn connection_without_numbers_is_left_in_good_order() {
    let mut core = greeted();
    core.next_stream = STREAM_MAX;
    assert_eq!(begin(&mut core), STREAM_MAX);
    assert!(matches!(try_begin(&mut core, b""), Begun::Refused(refusal) if refusal.orderly));
    flush(&mut core);
    say(&mut core, &[frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, STREAM_MAX, STATUS_200)]);
    assert!(is_whole(&mut core, STREAM_MAX) && core.over());
}

#[test]
fn request_counts_as_sent_only_while_it_may_leave() {
    let program = program();
    let counters = Counters::new(&program, 0);
    let progress = Progress::new(counters.shard(0));
    let connection = Connection::undriven(greeted());
    // Another one keeps the connection busy.
    connection.with(|core| drop((begin(core), flush(core))));
    let mut context = Context::from_waker(Waker::noop());
    let request = Request { step: 0, block: b"\x82", body: b"" };
    {
        let mut exchange = pin!(Exchange::new(&connection, request, &progress, Trust::Looked));
        let mut written = || {
            assert!(exchange.as_mut().poll(&mut context).is_pending());
            progress.written()
        };
        assert!(written());
        connection.with(Core::block);
        assert!(!written(), "the socket took nothing");
        assert!(connection.with(flush).is_empty());
        assert!(!written());
        connection.with(Core::unblock);
        assert!(written());
        connection.with(flush);
    }
    assert!(progress.written(), "given up after it was written");
    assert_eq!(connection.with(flush)[0].0, kind::RST_STREAM);
    assert_eq!(counters.read().sent, 1);
    let unsent = Progress::new(counters.shard(0));
    drop(pin!(Exchange::new(&connection, request, &unsent, Trust::Looked)).as_mut().poll(&mut context));
    assert_eq!((unsent.written(), counters.read().sent), (false, 1));
}

#[test]
fn idle_connection_is_looked_at_first() {
    let program = program();
    let counters = Counters::new(&program, 0);
    let progress = Progress::new(counters.shard(0));
    let connection = Connection::undriven(greeted());
    let mut context = Context::from_waker(Waker::noop());
    let request = Request { step: 0, block: b"\x82", body: b"" };
    let mut exchange = pin!(Exchange::new(&connection, request, &progress, Trust::IfBusy));
    assert!(matches!(exchange.as_mut().poll(&mut context), Poll::Ready(Outcome::Unknown)));
    assert!(!progress.written());
}

/// Frames that make sense at least from outside.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(STATUS_200.to_vec()),
        Just(vec![0; 4]),
        Just(vec![0; 8]),
        prop::collection::vec(prop_oneof![Just(0x88), Just(0x20), Just(0x5c), Just(0x01), Just(b'4')], 0..6),
    ];
    let flags = prop_oneof![Just(0), Just(4), Just(5), any::<u8>()];
    (0_u8..11, flags, prop_oneof![0_u32..12, Just(1), Just(3), any::<u32>()], payload)
        .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload))
}

/// Says something, and everything ends in one way or another.
fn survives(said: &[u8], chunk: usize, written: usize) {
    let mut core = greeted();
    let ids: Vec<u32> = (0..4).map(|_| begin(&mut core)).collect();
    let Begun::Stream(body) = try_begin(&mut core, &[b'x'; 70_000]) else { panic!("not begun") };
    core.out.advance(written.min(core.out.pending().len()));
    let mut held = Vec::new();
    let mut end = ConnectionEnd::Closed;
    for part in said.chunks(chunk) {
        held.extend_from_slice(part);
        match core.take(&held) {
            Ok(taken) => drop(held.drain(..taken)),
            Err(violation) => {
                end = ConnectionEnd::Violated(violation);
                break;
            }
        }
        core.pump();
        assert!(held.len() < HEAD_BYTES + PAYLOAD_BYTES_MAX && core.out.len() < 4 * OUT_BYTES_MAX);
    }
    core.cancel(ids[0]);
    core.fail(&end);
    for id in ids[1..].iter().chain([&body]) {
        assert!(!matches!(fetch(&mut core, *id), Fetched::Pending));
    }
    assert!(core.over());
}

proptest! {
    #[test]
    fn no_bytes_panic(
        said in prop::collection::vec(any::<u8>(), 0..400),
        chunk in 1_usize..50,
        written in 0_usize..200,
    ) {
        survives(&said, chunk, written);
    }

    #[test]
    fn no_frames_panic(
        frames in prop::collection::vec(any_frame(), 0..40),
        chunk in 1_usize..200,
        written in 0_usize..200,
    ) {
        survives(&frames.concat(), chunk, written);
    }
}
