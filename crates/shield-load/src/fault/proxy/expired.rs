//! A TLS server whose certificate has expired: what every client must refuse.
//!
//! The certificate is right in all other respects (name, key, signature), and [`ExpiredCertificate::certificate_pem`] lets a
//! client trust it, so that a refusal is about the dates and nothing else. A client that accepts it is counted and gets a
//! closed connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Longest handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Most handshakes at once.
const HANDSHAKES_MAX: usize = 1024;
/// Rest after the kernel refused a descriptor.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The running server. Dropped, it is gone.
#[derive(Debug)]
pub struct ExpiredCertificate {
    address: SocketAddr,
    certificate_pem: String,
    tally: Arc<Tally>,
    task: Option<JoinHandle<()>>,
}

/// What clients made of the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiredCounts {
    /// Handshakes that were finished: these clients do not look at dates.
    pub accepted: u64,
    /// Handshakes that were broken off.
    pub rejected: u64,
}

/// An [`ExpiredCertificate`] did not start.
#[derive(Debug, Error)]
pub enum StartExpiredError {
    /// The certificate was not made.
    #[error("make an expired certificate for `{host}`")]
    Issue {
        /// For whom.
        host: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refused it.
    #[error("configure a TLS server with the expired certificate for `{host}`")]
    Configure {
        /// For whom.
        host: String,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The port was not to be had.
    #[error("listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    rejected: AtomicU64,
}

// === impl ExpiredCertificate ===

impl ExpiredCertificate {
    /// Listens on `listen` (port 0 takes any free one) with a certificate for `host`, a name or an address, that expired in
    /// February 2020.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(listen: SocketAddr, host: &str) -> Result<Self, StartExpiredError> {
        let (certificate_pem, config) = expired(host)?;
        let failed = |source| StartExpiredError::Listen { address: listen, source };
        let listener = std::net::TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tally = Arc::<Tally>::default();
        let task = Some(tokio::spawn(serve(listener, TlsAcceptor::from(config), tally.clone())));
        Ok(Self { address, certificate_pem, tally, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate, for a client to trust but for its dates.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// What clients made of it so far.
    #[must_use]
    pub fn counts(&self) -> ExpiredCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ExpiredCounts { accepted: load(&self.tally.accepted), rejected: load(&self.tally.rejected) }
    }

    /// Closes the listener and every connection; back when they are closed.
    pub async fn shutdown(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It was cancelled, as it was told.
            let _ = task.await;
        }
    }
}

impl Drop for ExpiredCertificate {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

/// A self-signed certificate that was valid in January 2020, and a server that shows it.
fn expired(host: &str) -> Result<(String, Arc<ServerConfig>), StartExpiredError> {
    let failed = |source| StartExpiredError::Issue { host: host.to_owned(), source };
    let mut params = CertificateParams::new([host.to_owned()]).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "expired certificate");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2020, 2, 1);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let failed = |source| StartExpiredError::Configure { host: host.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .map_err(failed)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((certificate.pem(), Arc::new(config)))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, tally: Arc<Tally>) {
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = handshakes.join_next() => {}
            accepted = listener.accept(), if handshakes.len() < HANDSHAKES_MAX => match accepted {
                Ok((socket, _)) => drop(handshakes.spawn(shake_hands(socket, tls.clone(), tally.clone()))),
                Err(_) => sleep(RETRY_PAUSE).await,
            },
        }
    }
}

async fn shake_hands(socket: TcpStream, tls: TlsAcceptor, tally: Arc<Tally>) {
    match timeout(HANDSHAKE_LIMIT, tls.accept(socket)).await {
        Ok(Ok(mut stream)) => {
            tally.accepted.fetch_add(1, Ordering::Relaxed);
            // The client may have closed first.
            let _ = stream.shutdown().await;
        }
        Ok(Err(_)) | Err(_) => {
            tally.rejected.fetch_add(1, Ordering::Relaxed);
        }
    }
}
