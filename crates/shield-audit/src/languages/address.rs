//! Addresses that are known in part.

use tree_sitter::Node;

use super::fold::{Part, Text};

/// Stands for a part that nobody outside writes: a host out of the settings.
const OWN: char = '\0';

/// Whether an address that begins like this leads to one site, whatever follows.
pub(super) fn leads_on(beginning: &str) -> bool {
    let path = beginning.starts_with('/') && !beginning.starts_with("//") && beginning.len() > 1;
    path || beginning.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
}

/// What of an address a stranger writes, if that decides where it leads. What comes first and is not a stranger's is the site:
/// behind it and a `/`, everything stays there.
pub(super) fn leading<'t>(
    text: &Text<'t>,
    stranger: impl Fn(Node<'t>) -> Option<&'t str>,
) -> Option<&'t str> {
    let mut beginning = String::new();
    for part in &text.0 {
        match part {
            Part::Known(text) => beginning.push_str(text),
            Part::Unknown(node) => match node.and_then(&stranger) {
                Some(part) => return (!leads_on(&beginning) && !has_own_site(&beginning)).then_some(part),
                None => beginning.push(OWN),
            },
        }
    }
    None
}

/// `${base}/`, and not `${scheme}://`.
fn has_own_site(beginning: &str) -> bool {
    let rest = beginning.strip_prefix(OWN).map(|rest| rest.strip_prefix("://").unwrap_or(rest));
    rest.is_some_and(|rest| rest.contains(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::{has_own_site, leads_on};

    #[test]
    fn beginnings_decide_where_addresses_lead() {
        for beginning in ["/a", "https://a.b/", "https://a.b?x="] {
            assert!(leads_on(beginning), "{beginning}");
        }
        for beginning in ["", "/", "//", "//a/", "https://", "https://a", "a/"] {
            assert!(!leads_on(beginning), "{beginning}");
        }
    }

    #[test]
    fn own_sites_end_with_a_slash() {
        for beginning in ["\0/a/", "\0://\0/", "\0:80/"] {
            assert!(has_own_site(beginning), "{beginning:?}");
        }
        for beginning in ["\0", "\0://", "\0.", "a/", ""] {
            assert!(!has_own_site(beginning), "{beginning:?}");
        }
    }
}
