//! A certificate authority that lives as long as a test.
//!
//! Issues server certificates for names and addresses, so that tests run real TLS with real verification instead of
//! switching verification off. Keys exist in memory only.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use thiserror::Error;

/// The authority: a root certificate and the key that signs with it.
#[derive(Debug)]
pub struct TestAuthority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key.
#[derive(Debug)]
pub struct IssuedCertificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A certificate or a TLS configuration was not made.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The certificate could not be made.
    #[error("make a certificate for `{subject}`")]
    Issue {
        /// Whose.
        subject: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refused the certificate or its key.
    #[error("configure a TLS server with the issued certificate")]
    Configure {
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

// === impl TestAuthority ===

impl TestAuthority {
    /// Makes a new root.
    pub fn new() -> Result<Self, CertificateError> {
        let subject = "shield test authority";
        let failed = |source| CertificateError::Issue { subject: subject.to_owned(), source };
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, subject);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate_pem = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// The root certificate, for a client to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Issues a server certificate for DNS names and IP addresses.
    pub fn issue(&self, names: &[&str]) -> Result<IssuedCertificate, CertificateError> {
        let failed = |source| CertificateError::Issue { subject: names.join(", "), source };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, "shield test server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(IssuedCertificate { certificate, key })
    }
}

// === impl IssuedCertificate ===

impl IssuedCertificate {
    /// The certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Its private key, PKCS#8.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// A TLS server that shows this certificate and offers the protocols in this order (`b"h2"`, `b"http/1.1"`).
    pub fn server_config(&self, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, CertificateError> {
        let failed = |source| CertificateError::Configure { source };
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .map_err(failed)?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}
