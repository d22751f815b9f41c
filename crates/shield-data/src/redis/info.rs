//! What a server says of itself (`INFO`).

use redis::{RedisResult, aio::MultiplexedConnection};

/// The life of a server's memory: letters and digits, always as many. Another one after each restart and promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life(String);

/// Digits of each half of a life.
const DIGITS: usize = 16;

/// Who a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) life: Life,
    pub(super) master: bool,
}

// === impl Who ===

impl Who {
    /// Asks it.
    pub(super) async fn ask(connection: &mut MultiplexedConnection) -> RedisResult<Option<Self>> {
        let mut questions = redis::pipe();
        questions.cmd("INFO").arg("server").cmd("INFO").arg("replication");
        let (server, replication): (String, String) = questions.query_async(connection).await?;
        Ok(Self::read(&server, &replication))
    }

    fn read(server: &str, replication: &str) -> Option<Self> {
        let digits = |text, name| {
            let value = field(text, name)?.get(..DIGITS)?;
            value.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(value)
        };
        let life = format!("{}{}", digits(server, "run_id")?, digits(replication, "master_replid")?);
        Some(Self { life: Life(life), master: field(replication, "role")? == "master" })
    }
}

// === impl Life ===

impl Life {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use super::Who;

    const SERVER: &str =
        "# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n";
    const REPLICATION: &str = "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\
master_replid:fedcba9876543210fedcba9876543210fedcba98\r\nmaster_replid2:0\r\n";

    #[test]
    fn life_is_process_and_history() {
        let who = Who::read(SERVER, REPLICATION).unwrap();
        assert_eq!((who.life.as_str(), who.master), ("0123456789abcdeffedcba9876543210", true));
        let copy = Who::read(SERVER, &REPLICATION.replace("role:master", "role:slave")).unwrap();
        assert!(!copy.master);
        assert_eq!(Who::read("", REPLICATION), None);
        assert_eq!(Who::read(SERVER, "role:master"), None);
    }
}
