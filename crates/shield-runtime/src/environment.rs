//! The environment of an instance: clean, so that a release behaves the same whoever typed the command.
//!
//! Only variables that describe the machine and its user are inherited ([`INHERITED`] and `LC_*`). Everything else, also
//! `LD_LIBRARY_PATH`, proxies and credentials of the shell `shield` was started from, must be written in `shield.toml`.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
};

use shield_types::InstanceId;

use crate::launch::LaunchOrder;

/// Names the instance, as `<scope>/<instance id>`: how a control plane recognises a child whose start it never recorded.
pub const INSTANCE_VARIABLE: &str = "SHIELD_INSTANCE";
/// The socket address the instance was told to listen on.
pub const ADDRESS_VARIABLE: &str = "SHIELD_INSTANCE_ADDRESS";

/// What an instance takes over from the control plane, besides `LC_*`.
const INHERITED: [&str; 10] =
    ["HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER"];
/// Used when neither the order nor the control plane has a `PATH`.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// The whole environment of the instance `order` describes.
pub(crate) fn environment(order: &LaunchOrder) -> BTreeMap<OsString, OsString> {
    compose(env::vars_os(), order)
}

/// The value of [`INSTANCE_VARIABLE`] in every process of `instance`.
pub fn marker(scope: &str, instance: &InstanceId) -> String {
    format!("{scope}/{instance}")
}

fn compose(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    order: &LaunchOrder,
) -> BTreeMap<OsString, OsString> {
    let mut environment = BTreeMap::from([("PATH".into(), PATH_DEFAULT.into())]);
    environment.extend(inherited.filter(|(name, _)| describes_machine(name)));
    environment.extend(order.env.iter().map(|(name, value)| (name.into(), value.into())));
    environment.insert(INSTANCE_VARIABLE.into(), marker(&order.scope, &order.instance).into());
    environment.insert(ADDRESS_VARIABLE.into(), order.address.to_string().into());
    environment
}

fn describes_machine(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with("LC_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(env: &[(&str, &str)]) -> LaunchOrder {
        LaunchOrder {
            instance: "r1-0a0b0c0d.0.0".parse().unwrap(),
            scope: "5c09e".to_owned(),
            argv: vec!["true".to_owned()],
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            directory: "/".into(),
            address: ([127, 0, 0, 1], 20_001).into(),
            log: "/dev/null".into(),
        }
    }

    #[test]
    fn leaks_nothing_of_the_shell() {
        let shell = [("AWS_SECRET_ACCESS_KEY", "x"), ("LC_ALL", "C"), ("TZ", "UTC"), ("LD_PRELOAD", "y")];
        let inherited = shell.into_iter().map(|(name, value)| (name.into(), value.into()));
        let environment = compose(inherited, &order(&[("TZ", "Asia/Tokyo"), ("SHIELD_INSTANCE", "forged")]));
        let expected: BTreeMap<OsString, OsString> = [
            ("LC_ALL", "C"),
            ("PATH", PATH_DEFAULT),
            ("SHIELD_INSTANCE", "5c09e/r1-0a0b0c0d.0.0"),
            ("SHIELD_INSTANCE_ADDRESS", "127.0.0.1:20001"),
            ("TZ", "Asia/Tokyo"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        assert_eq!(environment, expected);
    }
}
