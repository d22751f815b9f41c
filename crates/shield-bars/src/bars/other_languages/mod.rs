//! `ship.other-languages`: services that know nothing of `shield` are shipped as they are.
//!
//! A FastAPI service under uvicorn and a Node service: `shield init` writes the file, `shield ship` ships it unedited, with
//! the waits of the generated file. Then 20 releases of each under load; for these the bar shortens the waits of
//! `[release]`, and nothing else.

use std::{fs, net::TcpListener, time::Duration};

use shield_load::reconcile;
use shield_testkit::Ledger;
use tokio::process::Command;

use super::Options;
use crate::harness::{
    Programs, Project, Result, Trouble, Verdict, build_programs, plan, print_load, run as run_command,
    wait_for_traffic,
};

/// Where a generated file listens.
const PORT: u16 = 8443;
const RELEASES: u32 = 20;
const KEEP_ALIVE_CLIENTS: usize = 8;
const FRESH_CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
const CHECK_LIMIT: Duration = Duration::from_secs(60);
/// Waits of the releases under load, instead of the generated 10s and 60s.
const SHORT: [(&str, &str); 2] = [("min_healthy", "500ms"), ("watch", "500ms")];

/// The table that they stand in.
const TABLE: &str = "[release]";

/// A service of another language.
struct Language {
    name: &'static str,
    /// Its source; `@LEDGER@` stands for where it records what it applied.
    source: (&'static str, &'static str),
    other_file: (&'static str, &'static str),
    /// The line that changes with each release, around its number.
    changing: (&'static str, &'static str),
    /// A command that works only if the language is there, and how it comes there.
    check: (&'static [&'static str], &'static str),
}

const LANGUAGES: [Language; 2] = [
    Language {
        name: "FastAPI",
        source: ("main.py", include_str!("main.py")),
        other_file: ("requirements.txt", "fastapi>=0.110,<1\nuvicorn>=0.29,<1\n"),
        changing: ("RELEASE = ", "\n"),
        check: (
            &["python3", "-c", "import venv, ensurepip"],
            "apt-get update && apt-get install -y python3 python3-venv",
        ),
    },
    Language {
        name: "Node",
        source: ("server.js", include_str!("server.js")),
        other_file: (
            "package.json",
            "{\n  \"name\": \"orders\",\n  \"version\": \"1.0.0\",\n  \"private\": true,\n  \"scripts\": { \"start\": \"node server.js\" }\n}\n",
        ),
        changing: ("const RELEASE = ", ";\n"),
        check: (&["node", "--version"], "apt-get update && apt-get install -y nodejs"),
    },
];

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    for language in &LANGUAGES {
        check(language).await?;
    }
    let programs = build_programs().await?;
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    for language in &LANGUAGES {
        TcpListener::bind(("127.0.0.1", PORT)).map_err(|error| {
            Trouble::caused(format!("have port {PORT} free, as a generated file needs it"), error)
        })?;
        figures.push(one_language(&programs, language, options, &mut verdict).await?);
    }
    Ok(verdict.with_figure(figures.join("; ")))
}

async fn check(language: &Language) -> Result<()> {
    let (words, install) = language.check;
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    match run_command(command, CHECK_LIMIT).await {
        Ok(finished) if finished.succeeded() => Ok(()),
        Ok(_) | Err(_) => Err(Trouble::new(format!("run `{}`; install it: {install}", words.join(" ")))),
    }
}

async fn one_language(
    programs: &Programs,
    language: &Language,
    options: &Options,
    verdict: &mut Verdict,
) -> Result<String> {
    let name = language.name;
    let releases = options.releases.unwrap_or(RELEASES);
    let project = Project::around(programs, PORT)?;
    write(&project, language.other_file.0, language.other_file.1)?;
    change(&project, language, 0)?;
    let init = project.shield(&["init"]).await?;
    println!("  {name}: init: code {}: {}", init.code(), first_line(&init.stdout));
    let shipped = project.shield(&["ship", "--output-format", "json"]).await?;
    println!("  {name}: ship, unedited: code {} after {:.1} s", shipped.code(), shipped.took.as_secs_f64());
    if !init.succeeded() || !shipped.succeeded() {
        verdict.demand(false, || format!("{name}: {} {}", init.reason(), shipped.reason()));
        return Ok(format!("{name}: not shipped"));
    }
    shorten(&project)?;
    println!(
        "  {name}: {releases} releases under {KEEP_ALIVE_CLIENTS} keep-alive and {FRESH_CLIENTS} fresh-connection clients, half POSTs; [release] shortened to {SHORT:?} for these"
    );
    let load = wait_for_traffic(plan(project.load()?, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, PAUSE)).await?;
    for number in 1..=releases {
        change(&project, language, number)?;
        let released = project.release().await?;
        if !verdict
            .demand(released.succeeded(), || format!("{name}: release {number}: {}", released.reason()))
        {
            break;
        }
    }
    load.stop();
    let report = load.join().await;
    print_load(name, &report);
    let ledger =
        Ledger::read(&project.beside("orders")).map_err(|error| Trouble::caused("read the ledger", error))?;
    project.close().await?;
    let exact = reconcile(&report, &ledger.ids);
    let failed = report.failed_count();
    verdict.demand(failed == 0, || format!("{name}: {failed} requests failed"));
    verdict.demand(report.accounted(), || format!("{name}: requests are not accounted for"));
    verdict.demand(exact.holds() && exact.exact > 0, || {
        format!("{name}: answers and ledger disagree: {exact:?}")
    });
    Ok(format!(
        "{name}: {failed} failed of {} over {releases} releases, {} POSTs applied exactly once",
        report.offered, exact.exact
    ))
}

/// Writes the source with another number in it.
fn change(project: &Project, language: &Language, number: u32) -> Result<()> {
    let (file, source) = language.source;
    let (before, after) = language.changing;
    let source = source
        .replace("@LEDGER@", &project.beside("orders").to_string_lossy())
        .replace(&format!("{before}0{after}"), &format!("{before}{number}{after}"));
    write(project, file, &source)
}

fn write(project: &Project, file: &str, content: &str) -> Result<()> {
    fs::write(project.path(file), content).map_err(|error| Trouble::caused(format!("write `{file}`"), error))
}

/// Replaces the waits of the generated file.
fn shorten(project: &Project) -> Result<()> {
    let path = project.path("shield.toml");
    let text = fs::read_to_string(&path).map_err(|error| Trouble::caused("read `shield.toml`", error))?;
    write(project, "shield.toml", &with_short_waits(&text))
}

fn with_short_waits(text: &str) -> String {
    let sets = |line: &str, name: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
    let waits = |line: &&str| !SHORT.iter().any(|(name, _)| sets(line, name));
    let short = SHORT.map(|(name, wait)| format!("{name} = \"{wait}\"\n")).concat();
    let mut written = String::new();
    for line in text.lines().filter(waits) {
        written.push_str(&format!("{line}\n"));
        if line == TABLE {
            written.push_str(&short);
        }
    }
    if text.lines().any(|line| line == TABLE) { written } else { format!("{written}\n{TABLE}\n{short}") }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::with_short_waits;

    #[test]
    fn shortens_only_the_waits() {
        let text = "[release]\nwatch = \"60s\"\nmin_healthy = \"10s\"\ndrain = \"30s\"\n[edge]\n";
        let short = "[release]\nmin_healthy = \"500ms\"\nwatch = \"500ms\"\ndrain = \"30s\"\n[edge]\n";
        assert_eq!(with_short_waits(text), short);
        assert_eq!(
            with_short_waits("# [release]\n"),
            "# [release]\n\n[release]\nmin_healthy = \"500ms\"\nwatch = \"500ms\"\n"
        );
    }
}
