//! TLS towards clients: rustls with ring, TLS 1.2 and 1.3, protocol by ALPN.
//!
//! The protocol is agreed in the handshake and never guessed from the first bytes, so no silent client can hold a
//! connection in a guess. A client that offers no ALPN speaks HTTP/1.1.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::protocol::TlsConfig;

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsConfigError {
    #[error("read the PEM certificates")]
    Certificates(#[source] rustls::pki_types::pem::Error),
    #[error("find a certificate in the PEM text")]
    NoCertificate,
    #[error("read the PEM private key")]
    Key(#[source] rustls::pki_types::pem::Error),
    #[error("pair the certificate with the private key")]
    Pair(#[source] rustls::Error),
}

/// Reads certificate and key.
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsConfigError> {
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(config.certificates_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(TlsConfigError::Certificates)?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(config.key_pem.as_bytes()).map_err(TlsConfigError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsConfigError::Pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(TlsConfigError::Pair)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// The handshake, and whether HTTP/2 was agreed.
pub(crate) async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    deadline: Duration,
) -> io::Result<(TlsStream<TcpStream>, bool)> {
    let stream = tokio::time::timeout(deadline, acceptor.accept(stream)).await??;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((stream, http2))
}
