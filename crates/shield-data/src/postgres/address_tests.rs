//! Addresses as operators write them, and as they should not.

use super::*;

fn read(text: &str) -> Result<PostgresAddress, PostgresAddressError> {
    text.parse()
}

#[test]
fn reads_every_part() {
    let address = read("postgres://ada:p%40ss%2Fword@one:5433,[::1]:5434,three/links?sslmode=verify-ca");
    let address = address.unwrap();
    let hosts: Vec<String> = address.hosts().iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["one:5433", "[::1]:5434", "three:5432"]);
    assert_eq!(address.password.as_ref().unwrap().expose(), "p@ss/word");
    let options = address.options(&address.hosts()[1]);
    assert_eq!((options.get_host(), options.get_port(), options.get_username()), ("::1", 5434, "ada"));
    assert_eq!(options.get_database(), Some("links"));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyCa));
}

#[test]
fn never_prints_its_password() {
    let address = read("postgres://ada:hunter2@one,two/links").unwrap();
    assert_eq!(address.to_string(), "postgres://ada@one:5432,two:5432/links");
    assert!(!format!("{address:?} {address}").contains("hunter2"));
    for text in [
        "postgres://ada:hunter2@one:x,two:0/?sslmode=hunter2",
        "postgres://ada:hunter2/more@one/links",
        "postgres://ada:hunter2/links",
        "postgres://ada:hunter2%zz@one/links",
        "mysql://ada:hunter2@one/links",
    ] {
        let error = read(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn every_mistake_is_named() {
    use PostgresAddressMistake as Mistake;
    let error = read("postgres://@a:b,a,a,/?sslmode=prefer&target_session_attrs=primary").unwrap_err();
    let name = "target_session_attrs".to_owned();
    let expected = [
        Mistake::User,
        Mistake::Port { host: "a".to_owned() },
        Mistake::Twice { host: "a:5432".to_owned() },
        Mistake::Host,
        Mistake::Database,
        Mistake::Value { name: "sslmode", known: "disable, require, verify-ca, verify-full" },
        Mistake::Parameter { name },
    ];
    assert_eq!(error.mistakes, expected);
    let one = |text: &str| read(text).unwrap_err().mistakes;
    assert_eq!(one("postgres://ada:a/b@one/links"), [Mistake::Unescaped]);
    assert_eq!(one("postgres://one/links"), [Mistake::User]);
    assert_eq!(one("one:5432"), [Mistake::Scheme]);
    assert_eq!(one("postgres://ada@1,2,3,4,5,6,7,8,9/links"), [Mistake::Hosts]);
    assert_eq!(one("postgres://ada:%4@one/links"), [Mistake::Encoding { part: "password" }]);
}

#[test]
fn others_are_reached_by_verified_tls() {
    let mode = |text: &str| {
        let address = read(text).unwrap();
        address.options(&address.hosts()[0]).get_ssl_mode()
    };
    assert!(matches!(mode("postgres://ada@127.0.0.1:1,localhost/links"), PgSslMode::Disable));
    assert!(matches!(mode("postgres://ada@127.0.0.1:1,db.example/links"), PgSslMode::VerifyFull));
    assert!(matches!(mode("postgres://ada@db.example/links?sslmode=disable"), PgSslMode::Disable));
}
