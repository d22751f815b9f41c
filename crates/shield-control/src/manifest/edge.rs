//! `[edge]`: where clients connect.

use std::net::{IpAddr, SocketAddr};

use shield_types::settings::{Refusal, Setting, Table};

use super::{
    model::EdgeSettings,
    service::{millis, seconds},
};

/// Ports that instances are given.
const INSTANCE_PORTS: std::ops::RangeInclusive<u16> = 20_000..=29_999;

/// Where HTTPS is offered when the file does not say.
const HTTPS_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8443);

pub(crate) fn read(table: &Table<'_>) -> Option<EdgeSettings> {
    let https = table.socket_address("https").and_then(listen_address).or(HTTPS_DEFAULT);
    let http = table.socket_address("http").and_then(listen_address).optional();
    if let (Some(https), Some(Some(plain))) = (https.value(), http.value())
        && collide(*https, *plain)
    {
        http.mistaken(Refusal::new(
            format!("collides with `edge.https`, which is `{https}`"),
            "another port",
        ));
    }
    let hostnames = hostnames(table);
    let request_body_bytes_max = table.size("request_body_bytes_max", 1 << 10..=1 << 36).or(10 << 20);
    let response_timeout = table.duration("response_timeout", millis(100)..=seconds(3_600)).or(seconds(30));
    Some(EdgeSettings {
        https: https.take()?,
        http: http.take()?,
        hostnames: hostnames.take()?,
        request_body_bytes_max: request_body_bytes_max.take()?,
        response_timeout: response_timeout.take()?,
    })
}

fn listen_address(address: SocketAddr) -> Result<SocketAddr, Refusal> {
    if INSTANCE_PORTS.contains(&address.port()) {
        Err(Refusal::new("a port that shield gives to instances", "a port outside 20000-29999"))
    } else {
        Ok(address)
    }
}

/// True when both cannot be bound at once. Port 0 is any free port, so two of them never collide.
fn collide(left: SocketAddr, right: SocketAddr) -> bool {
    let overlap = left.ip() == right.ip() || left.ip().is_unspecified() || right.ip().is_unspecified();
    left.port() != 0 && left.port() == right.port() && overlap
}

fn hostnames<'r>(table: &Table<'r>) -> Setting<'r, Vec<String>> {
    table
        .list_of("hostnames", |name| {
            if name.parse::<IpAddr>().is_ok() || is_dns_name(&name) {
                Ok(name)
            } else {
                Err(Refusal::new("not a host name", "names such as \"shop.example.com\", or IP addresses"))
            }
        })
        .or(vec!["localhost".to_owned()])
}

fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let numeric_end =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !numeric_end && name.split('.').all(label)
}
