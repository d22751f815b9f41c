//! The defects.

/// A defect of the original (`D1` to `D11`), and what shows that it is not ours.
#[derive(Debug)]
pub(super) struct Defect {
    pub(super) name: &'static str,
    /// What the original did.
    pub(super) what: &'static str,
    /// Paths of tests in `crates/linkshield/tests/it`.
    pub(super) tests: &'static [&'static str],
    /// The change with which each of them was seen to fail.
    pub(super) mutation: &'static str,
}

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "D1",
        what: "logging out revoked nothing: the token stayed valid",
        tests: &[
            "accounts::d1_log_out_revokes_token_cookie_and_refresh",
            "accounts::d1_revoked_token_is_told_from_a_good_one",
        ],
        mutation: "`Accounts::end_session` answers true without asking its store",
    },
    Defect {
        name: "D2",
        what: "with its store away the list of revoked tokens counted as empty, and limits as not reached",
        tests: &["defects::d2_without_its_store_nothing_revoked_is_taken"],
        mutation: "what is known of the log may be a day old (`age_max` in `gate/build.rs`)",
    },
    Defect {
        name: "D3",
        what: "no CSRF token was ever issued, and every POST was refused, bearer tokens' too",
        tests: &[
            "browser::d3_a_browser_gets_a_token_and_changes_things",
            "browser::d3_programs_need_no_token",
        ],
        mutation: "`CsrfKeys::check` refuses every token; apart from that, `Chain::csrf` takes an access token for a cookie",
    },
    Defect {
        name: "D4",
        what: "the token bucket refused the first 20 of 20 requests, and a window never ended",
        tests: &["defects::d4_a_fresh_limit_admits_its_burst_and_comes_back"],
        mutation: "`Gate::moment` counts limits at a time that stands still",
    },
    Defect {
        name: "D5",
        what: "one request too many was answered 500",
        tests: &["defects::d5_one_request_too_many_is_429"],
        mutation: "`Problem::refused` makes an internal error of a limit's refusal",
    },
    Defect {
        name: "D6",
        what: "limits of routes matched nothing, or were skipped",
        tests: &["defects::d6_each_route_has_its_limit"],
        mutation: "`Policies::of` gives routes before log-in and of passwords no limit",
    },
    Defect {
        name: "D7",
        what: "no signing key could be made, and so none rotated",
        tests: &[
            "accounts::d7_signing_keys_exist_and_are_published",
            "administrators::d7_administrators_rotate_and_kill_signing_keys",
        ],
        mutation: "`SigningKeys::rotate` answers a key that it does not keep, and `jwks` publishes none",
    },
    Defect {
        name: "D8",
        what: "any text was a session",
        tests: &["accounts::d8_garbage_is_no_session"],
        mutation: "a credential that cannot be read is taken for none in `chain/find.rs`",
    },
    Defect {
        name: "D9",
        what: "registering and logging in with the right password were answered 500",
        tests: &["accounts::d9_register_verify_and_log_in"],
        mutation: "`Accounts::grant` fails after the password was right",
    },
    Defect {
        name: "D10",
        what: "an API key was never shown, and none was ever accepted",
        tests: &["api_keys::d10_api_key_is_shown_once_and_works_until_it_is_revoked"],
        mutation: "`ApiKeyResponse` leaves `api_key` out",
    },
    Defect {
        name: "D11",
        what: "the last use of a session was never noted",
        tests: &["defects::d11_the_last_use_of_a_session_is_noted"],
        mutation: "`GateStore::touch` of `Accounts` does nothing",
    },
];
