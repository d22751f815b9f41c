//! `shield audit --check-rules`: whether rule files say what they mean.

use std::path::{self, Path, PathBuf};

use shield_control::pipeline::load_rules;

use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::rule_files::print,
};

/// What to do about a mistake.
pub(super) const HINT: &str = "docs/audit-rules.md says what a rule file looks like; nothing was audited";

pub(super) fn check(files: &[PathBuf], format: OutputFormat) -> Result<(), Failure> {
    // Somebody names them: they may be anywhere.
    let absolute = |file: &PathBuf| path::absolute(file).unwrap_or_else(|_| file.clone());
    let files: Vec<_> = files.iter().map(|file| absolute(file).to_string_lossy().into_owned()).collect();
    let rules = load_rules(Path::new("."), &files).map_err(|error| {
        Failure::new(
            Exit::Usage,
            &error,
            &["docs/audit-rules.md says what a rule file looks like".to_owned()],
        )
    })?;
    print(&rules, format);
    Ok(())
}
