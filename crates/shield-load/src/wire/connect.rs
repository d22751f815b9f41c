//! Connections: TCP, TLS, and whether an idle one is still good.
//!
//! Before a kept connection is used again, the kernel is asked whether the server closed it meanwhile. That is what
//! makes the difference between a connection that may be reopened silently (nothing was written to it) and a request
//! that was lost; asking the runtime instead would leave a window in which its view is older than the kernel's.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::measure::failure::FailureKind;
use crate::plan::model::{Connection, LoadPlan, Protocol};
use crate::plan::validate::{StartLoadError, server_name};
use crate::wire::exchange::{Broken, Progress};

/// Looks at an idle connection that has bytes to read, before it is given up: first as often as the runtime can be let
/// run in between, then with pauses.
const LOOKS_MAX: u32 = 64;
const LOOKS_WITHOUT_PAUSE: u32 = 16;
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// Opens the connections of one group of clients.
#[derive(Clone)]
pub(crate) struct Connector {
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    protocol: Protocol,
}

/// An open connection.
pub(crate) struct Wire {
    pub(crate) stream: Stream,
}

/// Bytes to and from the server.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What the kernel holds for an idle connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Nothing,
    Bytes,
    /// The server closed or reset it, and there is nothing left to read.
    Closed,
}

// === impl Connector ===

impl Connector {
    pub(crate) fn new(plan: &LoadPlan, protocol: Protocol, kept: Connection) -> Result<Self, StartLoadError> {
        let tls = match server_name(plan)? {
            None => None,
            Some(name) => Some((TlsConnector::from(Arc::new(tls_config(plan, protocol, kept)?)), name)),
        };
        Ok(Self { address: plan.target.address, tls, protocol })
    }

    /// A connection that a request is tried on.
    pub(crate) async fn connect(&self, progress: &Progress<'_>) -> Result<Wire, Broken> {
        self.open_and(|| progress.count_connection()).await
    }

    /// A connection that no request of the run is tried on.
    pub(crate) async fn open(&self) -> Result<Wire, Broken> {
        self.open_and(|| ()).await
    }

    async fn open_and(&self, opened: impl FnOnce()) -> Result<Wire, Broken> {
        let tcp = TcpStream::connect(self.address).await.and_then(|tcp| {
            tcp.set_nodelay(true)?;
            Ok(tcp)
        });
        let tcp = tcp.map_err(|error| {
            let refused = error.kind() == io::ErrorKind::ConnectionRefused;
            Broken::new(if refused { FailureKind::ConnectRefused } else { FailureKind::ConnectFailed }, error)
        })?;
        opened();
        let stream = match &self.tls {
            None => Stream::Plain(tcp),
            Some((connector, name)) => Stream::Tls(Box::new(self.secure(connector, name, tcp).await?)),
        };
        Ok(Wire { stream })
    }

    async fn secure(
        &self,
        connector: &TlsConnector,
        name: &ServerName<'static>,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Broken> {
        let failed = |error| Broken::new(FailureKind::Tls, format!("tls handshake: {error}"));
        let stream = connector.connect(name.clone(), tcp).await.map_err(failed)?;
        let agreed = stream.get_ref().1.alpn_protocol();
        let as_asked = match self.protocol {
            Protocol::Http1 => agreed.is_none_or(|name| name == b"http/1.1"),
            Protocol::Http2 => agreed == Some(b"h2"),
        };
        if as_asked {
            return Ok(stream);
        }
        let agreed = agreed.map(String::from_utf8_lossy).unwrap_or_default();
        Err(Broken::new(
            FailureKind::Tls,
            format!("asked for `{}`, the server agreed to `{agreed}`", self.protocol),
        ))
    }
}

fn tls_config(plan: &LoadPlan, protocol: Protocol, kept: Connection) -> Result<ClientConfig, StartLoadError> {
    let pem = plan.trust_pem.as_deref().ok_or(StartLoadError::TrustMissing)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|source| StartLoadError::TrustUnreadable { source })?;
        roots.add(certificate).map_err(|source| StartLoadError::Tls { source })?;
    }
    if roots.is_empty() {
        return Err(StartLoadError::TrustMissing);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| StartLoadError::Tls { source })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![match protocol {
        Protocol::Http1 => b"http/1.1".to_vec(),
        Protocol::Http2 => b"h2".to_vec(),
    }];
    if kept == Connection::Fresh {
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

// === impl Wire ===

impl Wire {
    /// Whether the server still waits for a request on this idle connection. Bytes that nobody asked for (a 408, an
    /// alert) mean no; session tickets are taken in.
    pub(crate) async fn still_open(&mut self) -> bool {
        for look in 0..LOOKS_MAX {
            match waiting(&self.stream) {
                Waiting::Nothing => return true,
                Waiting::Closed => return false,
                Waiting::Bytes if matches!(self.stream, Stream::Plain(_)) => return false,
                Waiting::Bytes => {}
            }
            let mut byte = [0; 1];
            let mut buffer = ReadBuf::new(&mut byte);
            let read = poll_fn(|context| {
                Poll::Ready(Pin::new(&mut self.stream).poll_read(context, &mut buffer).is_ready())
            });
            if read.await {
                return false;
            }
            let_runtime_look(look).await;
        }
        false
    }
}

/// Asks the kernel; takes nothing.
pub(crate) fn waiting(socket: &impl AsFd) -> Waiting {
    let mut byte = [0_u8; 1];
    match recv(socket, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((0, _)) => Waiting::Closed,
        Ok(_) => Waiting::Bytes,
        Err(Errno::AGAIN | Errno::INTR) => Waiting::Nothing,
        Err(_) => Waiting::Closed,
    }
}

/// Lets the runtime learn what the kernel knows already.
pub(crate) async fn let_runtime_look(look: u32) {
    if look < LOOKS_WITHOUT_PAUSE {
        yield_now().await;
    } else {
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// How often an idle connection is looked at.
pub(crate) fn looks() -> std::ops::Range<u32> {
    0..LOOKS_MAX
}

// === impl Stream ===

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(stream) => stream.as_fd(),
            Self::Tls(stream) => stream.get_ref().0.as_fd(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
