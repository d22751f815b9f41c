//! Sends letters in the background: who asked for one must not wait for a mail server, nor learn from the wait whether
//! an account exists.
//!
//! Each letter is tried [`ATTEMPTS`] times, with growing pauses, in which others go out: one that a server defers holds nobody
//! up. At most [`WAITING_MAX`] wait, and [`RESERVED`] beside them that choose a new password, since whoever is locked out waits
//! for nothing else. A letter that cannot be sent, or that finds no room, is dropped with an error in the log that names its
//! subject and not its text; its receiver can ask for another. Letters that wait when the process ends are still tried once.

use std::{fs, future, io, iter, path::PathBuf, sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use prometheus_client::metrics::counter::Counter;
use thiserror::Error;
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{
    destination::MailDestination,
    letter::{Letter, Urgency},
};
use crate::telemetry::causes;

/// Letters of any kind that may wait.
pub const WAITING_MAX: usize = 1_000;
/// Letters beside them that may wait if they are urgent.
pub const RESERVED: usize = 250;
/// Letters that are handed over at a time: a server that is slow with one does not hold up the others.
const UNDER_WAY_MAX: usize = 4;
/// How often one is tried.
const ATTEMPTS: u32 = 5;
/// Pause after the first failure; each later one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest time one command of a server may take.
const SERVER_TIMEOUT: Duration = Duration::from_secs(10);
/// Mode of letters in files: they hold tokens.
const OWNER_ONLY: u32 = 0o600;

/// Takes letters.
#[derive(Clone, Debug)]
pub struct Mailer {
    queue: mpsc::UnboundedSender<Addressed>,
    room: Arc<Room>,
    dropped: Counter,
}

/// Where letters wait: what bounds the queue.
#[derive(Debug)]
struct Room {
    common: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
}

/// The task behind a [`Mailer`].
#[derive(Debug)]
pub struct Postman {
    task: JoinHandle<()>,
}

/// Mail cannot be sent as configured.
#[derive(Debug, Error)]
pub enum MailError {
    /// The directory for letters.
    #[error("make the directory of letters `{}`", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server's URL.
    #[error("use the mail server")]
    Server(#[source] lettre::transport::smtp::Error),
}

#[derive(Debug)]
struct Addressed {
    to: Mailbox,
    letter: Letter,
    _place: OwnedSemaphorePermit,
}

/// The postman's desk.
#[derive(Debug)]
struct Desk {
    route: Arc<Route>,
    from: Mailbox,
    waiting: Vec<Deferred>,
    under_way: JoinSet<Option<Deferred>>,
    dropped: Counter,
    /// The process ends: nothing is tried again.
    closing: bool,
}

/// A letter, and when it is tried next.
#[derive(Debug)]
struct Deferred {
    addressed: Addressed,
    due: Instant,
    attempts: u32,
}

/// Whether a letter is tried again if this time fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Left,
    Ended,
}

/// A letter is not tried again; the log said why.
#[derive(Debug)]
struct Dropped;

/// How letters leave.
#[derive(Debug)]
enum Route {
    Directory(PathBuf),
    Server(AsyncSmtpTransport<Tokio1Executor>),
}

/// One attempt failed.
#[derive(Debug, Error)]
enum SendError {
    #[error("compose the letter")]
    Compose(#[from] lettre::error::Error),
    #[error("write the letter")]
    Write(#[from] io::Error),
    #[error("hand it to the server")]
    Server(#[from] lettre::transport::smtp::Error),
}

// === impl SendError ===

impl SendError {
    /// Whether trying again would end the same way.
    fn permanent(&self) -> bool {
        match self {
            Self::Compose(_) => true,
            Self::Write(_) => false,
            Self::Server(error) => error.is_permanent(),
        }
    }
}

// === impl Mailer ===

impl Mailer {
    /// Starts the postman. Letters to files go to `directory`.
    ///
    /// # Errors
    /// When the directory cannot be made, or the server's URL not be used.
    pub fn start(
        destination: &MailDestination,
        directory: PathBuf,
        from: Mailbox,
    ) -> Result<(Self, Postman), MailError> {
        let route = match destination {
            MailDestination::File => {
                let made = fs::create_dir_all(&directory);
                made.map_err(|source| MailError::Directory { path: directory.clone(), source })?;
                Route::Directory(directory)
            }
            MailDestination::Smtp(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
                Route::Server(transport.map_err(MailError::Server)?.timeout(Some(SERVER_TIMEOUT)).build())
            }
        };
        let (queue, letters) = mpsc::unbounded_channel();
        let dropped = Counter::default();
        let desk = Desk {
            route: Arc::new(route),
            from,
            waiting: Vec::new(),
            under_way: JoinSet::new(),
            dropped: dropped.clone(),
            closing: false,
        };
        let task = tokio::spawn(desk.work(letters));
        Ok((Self { queue, room: Arc::new(Room::new()), dropped }, Postman { task }))
    }

    /// How many letters were dropped, for whatever reason; it counts on.
    pub fn dropped(&self) -> Counter {
        self.dropped.clone()
    }

    /// Sends `letter` soon. Never waits.
    pub fn send(&self, to: Mailbox, letter: Letter) {
        let subject = letter.subject;
        let Some(place) = self.room.take(letter.urgency) else {
            self.dropped.inc();
            tracing::error!(subject, "letter dropped: too many are waiting");
            return;
        };
        if self.queue.send(Addressed { to, letter, _place: place }).is_err() {
            self.dropped.inc();
            tracing::error!(subject, "letter dropped: the postman is gone");
        }
    }
}

// === impl Room ===

impl Room {
    fn new() -> Self {
        Self { common: Arc::new(Semaphore::new(WAITING_MAX)), reserved: Arc::new(Semaphore::new(RESERVED)) }
    }

    fn take(&self, urgency: Urgency) -> Option<OwnedSemaphorePermit> {
        let place = |room: &Arc<Semaphore>| Arc::clone(room).try_acquire_owned().ok();
        match urgency {
            Urgency::Ordinary => place(&self.common),
            Urgency::Urgent => place(&self.common).or_else(|| place(&self.reserved)),
        }
    }
}

// === impl Postman ===

impl Postman {
    /// Waits until every letter was tried; call it when every [`Mailer`] is gone.
    pub async fn finish(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the postman ended early");
        }
    }
}

// === impl Desk ===

impl Desk {
    async fn work(mut self, mut letters: mpsc::UnboundedReceiver<Addressed>) {
        loop {
            let due = self.start_due();
            tokio::select! {
                letter = letters.recv(), if !self.closing => match letter {
                    Some(addressed) => {
                        self.waiting.push(Deferred { addressed, due: Instant::now(), attempts: 0 });
                    }
                    None => self.closing = true,
                },
                Some(ended) = self.under_way.join_next() => match ended {
                    Ok(deferred) => self.waiting.extend(deferred),
                    Err(error) => {
                        self.dropped.inc();
                        tracing::error!(%error, "a letter was lost");
                    }
                },
                () = until(due), if due.is_some() => {}
                else => return,
            }
        }
    }

    /// Hands over what is due, as far as there is a hand free; answers when something else will be, if one is free for it.
    fn start_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        while self.under_way.len() < UNDER_WAY_MAX {
            let next = self.waiting.iter().enumerate().min_by_key(|(_, deferred)| deferred.due);
            let (index, due) = next.map(|(index, deferred)| (index, deferred.due))?;
            if due > now && !self.closing {
                return Some(due);
            }
            let deferred = self.waiting.swap_remove(index);
            // The end of the process does not wait for a server that is away.
            let patience = match self.closing || deferred.attempts + 1 >= ATTEMPTS {
                true => Patience::Ended,
                false => Patience::Left,
            };
            let (route, from, dropped) = (Arc::clone(&self.route), self.from.clone(), self.dropped.clone());
            self.under_way.spawn(async move {
                let tried = attempt(&route, from, deferred, patience).await;
                tried.unwrap_or_else(|Dropped| {
                    dropped.inc();
                    None
                })
            });
        }
        None
    }
}

/// Tries once; answers the letter if it is to be tried again.
async fn attempt(
    route: &Route,
    from: Mailbox,
    deferred: Deferred,
    patience: Patience,
) -> Result<Option<Deferred>, Dropped> {
    let Deferred { addressed, attempts, .. } = deferred;
    let Err(error) = deliver(route, from, &addressed).await else { return Ok(None) };
    let (subject, attempt, cause) = (addressed.letter.subject, attempts + 1, chain(&error));
    if patience == Patience::Ended || error.permanent() {
        tracing::error!(subject, attempt, cause, "letter dropped: it could not be sent");
        return Err(Dropped);
    }
    tracing::warn!(subject, attempt, cause, "letter not sent, trying again");
    let due = Instant::now() + FIRST_PAUSE * 4_u32.pow(attempts);
    Ok(Some(Deferred { addressed, due, attempts: attempt }))
}

/// For ever, if there is nothing to wait for.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => future::pending().await,
    }
}
/// The error with everything underneath.
fn chain(error: &SendError) -> String {
    iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}

async fn deliver(route: &Route, from: Mailbox, addressed: &Addressed) -> Result<(), SendError> {
    let Addressed { to, letter, .. } = addressed;
    let builder =
        Message::builder().from(from).to(to.clone()).subject(letter.subject).header(ContentType::TEXT_PLAIN);
    let message = builder.body(letter.text.clone())?;
    match route {
        Route::Directory(directory) => write(directory.clone(), &message.formatted()).await?,
        Route::Server(transport) => drop(transport.send(message).await?),
    }
    Ok(())
}

/// A reader never finds half a letter, nor is one left over. A directory that somebody took away is made again, but not the one
/// that it was in: where all of it was moved, the letter fails.
async fn write(directory: PathBuf, letter: &[u8]) -> io::Result<()> {
    let name = Uuid::now_v7();
    let unfinished = directory.join(format!(".{name}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(OWNER_ONLY);
    let opened = match options.open(&unfinished).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(directory = %directory.display(), "the directory of letters is gone, making it again");
            tokio::fs::create_dir(&directory).await?;
            options.open(&unfinished).await
        }
        opened => opened,
    };
    let written = write_to(opened?, letter).await;
    if written.is_err() {
        // That the letter failed is told already.
        let _removed = tokio::fs::remove_file(&unfinished).await;
    }
    written?;
    tokio::fs::rename(unfinished, directory.join(format!("{name}.eml"))).await
}

async fn write_to(mut file: File, letter: &[u8]) -> io::Result<()> {
    file.write_all(letter).await?;
    file.sync_all().await
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    use super::*;
    use crate::scratch::ScratchDirectory;

    fn somebody() -> Mailbox {
        "somebody@example.com".parse().unwrap()
    }

    #[tokio::test]
    async fn letters_become_files() {
        let directory = ScratchDirectory::new();
        let place = directory.path().join("mail");
        let (mailer, postman) = Mailer::start(&MailDestination::File, place.clone(), somebody()).unwrap();
        mailer.send(somebody(), Letter::reset_password("the-token", "LinkShield"));
        drop(mailer);
        postman.finish().await;
        let files: Vec<_> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = files.as_slice() else { panic!("{files:?}") };
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("To: somebody@example.com") && text.contains("\r\nthe-token\r\n"), "{text}");
    }

    #[tokio::test]
    async fn a_directory_that_is_gone_is_made_again() {
        let directory = ScratchDirectory::new();
        let place = directory.path().join("data").join("mail");
        let (mailer, postman) = Mailer::start(&MailDestination::File, place.clone(), somebody()).unwrap();
        fs::remove_dir(&place).unwrap();
        mailer.send(somebody(), Letter::reset_password("the-token", "LinkShield"));
        drop(mailer);
        postman.finish().await;
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
        let (mailer, postman) = Mailer::start(&MailDestination::File, place.clone(), somebody()).unwrap();
        fs::rename(directory.path().join("data"), directory.path().join("moved")).unwrap();
        mailer.send(somebody(), Letter::reset_password("the-token", "LinkShield"));
        let dropped = mailer.dropped();
        drop(mailer);
        postman.finish().await;
        assert_eq!(dropped.get(), 1);
        assert!(!place.exists(), "what was moved as a whole does not come back in part");
    }

    #[tokio::test]
    async fn letters_reach_a_server_that_stumbles() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let directory = ScratchDirectory::new();
        let (mailer, postman) =
            Mailer::start(&url.parse().unwrap(), directory.path().into(), somebody()).unwrap();
        mailer.send(somebody(), Letter::verify_address("the-token", "LinkShield"));
        // The first connection ends at once.
        drop(listener.accept().await.unwrap());
        let received = serve_one_letter(&listener).await;
        drop(mailer);
        postman.finish().await;
        assert!(received.contains("the-token"), "{received}");
    }

    /// The review of issue 4, 13.
    #[tokio::test]
    async fn a_deferred_letter_holds_nobody_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let directory = ScratchDirectory::new();
        let (mailer, _postman) =
            Mailer::start(&url.parse().unwrap(), directory.path().into(), somebody()).unwrap();
        let (told, mut received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(defer_all_but_one(stream, told.clone()));
            }
        });
        for number in 0..20 {
            let deferred = format!("deferred{number}@example.com").parse().unwrap();
            mailer.send(deferred, Letter::verify_address("the-token", "LinkShield"));
        }
        mailer.send(somebody(), Letter::verify_address("the-token", "LinkShield"));
        // Each of the others is tried for more than 42 s.
        let taken = tokio::time::timeout(Duration::from_secs(30), received.recv()).await;
        taken.expect("it overtakes what is deferred").unwrap();
    }

    /// Has no mailbox for anybody but [`somebody`], for now.
    async fn defer_all_but_one(stream: tokio::net::TcpStream, told: mpsc::UnboundedSender<()>) {
        let mut stream = BufReader::new(stream);
        let mut answer = "220 here";
        loop {
            if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
            let mut line = String::new();
            match stream.read_line(&mut line).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            answer = match line.trim_end() {
                line if line.starts_with("RCPT") && !line.contains("somebody@") => "450 later",
                "DATA" => {
                    told.send(()).unwrap();
                    return;
                }
                _ => "250 fine",
            };
        }
    }

    #[tokio::test]
    async fn new_passwords_have_room_of_their_own() {
        let room = Room::new();
        let all: Vec<_> = iter::from_fn(|| room.take(Urgency::Ordinary)).collect();
        assert_eq!(all.len(), WAITING_MAX);
        let urgent: Vec<_> = iter::from_fn(|| room.take(Urgency::Urgent)).collect();
        assert_eq!(urgent.len(), RESERVED);
        assert_eq!(Letter::reset_password("t", "s").urgency, Urgency::Urgent);
        drop(all);
        assert!(room.take(Urgency::Ordinary).is_some(), "a letter that is gone makes room");
    }

    /// As much of RFC 5321 as one letter needs.
    async fn serve_one_letter(listener: &TcpListener) -> String {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 here\r\n").await.unwrap();
        let (mut letter, mut in_letter) = (String::new(), false);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let answer = match (in_letter, line.trim_end()) {
                (true, ".") => {
                    in_letter = false;
                    "250 taken"
                }
                (true, text) => {
                    letter.push_str(text);
                    continue;
                }
                (false, "DATA") => {
                    in_letter = true;
                    "354 go on"
                }
                (false, "QUIT" | "") => return letter,
                (false, _) => "250 fine",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
    }
}
