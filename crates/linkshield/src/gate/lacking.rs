//! What somebody is told whose credential is good, and not for this: what it lacks, and how they come by it.

use shield_guard::SessionId;

use crate::accounts::Permissions;

/// The text for a credential without `scope`; an API key has no session.
pub(super) fn lacking(scope: &str, session: Option<SessionId>) -> String {
    match (session, Permissions::from_name(scope)) {
        (Some(_), _) => {
            format!(
                "this needs the scope `{scope}`; log in again or refresh, if your rights were just widened"
            )
        }
        (None, Some(_)) => format!("this needs the permission `{scope}`, which the API key does not have"),
        (None, None) => format!("no API key may do this: it needs the scope `{scope}`; log in"),
    }
}

#[cfg(test)]
mod tests {
    use shield_guard::SessionId;
    use shield_types::Timestamp;

    use super::lacking;

    #[test]
    fn says_what_is_missing_and_what_helps() {
        let session = Some(SessionId::new(Timestamp(0), [1; 10]));
        assert!(lacking("admin", session).contains("`admin`; log in again or refresh"));
        assert!(lacking("url_check", None).contains("the permission `url_check`"));
        assert!(lacking("admin", None).starts_with("no API key may do this"));
    }
}
