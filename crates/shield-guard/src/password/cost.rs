//! How dear a hashing is.

/// The dearest that is computed, so that no stored string can ask for all memory: 1 GiB.
pub(super) const MEMORY_KIB_MAX: u32 = 1_048_576;
/// The most passes over that memory.
pub(super) const PASSES_MAX: u32 = 16;

/// Parameters of argon2id with one lane, approved by ASVS 5.0 (11.4.2, appendix C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingCost {
    memory_kib: u32,
    passes: u32,
}

/// Parameters that are too cheap to protect a password, or too dear to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "set the cost of hashing to `{memory_kib}` KiB and `{passes}` passes: expected at least 47104 KiB with 1 pass, 19456 with 2, \
     or 12288 with 3 to {PASSES_MAX}, and at most {MEMORY_KIB_MAX}"
)]
pub struct CostError {
    /// Memory that was asked for.
    pub memory_kib: u32,
    /// Passes that were asked for.
    pub passes: u32,
}

// === impl HashingCost ===

impl HashingCost {
    /// 19 MiB, two passes: the OWASP minimum, and the cheapest in memory per unit of an attacker's work that two
    /// small cores bear.
    pub const MINIMUM: Self = Self { memory_kib: 19_456, passes: 2 };

    /// Parameters, if ASVS approves them.
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, CostError> {
        if approved(memory_kib, passes) && memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX {
            Ok(Self { memory_kib, passes })
        } else {
            Err(CostError { memory_kib, passes })
        }
    }

    /// Memory of one hashing, in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over it.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Blocks of 1 KiB that are computed: what an attacker pays per guess.
    pub(super) const fn work(self) -> u64 {
        work(self.memory_kib, self.passes)
    }
}

impl Default for HashingCost {
    fn default() -> Self {
        Self::MINIMUM
    }
}

/// Blocks of 1 KiB that a hashing with these parameters computes.
pub(super) const fn work(memory_kib: u32, passes: u32) -> u64 {
    // Cannot overflow: both are 32 bits wide. `u64::from` is not const.
    memory_kib as u64 * passes as u64
}

/// The table of ASVS 5.0 appendix C, "Hash Functions for Password Storage".
pub(super) const fn approved(memory_kib: u32, passes: u32) -> bool {
    match passes {
        0 => false,
        1 => memory_kib >= 47_104,
        2 => memory_kib >= 19_456,
        _ => memory_kib >= 12_288,
    }
}

#[cfg(test)]
mod tests {
    use super::HashingCost;

    #[test]
    fn asvs_v11_4_2_takes_approved_parameters_only() {
        for (memory_kib, passes, good) in [
            (47_104, 1, true),
            (47_103, 1, false),
            (19_456, 2, true),
            (19_455, 2, false),
            (12_288, 3, true),
            (12_287, 3, false),
            (12_288, 16, true),
            (1_048_576, 0, false),
            (1_048_577, 1, false),
            (19_456, 17, false),
        ] {
            assert_eq!(HashingCost::new(memory_kib, passes).is_ok(), good, "{memory_kib} KiB, {passes}");
        }
        let default = HashingCost::default();
        assert!(HashingCost::new(default.memory_kib(), default.passes()).is_ok());
    }
}
