//! What came of everybody who was asked.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{
    Import, Others, Outcome, Ran, Runner, Tool, Wanted,
    read::{self, read_import},
    tools,
};

/// What came of one scanner that was run, or of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who: a scanner, or whose outputs are in the file; nobody if that is not known.
    pub whose: Vec<String>,
    /// The file, if it was not run.
    pub file: Option<String>,
    /// Whether it was asked for by its name, so that it should have something to say.
    pub by_name: bool,
    /// The version that it says it is.
    pub version: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// Its exit code.
    pub exit: Option<i32>,
    /// What came of it.
    pub outcome: Outcome,
    /// What can be done if it was not heard.
    pub hint: Option<String>,
}

/// Largest file that is read, in bytes. A JSON tree takes some ten times as much.
const IMPORT_BYTES_MAX: u64 = 64 << 20;

/// Runs the scanners that are wanted, one after the other, and reads what others said elsewhere. `tell` hears who is next, from 1,
/// and of how many.
#[must_use]
pub fn hear(runner: &Runner, others: &Others, tell: &dyn Fn(&'static str, usize, usize)) -> Vec<Heard> {
    let by_name = |tool: &Tool| others.wanted.contains(&Wanted::Named(tool.name));
    let installed = others.wanted.contains(&Wanted::Installed);
    let wanted: Vec<&'static Tool> =
        tools().filter(|tool| by_name(tool) || installed && runner.is_installed(tool)).collect();
    let run = wanted.iter().enumerate().map(|(number, tool)| {
        tell(tool.name, number + 1, wanted.len());
        Heard::run(runner.run(tool), by_name(tool))
    });
    let run: Vec<Heard> = run.collect();
    run.into_iter().chain(others.imports.iter().map(|import| Heard::read(import, &runner.root))).collect()
}

// === impl Heard ===

impl Heard {
    fn run(ran: Ran, by_name: bool) -> Self {
        let Ran { tool, version, took_ms, exit, outcome } = ran;
        let hint = hint(tool, &outcome);
        Self { whose: vec![tool.name.to_owned()], file: None, by_name, version, took_ms, exit, outcome, hint }
    }

    fn read(import: &Import, root: &Path) -> Self {
        let tool = import.tool.and_then(Tool::named);
        let failed = |how: String| Outcome::Failed { how, said: String::new() };
        let (whose, outcome, hint) = match bytes(&import.file) {
            Err(error) => (Vec::new(), failed(error.to_string()), None),
            Ok(bytes) => match read_import(&bytes, tool, root) {
                Ok(read) => (read.whose, Outcome::Read(read.output), None),
                Err(error) => {
                    let hint = matches!(error, read::ReadOutputError::Whose)
                        .then(|| "name the scanner: `--import SCANNER=FILE`".to_owned());
                    (Vec::new(), Outcome::Nonsense { reason: error.to_string() }, hint)
                }
            },
        };
        let whose =
            if whose.is_empty() { import.tool.map(str::to_owned).into_iter().collect() } else { whose };
        let file = Some(import.file.to_string_lossy().into_owned());
        Self { whose, file, by_name: true, version: None, took_ms: None, exit: None, outcome, hint }
    }

    /// What a report calls it.
    #[must_use]
    pub fn name(&self) -> String {
        self.file.clone().unwrap_or_else(|| self.whose.join(", "))
    }

    /// Whether something that was asked for was not heard. Where all that is installed was asked for, one with nothing to look at
    /// leaves nothing out.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        match self.outcome {
            Outcome::Read(_) => false,
            Outcome::NothingToLookAt { .. } => self.by_name,
            _ => true,
        }
    }
}

fn hint(tool: &Tool, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::NotInstalled => Some(format!("install it: `{}`", tool.install)),
        Outcome::NotAllowed { needs, .. } => {
            let options: Vec<_> = needs.iter().map(|permission| format!("--allow {permission}")).collect();
            Some(format!("allow it: `{}`", options.join(" ")))
        }
        _ => None,
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(IMPORT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > IMPORT_BYTES_MAX {
        let limit = IMPORT_BYTES_MAX;
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}
