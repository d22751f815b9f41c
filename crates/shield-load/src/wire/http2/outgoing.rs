//! What is to be written to a connection, and what of it can still be taken back.
//!
//! Positions count every byte of the connection from its first one on, so they stay true while the buffer is emptied.

use super::codec::{FrameHead, HEAD_BYTES, PREFACE, kind};

/// From here on no request is taken on before some of it was written.
pub(super) const OUT_BYTES_MAX: usize = 256 * 1024;

/// Frames on their way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// Position of the first of them, which begins a frame, or the preface.
    base: u64,
    /// How many of them left.
    gone: usize,
}

// === impl Outgoing ===

impl Outgoing {
    /// Begins with the preface.
    pub(super) fn new() -> Self {
        Self { bytes: PREFACE.to_vec(), base: 0, gone: 0 }
    }

    /// Where the next frame goes.
    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Everything before this position may have left.
    pub(super) fn left(&self) -> u64 {
        self.base + self.gone as u64
    }

    /// How much may still be added.
    pub(super) fn room(&self) -> usize {
        OUT_BYTES_MAX.saturating_sub(self.bytes.len())
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is to be written next.
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.gone..]
    }

    /// So many of the pending bytes left.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.gone += bytes;
        if self.gone == self.bytes.len() {
            self.base = self.end();
            self.bytes.clear();
            self.gone = 0;
        }
    }

    /// Takes frames out of which nothing left yet, those of streams that `taken` names. Gives the length of the bodies in them,
    /// which the server's window was charged for.
    pub(super) fn remove(&mut self, mut taken: impl FnMut(u32) -> bool) -> usize {
        let mut from = self.first_whole();
        let (mut to, mut body_bytes) = (from, 0);
        while let Some((head, end)) = self.frame(from) {
            if !taken(head.stream) {
                self.bytes.copy_within(from..end, to);
                to += end - from;
            } else if head.kind == kind::DATA {
                body_bytes += head.length;
            }
            from = end;
        }
        self.bytes.truncate(to);
        self.advance(0);
        body_bytes
    }

    /// Tells of each stream whose first frame is still here, and where.
    pub(super) fn each_begin(&self, mut tell: impl FnMut(u32, u64)) {
        let mut at = self.first_whole();
        while let Some((head, end)) = self.frame(at) {
            if head.kind == kind::HEADERS {
                tell(head.stream, self.base + at as u64);
            }
            at = end;
        }
    }

    /// Index of the first frame of which nothing left.
    fn first_whole(&self) -> usize {
        let mut at = if self.base == 0 { PREFACE.len() } else { 0 };
        while at < self.gone
            && let Some((_, end)) = self.frame(at)
        {
            at = end;
        }
        at.min(self.bytes.len())
    }

    /// The head and the end of the frame that begins at an index.
    fn frame(&self, at: usize) -> Option<(FrameHead, usize)> {
        let head = FrameHead::parse(self.bytes.get(at..)?.first_chunk()?);
        Some((head, at + HEAD_BYTES + head.length))
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::{write_data, write_headers, write_ping_ack};
    use super::*;

    /// The streams of the frames that are pending, 0 for none.
    fn pending(out: &Outgoing) -> Vec<u32> {
        let (mut at, mut streams) = (out.first_whole(), Vec::new());
        while let Some((head, end)) = out.frame(at) {
            streams.push(head.stream);
            at = end;
        }
        assert_eq!(at, out.len(), "frames end where the bytes do");
        streams
    }

    fn filled() -> Outgoing {
        let mut out = Outgoing::new();
        write_headers(1, 0, b"first", out.frames());
        write_headers(3, 0, b"second", out.frames());
        write_ping_ack(&[1; 8], out.frames());
        write_data(3, 0, b"data of second", out.frames());
        write_data(1, 0, b"data of first", out.frames());
        out
    }

    #[test]
    fn whole_frames_are_taken_out() {
        let mut out = filled();
        out.remove(|stream| stream == 3);
        assert_eq!(pending(&out), [1, 0, 1]);
        assert!(out.pending().starts_with(PREFACE) && out.pending().ends_with(b"data of first"));
    }

    #[test]
    fn begun_frame_stays_wherever_it_was_cut() {
        let second = PREFACE.len() + HEAD_BYTES + b"first".len();
        let third = second + HEAD_BYTES + b"second".len();
        for cut in 0..filled().len() {
            let mut out = filled();
            let whole = out.pending().to_vec();
            out.advance(cut);
            out.remove(|stream| stream == 3);
            let kept = if cut <= second { &whole[cut..second] } else { &whole[cut..third.max(cut)] };
            assert!(out.pending().starts_with(kept), "cut at {cut}");
            assert!(out.pending().ends_with(b"t") && out.left() == cut as u64, "cut at {cut}");
            assert!(!pending(&out).contains(&3), "cut at {cut}");
        }
    }

    #[test]
    fn positions_survive_emptying() {
        let mut out = filled();
        let (begin, end) = (out.left(), out.end());
        out.advance(out.len());
        assert_eq!((begin, out.left(), out.end(), out.pending().len()), (0, end, end, 0));
        write_headers(5, 0, b"x", out.frames());
        write_headers(7, 0, b"x", out.frames());
        out.remove(|stream| stream == 5);
        let mut begins = Vec::new();
        out.each_begin(|stream, at| begins.push((stream, at)));
        assert_eq!(begins, [(7, end)]);
    }
}
