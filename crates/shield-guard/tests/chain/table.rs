//! What each credential gets on each kind of route, as one table.

use std::fmt::Write;

use shield_guard::chain::{Access, CookieFate, Identity, Outcome};

use crate::fixture::{Backend, Headers, NOW, forged_token, route, scopes, stranger};

/// Who somebody is taken for, or the status of the refusal; `*` if the cookie is cleared.
fn word(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Admitted(admitted) => match admitted.principal.map(|principal| principal.identity) {
            None => "nobody".to_owned(),
            Some(Identity::Token(_)) => "token".to_owned(),
            Some(Identity::Session(_)) => "session".to_owned(),
            Some(Identity::ApiKey(_)) => "key".to_owned(),
        },
        Outcome::Refused(refused) => {
            let answer = refused.refusal.answer();
            let mark = if answer.cookie == CookieFate::Clear { "*" } else { "" };
            format!("{}{mark}", answer.status)
        }
    }
}

/// Two sets of headers as one.
fn both(one: Headers, other: Headers) -> Headers {
    Headers([one.0, other.0].concat())
}

fn credentials(backend: &Backend) -> Vec<(&'static str, Headers)> {
    let header = |name, value: &str| Headers::new(&[(name, value)]);
    let cookie = |value: &str| header("cookie", &format!("__Host-session={value}"));
    let forged = forged_token(backend.session.record.id);
    let key = backend.key.text.expose();
    let mistyped = format!("{}0", &key[..key.len() - 1]);
    let no_csrf = Headers::new(&[("cookie", &backend.cookie_text()), ("sec-fetch-site", "same-origin")]);
    vec![
        ("nothing", Headers::default()),
        ("token", backend.bearer()),
        ("token in lower case", header("authorization", &format!("bearer  {}", backend.token))),
        ("forged token", header("authorization", &format!("Bearer {forged}"))),
        ("no token", header("authorization", "Bearer ")),
        ("other scheme", header("authorization", "Basic dTpw")),
        ("two tokens", both(backend.bearer(), backend.bearer())),
        ("session", backend.cookie()),
        ("session without csrf", no_csrf),
        ("unknown session", cookie(stranger().secret.text().expose())),
        ("garbage session", cookie("garbage")),
        ("key", backend.api_key()),
        ("key as bearer", header("authorization", &format!("Bearer {key}"))),
        ("key without scope", header("x-api-key", backend.weak_key.text.expose())),
        ("mistyped key", header("x-api-key", &mistyped)),
        ("no key", header("x-api-key", "")),
        ("token and key", both(backend.bearer(), backend.api_key())),
        ("token and session", both(backend.bearer(), backend.cookie())),
        (
            "forged token and session",
            both(header("authorization", &format!("Bearer {forged}")), backend.cookie()),
        ),
    ]
}

#[test]
fn asvs_v8_2_1_each_route_admits_whom_it_names() {
    let backend = Backend::new();
    let check = scopes("urls:check");
    let routes = [
        route(Access::Ignored),
        route(Access::Optional(check)),
        route(Access::Required(check)),
        route(Access::Required(scopes("account"))),
        route(Access::Required(scopes("admin"))),
    ];
    let mut table = String::new();
    for (name, headers) in credentials(&backend) {
        write!(table, "{name:24}").unwrap();
        for route in &routes {
            write!(table, " {:8}", word(&backend.judge(&headers, route, NOW))).unwrap();
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    let expected = "\
nothing                  nobody   nobody   401      401      401
token                    nobody   token    token    token    403
token in lower case      nobody   token    token    token    403
forged token             nobody   401      401      401      401
no token                 nobody   401      401      401      401
other scheme             nobody   401      401      401      401
two tokens               nobody   401      401      401      401
session                  nobody   session  session  session  403
session without csrf     nobody   403      403      403      403
unknown session          nobody   401*     401*     401*     401*
garbage session          nobody   401      401      401      401
key                      nobody   key      key      403      403
key as bearer            nobody   key      key      403      403
key without scope        nobody   403      403      403      403
mistyped key             nobody   401      401      401      401
no key                   nobody   401      401      401      401
token and key            nobody   401      401      401      401
token and session        nobody   token    token    token    403
forged token and session nobody   401      401      401      401
";
    assert_eq!(table, expected, "\n{table}");
}
