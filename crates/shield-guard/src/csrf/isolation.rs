//! Answers that belong to somebody are not embedded by other sites.

use super::Field;

/// The fetch metadata of a request for something that needs a credential.
#[derive(Clone, Copy, Debug)]
pub struct ResourceLoad<'a> {
    /// `Sec-Fetch-Site`.
    pub site: Field<'a>,
    /// `Sec-Fetch-Mode`.
    pub mode: Field<'a>,
    /// `Sec-Fetch-Dest`.
    pub destination: Field<'a>,
}

/// The load comes from a page that may not have the answer. Status 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("answer a load on behalf of another site")]
pub struct IsolationRefusal;

/// Whether a safe request that carries a cookie may be answered (ASVS 5.0, 3.5.8): from our own pages and the user always; from
/// other sites, neighbours included, only if the user goes there in the whole window. A request without fetch metadata
/// is answered: `Cross-Origin-Resource-Policy` keeps old browsers from embedding what comes back.
pub fn isolate(load: &ResourceLoad<'_>) -> Result<(), IsolationRefusal> {
    match load.site {
        Field::Absent | Field::One(b"same-origin" | b"none") => return Ok(()),
        Field::One(_) | Field::Repeated => {}
    }
    match (load.mode, load.destination) {
        (Field::One(b"navigate"), Field::One(b"document")) => Ok(()),
        _ => Err(IsolationRefusal),
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, IsolationRefusal, ResourceLoad, isolate};

    fn load(site: &str, mode: &str, destination: &str) -> Result<(), IsolationRefusal> {
        isolate(&ResourceLoad {
            site: Field::One(site.as_bytes()),
            mode: Field::One(mode.as_bytes()),
            destination: Field::One(destination.as_bytes()),
        })
    }

    #[test]
    fn asvs_v3_5_8_other_sites_embed_nothing() {
        for site in ["cross-site", "same-site", "whatever"] {
            for (mode, destination) in
                [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")]
            {
                assert_eq!(
                    load(site, mode, destination),
                    Err(IsolationRefusal),
                    "{site} {mode} {destination}"
                );
            }
        }
        let twice = ResourceLoad { site: Field::Repeated, mode: Field::Absent, destination: Field::Absent };
        assert_eq!(isolate(&twice), Err(IsolationRefusal));
    }

    #[test]
    fn own_pages_links_and_programs_are_answered() {
        assert_eq!(load("same-origin", "no-cors", "image"), Ok(()));
        assert_eq!(load("none", "navigate", "document"), Ok(()));
        assert_eq!(load("cross-site", "navigate", "document"), Ok(()));
        let program = ResourceLoad { site: Field::Absent, mode: Field::Absent, destination: Field::Absent };
        assert_eq!(isolate(&program), Ok(()));
    }
}
