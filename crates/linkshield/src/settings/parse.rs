//! What values may look like.

use std::{path::PathBuf, str::FromStr, time::Duration};

use shield_guard::{address::Network, csrf::Origins};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;

/// Proxies that may be trusted.
const PROXIES_MAX: usize = 64;
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.trim().is_empty()).then(|| PathBuf::from(text))
}

/// The origin of a URL, as it is: nothing behind host and port. Without TLS only on this machine. Our own pages come from it.
pub(super) fn origin(text: &str) -> Option<(String, Origins)> {
    let url = Url::parse(text).ok()?;
    let alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let protected = match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    };
    let origin = (alone && anonymous && protected).then(|| url.origin().ascii_serialization())?;
    let origins = Origins::new([origin.as_str()]).ok()?;
    Some((origin, origins))
}

pub(super) fn proxies(text: &str) -> Option<Vec<Network>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let networks: Vec<Network> = names.map(|name| name.parse().ok()).collect::<Option<_>>()?;
    (networks.len() <= PROXIES_MAX).then_some(networks)
}

pub(super) fn filter(text: &str) -> Option<String> {
    let sensible = !text.trim().is_empty() && EnvFilter::builder().parse(text).is_ok();
    (sensible && !text.split(',').any(misspelt_level)).then(|| text.to_owned())
}

/// Whether a part of a filter is a bare word but no level. `EnvFilter` takes it for the name of a target, and then
/// `wran` would log nothing at all.
fn misspelt_level(part: &str) -> bool {
    let bare = !part.contains(['=', '[', ']', '{', '}']);
    bare && part.trim().parse::<LevelFilter>().is_err()
}

pub(super) fn bounded_duration(text: &str, least: Duration, most: Duration) -> Option<Duration> {
    duration(text).filter(|duration| (least..=most).contains(duration))
}

/// `500ms`, `30s`, `5m`, `12h`, `30d`: a whole number and one unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(unit_ms)?))
}
