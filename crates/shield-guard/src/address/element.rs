//! One hop, as a proxy wrote it: an element of `X-Forwarded-For` or of `Forwarded` (RFC 7239).
//!
//! Elements are split off from the right. What a trusted proxy appended is well-formed; whatever a client put to the left
//! of it, an open quote above all, must not change how it is read.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str,
};

/// The longest hop: a bracketed IPv6 address with zone and port has 64.
const NODE_LENGTH_MAX: usize = 80;
/// The longest zone of an IPv6 address.
const ZONE_LENGTH_MAX: usize = 16;

/// Splits off the last element at its comma; the rest is `None` when there is no comma.
pub(super) fn split_last(list: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut quoted = false;
    for (index, byte) in list.iter().enumerate().rev() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&list[index + 1..], Some(&list[..index])),
            _ => {}
        }
    }
    (list, None)
}

/// The address of an element of `X-Forwarded-For`: IPv4 or IPv6, with or without brackets, port and zone.
pub(super) fn parse_node(node: &[u8]) -> Option<IpAddr> {
    let node = node.trim_ascii();
    if node.len() > NODE_LENGTH_MAX {
        return None;
    }
    let node = str::from_utf8(node).ok()?;
    let address = if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        check_port(port)?;
        IpAddr::V6(parse_v6(address)?)
    } else {
        match node.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                check_port(&node[address.len()..])?;
                IpAddr::V4(address.parse::<Ipv4Addr>().ok()?)
            }
            Some(_) => IpAddr::V6(parse_v6(node)?),
            None => IpAddr::V4(node.parse::<Ipv4Addr>().ok()?),
        }
    };
    Some(address.to_canonical()).filter(may_be_a_client)
}

/// The address of the parameter `for` of an element of `Forwarded`, which must be there once.
pub(super) fn parse_forwarded(element: &[u8]) -> Option<IpAddr> {
    let mut rest = Some(element);
    let mut node = None;
    while let Some(pairs) = rest {
        let (pair, after) = split_pair(pairs);
        rest = after;
        // The grammar allows pairs to be missing.
        if pair.trim_ascii().is_empty() {
            continue;
        }
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"for") && node.replace(unquoted(value)?).is_some() {
            return None;
        }
    }
    parse_node(node?)
}

/// Splits off the first pair of an element at its semicolon.
fn split_pair(pairs: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut quoted = false;
    for (index, byte) in pairs.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b';' if !quoted => return (&pairs[..index], Some(&pairs[index + 1..])),
            _ => {}
        }
    }
    (pairs, None)
}

/// What a value says, with its quotes taken off. No address needs an escape.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let inner = match value {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    };
    (!inner.iter().any(|byte| matches!(byte, b'"' | b'\\'))).then_some(inner)
}

/// Nothing, or a colon and a port (a number, or an obfuscated one: RFC 7239, section 6).
fn check_port(text: &str) -> Option<()> {
    if text.is_empty() {
        return Some(());
    }
    let port = text.strip_prefix(':')?;
    let numeric =
        || port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let obfuscated = || port.len() > 1 && port.starts_with('_') && port.bytes().skip(1).all(obfuscation);
    (numeric() || obfuscated()).then_some(())
}

fn obfuscation(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// An IPv6 address; a zone (RFC 4007) means something on one machine only, and is dropped.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let letter = |byte: u8| obfuscation(byte) || byte == b'~';
    match zone {
        Some(zone) if !(1..=ZONE_LENGTH_MAX).contains(&zone.len()) || !zone.bytes().all(letter) => None,
        Some(_) | None => address.parse().ok(),
    }
}

/// Nobody connects from these.
fn may_be_a_client(address: &IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}
