//! What the server says, frame by frame.
//!
//! Frames of streams that this client gave up are passed over, as the protocol demands; they count against the window
//! of the connection all the same.

use super::block::{BlockError, LIST_BYTES_MAX, headers, scan};
use super::codec::{
    FrameHead, HEAD_BYTES, PAYLOAD_BYTES_MAX, Reason, Violation, WINDOW_MAX, flag, kind, number, setting,
    unpadded, write_ping_ack, write_settings_ack, write_window_update,
};
use super::connection::{CONNECTION_WINDOW, Core, Refusal, STREAM_WINDOW};
use super::streams::End;
use crate::measure::failure::FailureKind;
use crate::wire::exchange::Broken;

/// Most frames of one header block.
const BLOCK_FRAMES_MAX: u32 = 64;

/// What must be remembered from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// The server's first settings came.
    greeted: bool,
    /// A header block that is not whole yet.
    continued: Option<Continued>,
    /// The last stream that GOAWAY named.
    last_stream: Option<u32>,
    /// Room to decode fields in.
    room: Vec<u8>,
}

#[derive(Debug)]
struct Continued {
    /// Of the frame that it began with.
    head: FrameHead,
    block: Vec<u8>,
    frames: u32,
}

impl Core {
    /// Takes in all whole frames; says how many bytes they were.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let mut taken = 0;
        while let Some(head) = bytes[taken..].first_chunk() {
            let head = FrameHead::parse(head);
            if head.length > PAYLOAD_BYTES_MAX {
                return Err(Reason::FRAME_SIZE_ERROR.violated("a frame is longer than was allowed"));
            }
            let begin = taken + HEAD_BYTES;
            let Some(payload) = bytes.get(begin..begin + head.length) else { break };
            self.frame(head, payload)?;
            taken = begin + head.length;
        }
        self.wake_waiting();
        self.check_out()?;
        Ok(taken)
    }

    fn frame(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let protocol = |what| Err(Reason::PROTOCOL_ERROR.violated(what));
        if self.incoming.continued.is_some() && head.kind != kind::CONTINUATION {
            return protocol("a header block was interrupted");
        }
        if !self.incoming.greeted && (head.kind != kind::SETTINGS || head.has(flag::ACK)) {
            return protocol("the server did not begin with its settings");
        }
        check_stream(head, self.next_stream)?;
        match head.kind {
            kind::DATA => self.data(head, payload),
            kind::HEADERS => self.headers(head, payload),
            kind::CONTINUATION => self.continuation(head, payload),
            kind::RST_STREAM => self.reset_by_server(head, payload),
            kind::SETTINGS => self.settings(head, payload),
            kind::PING if payload.len() == 8 => {
                if !head.has(flag::ACK) {
                    write_ping_ack(payload, self.out.frames());
                    self.wakers.ask_driver();
                }
                Ok(())
            }
            kind::GOAWAY => self.goaway(payload),
            kind::WINDOW_UPDATE => self.window_update(head, payload),
            kind::PRIORITY if payload.len() == 5 => Ok(()),
            kind::PING | kind::PRIORITY => Err(wrong_size()),
            kind::PUSH_PROMISE => protocol("the server pushed although that was refused"),
            // What is not known has no meaning.
            _ => Ok(()),
        }
    }

    fn data(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let length = payload.len() as i64;
        self.receive_window -= length;
        if self.receive_window < 0 {
            return Err(Reason::FLOW_CONTROL_ERROR.violated("the server sent more than its window"));
        }
        if self.receive_window <= CONNECTION_WINDOW / 2 {
            let given = (CONNECTION_WINDOW - self.receive_window) as u32;
            self.receive_window = CONNECTION_WINDOW;
            write_window_update(0, given, self.out.frames());
            self.wakers.ask_driver();
        }
        let data = unpadded(head, payload)?;
        let Some(stream) = self.streams.under_way(head.stream) else { return Ok(()) };
        stream.receive_window -= length;
        if stream.receive_window < 0 {
            return Err(Reason::FLOW_CONTROL_ERROR.violated("the server sent more than a stream's window"));
        }
        if let Err(what) = stream.take_data(data, head) {
            self.reset(head.stream, Reason::PROTOCOL_ERROR, what);
        } else if head.ends_stream() {
            self.end(head.stream, End::Whole);
        } else if stream.receive_window <= STREAM_WINDOW / 2 {
            let given = (STREAM_WINDOW - stream.receive_window) as u32;
            stream.receive_window = STREAM_WINDOW;
            write_window_update(head.stream, given, self.out.frames());
            self.wakers.ask_driver();
        }
        Ok(())
    }

    fn headers(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let mut block = unpadded(head, payload)?;
        if head.has(flag::PRIORITY) {
            block = block.get(5..).ok_or_else(wrong_size)?;
        }
        if head.has(flag::END_HEADERS) {
            return self.whole_block(head, block);
        }
        self.incoming.continued = Some(Continued { head, block: block.to_vec(), frames: 1 });
        Ok(())
    }

    fn continuation(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let Some(mut continued) =
            self.incoming.continued.take().filter(|begun| begun.head.stream == head.stream)
        else {
            return Err(Reason::PROTOCOL_ERROR.violated("a header block goes on that had not begun"));
        };
        continued.frames += 1;
        if continued.frames > BLOCK_FRAMES_MAX || continued.block.len() + payload.len() > LIST_BYTES_MAX {
            return Err(Reason::ENHANCE_YOUR_CALM.violated("the head of the answer is too long"));
        }
        continued.block.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            return self.whole_block(continued.head, &continued.block);
        }
        self.incoming.continued = Some(continued);
        Ok(())
    }

    /// A whole header block.
    fn whole_block(&mut self, head: FrameHead, block: &[u8]) -> Result<(), Violation> {
        let Some(stream) = self.streams.under_way(head.stream) else { return Ok(()) };
        let room = &mut self.incoming.room;
        let step = &self.program.steps[stream.step];
        let taken = scan(block, room).and_then(|scanned| {
            let complete = stream.take_head(step, scanned, head).map_err(BlockError::Malformed)?;
            if let (true, Some(answer)) = (complete, &mut stream.answer)
                && (step.keep.headers || scanned.sets_cookie)
            {
                answer.headers = Some(headers(block, room)?);
            }
            Ok(())
        });
        match taken {
            Ok(()) if head.ends_stream() => self.end(head.stream, End::Whole),
            Ok(()) => {}
            Err(BlockError::Malformed(what)) => self.reset(head.stream, Reason::PROTOCOL_ERROR, what),
            Err(BlockError::Violation(violation)) => return Err(violation),
        }
        Ok(())
    }

    fn reset_by_server(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let reason = number(payload).filter(|_| payload.len() == 4).ok_or_else(wrong_size)?;
        let kind = match Reason(reason) {
            Reason::REFUSED_STREAM => FailureKind::RefusedStream,
            _ => FailureKind::StreamReset,
        };
        if let Some(stream) = self.streams.under_way(head.stream) {
            stream.unsent = Vec::new();
            let detail = format!("the server reset the stream (reason {reason})");
            self.end(head.stream, End::Broken(Broken::new(kind, detail)));
        }
        Ok(())
    }

    fn settings(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        if head.has(flag::ACK) {
            return if payload.is_empty() { Ok(()) } else { Err(wrong_size()) };
        }
        let (settings, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(wrong_size());
        }
        if !self.incoming.greeted {
            self.incoming.greeted = true;
            // As many as one likes, unless they say otherwise.
            self.active_max = usize::MAX;
        }
        for [a, b, value @ ..] in settings {
            self.setting(u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*value))?;
        }
        write_settings_ack(self.out.frames());
        self.wakers.ask_driver();
        Ok(())
    }

    fn setting(&mut self, name: u16, value: u32) -> Result<(), Violation> {
        match name {
            setting::ENABLE_PUSH if value != 0 => {
                Err(Reason::PROTOCOL_ERROR.violated("the server said that it can be pushed to"))
            }
            setting::MAX_CONCURRENT_STREAMS => {
                self.active_max = usize::try_from(value).unwrap_or(usize::MAX);
                Ok(())
            }
            setting::INITIAL_WINDOW_SIZE if i64::from(value) > WINDOW_MAX => {
                Err(Reason::FLOW_CONTROL_ERROR.violated("a window is too wide"))
            }
            setting::INITIAL_WINDOW_SIZE => self.shift_windows(value.into()),
            setting::MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
                Err(Reason::PROTOCOL_ERROR.violated("the longest frame has a length that none may have"))
            }
            // No table is used for what is sent, and no frame is longer than every server takes.
            _ => Ok(()),
        }
    }

    fn goaway(&mut self, payload: &[u8]) -> Result<(), Violation> {
        let last = number(payload).ok_or_else(wrong_size)? & WINDOW_MAX as u32;
        let reason = number(&payload[4..]).ok_or_else(wrong_size)?;
        if self.incoming.last_stream.is_some_and(|earlier| last > earlier) {
            return Err(Reason::PROTOCOL_ERROR.violated("the server took back that it goes away"));
        }
        self.incoming.last_stream = Some(last);
        self.take_back();
        let detail = format!("the server goes away after stream {last} (reason {reason})");
        let broken = Broken::new(FailureKind::RefusedByGoaway, detail);
        self.fail_streams(|stream| (stream.id > last).then(|| broken.clone()));
        self.refuse(Refusal { broken, orderly: Reason(reason) == Reason::NO_ERROR });
        Ok(())
    }

    fn window_update(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Violation> {
        let given = number(payload).filter(|_| payload.len() == 4).ok_or_else(wrong_size)?;
        let given = i64::from(given) & WINDOW_MAX;
        if head.stream == 0 {
            self.send_window += given;
            if given == 0 || self.send_window > WINDOW_MAX {
                return Err(
                    Reason::FLOW_CONTROL_ERROR.violated("the window was widened by nothing or too much")
                );
            }
        } else if let Some(stream) = self.streams.under_way(head.stream) {
            stream.send_window += given;
            if given == 0 || stream.send_window > WINDOW_MAX {
                let what = "the window of the stream was widened by nothing or too much";
                self.reset(head.stream, Reason::FLOW_CONTROL_ERROR, what);
            }
        }
        self.wakers.ask_driver();
        Ok(())
    }
}

/// Whether a frame may come on its stream at all.
fn check_stream(head: FrameHead, next_stream: u32) -> Result<(), Violation> {
    let has_meaning = match head.kind {
        kind::SETTINGS | kind::PING | kind::GOAWAY => head.stream == 0,
        kind::WINDOW_UPDATE => true,
        kind::DATA..=kind::CONTINUATION => head.stream != 0,
        _ => return Ok(()),
    };
    let opened = head.stream == 0 || head.stream % 2 == 1 && head.stream < next_stream;
    if has_meaning && (opened || head.kind == kind::PRIORITY) {
        return Ok(());
    }
    Err(Reason::PROTOCOL_ERROR.violated("a frame came on a stream where it has no meaning"))
}

fn wrong_size() -> Violation {
    Reason::FRAME_SIZE_ERROR.violated("a frame has a length that it must not have")
}
