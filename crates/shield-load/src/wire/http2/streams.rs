//! The streams of one connection, found by their number without hashing.
//!
//! Streams are numbered by this client, so it leaves out numbers whose place is taken by an older stream: the place of a
//! stream follows from its number alone. (Numbers that are left out count as used, says the protocol.)

use std::task::Waker;

use super::codec::STREAM_MAX;
use crate::wire::exchange::{Answer, Broken};

/// Places at first; always a power of two.
const PLACES_MIN: usize = 8;

/// One request under way, or ended and not yet fetched by its lane.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) step: usize,
    /// Position of its first byte on the connection.
    pub(super) begins_at: u64,
    pub(super) waker: Option<Waker>,
    /// How it ended.
    pub(super) end: Option<End>,
    /// None before the final head.
    pub(super) answer: Option<Answer>,
    /// Answers before the final one.
    pub(super) interim: u32,
    /// What is still to come, if the answer says so.
    pub(super) length_left: Option<u64>,
    /// What the server may send.
    pub(super) receive_window: i64,
    /// What this client may send.
    pub(super) send_window: i64,
    /// The part of the body that the windows kept back.
    pub(super) unsent: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum End {
    /// With a whole answer.
    Whole,
    Broken(Broken),
    /// Nothing was written.
    Withheld,
}

/// All streams of a connection.
#[derive(Debug)]
pub(super) struct Streams {
    places: Vec<Option<Stream>>,
    held: usize,
}

// === impl Streams ===

impl Streams {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES_MIN).map(|_| None).collect(), held: 0 }
    }

    fn place(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.places.len() - 1)
    }

    /// A number with a free place, the first from `id` on; none when numbers ran out.
    pub(super) fn free_from(&mut self, mut id: u32) -> Option<u32> {
        if self.held * 2 >= self.places.len() {
            self.grow();
        }
        while id <= STREAM_MAX {
            if self.places[self.place(id)].is_none() {
                return Some(id);
            }
            id += 2;
        }
        None
    }

    /// Twice as many places: no two streams come to share one.
    fn grow(&mut self) {
        let places = (0..self.places.len() * 2).map(|_| None).collect();
        for stream in std::mem::replace(&mut self.places, places).into_iter().flatten() {
            let place = self.place(stream.id);
            self.places[place] = Some(stream);
        }
    }

    /// Takes in a stream whose number has a free place.
    pub(super) fn insert(&mut self, stream: Stream) {
        let place = self.place(stream.id);
        debug_assert!(self.places[place].is_none(), "the place of a new stream is free");
        self.places[place] = Some(stream);
        self.held += 1;
    }

    pub(super) fn get(&mut self, id: u32) -> Option<&mut Stream> {
        let place = self.place(id);
        self.places[place].as_mut().filter(|stream| stream.id == id)
    }

    /// The stream if it has not ended.
    pub(super) fn under_way(&mut self, id: u32) -> Option<&mut Stream> {
        self.get(id).filter(|stream| stream.end.is_none())
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Stream> {
        let place = self.place(id);
        let stream = self.places[place].take_if(|stream| stream.id == id)?;
        self.held -= 1;
        Some(stream)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.places.iter_mut().flatten()
    }
}

#[cfg(test)]
impl Stream {
    pub(super) fn test(id: u32) -> Self {
        Self {
            id,
            step: 0,
            begins_at: 0,
            waker: None,
            end: None,
            answer: None,
            interim: 0,
            length_left: None,
            receive_window: 0,
            send_window: 0,
            unsent: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_streams_keep_their_place() {
        let mut streams = Streams::new();
        let mut next = 1;
        // Every third one stays.
        let mut stay = Vec::new();
        for round in 0..1000 {
            let id = streams.free_from(next).unwrap();
            streams.insert(Stream::test(id));
            next = id + 2;
            if round % 3 == 0 && stay.len() < 50 {
                stay.push(id);
            } else {
                assert_eq!(streams.remove(id).unwrap().id, id);
            }
        }
        assert_eq!(streams.iter_mut().count(), 50);
        assert!(stay.iter().all(|id| streams.get(*id).is_some_and(|stream| stream.id == *id)));
        assert!(streams.get(next).is_none() && streams.remove(stay[0] + 2).is_none());
    }

    #[test]
    fn numbers_run_out() {
        let mut streams = Streams::new();
        assert_eq!(streams.free_from(STREAM_MAX), Some(STREAM_MAX));
        streams.insert(Stream::test(STREAM_MAX));
        assert_eq!(streams.free_from(STREAM_MAX), None);
        assert_eq!(streams.free_from(STREAM_MAX + 2), None);
    }
}
