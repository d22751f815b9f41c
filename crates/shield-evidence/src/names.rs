//! File names inside a log's directory, and the bound on a line.

/// One canonical JSON line per entry.
pub const LOG_FILE: &str = "log.jsonl";
/// One signed checkpoint per entry.
pub const CHECKPOINTS_FILE: &str = "checkpoints.jsonl";
/// The Ed25519 signing key, PKCS#8, readable by its owner only.
pub const SIGNING_KEY_FILE: &str = "evidence-key.pk8";
/// The public half, one line of text.
pub const PUBLIC_KEY_FILE: &str = "evidence-key.pub";

/// Longest accepted line of either file, its newline included.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
