//! The local certificate authority: made on first use, so that the first run needs nobody's certificate.
//!
//! It signs one leaf for the edge's host names. Deployment caveat: its key lies in the state directory, owner-only; a
//! machine that trusts this authority trusts whoever reads that directory.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::durable::{StateFileError, create_private_directory, failed, sync_directory, write_atomically};

/// Life of the authority.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Life of a leaf: browsers accept up to 398 days.
const LEAF_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Clocks of clients may be behind.
const BACKDATE: Duration = Duration::from_secs(3600);

/// A certificate authority of one state directory.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: PathBuf,
}

/// A certificate for the edge, with its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// Its PKCS#8 key, in PEM.
    pub key_pem: String,
}

/// An authority whose files could not be used; another one was made in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the local certificate authority was damaged ({problem}) and a new one was made: clients must trust `{}` again; the old \
     files are in `{}`",
    certificate.display(),
    aside.display()
)]
pub struct AuthorityDamage {
    /// What clients have to trust now.
    pub certificate: PathBuf,
    /// What was wrong.
    pub problem: String,
    /// Where the old files are.
    pub aside: PathBuf,
}

/// The authority cannot be made, read, or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file could not be read or written.
    #[error("open the local certificate authority")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// The files are there and do not make an authority, or a name cannot be certified.
    #[error("use the local certificate authority in `{}`", directory.display())]
    Certificate {
        /// Where it lies.
        directory: PathBuf,
        /// What is wrong.
        #[source]
        source: rcgen::Error,
    },
}

impl From<StateFileError> for AuthorityError {
    fn from(source: StateFileError) -> Self {
        Self::File { source }
    }
}

// === impl Authority ===

impl Authority {
    /// Opens the authority in `directory`, making it on first use, and anew when its files are damaged: an edge without a
    /// certificate serves nobody. The damage is told beside it.
    pub fn open(directory: &Path) -> Result<(Self, Option<AuthorityDamage>), AuthorityError> {
        let certificate = directory.join("ca.pem");
        let (pem, key) = (read(&certificate)?, read(&directory.join("ca.key"))?);
        if (&pem, &key) == (&None, &None) {
            return Ok((Self::create(directory)?, None));
        }
        let problem = match issuer(pem, key) {
            Ok(issuer) => return Ok((Self { issuer, certificate }, None)),
            Err(problem) => problem,
        };
        let aside = directory.join(format!("damaged-{}", jiff::Timestamp::now().as_second()));
        create_private_directory(&aside)?;
        let authority = Self::replace(directory, |path, name| fs::rename(path, aside.join(name)))?;
        Ok((authority, Some(AuthorityDamage { certificate, problem, aside })))
    }

    fn create(directory: &Path) -> Result<Self, AuthorityError> {
        Self::replace(directory, |_, _| Ok(()))
    }

    /// The new files are on the disk before `set_aside` takes an old one away.
    fn replace(
        directory: &Path,
        set_aside: impl Fn(&Path, &str) -> io::Result<()>,
    ) -> Result<Self, AuthorityError> {
        let broken = |source| AuthorityError::Certificate { directory: directory.to_owned(), source };
        let key = KeyPair::generate().map_err(broken)?;
        let params = authority_params();
        let pem = params.self_signed(&key).map_err(broken)?.pem();
        let files = [("ca.key", key.serialize_pem()), ("ca.pem", pem)];
        for (name, content) in &files {
            write_atomically(&directory.join(format!("new-{name}")), content.as_bytes())?;
        }
        for (name, _) in &files {
            let path = directory.join(name);
            if path.exists() {
                set_aside(&path, name).map_err(failed("set aside", &path))?;
            }
            let new = directory.join(format!("new-{name}"));
            fs::rename(&new, &path).map_err(failed("rename", &new))?;
        }
        sync_directory(directory).map_err(failed("sync", directory))?;
        Ok(Self { issuer: Issuer::new(params, key), certificate: directory.join("ca.pem") })
    }

    /// What a client has to trust: `curl --cacert` takes it.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A fresh leaf for `hostnames`, `127.0.0.1` and `::1`.
    pub fn issue(&self, hostnames: &[String]) -> Result<Leaf, AuthorityError> {
        let directory = self.certificate.parent().unwrap_or(Path::new(".")).to_owned();
        let broken = |source| AuthorityError::Certificate { directory, source };
        let issue = || {
            let key = KeyPair::generate()?;
            let certificate = leaf_params(hostnames)?.signed_by(&key, &self.issuer)?;
            Ok(Leaf { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
        };
        issue().map_err(broken)
    }
}

/// The file's content; none when there is no such file. What is not text is damage, anything else an error.
fn read(path: &Path) -> Result<Option<String>, StateFileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// The authority that the files hold, or what is wrong with them.
fn issuer(certificate: Option<String>, key: Option<String>) -> Result<Issuer<'static, KeyPair>, String> {
    let certificate = certificate.ok_or("its certificate is missing")?;
    let key = key.ok_or("its key is missing")?;
    let key = KeyPair::from_pem(&key).map_err(|error| format!("its key: {error}"))?;
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|error| error.to_string())?;
    // The certificate holds its public key as it is written here, or it is another key's.
    let public = key.subject_public_key_info();
    if !der.windows(public.len()).any(|window| window == public) {
        return Err("its key does not belong to its certificate".to_owned());
    }
    Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| error.to_string())
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("shield local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, AUTHORITY_LIFE);
    params
}

fn leaf_params(hostnames: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hostnames)?;
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(SanType::IpAddress);
    for name in loopback {
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    params.distinguished_name = common_name("shield edge");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid_for(&mut params, LEAF_LIFE);
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn valid_for(params: &mut CertificateParams, life: Duration) {
    let now = SystemTime::now();
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + life).into();
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn stays_the_same_and_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let (first, damage) = Authority::open(directory.path()).unwrap();
        assert_eq!(damage, None);
        let pem = fs::read(first.certificate()).unwrap();
        let (again, damage) = Authority::open(directory.path()).unwrap();
        assert_eq!(damage, None);
        assert_eq!(fs::read(again.certificate()).unwrap(), pem);
        let mode = fs::metadata(directory.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            again.issue(&["localhost".to_owned()]).unwrap().certificate_pem.contains("BEGIN CERTIFICATE")
        );
    }

    #[test]
    fn damaged_authority_is_replaced() {
        for (file, content) in [("ca.key", &b""[..]), ("ca.pem", b"no certificate"), ("ca.pem", b"\xff")] {
            let directory = tempfile::tempdir().unwrap();
            Authority::open(directory.path()).unwrap();
            fs::write(directory.path().join(file), content).unwrap();
            let (again, damage) = Authority::open(directory.path()).unwrap();
            again.issue(&[]).unwrap();
            assert_eq!(fs::read(damage.unwrap().aside.join(file)).unwrap(), content);
            assert_eq!(Authority::open(directory.path()).unwrap().1, None);
        }
    }

    #[test]
    fn halves_of_authorities_are_damage() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for directory in [&one, &other] {
            Authority::open(directory.path()).unwrap();
        }
        fs::copy(other.path().join("ca.pem"), one.path().join("ca.pem")).unwrap();
        let damage = Authority::open(one.path()).unwrap().1.unwrap();
        assert!(damage.to_string().contains("does not belong to its certificate"), "{damage}");
        let key = fs::read(other.path().join("ca.key")).unwrap();
        fs::remove_file(other.path().join("ca.pem")).unwrap();
        let damage = Authority::open(other.path()).unwrap().1.unwrap();
        assert_eq!(fs::read(damage.aside.join("ca.key")).unwrap(), key);
    }
}
