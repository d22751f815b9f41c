//! Listing checks.

use std::net::Ipv6Addr;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    mistakes::Mistakes,
    problem::{Location, Problem},
    state::App,
};
use crate::{
    accounts::scopes::URL_CHECK,
    analysis::{Host, Target, ThreatLevel, URL_LENGTH_MAX},
    gate::Authenticated,
    store::{CheckStatus, HistoryFilter, StoredCheck},
};

const PAGE_SIZE_DEFAULT: u32 = 20;
const PAGE_SIZE_MAX: u32 = 100;
const PAGE_MAX: u32 = 1_000_000;
const DOMAIN_LENGTH_MAX: usize = 253;
const PARAMETERS: [&str; 6] = ["url", "domain", "threat_level", "status", "page", "page_size"];

/// One page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryResponse {
    /// The checks, newest first.
    checks: Vec<StoredCheck>,
    /// Checks on all pages.
    total_count: u64,
    /// Number of this page.
    page: u32,
    /// Checks per page.
    page_size: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct HistoryQuery {
    filter: HistoryFilter,
    page: Option<u32>,
    page_size: Option<u32>,
}

/// Lists the account's checks, newest first.
#[utoipa::path(get, path = "/api/v1/url-check/history", tag = "url-check", params(
    ("url" = Option<String>, Query, description = "Only this URL, in any spelling"),
    ("domain" = Option<String>, Query, description = "Only this host, or all hosts under this registrable domain"),
    ("threat_level" = Option<ThreatLevel>, Query, description = "Only this level"),
    ("status" = Option<CheckStatus>, Query, description = "Only this state"),
    ("page" = Option<u32>, Query, description = "Page, from 1", minimum = 1, maximum = 1_000_000),
    ("page_size" = Option<u32>, Query, description = "Checks per page, 20 unless given", minimum = 1, maximum = 100),
), responses(
    (status = 200, description = "One page", body = HistoryResponse),
))]
pub(super) async fn history(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Json<HistoryResponse>, Problem> {
    principal.require(&app, URL_CHECK)?;
    let query = parse(query.as_deref().unwrap_or_default())?;
    let (page, page_size) = (query.page.unwrap_or(1), query.page_size.unwrap_or(PAGE_SIZE_DEFAULT));
    let offset = u64::from(page - 1) * u64::from(page_size);
    let found = app.service().store().history(principal.account, &query.filter, (page_size, offset)).await?;
    Ok(Json(HistoryResponse { checks: found.checks, total_count: found.total_count, page, page_size }))
}

fn parse(query: &str) -> Result<HistoryQuery, Problem> {
    let mut parsed = HistoryQuery::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut mistakes = Mistakes::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let outcome = match PARAMETERS.into_iter().find(|known| *known == name) {
            None => Err(format!("is not a parameter, accepted are {}", PARAMETERS.join(", "))),
            Some(known) if seen.contains(&known) => Err("is given twice".to_owned()),
            Some(known) => {
                seen.push(known);
                apply(&mut parsed, known, &value)
            }
        };
        if let Err(detail) = outcome {
            let name: String = name.chars().take(64).collect();
            mistakes.add(Location::Query, &name, detail);
        }
    }
    mistakes.none_or(parsed)
}

fn apply(query: &mut HistoryQuery, name: &str, value: &str) -> Result<(), String> {
    match name {
        "url" => query.filter.normalized_url = Some(normalized(value)?),
        "domain" => match host(value)? {
            host if host.owner() == host.text() => query.filter.registrable_domain = Some(host.text()),
            host => query.filter.host = Some(host.text()),
        },
        "threat_level" => {
            let names = ThreatLevel::ALL.map(ThreatLevel::as_str);
            query.filter.threat_level = Some(named(value, ThreatLevel::from_name, &names)?);
        }
        "status" => {
            let names = CheckStatus::ALL.map(CheckStatus::as_str);
            query.filter.status = Some(named(value, CheckStatus::from_name, &names)?);
        }
        "page" => query.page = Some(number(value, PAGE_MAX)?),
        "page_size" => query.page_size = Some(number(value, PAGE_SIZE_MAX)?),
        other => unreachable!("`{other}` is not in `PARAMETERS`"),
    }
    Ok(())
}

fn normalized(value: &str) -> Result<String, String> {
    match Target::parse(value) {
        Ok(target) => Ok(target.normalized().to_owned()),
        Err(_) => Err(format!("is not a URL of 1 to {URL_LENGTH_MAX} characters")),
    }
}

/// The host, written as it is stored (lower-case, punycode, without a trailing dot or brackets) or not.
fn host(value: &str) -> Result<Host, String> {
    let refused = || format!("is not a host of 1 to {DOMAIN_LENGTH_MAX} characters");
    let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let length = 1..=DOMAIN_LENGTH_MAX;
    if !length.contains(&value.len()) || value.contains(['/', '@', '?', '#', ' ', '\\', ':', '[']) {
        return Err(refused());
    }
    match Target::parse(&format!("https://{value}/")).map_err(|_| refused())?.host {
        Host::None => Err(refused()),
        host => Ok(host),
    }
}

fn named<T>(value: &str, read: impl Fn(&str) -> Option<T>, names: &[&str]) -> Result<T, String> {
    read(value).ok_or_else(|| format!("is `{}`, accepted are {}", cut(value), names.join(", ")))
}

fn number(value: &str, most: u32) -> Result<u32, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("is `{}`, accepted is a whole number from 1 to {most}", cut(value)))
}

fn cut(value: &str) -> String {
    value.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_parameter() {
        let query =
            "url=EXAMPLE.com&domain=M%C3%BCnchen.de.&threat_level=high&status=completed&page=2&page_size=100";
        let parsed = parse(query).unwrap();
        assert_eq!(parsed.filter.normalized_url.as_deref(), Some("https://example.com/"));
        assert_eq!(parsed.filter.registrable_domain.as_deref(), Some("xn--mnchen-3ya.de"));
        assert_eq!(
            parse("domain=www.example.co.uk").unwrap().filter.host.as_deref(),
            Some("www.example.co.uk")
        );
        assert_eq!(parsed.filter.threat_level, Some(ThreatLevel::High));
        assert_eq!((parsed.page, parsed.page_size), (Some(2), Some(100)));
    }

    #[test]
    fn addresses_are_hosts_too() {
        for (query, stored) in [
            ("domain=::1", "::1"),
            ("domain=[::FFFF:7f00:1]", "::ffff:127.0.0.1"),
            ("domain=0x7f.1", "127.0.0.1"),
        ] {
            assert_eq!(parse(query).unwrap().filter.registrable_domain.as_deref(), Some(stored), "{query}");
        }
    }

    #[test]
    fn refuses_each_bad_parameter() {
        for query in [
            "page=0",
            "page=x",
            "page_size=101",
            "threat_level=SAFE",
            "status=",
            "url=",
            "domain=a/b",
            "domain=example.com:8080",
            "domain=[::1",
            "pge=1",
            "page=1&page=2",
            "page=99999999999",
            "domain=a%27%20OR%201=1",
        ] {
            assert!(parse(query).is_err(), "{query}");
        }
    }
}
