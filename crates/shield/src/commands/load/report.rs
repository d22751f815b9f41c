//! Reports: files that were asked for, and `shield load report`.

use std::{fs, path::Path};

use shield_load::{
    RunResults,
    output::{html, junit},
    read_results,
};

use crate::{
    cli::{LoadReportArguments, OutputFormat, ReportArguments},
    commands::reports,
    exit::{Exit, Failure},
    output,
};

/// `shield load report`: the same summary and files as after the run.
pub(crate) fn run(arguments: &LoadReportArguments, format: OutputFormat) -> Result<(), Failure> {
    let path = &arguments.results;
    prepare(&arguments.reports, path)?;
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

/// Makes sure that every report that is asked for can be written; `input` is what the command reads.
pub(crate) fn prepare(wanted: &ReportArguments, input: &Path) -> Result<(), Failure> {
    let ReportArguments { json, html, junit } = wanted;
    let paths: Vec<&Path> = [json, html, junit].into_iter().flatten().map(AsRef::as_ref).collect();
    reports::prepare(&paths, &[input])
}

/// Writes every report that was asked for.
pub(crate) fn write(results: &RunResults, wanted: &ReportArguments) -> Result<(), Failure> {
    let json = || serde_json::to_string_pretty(results).expect("results have only text keys") + "\n";
    let wanted: [(&Option<_>, &dyn Fn() -> String); 3] =
        [(&wanted.json, &json), (&wanted.html, &|| html(results)), (&wanted.junit, &|| junit(results))];
    for (path, make) in wanted {
        if let Some(path) = path {
            reports::write(path, &make(), "the summary above is whole")?;
        }
    }
    Ok(())
}
