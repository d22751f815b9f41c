//! What a failure says about the host that it came from.

use sqlx::Error;

/// What to do about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// Nothing: the statement is at fault.
    None,
    /// It is busy, slow or frozen: it has to be asked.
    Slow,
    /// It is going down, coming up, or not there: not to be used until it answers.
    Gone,
    /// It takes no writes: its time as the primary is over.
    ReadOnly,
}

// === impl Suspicion ===

impl Suspicion {
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Database(error) => error.code().map_or(Self::None, |code| Self::of_state(&code)),
            Error::Io(_) | Error::Protocol(_) | Error::Tls(_) | Error::WorkerCrashed => Self::Gone,
            Error::PoolTimedOut => Self::Slow,
            _ => Self::None,
        }
    }

    /// By SQLSTATE.
    fn of_state(code: &str) -> Self {
        match code {
            // read_only_sql_transaction.
            "25006" => Self::ReadOnly,
            // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped.
            "57P01" | "57P02" | "57P03" | "57P04" => Self::Gone,
            // idle_in_transaction_session_timeout, idle_session_timeout: this connection is closed, its host is well.
            "25P03" | "57P05" => Self::Slow,
            // query_canceled: by the bound of the statement; too_many_connections; and what a standby has not got.
            "57014" | "53300" | "55000" => Self::Slow,
            // connection_exception.
            code if code.starts_with("08") => Self::Gone,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_say_what_to_do() {
        let cases = [
            ("25006", Suspicion::ReadOnly),
            ("57P01", Suspicion::Gone),
            ("57P02", Suspicion::Gone),
            ("57P03", Suspicion::Gone),
            ("08006", Suspicion::Gone),
            ("57014", Suspicion::Slow),
            ("23505", Suspicion::None),
            ("40P01", Suspicion::None),
            ("53300", Suspicion::Slow),
            ("25P03", Suspicion::Slow),
        ];
        for (code, expected) in cases {
            assert_eq!(Suspicion::of_state(code), expected, "{code}");
        }
        assert_eq!(Suspicion::of(&Error::Io(std::io::ErrorKind::ConnectionReset.into())), Suspicion::Gone);
        assert_eq!(Suspicion::of(&Error::RowNotFound), Suspicion::None);
    }
}
