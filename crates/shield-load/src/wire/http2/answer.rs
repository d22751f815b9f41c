//! Whether what the server sends on a stream is an answer (RFC 9113, section 8.1).

use http::Method;

use super::block::Scanned;
use super::codec::FrameHead;
use super::streams::Stream;
use crate::scenario::model::Action;
use crate::scenario::program::ProgramStep;
use crate::wire::exchange::{Answer, Excerpt};

/// Most interim answers (1xx) before the final one.
const INTERIM_MAX: u32 = 16;

/// Why it is none.
type Malformed = &'static str;

impl Stream {
    /// Takes in a head. True if it is the final one, false if it is an interim one or trailers.
    pub(super) fn take_head(
        &mut self,
        step: &ProgramStep,
        scanned: Scanned,
        head: FrameHead,
    ) -> Result<bool, Malformed> {
        if self.answer.is_some() {
            return match (scanned.status, head.ends_stream()) {
                (None, true) => self.check_length().map(|()| false),
                _ => Err("the answer has a second head"),
            };
        }
        let status = scanned.status.ok_or("the answer has no status")?;
        if status == 101 {
            return Err("the server switched protocols");
        }
        if status < 200 {
            self.interim += 1;
            return if head.ends_stream() || self.interim > INTERIM_MAX {
                Err("too many interim answers")
            } else {
                Ok(false)
            };
        }
        let bodiless = matches!(&step.step.action, Action::Http(request) if request.method == Method::HEAD);
        // These tell the length of a body that does not come.
        self.length_left = if bodiless || head.ends_stream() && [204, 304].contains(&status) {
            Some(0)
        } else {
            scanned.content_length
        };
        let excerpt = Excerpt::of(step, status);
        self.answer = Some(Answer { status, excerpt, headers: None });
        if head.ends_stream() {
            self.check_length()?;
        }
        Ok(true)
    }

    /// Takes in a part of the body.
    pub(super) fn take_data(&mut self, data: &[u8], head: FrameHead) -> Result<(), Malformed> {
        let answer = self.answer.as_mut().ok_or("the body came before the head")?;
        if let Some(left) = &mut self.length_left {
            *left = left.checked_sub(data.len() as u64).ok_or("the body is longer than the answer says")?;
        }
        answer.excerpt.push(data);
        if head.ends_stream() { self.check_length() } else { Ok(()) }
    }

    fn check_length(&self) -> Result<(), Malformed> {
        if self.length_left.is_some_and(|left| left > 0) {
            return Err("the body is shorter than the answer says");
        }
        Ok(())
    }
}
