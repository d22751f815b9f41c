//! Reports: files that were asked for, and `shield load report`.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use shield_load::{
    RunResults,
    output::{html, junit},
    read_results,
};

use crate::{
    cli::{LoadReportArguments, OutputFormat, ReportArguments},
    exit::{Exit, Failure},
    output,
};

/// `shield load report`: the same summary and files as after the run.
pub(crate) fn run(arguments: &LoadReportArguments, format: OutputFormat) -> Result<(), Failure> {
    let path = &arguments.results;
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("failed to read `{}`: {error}", path.display());
        Failure::plain(Exit::Usage, &message, "`shield load … --json FILE` writes results")
    })?;
    let results = read_results(&text).map_err(|error| {
        let hint = format!("pass a file that `shield load … --json FILE` wrote, not `{}`", path.display());
        Failure::new(Exit::Usage, &error, &[hint])
    })?;
    write(&results, &arguments.reports)?;
    output::load::results(&results, format);
    Ok(())
}

/// Whether every report that is asked for can be written, before anything is measured for it.
pub(crate) fn check(wanted: &ReportArguments) -> Result<(), Failure> {
    for path in [&wanted.json, &wanted.html, &wanted.junit].into_iter().flatten() {
        OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
            let message = format!("failed to write `{}`: {error}", path.display());
            Failure::plain(Exit::Usage, &message, "name a file in a directory that exists; nothing was sent")
        })?;
    }
    Ok(())
}

/// Writes every report that was asked for.
pub(crate) fn write(results: &RunResults, wanted: &ReportArguments) -> Result<(), Failure> {
    let json = || serde_json::to_string_pretty(results).expect("results have only text keys") + "\n";
    let reports: [(&Option<_>, &dyn Fn() -> String); 3] =
        [(&wanted.json, &json), (&wanted.html, &|| html(results)), (&wanted.junit, &|| junit(results))];
    for (path, make) in reports {
        if let Some(path) = path {
            write_file(path, &make())?;
        }
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| {
        let message = format!("failed to write `{}`: {error}", path.display());
        Failure::plain(
            Exit::NotRecorded,
            &message,
            "free space, or name another file; the summary above is whole",
        )
    })
}
