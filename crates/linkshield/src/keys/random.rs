//! Random bytes of the operating system's generator, for everything that must not be guessed.

use std::sync::LazyLock;

use ring::rand::{SecureRandom, SystemRandom};

static RANDOM: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);

/// The generator itself, for those who draw from it.
pub fn system_random() -> &'static SystemRandom {
    &RANDOM
}

/// Fresh random bytes.
pub fn random_bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    RANDOM.fill(&mut bytes).expect("the kernel's generator does not fail once the system has started");
    bytes
}
