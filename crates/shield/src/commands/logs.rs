//! `shield logs`: what a process printed.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use shield_control::{Layout, admin::AdminClient};

use crate::{
    cli::{LogsArguments, Place},
    context::existing_layout,
    exit::{Exit, Failure},
};

/// Bytes before the end in which the wanted lines are looked for.
const TAIL_BYTES_MAX: u64 = 4 << 20;
/// Time between looks at a followed log.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run(place: &Place, arguments: &LogsArguments) -> Result<(), Failure> {
    let layout = existing_layout(place)?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => live_release(&layout).await?,
    };
    let paths = find(&layout, &name)?;
    let several = paths.len() > 1;
    for path in &paths {
        if several {
            anstream::println!("==> {}", path.display());
        }
        print_tail(path, usize::from(arguments.lines)).map_err(|error| unreadable(path, &error))?;
    }
    match (arguments.follow, paths.last()) {
        (true, Some(path)) => follow(path).await.map_err(|error| unreadable(path, &error)),
        _ => Ok(()),
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

/// The last `lines` lines, also those that rotation moved to `path.1`.
fn print_tail(path: &Path, lines: usize) -> std::io::Result<()> {
    let mut text = read_end(path)?;
    if text.lines().count() < lines {
        let rotated = path.with_added_extension("1");
        let before = if rotated.exists() { read_end(&rotated)? } else { String::new() };
        text.insert_str(0, &before);
    }
    let all: Vec<&str> = text.lines().collect();
    for line in &all[all.len().saturating_sub(lines)..] {
        anstream::println!("{line}");
    }
    Ok(())
}

fn read_end(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn follow(path: &Path) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut position = file.seek(SeekFrom::End(0))?;
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        if file.metadata()?.len() < position {
            // Rotated: what follows starts at the beginning.
            position = 0;
        }
        file.seek(SeekFrom::Start(position))?;
        let mut bytes = Vec::new();
        position += (&mut file).take(TAIL_BYTES_MAX).read_to_end(&mut bytes)? as u64;
        let mut stdout = std::io::stdout();
        stdout.write_all(&bytes)?;
        stdout.flush()?;
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unexpected(&format!("read log `{}`", path.display()), error)
}
