//! `shield init`.

use serde_json::json;
use shield_control::init::Written;

use super::json;
use crate::cli::OutputFormat;

pub(crate) fn print(written: &Written, format: OutputFormat) {
    let blanks = written.guess.blanks();
    if format == OutputFormat::Json {
        return json(&json!({ "path": written.path, "guesses": written.guess.sentences, "blanks": blanks }));
    }
    anstream::println!("wrote {}", written.path.display());
    for sentence in &written.guess.sentences {
        anstream::println!("  {sentence}");
    }
    if blanks.is_empty() {
        anstream::println!("next: read it, then `shield ship`");
    } else {
        anstream::println!("fill in before shipping: {}", blanks.join(", "));
    }
}
