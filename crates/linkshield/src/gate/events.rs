//! Security events on their way from requests to two files of lines (OCSF).
//!
//! No request waits for a file: an event that finds its queue full is counted, and the count goes to the log. What happens to
//! accounts has a queue and a file of its own; what anybody can cause is counted where it repeats, and its sums are written once
//! a minute ([`EventTally`]). So no flood takes a line of an account's history away, and each is some thousand lines a minute
//! at most.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use shield_guard::event::{
    EVENT_LINE_BYTES_MAX, EventContext, EventId, EventSource, EventTally, Room, SecurityEvent, Sighting,
    write_event, write_sum,
};
use shield_types::Timestamp;
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at},
};
use uuid::Uuid;

use super::event_file::{EventFile, OpenFile};
use crate::{
    background::{Background, StopSignal},
    clock::now,
};

/// Events of one room that wait for their file.
const QUEUE_MAX: usize = 4_096;
/// Events that are written at once.
const BATCH_MAX: usize = 256;
/// Kinds of events and their sources that are told apart between two sums.
const KINDS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not zero");
/// How often sums are written.
const SUM_PERIOD: Duration = Duration::from_mins(1);

/// Takes events from anywhere; cheap to clone.
#[derive(Clone, Debug)]
pub struct EventSink {
    accounts: mpsc::Sender<Vec<u8>>,
    anybody: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

/// The task that writes.
#[derive(Debug)]
pub struct EventWriter(Background);

/// What sinks and writer know together.
#[derive(Debug)]
struct Shared {
    lost: AtomicU64,
    tally: Mutex<EventTally>,
    instance: Box<str>,
}

/// What the writer works on.
struct Desk {
    accounts: Drawer,
    anybody: Drawer,
    shared: Arc<Shared>,
    /// How many lost ones the log was told of.
    told: u64,
    /// How often sums are written.
    period: Duration,
}

/// The queue of a room, and its file.
struct Drawer {
    lines: mpsc::Receiver<Vec<u8>>,
    batch: Vec<Vec<u8>>,
    file: OpenFile,
}

// === impl EventSink ===

impl EventSink {
    /// Hands an event on; `describe` completes its context, which has a fresh id, the time, and nothing else.
    pub fn tell<'a>(
        &self,
        event: &SecurityEvent,
        describe: impl FnOnce(EventContext<'a>) -> EventContext<'a>,
    ) {
        let at = now();
        let context = describe(EventContext {
            id: fresh_id(at),
            at,
            request_id: "",
            client: None,
            actor: None,
            subject: None,
            session: None,
            method: "",
            route: "",
            status: None,
            user_agent: "",
        });
        let queue = match event.shape().room {
            Room::Accounts => &self.accounts,
            Room::Anybody => match self.shared.tally().note(event, &context) {
                Sighting::First => &self.anybody,
                Sighting::Counted => return,
            },
        };
        let mut line = Vec::with_capacity(EVENT_LINE_BYTES_MAX);
        write_event(event, &context, &self.shared.source(), &mut line);
        line.shrink_to_fit();
        if queue.try_send(line).is_err() {
            self.shared.lose(1);
        }
    }

    /// Events that found their queue full, or the file unwritable.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

fn fresh_id(at: Timestamp) -> EventId {
    // Without the bits that say which version it is.
    let [a, b, c, d, e, f, _, _, _, g, h, i, j, ..] = *Uuid::new_v4().as_bytes();
    EventId::new(at, [a, b, c, d, e, f, g, h, i, j])
}

// === impl EventWriter ===

impl EventWriter {
    /// Opens the files of both rooms and starts the task. `instance` says which running copy writes.
    ///
    /// # Errors
    /// When a file can be neither opened nor made: a service that cannot say what it refuses does not start.
    pub async fn start(place: EventFile, instance: &str) -> io::Result<(EventSink, Self)> {
        Self::summing_every(SUM_PERIOD, place, instance).await
    }

    async fn summing_every(
        period: Duration,
        place: EventFile,
        instance: &str,
    ) -> io::Result<(EventSink, Self)> {
        let shared = Arc::new(Shared {
            lost: AtomicU64::new(0),
            tally: Mutex::new(EventTally::new(KINDS_MAX)),
            instance: instance.into(),
        });
        let (accounts, of_accounts) = Drawer::open(place.of(Room::Accounts)).await?;
        let (anybody, of_anybody) = Drawer::open(place.of(Room::Anybody)).await?;
        let sink = EventSink { accounts, anybody, shared: Arc::clone(&shared) };
        let desk = Desk { accounts: of_accounts, anybody: of_anybody, shared, told: 0, period };
        let task = Background::start("writer of security events", |stop| desk.work(stop));
        Ok((sink, Self(task)))
    }

    /// Writes what was handed on until now, and ends the task.
    pub async fn finish(self) {
        self.0.end().await;
    }
}

// === impl Shared ===

impl Shared {
    /// A panic while the lock is held leaves sums that are one off at most.
    fn tally(&self) -> MutexGuard<'_, EventTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self) -> EventSource<'_> {
        let version = env!("CARGO_PKG_VERSION");
        EventSource { product: "LinkShield", version, instance: &self.instance }
    }

    fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// The sums until now, each as a line.
    fn sums(&self) -> Vec<Vec<u8>> {
        let sums = self.tally().take();
        let line = |sum| {
            let mut line = Vec::new();
            write_sum(&sum, fresh_id(sum.until), &self.source(), &mut line);
            line
        };
        sums.into_iter().map(line).collect()
    }
}

// === impl Desk ===

impl Desk {
    async fn work(mut self, mut stop: StopSignal) {
        let mut minutes = interval_at(Instant::now() + self.period, self.period);
        loop {
            tokio::select! {
                Some(line) = self.accounts.lines.recv() => self.accounts.batch.push(line),
                Some(line) = self.anybody.lines.recv() => self.anybody.batch.push(line),
                _ = minutes.tick() => self.anybody.batch.extend(self.shared.sums()),
                () = stop.told() => break,
            }
            self.write().await;
        }
        self.accounts.lines.close();
        self.anybody.lines.close();
        self.anybody.batch.extend(self.shared.sums());
        while !self.accounts.is_empty() || !self.anybody.is_empty() {
            self.write().await;
        }
    }

    /// Writes a batch of each. What happened to accounts before a refusal is in its file before the refusal is.
    async fn write(&mut self) {
        self.anybody.fill();
        self.accounts.fill();
        for drawer in [&mut self.accounts, &mut self.anybody] {
            drawer.write(&self.shared).await;
        }
        let gone = self.shared.lost.load(Ordering::Relaxed);
        if gone > self.told {
            tracing::error!(count = gone - self.told, "security events were lost");
            self.told = gone;
        }
    }
}

// === impl Drawer ===

impl Drawer {
    async fn open(place: EventFile) -> io::Result<(mpsc::Sender<Vec<u8>>, Self)> {
        let file = OpenFile::at(place).await?;
        let (sender, lines) = mpsc::channel(QUEUE_MAX);
        Ok((sender, Self { lines, batch: Vec::with_capacity(BATCH_MAX), file }))
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.batch.is_empty()
    }

    /// Takes what waits, as long as it fits into the batch.
    fn fill(&mut self) {
        while self.batch.len() < BATCH_MAX
            && let Ok(line) = self.lines.try_recv()
        {
            self.batch.push(line);
        }
    }

    async fn write(&mut self, shared: &Shared) {
        if self.batch.is_empty() {
            return;
        }
        if let Err(error) = self.file.write(&self.batch.concat()).await {
            shared.lose(self.batch.len() as u64);
            let path = self.file.place.path.display();
            tracing::error!(error = %error, %path, "security events could not be written");
        }
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use serde_json::Value;

    use super::*;
    use crate::scratch::ScratchDirectory;

    const EVENT: SecurityEvent = SecurityEvent::RoleChanged { from: "user", to: "admin" };
    const REFUSAL: SecurityEvent = SecurityEvent::RateLimited { scope: "address", retry_after_s: 1 };

    fn lines(path: &Path) -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        // What follows the last line break is still being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The review of issue 4, 8.
    #[tokio::test]
    async fn asvs_v16_4_2_a_flood_erases_nothing() {
        let directory = ScratchDirectory::new();
        let place =
            EventFile { bytes_max: 1_000, kept_max: 1, ..EventFile::at(directory.path().join("e.jsonl")) };
        let (sink, writer) = EventWriter::start(place.clone(), "one").await.unwrap();
        sink.tell(&EVENT, |context| context);
        for number in 0..100_000_u32 {
            let client = Some(number.to_be_bytes().into());
            sink.tell(&REFUSAL, |context| EventContext { client, ..context });
            sink.tell(&REFUSAL, |context| EventContext { client: Some([192, 0, 2, 1].into()), ..context });
        }
        sink.tell(&EVENT, |context| context);
        writer.finish().await;
        assert_eq!(lines(&place.path).len(), 2, "in their own file, whatever else happened");
        assert_eq!(sink.lost(), 0);
        assert!(place.of(Room::Anybody).kept(1).exists(), "whose own file was full more than once");
    }

    #[tokio::test]
    async fn sums_and_lines_add_up() {
        let directory = ScratchDirectory::new();
        let place = EventFile::at(directory.path().join("e.jsonl"));
        let (sink, writer) = EventWriter::start(place.clone(), "one").await.unwrap();
        for number in 0..5_000_u32 {
            let client = Some((number / 2).to_be_bytes().into());
            sink.tell(&REFUSAL, |context| EventContext { client, ..context });
        }
        writer.finish().await;
        let told = lines(&place.of(Room::Anybody).path);
        assert!(told.len() <= 2 * KINDS_MAX.get() + 1, "{}", told.len());
        assert_eq!(told.iter().map(|line| line["count"].as_u64().unwrap_or(1)).sum::<u64>(), 5_000);
    }

    #[tokio::test]
    async fn sums_do_not_wait_for_the_end() {
        let directory = ScratchDirectory::new();
        let place = EventFile::at(directory.path().join("e.jsonl"));
        let often = Duration::from_millis(5);
        let (sink, writer) = EventWriter::summing_every(often, place.clone(), "one").await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let counted = || lines(&place.of(Room::Anybody).path).iter().any(|line| line["count"].is_u64());
        while !counted() {
            sink.tell(&REFUSAL, |context| context);
            sink.tell(&REFUSAL, |context| context);
            tokio::time::sleep(often).await;
            assert!(Instant::now() < deadline, "waited in vain for a sum");
        }
        writer.finish().await;
    }

    #[tokio::test]
    async fn what_was_told_is_written_before_the_end() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let (sink, writer) = EventWriter::start(EventFile::at(path.clone()), "one").await.unwrap();
        for _ in 0..100 {
            sink.tell(&EVENT, |context| context);
        }
        writer.finish().await;
        assert_eq!((lines(&path).len(), sink.lost()), (100, 0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        sink.tell(&EVENT, |context| context);
        assert_eq!(sink.lost(), 1, "after the end nothing is taken, and that is counted");
    }

    #[tokio::test]
    async fn a_restart_appends() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        for _ in 0..2 {
            let (sink, writer) = EventWriter::start(EventFile::at(path.clone()), "one").await.unwrap();
            sink.tell(&EVENT, |context| context);
            writer.finish().await;
        }
        assert_eq!(lines(&path).len(), 2);
    }

    #[tokio::test]
    async fn full_files_are_set_aside_and_the_oldest_goes() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let place = EventFile { path: path.clone(), bytes_max: 1, kept_max: 2 };
        for number in 1..=4_u16 {
            let (sink, writer) = EventWriter::start(place.clone(), "one").await.unwrap();
            sink.tell(&EVENT, |context| EventContext { status: Some(number), ..context });
            writer.finish().await;
        }
        let status = |path: &Path| lines(path).iter().map(|line| line.to_string()).collect::<String>();
        assert_eq!(lines(&path).len(), 1);
        assert_eq!(lines(&place.kept(1)).len(), 1);
        assert_eq!(lines(&place.kept(2)).len(), 1);
        assert!(!place.kept(3).exists());
        assert_ne!(status(&path), status(&place.kept(1)));
    }

    #[tokio::test]
    async fn without_a_file_nothing_starts() {
        let directory = ScratchDirectory::new();
        let place = EventFile::at(directory.path().join("missing").join("events.jsonl"));
        assert!(EventWriter::start(place, "one").await.is_err());
    }
}
