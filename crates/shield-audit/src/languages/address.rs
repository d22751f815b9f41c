//! Addresses that are known in part.

/// Whether an address that begins like this leads to one site, whatever follows.
pub(super) fn leads_on(beginning: &str) -> bool {
    let path = beginning.starts_with('/') && !beginning.starts_with("//") && beginning.len() > 1;
    path || beginning.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::leads_on;

    #[test]
    fn beginnings_decide_where_addresses_lead() {
        for beginning in ["/a", "https://a.b/", "https://a.b?x="] {
            assert!(leads_on(beginning), "{beginning}");
        }
        for beginning in ["", "/", "//", "//a/", "https://", "https://a", "a/"] {
            assert!(!leads_on(beginning), "{beginning}");
        }
    }
}
