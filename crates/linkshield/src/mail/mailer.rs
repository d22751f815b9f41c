//! Sends letters in the background: who asked for one must not wait for a mail server, nor learn from the wait whether
//! an account exists.
//!
//! At most [`WAITING_MAX`] letters wait; each is tried [`ATTEMPTS`] times, with growing pauses. A letter that cannot be
//! sent, or that finds the queue full, is dropped with an error in the log that names its subject and not its text; its
//! receiver can ask for another. Letters that wait when the process ends are still tried once.

use std::{fs, io, iter, path::PathBuf, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use thiserror::Error;
use tokio::{
    fs::OpenOptions,
    io::AsyncWriteExt,
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::sleep,
};
use uuid::Uuid;

use super::{destination::MailDestination, letter::Letter};
use crate::telemetry::causes;

/// Letters that may wait.
pub const WAITING_MAX: usize = 1_000;
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
    queue: mpsc::Sender<Addressed>,
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
}

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
        let (queue, letters) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(deliver_all(letters, route, from));
        Ok((Self { queue }, Postman { task }))
    }

    /// Sends `letter` soon. Never waits.
    pub fn send(&self, to: Mailbox, letter: Letter) {
        match self.queue.try_send(Addressed { to, letter }) {
            Ok(()) => {}
            Err(TrySendError::Full(dropped) | TrySendError::Closed(dropped)) => {
                tracing::error!(subject = dropped.letter.subject, "letter dropped: too many are waiting");
            }
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

async fn deliver_all(mut letters: mpsc::Receiver<Addressed>, route: Route, from: Mailbox) {
    while let Some(letter) = letters.recv().await {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=ATTEMPTS {
            let Err(error) = deliver(&route, from.clone(), &letter).await else { break };
            let (subject, cause) = (letter.letter.subject, chain(&error));
            // The end of the process does not wait for a server that is away.
            if attempt == ATTEMPTS || error.permanent() || letters.is_closed() {
                tracing::error!(subject, attempt, cause, "letter dropped: it could not be sent");
                break;
            }
            tracing::warn!(subject, attempt, cause, "letter not sent, trying again");
            sleep(pause).await;
            pause *= 4;
        }
    }
}

/// The error with everything underneath.
fn chain(error: &SendError) -> String {
    iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}

async fn deliver(route: &Route, from: Mailbox, addressed: &Addressed) -> Result<(), SendError> {
    let Addressed { to, letter } = addressed;
    let builder =
        Message::builder().from(from).to(to.clone()).subject(letter.subject).header(ContentType::TEXT_PLAIN);
    let message = builder.body(letter.text.clone())?;
    match route {
        Route::Directory(directory) => write(directory.clone(), &message.formatted()).await?,
        Route::Server(transport) => drop(transport.send(message).await?),
    }
    Ok(())
}

/// A reader never finds half a letter.
async fn write(directory: PathBuf, letter: &[u8]) -> io::Result<()> {
    let name = Uuid::now_v7();
    let unfinished = directory.join(format!(".{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&unfinished).await?;
    file.write_all(letter).await?;
    file.sync_all().await?;
    tokio::fs::rename(unfinished, directory.join(format!("{name}.eml"))).await
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
