//! Scripts that run within Redis: one atomic step each.

use std::sync::OnceLock;

use redis::{
    ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, ToRedisArgs, aio::MultiplexedConnection,
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A script, named by its digest as Redis wants it.
pub(super) struct Script {
    text: &'static str,
    digest: OnceLock<String>,
}

// === impl Script ===

impl Script {
    pub(super) const fn new(text: &'static str) -> Self {
        Self { text, digest: OnceLock::new() }
    }

    /// Runs it: by its digest, and once with its text when the server does not know it (yet, or any more).
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &[String],
        arguments: &[impl ToRedisArgs],
    ) -> RedisResult<T> {
        let call = |name, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match call("EVALSHA", self.digest()).query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                call("EVAL", self.text).query_async(connection).await
            }
            answer => answer,
        }
    }

    fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.text.as_bytes());
            digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }
}
