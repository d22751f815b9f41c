//! `shield logs`: what a process printed.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde_json::json;
use shield_control::{Layout, admin::AdminClient};

use super::ship::interruptible;
use crate::{
    cli::{LogsArguments, OutputFormat, Place},
    context::existing_layout,
    exit::{Exit, Failure},
    output::{
        self,
        write::{self, say},
    },
};

/// Bytes before the end in which the wanted lines are looked for.
const TAIL_BYTES_MAX: u64 = 4 << 20;
/// Time between looks at a followed log.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run(
    place: &Place,
    arguments: &LogsArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    let layout = existing_layout(place, Exit::NoControlPlane)?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => live_release(&layout).await?,
    };
    let paths = find(&layout, &name)?;
    for path in &paths {
        if paths.len() > 1 && format == OutputFormat::Text {
            say!("==> {}", path.display());
        }
        let lines = tail(path, usize::from(arguments.lines)).map_err(|error| unreadable(path, &error))?;
        lines.iter().for_each(|line| print(path, line, format));
    }
    match (arguments.follow, paths.last()) {
        (true, Some(path)) => {
            let followed = interruptible(follow(path, |line| print(path, line, format))).await?;
            followed.map_err(|error| unreadable(path, &error))
        }
        _ => Ok(()),
    }
}

fn print(path: &Path, line: &str, format: OutputFormat) {
    match format {
        OutputFormat::Text => say!("{line}"),
        OutputFormat::Json => output::json(&json!({ "log": path, "line": line })),
    }
}

async fn live_release(layout: &Layout) -> Result<String, Failure> {
    let status = AdminClient::new(layout).status().await.map_err(|error| Failure::admin(&error))?;
    let newest = status.underway.map(|underway| underway.release).or(status.live);
    newest.map(|release| release.to_string()).ok_or_else(|| {
        Failure::plain(
            Exit::Usage,
            "failed to find a log: no release is live",
            "name one: `edge`, `control`, `build`, `test`",
        )
    })
}

/// Logs whose name is `name` or starts with it, the newest last, at most five.
fn find(layout: &Layout, name: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut logs: Vec<(SystemTime, PathBuf)> = Vec::new();
    let mut known = Vec::new();
    for entry in fs::read_dir(layout.logs()).into_iter().flatten().flatten() {
        let path = entry.path();
        let Some(stem) =
            path.file_name().and_then(|file| file.to_str()).and_then(|file| file.strip_suffix(".log"))
        else {
            continue;
        };
        known.push(stem.to_owned());
        if stem == name
            || stem.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-'))
            || stem.starts_with(name) && name.len() > 2
        {
            let modified =
                entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            logs.push((modified, path));
        }
    }
    logs.sort();
    let newest = logs.split_off(logs.len().saturating_sub(5));
    if newest.is_empty() {
        known.sort();
        let hint = format!("there are logs of: {}", known.join(", "));
        return Err(Failure::plain(Exit::Usage, &format!("failed to find a log named `{name}`"), &hint));
    }
    Ok(newest.into_iter().map(|(_, path)| path).collect())
}

/// The last lines of a log, oldest first, also those that rotation moved to `path.1`.
fn tail(path: &Path, lines: usize) -> std::io::Result<Vec<String>> {
    let mut text = read_end(path)?;
    if text.lines().count() < lines {
        let rotated = path.with_added_extension("1");
        let before = if rotated.exists() { read_end(&rotated)? } else { String::new() };
        text.insert_str(0, &before);
    }
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect())
}

fn read_end(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Hands over each line that is appended, once it is whole; ends when nobody reads any more.
async fn follow(path: &Path, mut take: impl FnMut(&str)) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut position = file.seek(SeekFrom::End(0))?;
    let mut unfinished = Vec::new();
    while !write::abandoned() {
        tokio::time::sleep(FOLLOW_EVERY).await;
        if file.metadata()?.len() < position {
            // Rotated: what follows starts at the beginning.
            position = 0;
        }
        file.seek(SeekFrom::Start(position))?;
        position += (&mut file).take(TAIL_BYTES_MAX).read_to_end(&mut unfinished)? as u64;
        while let Some(end) = unfinished.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unfinished.drain(..=end).collect();
            take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        }
        // A line without an end is not kept for ever.
        if unfinished.len() as u64 >= TAIL_BYTES_MAX {
            take(&String::from_utf8_lossy(&std::mem::take(&mut unfinished)));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unexpected(&format!("read log `{}`", path.display()), error)
}
