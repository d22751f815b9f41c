//! Fetches archives over HTTP.
//!
//! TLS is verified against the roots that the system trusts (or `SSL_CERT_FILE`), and never left again by a redirect; proxies are
//! those of the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). What is fetched goes to a file without a name:
//! however the process ends, nothing of it stays. Each wait, the number of redirects and the size have a limit.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::crypto::ring;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

/// Longest wait for a connection, for the head of an answer, and for any next part of its body.
const CONNECT_MAX: Duration = Duration::from_secs(20);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Longest time that one archive may take in all: 1 GiB at 300 kB a second.
const ARCHIVE_TIME_MAX: Duration = Duration::from_secs(3_600);
/// Largest archive, in bytes; the largest of OSV's has a few hundred million.
const ARCHIVE_BYTES_MAX: u64 = 1 << 30;
const REDIRECTS_MAX: u32 = 5;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Why an archive was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nothing can be verified.
    #[error("find certificates that the system trusts: there are none")]
    NoRoots,
    /// Another answer than the archive.
    #[error("get the archive: the server answered with status {status}")]
    Status {
        /// Of the answer.
        status: u16,
    },
    /// No answer, or not the whole of one.
    #[error("get the whole archive")]
    Broken(#[source] ureq::Error),
    /// More than is ever read.
    #[error("get the archive: it has more than {ARCHIVE_BYTES_MAX} bytes")]
    Larger,
    /// What came could not be kept for a moment.
    #[error("keep the archive in `{directory}`")]
    Keep {
        /// Where.
        directory: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Fetches archives from one server.
pub(super) struct Client {
    agent: Agent,
}

// === impl Client ===

impl Client {
    /// A client for what begins with `base`: with `https`, it never asks without.
    pub(super) fn of(base: &str) -> Result<Self, DownloadError> {
        let https = base.starts_with("https:");
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(if https { system_roots()? } else { RootCerts::new_with_certs(&[]) });
        let config = Agent::config_builder()
            .https_only(https)
            .tls_config(tls.build())
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("shield/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_recv_response(Some(WAIT_MAX))
            .timeout_per_read(Some(WAIT_MAX))
            .timeout_global(Some(ARCHIVE_TIME_MAX));
        Ok(Self { agent: config.build().new_agent() })
    }

    /// The whole of what is at `url`, in a file without a name in `directory`. `tell` hears how many bytes there are, and of how
    /// many, if the server says.
    pub(super) fn fetch(
        &self,
        url: &str,
        directory: &Path,
        tell: &dyn Fn(u64, Option<u64>),
    ) -> Result<File, DownloadError> {
        let keep = |source| DownloadError::Keep { directory: directory.display().to_string(), source };
        let mut answer = self.agent.get(url).call().map_err(refused)?;
        // Anything but the archive itself (nothing, a part) is none.
        if answer.status() != 200 {
            return Err(DownloadError::Status { status: answer.status().as_u16() });
        }
        let all = answer.body().content_length();
        if all.is_some_and(|all| all > ARCHIVE_BYTES_MAX) {
            return Err(DownloadError::Larger);
        }
        let mut file = tempfile::tempfile_in(directory).map_err(keep)?;
        let mut body = answer.body_mut().as_reader();
        let (mut chunk, mut bytes) = (vec![0; CHUNK], 0_u64);
        loop {
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return Err(DownloadError::Broken(error.into())),
            };
            bytes += read as u64;
            if bytes > ARCHIVE_BYTES_MAX {
                return Err(DownloadError::Larger);
            }
            file.write_all(&chunk[..read]).map_err(keep)?;
            tell(bytes, all);
        }
        file.rewind().map_err(keep)?;
        Ok(file)
    }
}

fn refused(error: ureq::Error) -> DownloadError {
    match error {
        ureq::Error::StatusCode(status) => DownloadError::Status { status },
        other => DownloadError::Broken(other),
    }
}

/// What the system trusts; certificates that cannot be read are left out, as other programs do.
fn system_roots() -> Result<RootCerts, DownloadError> {
    let found = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = found.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    if roots.is_empty() { Err(DownloadError::NoRoots) } else { Ok(roots.into()) }
}
