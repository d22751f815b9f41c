//! `shield init`.

use serde_json::json;
use shield_control::init::Written;

use super::{json, write::say};
use crate::cli::OutputFormat;

pub(crate) fn print(written: &Written, format: OutputFormat) {
    let blanks = written.guess.blanks();
    if format == OutputFormat::Json {
        return json(&json!({ "path": written.path, "guesses": written.guess.sentences, "blanks": blanks }));
    }
    say!("wrote {}", written.path.display());
    for sentence in &written.guess.sentences {
        say!("  {sentence}");
    }
    if blanks.is_empty() {
        say!("next: read it, then `shield ship`");
    } else {
        say!("fill in before shipping: {}", blanks.join(", "));
    }
}
