use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use clap::{CommandFactory, Parser};
use shield_guard::csrf::Origins;

use super::{
    ENVIRONMENT_VARIABLES, RawSettings, Settings, SettingsError,
    parse::{DAY, duration},
};
use crate::mail::MailDestination;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    settings: RawSettings,
}

fn resolve(arguments: &[&str], variables: &[&str]) -> Result<Settings, SettingsError> {
    let line = Line::try_parse_from([&["linkshield"], arguments].concat()).unwrap();
    line.settings.resolve(variables.iter().map(|name| (*name).to_owned()))
}

#[test]
fn defaults_are_accepted() {
    let settings = resolve(&[], &["PATH", "LINKSHIELD_PORT"]).unwrap();
    assert_eq!(settings.address.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.drain_timeout, Duration::from_secs(30));
    assert_eq!(settings.master_key, PathBuf::from("linkshield-data/master.key"));
    assert_eq!((settings.mail, settings.issuer.as_str()), (MailDestination::File, "linkshield"));
    assert!(settings.gate.trusted_proxies.is_empty(), "nobody's word is taken unasked");
    assert_eq!(settings.gate.origins, Origins::of_host());
}

#[test]
fn public_url_is_an_origin() {
    let issuer = |url: &str| resolve(&["--public-url", url], &[]).map(|settings| settings.issuer);
    assert_eq!(issuer("https://Links.example.org/").unwrap(), "https://links.example.org");
    assert_eq!(issuer("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
    let gate = resolve(&["--public-url=https://links.example.org"], &[]).unwrap().gate;
    assert_eq!(gate.origins, Origins::new(["https://links.example.org"]).unwrap());
    for url in ["https://a.org/app", "https://a.org?x", "ftp://a.org", "a.org", "https://u@a.org"] {
        assert!(issuer(url).is_err(), "{url}");
    }
}

#[test]
fn every_mistake_is_reported() {
    let arguments = [
        "--address=here",
        "--port=70000",
        "--data=",
        "--database=postgres://ada:hunter2@one:x/",
        "--environment=prod",
        "--drain-timeout=30",
        "--request-timeout=1ms",
        "--connections-max=0",
        "--retention=forever",
        "--checks-max=-1",
        "--master-key=",
        "--public-url=http://links.example.org",
        "--mail=smtp://user:hunter2@mail.example",
        "--mail-from=nobody",
        "--trusted-proxies=127.0.0.0/8,edge",
        "--address-limit=0",
        "--anonymous-limit=none",
        "--account-limit=0",
        "--events=",
        "--breached-passwords=",
        "--redis=redis://user:hunter2@",
        "--log=,=,",
    ];
    let error = resolve(&arguments, &["LINKSHIELD_PROT"]).unwrap_err();
    assert_eq!(error.problems.len(), 24, "{error:?}");
    assert_eq!(error.to_string(), "24 settings were not accepted");
    let told: String = error.problems.iter().map(ToString::to_string).collect();
    assert!(!told.contains("hunter2"), "{told}");
    let first = error.problems[0].to_string();
    assert!(first.contains("`LINKSHIELD_PROT`") && first.contains("`LINKSHIELD_PORT`"), "{first}");
    assert_eq!(
        error.problems[2].to_string(),
        "`--port` (LINKSHIELD_PORT) is `70000`, accepted is a number from 0 to 65535"
    );
}

#[test]
fn misspelt_levels_are_refused() {
    for text in ["wran", "info,wran", "linkshield", "verbose", " "] {
        assert!(resolve(&["--log", text], &[]).is_err(), "{text:?}");
    }
    for text in ["off", "WARN", "info,linkshield=debug", "linkshield::api=trace,warn", "[request{id=1}]=info"]
    {
        assert!(resolve(&["--log", text], &[]).is_ok(), "{text:?}");
    }
}

#[test]
fn undecodable_value_names_its_key() {
    let mut arguments =
        vec![OsString::from("linkshield"), OsString::from("--port=x"), OsString::from("--data")];
    arguments.push(OsStr::from_bytes(b"a\xff").to_owned());
    let error = Line::try_parse_from(arguments).unwrap().settings.resolve(std::iter::empty()).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error:?}");
    assert!(
        error.problems[1].to_string().starts_with("`--data` (LINKSHIELD_DATA) is `a\u{fffd}`"),
        "{error:?}"
    );
}

#[test]
fn variables_list_is_complete() {
    let command = Line::command();
    let mut read: Vec<_> =
        command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect();
    let mut listed = ENVIRONMENT_VARIABLES.to_vec();
    read.sort_unstable();
    listed.sort_unstable();
    assert_eq!(read, listed);
}

#[test]
fn durations_need_a_unit() {
    assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(duration("2d"), Some(DAY * 2));
    for text in ["", "5", "s", "1.5s", "-1s", "1 s", "99999999999999999999d"] {
        assert_eq!(duration(text), None, "{text}");
    }
}
