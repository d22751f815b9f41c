//! The WebSockets of one user.
//!
//! A message is a request like any other: its time begins when it is due, includes the handshake if it opens the socket, and
//! ends with the whole message that answers it. An answer has the status 101; a server that refuses the handshake has
//! answered the message with the status it said. The handshake is part of connecting: before it has succeeded, nothing of the
//! message was sent. The user's HTTP connection is another one.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;

use crate::measure::failure::FailureKind;
use crate::plan::model::{Connection, Target};
use crate::scenario::cookies::Cookies;
use crate::scenario::model::{Action, Step};
use crate::scenario::program::{Program, ProgramStep};
use crate::scenario::template::Template;
use crate::scenario::user::User;
use crate::wire::connect::Connector;
use crate::wire::exchange::{Answer, Broken, Excerpt, Progress};
use crate::wire::http1::OpenConnection;
use crate::wire::request::{fill_headers, fill_path, sends_held_cookies};
use crate::wire::websocket::frames::{Opcode, write_frame};
use crate::wire::websocket::handshake::Handshake;
use crate::wire::websocket::socket::Socket;

/// Most sockets of one user; the one that was used last the longest ago makes room.
const SOCKETS_MAX: usize = 8;
/// The status of an answer.
const SWITCHED: u16 = 101;

pub(crate) struct WebSocketClient {
    connector: Connector,
    program: Arc<Program>,
    authority: String,
    kept: Connection,
    /// The one used last is at the end.
    open: Vec<OpenSocket>,
    /// Told to close, and left alone until the next one is: the server's own close frame still finds somebody.
    closing: Option<Socket>,
    /// Where the message goes, the message, and its frame; reused.
    path: Vec<u8>,
    message: Vec<u8>,
    frame: Vec<u8>,
}

struct OpenSocket {
    path: Vec<u8>,
    /// None once it ended while it was idle.
    socket: Option<Socket>,
}

/// What became of a handshake.
enum Opened {
    Socket(Box<Socket>),
    Refused(Answer),
}

/// Path and message of a WebSocket step; an HTTP step has none.
fn web_socket(step: &Step) -> Option<(&Template, &Template)> {
    match &step.action {
        Action::WebSocket { path, message, .. } => Some((path, message)),
        Action::Http(_) => None,
    }
}

// === impl OpenSocket ===

impl OpenSocket {
    async fn attend(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.attend().await;
            self.socket = None;
        }
    }
}

// === impl WebSocketClient ===

impl WebSocketClient {
    /// None for a program without WebSocket steps, whose users are not to pay for it.
    pub(crate) fn new(
        connector: Connector,
        program: Arc<Program>,
        target: &Target,
        kept: Connection,
    ) -> Option<Box<Self>> {
        program.steps.iter().any(|step| web_socket(&step.step).is_some()).then(|| {
            Box::new(Self {
                connector,
                program,
                authority: target.authority.clone(),
                kept,
                open: Vec::new(),
                closing: None,
                path: Vec::new(),
                message: Vec::new(),
                frame: Vec::new(),
            })
        })
    }

    /// Whether a step is one of those that go this way.
    pub(crate) fn takes(&self, step: usize) -> bool {
        web_socket(&self.program.steps[step].step).is_some()
    }

    /// Sends the message of a step once.
    pub(crate) async fn exchange(
        &mut self,
        step: usize,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Answer, Broken> {
        let program = self.program.clone();
        let step = &program.steps[step];
        self.fill(step, user);
        if let Some(mut socket) = self.take()
            && socket.catch_up().await
        {
            progress.set_reused(true);
            let result = socket.exchange(&self.frame, progress).await;
            // Closed under our hands, and not a byte was accepted: the same as closed before.
            if result.is_ok() || progress.written() {
                return self.settle(socket, result, step);
            }
            progress.set_reused(false);
        }
        match self.open(step, user, progress).await? {
            Opened::Refused(answer) => Ok(answer),
            Opened::Socket(mut socket) => {
                let result = socket.exchange(&self.frame, progress).await;
                self.settle(*socket, result, step)
            }
        }
    }

    /// Answers what servers say on idle sockets, until it is dropped.
    pub(crate) async fn attend(&mut self) {
        let mut idle: Vec<_> = self.open.iter_mut().map(|open| Box::pin(open.attend())).collect();
        poll_fn(|context| {
            idle.retain_mut(|socket| socket.as_mut().poll(context).is_pending());
            Poll::<()>::Pending
        })
        .await;
    }

    fn fill(&mut self, step: &ProgramStep, user: &mut User) {
        let (path, message) = web_socket(&step.step).expect("an HTTP step goes another way");
        self.path.clear();
        fill_path(user, path, &self.program, &mut self.path);
        self.message.clear();
        user.fill(message, &self.program, &mut self.message);
        self.frame.clear();
        write_frame(Opcode::Text, &self.message, &mut self.frame);
    }

    /// The open socket to the path. It is put back once its message is answered, and never otherwise.
    fn take(&mut self) -> Option<Socket> {
        let index = self.open.iter().position(|open| open.path == self.path)?;
        self.open.remove(index).socket
    }

    /// Connects and shakes hands.
    async fn open(
        &mut self,
        step: &ProgramStep,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Opened, Broken> {
        let handshake = Handshake::new();
        let mut own_fields = Vec::new();
        let nothing = Cookies::default();
        let mut cookies = true;
        if let Action::WebSocket { headers, .. } = &step.step.action {
            fill_headers(user, headers, &self.program, &mut own_fields);
            cookies = sends_held_cookies(headers, user);
        }
        let cookies = if cookies { &user.cookies } else { &nothing };
        let request = handshake.request(&self.path, &self.authority, cookies, &own_fields);
        let wire = self.connector.connect(progress).await?;
        let mut connection = OpenConnection { wire, buffer: BytesMut::new() };
        let stream = &mut connection.wire.stream;
        let written = async {
            stream.write_all(&request).await?;
            stream.flush().await
        };
        written.await.map_err(|error| Broken::of_io(&error, FailureKind::Reset))?;
        let (head, headers) = connection.read_head(true).await?;
        let headers = headers.unwrap_or_default();
        if head.status != SWITCHED {
            let mut excerpt = Excerpt::of(step, head.status);
            connection.read_body(head.framing, &mut excerpt).await?;
            return Ok(Opened::Refused(Answer { status: head.status, excerpt, headers: Some(headers) }));
        }
        handshake.verify(&headers).map_err(|error| Broken::new(FailureKind::Protocol, error))?;
        user.take_cookies(&headers);
        Ok(Opened::Socket(Box::new(Socket::new(connection.wire, connection.buffer))))
    }

    /// Keeps a socket whose message was answered, or closes it.
    fn settle(
        &mut self,
        mut socket: Socket,
        result: Result<BytesMut, Broken>,
        step: &ProgramStep,
    ) -> Result<Answer, Broken> {
        let message = result?;
        match self.kept {
            Connection::KeepAlive => {
                if self.open.len() >= SOCKETS_MAX {
                    self.open.remove(0);
                }
                self.open.push(OpenSocket { path: self.path.clone(), socket: Some(socket) });
            }
            Connection::Fresh => {
                socket.finish();
                self.closing = Some(socket);
            }
        }
        let mut excerpt = Excerpt::of(step, SWITCHED);
        excerpt.push(&message);
        Ok(Answer { status: SWITCHED, excerpt, headers: None })
    }
}
