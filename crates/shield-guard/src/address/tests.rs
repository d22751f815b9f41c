//! Chains as clients and proxies write them, honest and not.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::{ChainDamage, ClientAddress, HopField, Network, Origin, TrustedHops};

const PROXY: &str = "10.0.0.1";

fn hops(field: HopField) -> TrustedHops {
    let networks: Vec<Network> = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap()).into();
    TrustedHops::new(&networks, field).unwrap()
}

fn client(field: HopField, peer: &str, lines: &[&str]) -> ClientAddress {
    hops(field).client(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes()))
}

fn check(field: HopField, cases: &[(&str, &[&str], &str, Origin)]) {
    for (peer, lines, address, origin) in cases {
        let expected = ClientAddress { address: address.parse().unwrap(), origin: *origin };
        assert_eq!(client(field, peer, lines), expected, "{peer} {lines:?}");
    }
}

const UNREADABLE: Origin = Origin::Damaged(ChainDamage::Unreadable);
const TOO_LONG: Origin = Origin::Damaged(ChainDamage::TooLong);

#[test]
fn asvs_v4_1_3_ignores_forged_hops() {
    check(
        HopField::XForwardedFor,
        &[
            ("203.0.113.9", &["1.1.1.1"], "203.0.113.9", Origin::Peer),
            (PROXY, &["1.1.1.1, 203.0.113.9"], "203.0.113.9", Origin::Forwarded),
            (PROXY, &["1.1.1.1", "203.0.113.9"], "203.0.113.9", Origin::Forwarded),
            (PROXY, &["10.0.0.7, 203.0.113.9, 10.0.0.2"], "203.0.113.9", Origin::Forwarded),
            (PROXY, &["1.1.1.1, ,\t203.0.113.9 ,"], "203.0.113.9", Origin::Forwarded),
        ],
    );
    check(
        HopField::Forwarded,
        &[
            ("203.0.113.9", &["for=1.1.1.1"], "203.0.113.9", Origin::Peer),
            (PROXY, &["for=1.1.1.1, for=203.0.113.9;proto=https"], "203.0.113.9", Origin::Forwarded),
            (
                PROXY,
                &["for=1.1.1.1, for=203.0.113.9;host=\"a, for=10.0.0.9\""],
                "203.0.113.9",
                Origin::Forwarded,
            ),
            // An open quote of the client's swallows nothing that the proxy wrote.
            (PROXY, &["for=\"1.1.1.1, for=203.0.113.9"], "203.0.113.9", Origin::Forwarded),
            (
                PROXY,
                &["for=1.1.1.1;host=\"a, b;c\", By=x;FOR=\"203.0.113.9:80\""],
                "203.0.113.9",
                Origin::Forwarded,
            ),
        ],
    );
}

#[test]
fn names_the_field_it_reads() {
    assert_eq!(hops(HopField::XForwardedFor).field_name(), "x-forwarded-for");
    assert_eq!(hops(HopField::Forwarded).field_name(), "forwarded");
}

#[test]
fn reads_every_spelling_of_an_address() {
    check(
        HopField::XForwardedFor,
        &[
            (PROXY, &["203.0.113.9:4711"], "203.0.113.9", Origin::Forwarded),
            (PROXY, &["2001:db8::9"], "2001:db8::9", Origin::Forwarded),
            (PROXY, &["[2001:db8::9]"], "2001:db8::9", Origin::Forwarded),
            (PROXY, &["[2001:db8::9]:443"], "2001:db8::9", Origin::Forwarded),
            (PROXY, &["::ffff:203.0.113.9"], "203.0.113.9", Origin::Forwarded),
            (PROXY, &["fe80::1%eth0"], "fe80::1", Origin::Forwarded),
            ("::ffff:10.0.0.1", &["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9", Origin::Forwarded),
            ("::ffff:203.0.113.9", &["1.1.1.1"], "203.0.113.9", Origin::Peer),
            ("fd00::1", &["203.0.113.9"], "203.0.113.9", Origin::Forwarded),
        ],
    );
    check(
        HopField::Forwarded,
        &[
            (PROXY, &["for=\"[2001:db8::9]:_port\""], "2001:db8::9", Origin::Forwarded),
            (PROXY, &[" For = 203.0.113.9 ;; by=_proxy; "], "203.0.113.9", Origin::Forwarded),
        ],
    );
}

#[test]
fn damage_ends_at_the_last_known_hop() {
    for garbage in [
        "unknown",
        "_hidden",
        "example.com",
        "203.0.113",
        "203.0.113.9:99999",
        "203.0.113.9:",
        "[::1",
        "::1]",
        "[::1]x",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "ff02::1",
        "203.0.113.9 1.1.1.1",
        "\u{fffd}",
        "0x7f.1",
        "fe80::1%",
        "1e1",
    ] {
        let chain = format!("1.1.1.1, {garbage}, 10.0.0.2");
        let lines = [chain.as_str()];
        check(HopField::XForwardedFor, &[(PROXY, &lines, "10.0.0.2", UNREADABLE)]);
    }
    for garbage in
        ["for=", "by=1.1.1.1", "for=1.1.1.1;for=1.1.1.1", "for=\"1.1.1.\\1\"", "for=\"", "for", "for=_x", ";"]
    {
        let lines = [garbage, "for=10.0.0.2"];
        check(HopField::Forwarded, &[(PROXY, &lines, "10.0.0.2", UNREADABLE)]);
    }
}

#[test]
fn chains_of_our_own_end_inside() {
    check(
        HopField::XForwardedFor,
        &[
            (PROXY, &[], PROXY, Origin::Peer),
            (PROXY, &[""], PROXY, Origin::Peer),
            (PROXY, &["10.0.0.3, 10.0.0.2"], "10.0.0.3", Origin::Inside),
        ],
    );
}

#[test]
fn long_chains_are_cut() {
    let many = vec!["10.0.0.2"; 17].join(",");
    let commas = ",".repeat(40);
    let wide = format!("203.0.113.9,{}10.0.0.2", " ".repeat(3_000));
    let lines = vec!["10.0.0.2"; 17];
    for lines in [&[many.as_str()][..], &[commas.as_str(), "10.0.0.2"], &[wide.as_str()], &lines] {
        let found = client(HopField::XForwardedFor, PROXY, lines);
        assert_eq!(found.origin, TOO_LONG, "{lines:?}");
        assert!(found.address.to_string().starts_with("10."), "{found:?}");
    }
    // Length to the left of the client changes nothing.
    let behind = format!("{}, 203.0.113.9", "x".repeat(100_000));
    let lines = [behind.as_str()];
    check(HopField::XForwardedFor, &[(PROXY, &lines, "203.0.113.9", Origin::Forwarded)]);
}

#[test]
fn too_many_networks_are_refused() {
    let network: Network = "10.0.0.0/8".parse().unwrap();
    assert!(TrustedHops::new(&vec![network; 65], HopField::Forwarded).is_err());
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

proptest! {
    /// The address is never anything but the peer or a hop that a trusted one vouched for, whatever the bytes.
    #[test]
    fn hostile_bytes_never_choose(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        lines in proptest::collection::vec("[0-9a-f:.,;=\"\\\\ %\\[\\]for_]{0,60}", 0..4),
    ) {
        for field in [HopField::XForwardedFor, HopField::Forwarded] {
            let stranger: IpAddr = "203.0.113.9".parse().unwrap();
            let all = || lines.iter().map(String::as_bytes).chain([bytes.as_slice()]);
            prop_assert_eq!(hops(field).client(stranger, all()).address, stranger);
            // A proxy appended the stranger's address in a line of its own, and on the same line.
            let own: &[u8] = match field {
                HopField::XForwardedFor => b"203.0.113.9",
                HopField::Forwarded => b"for=203.0.113.9",
            };
            let proxy: IpAddr = PROXY.parse().unwrap();
            let appended = hops(field).client(proxy, all().chain([own]));
            prop_assert_eq!(appended, ClientAddress { address: stranger, origin: Origin::Forwarded });
            let joined = [bytes.as_slice(), b", ", own].concat();
            let appended = hops(field).client(proxy, [joined.as_slice()].into_iter());
            prop_assert_eq!(appended, ClientAddress { address: stranger, origin: Origin::Forwarded });
        }
    }

    #[test]
    fn networks_hold_their_own(address in address(), prefix in 0u8..=128) {
        let text = format!("{address}/{prefix}");
        let network = match text.parse::<Network>() {
            Ok(network) => network,
            Err(super::ParseNetworkError::HostBits { network, .. }) => network,
            Err(_) => return Ok(()),
        };
        prop_assert!(network.contains(address));
        prop_assert_eq!(network.to_string().parse(), Ok(network));
    }
}
