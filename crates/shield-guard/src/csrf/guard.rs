//! Both layers, put together.

use super::{CsrfKeys, Field, OriginRefusal, Origins, Provenance, TokenRefusal};
use crate::SessionId;

/// What a request was authenticated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A cookie, which the browser adds by itself.
    Cookie(SessionId),
    /// A header that a program adds: a bearer token or an API key. If the cookie came too, but was not what counted, it is
    /// this all the same.
    Header,
    /// Nothing yet: log-in, registration.
    None,
}

/// When a token is asked for on top of the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRule {
    /// With every unsafe request that a cookie authenticates.
    Always,
    /// Only when nothing says where it comes from. For clients that have not learned the token yet.
    WhenUnstated,
}

/// Whether a refusal refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfMode {
    /// It does.
    Enforce,
    /// It is written down, and the request goes on: for the first days in front of an old frontend.
    LogOnly,
}

/// The whole of it.
#[derive(Debug)]
pub struct Csrf {
    /// Whose pages may send unsafe requests.
    pub origins: Origins,
    /// Who makes the tokens.
    pub keys: CsrfKeys,
    /// When they are asked for.
    pub rule: TokenRule,
    /// Whether it is in earnest.
    pub mode: CsrfMode,
}

/// What of a request matters.
#[derive(Clone, Copy, Debug)]
pub struct CsrfRequest<'a> {
    /// The method of the request line. No header and no field takes its place.
    pub method: &'a str,
    /// What it was authenticated by.
    pub credential: Credential,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Field<'a>,
    /// `Origin`.
    pub origin: Field<'a>,
    /// `Host`.
    pub host: Field<'a>,
    /// `X-CSRF-Token`; of a form without it, the field `csrf_token`.
    pub token: Field<'a>,
}

/// Why a request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfAllowed {
    /// Its method changes nothing.
    SafeMethod,
    /// No browser adds its credential by itself.
    HeaderCredential,
    /// It comes from where it may, and has no session to be bound to, or needs no token.
    Provenance,
    /// Its token is its session's.
    Token,
}

/// Why a request does not go on. The client hears 403 and one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrfRefusal {
    /// It comes from elsewhere.
    #[error("check where an unsafe request comes from")]
    Origin(#[source] OriginRefusal),
    /// Its token does not prove that it comes from our pages.
    #[error("check the CSRF token")]
    Token(#[source] TokenRefusal),
}

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfDecision {
    /// Go on.
    Allowed(CsrfAllowed),
    /// Go on, but write down that it would have been refused.
    WouldRefuse(CsrfRefusal),
    /// Refuse.
    Refused(CsrfRefusal),
}

// === impl Csrf ===

impl Csrf {
    /// Decides about a request, after its credential was verified.
    pub fn decide(&self, request: &CsrfRequest<'_>) -> CsrfDecision {
        match (self.judge(request), self.mode) {
            (Ok(allowed), _) => CsrfDecision::Allowed(allowed),
            (Err(refusal), CsrfMode::LogOnly) => CsrfDecision::WouldRefuse(refusal),
            (Err(refusal), CsrfMode::Enforce) => CsrfDecision::Refused(refusal),
        }
    }

    fn judge(&self, request: &CsrfRequest<'_>) -> Result<CsrfAllowed, CsrfRefusal> {
        // Methods are case-sensitive (RFC 9110, 9.1); what is not known to be safe is not.
        if matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE") {
            return Ok(CsrfAllowed::SafeMethod);
        }
        if request.credential == Credential::Header {
            return Ok(CsrfAllowed::HeaderCredential);
        }
        let CsrfRequest { fetch_site, origin, host, .. } = *request;
        let provenance = self.origins.judge(fetch_site, origin, host).map_err(CsrfRefusal::Origin)?;
        let Credential::Cookie(session) = request.credential else {
            return Ok(CsrfAllowed::Provenance);
        };
        if self.rule == TokenRule::WhenUnstated && provenance != Provenance::Unstated {
            return Ok(CsrfAllowed::Provenance);
        }
        let checked = match request.token {
            Field::One(token) => self.keys.check(session, token),
            Field::Absent => Err(TokenRefusal::Missing),
            Field::Repeated => Err(TokenRefusal::Repeated),
        };
        checked.map(|()| CsrfAllowed::Token).map_err(CsrfRefusal::Token)
    }
}

#[cfg(test)]
mod tests {
    use shield_types::{Secret, Timestamp};

    use super::{Credential, Csrf, CsrfAllowed, CsrfDecision, CsrfMode, CsrfRefusal, CsrfRequest, TokenRule};
    use crate::{
        SessionId,
        csrf::{CsrfKeys, Field, OriginRefusal, Origins, TokenRefusal},
    };

    fn csrf(rule: TokenRule) -> Csrf {
        Csrf {
            origins: Origins::new(["https://example.org"]).unwrap(),
            keys: CsrfKeys::new(&Secret::new([1; 32]), None),
            rule,
            mode: CsrfMode::Enforce,
        }
    }

    fn session() -> SessionId {
        SessionId::new(Timestamp(1_000), [1; 10])
    }

    fn post() -> CsrfRequest<'static> {
        CsrfRequest {
            method: "POST",
            credential: Credential::Cookie(session()),
            fetch_site: Field::One(b"same-origin"),
            origin: Field::One(b"https://example.org"),
            host: Field::One(b"example.org"),
            token: Field::Absent,
        }
    }

    fn allowed(why: CsrfAllowed) -> CsrfDecision {
        CsrfDecision::Allowed(why)
    }

    fn refused(refusal: TokenRefusal) -> CsrfDecision {
        CsrfDecision::Refused(CsrfRefusal::Token(refusal))
    }

    #[test]
    fn asvs_v3_5_1_a_cookie_needs_its_sessions_token() {
        let csrf = csrf(TokenRule::Always);
        let token = csrf.keys.issue(session(), [2; 16]);
        let token = Field::One(token.expose().as_bytes());
        assert_eq!(csrf.decide(&CsrfRequest { token, ..post() }), allowed(CsrfAllowed::Token));
        assert_eq!(csrf.decide(&post()), refused(TokenRefusal::Missing));
        let token = Field::Repeated;
        assert_eq!(csrf.decide(&CsrfRequest { token, ..post() }), refused(TokenRefusal::Repeated));
        let token = Field::One(b"x");
        assert_eq!(csrf.decide(&CsrfRequest { token, ..post() }), refused(TokenRefusal::Malformed));
    }

    #[test]
    fn asvs_v3_5_1_a_good_token_does_not_excuse_another_site() {
        let csrf = csrf(TokenRule::Always);
        let token = csrf.keys.issue(session(), [2; 16]);
        let token = Field::One(token.expose().as_bytes());
        let request = CsrfRequest { token, fetch_site: Field::One(b"cross-site"), ..post() };
        let refusal = CsrfRefusal::Origin(OriginRefusal::CrossSite);
        assert_eq!(csrf.decide(&request), CsrfDecision::Refused(refusal));
        let log_only = Csrf { mode: CsrfMode::LogOnly, ..csrf };
        assert_eq!(log_only.decide(&request), CsrfDecision::WouldRefuse(refusal));
    }

    #[test]
    fn d3_programs_with_their_own_credential_are_exempt() {
        let request = CsrfRequest {
            credential: Credential::Header,
            fetch_site: Field::Absent,
            origin: Field::Absent,
            ..post()
        };
        let decision = csrf(TokenRule::Always).decide(&request);
        assert_eq!(decision, allowed(CsrfAllowed::HeaderCredential));
    }

    #[test]
    fn asvs_v3_5_3_only_methods_that_change_nothing_are_exempt() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            let decision = csrf(TokenRule::Always).decide(&CsrfRequest { method, ..post() });
            assert_eq!(decision, allowed(CsrfAllowed::SafeMethod), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "get", "QUERY", ""] {
            let decision = csrf(TokenRule::Always).decide(&CsrfRequest { method, ..post() });
            assert_eq!(decision, refused(TokenRefusal::Missing), "{method}");
        }
    }

    #[test]
    fn without_any_header_the_token_decides_under_both_rules() {
        for rule in [TokenRule::Always, TokenRule::WhenUnstated] {
            let csrf = csrf(rule);
            let bare = CsrfRequest { fetch_site: Field::Absent, origin: Field::Absent, ..post() };
            assert_eq!(csrf.decide(&bare), refused(TokenRefusal::Missing));
            let token = csrf.keys.issue(session(), [2; 16]);
            let token = Field::One(token.expose().as_bytes());
            assert_eq!(csrf.decide(&CsrfRequest { token, ..bare }), allowed(CsrfAllowed::Token));
        }
    }

    #[test]
    fn the_looser_rule_spares_the_token_where_the_origin_is_known() {
        assert_eq!(csrf(TokenRule::WhenUnstated).decide(&post()), allowed(CsrfAllowed::Provenance));
    }

    #[test]
    fn a_log_in_is_judged_by_where_it_comes_from() {
        let log_in = CsrfRequest { credential: Credential::None, ..post() };
        let csrf = csrf(TokenRule::Always);
        assert_eq!(csrf.decide(&log_in), allowed(CsrfAllowed::Provenance));
        let program = CsrfRequest { fetch_site: Field::Absent, origin: Field::Absent, ..log_in };
        assert_eq!(csrf.decide(&program), allowed(CsrfAllowed::Provenance));
        let foreign = CsrfRequest { fetch_site: Field::One(b"cross-site"), ..log_in };
        let refusal = CsrfRefusal::Origin(OriginRefusal::CrossSite);
        assert_eq!(csrf.decide(&foreign), CsrfDecision::Refused(refusal));
    }
}
