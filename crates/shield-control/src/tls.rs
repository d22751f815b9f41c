//! The edge's certificate: issued by the local authority, renewed long before it ends.

use std::time::{Duration, Instant};

use shield_edge::protocol::{EdgeConfig, TlsConfig};
use tokio::sync::watch;

use crate::authority::{Authority, AuthorityError};

/// A leaf lives 90 days; a third of that is left when it is replaced.
const RENEW_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

/// The authority, and when it last issued.
pub(crate) struct EdgeTls {
    authority: Authority,
    hostnames: Vec<String>,
    issued_at: Instant,
}

// === impl EdgeTls ===

impl EdgeTls {
    pub(crate) fn new(authority: Authority, hostnames: Vec<String>) -> Self {
        Self { authority, hostnames, issued_at: Instant::now() }
    }

    /// A fresh certificate.
    pub(crate) fn issue(&self) -> Result<TlsConfig, AuthorityError> {
        let leaf = self.authority.issue(&self.hostnames)?;
        Ok(TlsConfig { certificates_pem: leaf.certificate_pem, key_pem: leaf.key_pem })
    }

    /// Gives the edge a fresh certificate when the present one is old. On an error the present one goes on.
    pub(crate) fn renew_if_old(&mut self, config: &watch::Sender<EdgeConfig>) {
        if self.issued_at.elapsed() < RENEW_AFTER {
            return;
        }
        match self.issue() {
            Ok(tls) => {
                self.issued_at = Instant::now();
                config.send_modify(|config| config.tls = Some(tls));
            }
            Err(error) => tracing::error!(%error, "the edge's certificate is not renewed"),
        }
    }
}
