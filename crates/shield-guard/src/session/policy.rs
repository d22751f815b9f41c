//! How long sessions live, how many an account may have, and how recent a log-in sensitive changes ask for.

use std::time::Duration;

use shield_types::{Timestamp, format_duration};

use super::SessionRecord;
use crate::SessionId;

/// How many write-backs must fit into the idle limit, so that it is not much less exact than it looks.
const WRITE_BACKS_PER_IDLE: u32 = 5;

/// The times of a policy, not yet checked. The default is the original's: 24 h idle, 7 days in all; step-up after 10 min.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// How long a session may go unused (ASVS 5.0, 7.3.1).
    pub idle: Duration,
    /// How long a session lives at most (7.3.2).
    pub absolute: Duration,
    /// How often `last_seen_at` is written back at most.
    pub write_back: Duration,
    /// How long after proving who they are somebody may make sensitive changes (7.5.1).
    pub recent: Duration,
}

/// Times that fit together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicy(SessionTimes);

/// Times that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionPolicyError {
    /// The idle limit would never be reached, or at once.
    #[error("limit idle sessions to `{}`: expected more than zero and at most the absolute `{}`",
        format_duration(*idle), format_duration(*absolute))]
    Idle {
        /// As given.
        idle: Duration,
        /// As given.
        absolute: Duration,
    },
    /// Written back so seldom that sessions in use would look idle.
    #[error("write back `last_seen_at` every `{}`: expected at most a fifth of the idle limit `{}`",
        format_duration(*write_back), format_duration(*idle))]
    WriteBack {
        /// As given.
        write_back: Duration,
        /// As given.
        idle: Duration,
    },
}

/// How many sessions an account may have at once (ASVS 5.0, 7.1.2): one more ends the one that was seen least recently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionLimit(u16);

/// Whether somebody proved recently enough who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUp {
    /// Yes: go on.
    NotNeeded,
    /// No: they must authenticate again, which makes a new session.
    Needed,
}

// === impl SessionTimes ===

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(24 * 3_600),
            absolute: Duration::from_secs(7 * 24 * 3_600),
            write_back: Duration::from_secs(60),
            recent: Duration::from_secs(600),
        }
    }
}

// === impl SessionPolicy ===

impl SessionPolicy {
    /// Checks the times.
    pub fn new(times: SessionTimes) -> Result<Self, SessionPolicyError> {
        let SessionTimes { idle, absolute, write_back, .. } = times;
        if idle.is_zero() || idle > absolute {
            return Err(SessionPolicyError::Idle { idle, absolute });
        }
        if write_back > idle / WRITE_BACKS_PER_IDLE {
            return Err(SessionPolicyError::WriteBack { write_back, idle });
        }
        Ok(Self(times))
    }

    /// The times.
    pub const fn times(&self) -> SessionTimes {
        self.0
    }

    /// Whether a sensitive change may be made by who proved at `authenticated_at` who they are (ASVS 5.0, 7.5.1 and 7.5.3).
    /// Somebody who will have proved it in the future has not.
    pub fn step_up(&self, authenticated_at: Timestamp, now: Timestamp) -> StepUp {
        let age = now.0.checked_sub(authenticated_at.0).map(Duration::from_millis);
        match age {
            Some(age) if age <= self.0.recent => StepUp::NotNeeded,
            Some(_) | None => StepUp::Needed,
        }
    }
}

// === impl SessionLimit ===

impl SessionLimit {
    /// For a user.
    pub const USER: Self = Self(5);
    /// For a moderator.
    pub const MODERATOR: Self = Self(7);
    /// For an administrator.
    pub const ADMINISTRATOR: Self = Self(10);

    /// So many, but at least one.
    pub const fn new(sessions: u16) -> Self {
        if sessions == 0 { Self(1) } else { Self(sessions) }
    }

    /// Which of an account's live sessions end so that one more fits: those seen least recently; of two that were seen at
    /// once, the older.
    pub fn ends_for_one_more(self, live: &[SessionRecord]) -> Vec<SessionId> {
        let mut order: Vec<_> = live.iter().map(|session| (session.last_seen_at, session.id)).collect();
        order.sort_unstable();
        let excess = (live.len() + 1).saturating_sub(usize::from(self.0));
        order.into_iter().take(excess).map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{SessionLimit, SessionPolicy, SessionPolicyError, SessionTimes, StepUp};
    use crate::session::{
        SessionState,
        testing::{NOW, record},
    };

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn asvs_v7_3_1_ends_what_is_not_used_for_a_day() {
        let session = record(1, NOW);
        assert_eq!(session.state(Timestamp(NOW.0 + 24 * HOUR_MS - 1)), SessionState::Live);
        assert_eq!(session.state(Timestamp(NOW.0 + 24 * HOUR_MS)), SessionState::Idle);
    }

    #[test]
    fn asvs_v7_3_2_ends_what_is_used_after_seven_days_all_the_same() {
        let mut session = record(1, NOW);
        let end = NOW.0 + 7 * 24 * HOUR_MS;
        session.last_seen_at = Timestamp(end - 1);
        assert_eq!(session.state(Timestamp(end - 1)), SessionState::Live);
        assert_eq!(session.state(Timestamp(end)), SessionState::Expired);
    }

    #[test]
    fn asvs_v7_1_2_one_session_too_many_ends_the_least_recently_seen() {
        let mut live: Vec<_> = (1..=5).map(|number| record(number, NOW)).collect();
        for (session, seen) in live.iter_mut().zip([30, 10, 50, 20, 40]) {
            session.last_seen_at = Timestamp(NOW.0 + seen);
        }
        assert_eq!(SessionLimit::USER.ends_for_one_more(&live), [live[1].id]);
        assert!(SessionLimit::USER.ends_for_one_more(&live[..4]).is_empty());
        assert!(SessionLimit::ADMINISTRATOR.ends_for_one_more(&live).is_empty());
        let lowered = SessionLimit::new(3).ends_for_one_more(&live);
        assert_eq!(
            lowered,
            [live[1].id, live[3].id, live[0].id],
            "a limit that was lowered is reached again"
        );
        assert_eq!(SessionLimit::new(0).ends_for_one_more(&live[..1]), [live[0].id]);
    }

    #[test]
    fn asvs_v7_5_1_a_sensitive_change_needs_a_recent_log_in() {
        let policy = SessionPolicy::default();
        assert_eq!(SessionPolicy::new(policy.times()), Ok(policy), "times that fit together");
        assert_eq!(policy.step_up(NOW, Timestamp(NOW.0 + 600_000)), StepUp::NotNeeded);
        assert_eq!(policy.step_up(NOW, Timestamp(NOW.0 + 600_001)), StepUp::Needed);
        assert_eq!(policy.step_up(NOW, Timestamp(NOW.0 - 1)), StepUp::Needed);
    }

    #[test]
    fn refuses_times_that_do_not_fit() {
        let default = SessionTimes::default();
        for idle in [Duration::ZERO, default.absolute + Duration::from_millis(1)] {
            let error = SessionPolicy::new(SessionTimes { idle, ..default }).unwrap_err();
            assert_eq!(error, SessionPolicyError::Idle { idle, absolute: default.absolute });
        }
        let write_back = default.idle / 4;
        let error = SessionPolicy::new(SessionTimes { write_back, ..default }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "write back `last_seen_at` every `6h`: expected at most a fifth of the idle limit `24h`"
        );
    }
}
