//! How a backend misbehaves.
//!
//! The decision is a plain function of what was seen so far, so that its rules can be read and tested in one place.

use std::time::Duration;

use clap::ValueEnum;

/// How the backend behaves. The names are those of the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Behaviour {
    /// Answers everything.
    #[default]
    Honest,
    /// Answers one probe, then the process ends with code 1.
    DiesAfterFirstProbe,
    /// Answers one probe; accepts every later request and never answers it.
    HangsAfterFirstProbe,
    /// Runs, but never listens.
    NeverBinds,
    /// Listens only after `--bind-after`; honest from then on.
    BindsLate,
    /// Answers probes; everything else gets 500.
    ErrorsOnRoot,
    /// Honest until `--hang-after` has passed since the first request that was not a probe; then never answers
    /// anything, probes included. A release under load gets its first such request when it is promoted.
    HangsAfter,
    /// Ends at once with code 3.
    ExitsAtStart,
    /// Probes succeed twice and fail twice (503), in turns; other requests are answered.
    Flaps,
}

/// What was seen when a request arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// The request is a probe.
    pub(crate) probe: bool,
    /// Probes that came before this request.
    pub(crate) earlier_probes: u64,
    /// Time since the first request that was not a probe; zero before it.
    pub(crate) since_first_request: Duration,
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Answer as the path says.
    Answer,
    /// Answer as the path says, close the connection, then end the process.
    AnswerAndDie,
    /// Never answer.
    Hang,
    /// Answer 500.
    Error,
    /// Answer 503.
    Unready,
}

/// Length of a good and of a bad run of probes of a flapping backend.
const FLAP_PROBES: u64 = 2;

// === impl Behaviour ===

impl Behaviour {
    /// What to do with a request; `hang_after` matters to `HangsAfter` only.
    pub(crate) fn action(self, seen: Seen, hang_after: Duration) -> Action {
        match self {
            Self::DiesAfterFirstProbe if seen.probe => Action::AnswerAndDie,
            Self::HangsAfterFirstProbe if seen.earlier_probes > 0 => Action::Hang,
            Self::ErrorsOnRoot if !seen.probe => Action::Error,
            Self::HangsAfter if seen.since_first_request > hang_after => Action::Hang,
            Self::Flaps if seen.probe && (seen.earlier_probes / FLAP_PROBES) % 2 == 1 => Action::Unready,
            _ => Action::Answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Action, Behaviour, Seen};

    const HANG_AFTER: Duration = Duration::from_secs(3);

    fn action(behaviour: Behaviour, probe: bool, earlier_probes: u64, since_ms: u64) -> Action {
        let since_first_request = Duration::from_millis(since_ms);
        behaviour.action(Seen { probe, earlier_probes, since_first_request }, HANG_AFTER)
    }

    #[test]
    fn hangs_only_after_first_probe() {
        let hangs = Behaviour::HangsAfterFirstProbe;
        assert_eq!(action(hangs, true, 0, 0), Action::Answer);
        assert_eq!(action(hangs, true, 1, 0), Action::Hang);
        assert_eq!(action(hangs, false, 1, 0), Action::Hang);
    }

    #[test]
    fn hangs_once_the_time_passed() {
        assert_eq!(action(Behaviour::HangsAfter, false, 9, 3_000), Action::Answer);
        assert_eq!(action(Behaviour::HangsAfter, true, 9, 3_001), Action::Hang);
    }

    #[test]
    fn errors_spare_the_probe() {
        assert_eq!(action(Behaviour::ErrorsOnRoot, true, 0, 0), Action::Answer);
        assert_eq!(action(Behaviour::ErrorsOnRoot, false, 0, 0), Action::Error);
    }

    #[test]
    fn flaps_in_runs_of_two() {
        let probes: Vec<Action> = (0..5).map(|earlier| action(Behaviour::Flaps, true, earlier, 0)).collect();
        let (good, bad) = (Action::Answer, Action::Unready);
        assert_eq!(probes, [good, good, bad, bad, good]);
        assert_eq!(action(Behaviour::Flaps, false, 2, 0), Action::Answer);
    }
}
