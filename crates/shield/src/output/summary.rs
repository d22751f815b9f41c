//! The end of `ship` and `release`: where it runs, what was proved, what to try next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::json;
use shield_control::{
    Layout,
    admin::StatusReport,
    pipeline::{ShipSummary, StageName, StageOutcome},
};
use shield_release::FinishedRelease;

use super::{edge_address, json, write::say};
use crate::{cli::OutputFormat, context::Context};

pub(crate) fn print(context: &Context, status: &StatusReport, summary: &ShipSummary, format: OutputFormat) {
    let curl = curl_line(context, status);
    match format {
        OutputFormat::Json => json(&json!({
            "event": "finished",
            "address": edge_address(status),
            "curl": curl,
            "artifact": summary.artifact,
            "release": summary.release,
            "stages": summary.stages,
            "checkpoint": summary.checkpoint,
        })),
        OutputFormat::Text => print_text(context, status, summary, &curl),
    }
}

fn print_text(context: &Context, status: &StatusReport, summary: &ShipSummary, curl: &str) {
    let release = &summary.release;
    say!("");
    say!("{} {} is live on {}", context.manifest.name, release.spec.id, edge_address(status));
    say!("  {curl}");
    say!("");
    say!("Proved and signed, about artifact {}:", summary.artifact);
    for stage in &summary.stages {
        let skipped = if stage.outcome == StageOutcome::Skipped { "skipped: " } else { "" };
        say!("  {:8} {skipped}{}", stage.stage, stage.summary);
    }
    print_checkpoint(summary);
    say!("");
    say!("Try next:");
    for (command, why) in next_steps(release, summary) {
        say!("  {command:24} {why}");
    }
    print_path_hint(&context.layout);
}

fn print_checkpoint(summary: &ShipSummary) {
    match &summary.checkpoint {
        Some(checkpoint) => {
            say!(
                "  checkpoint of the evidence log (keep it on another machine; it finds every later change):"
            );
            say!("    shield evidence verify --expect {checkpoint}");
        }
        None => say!("  the release is not in the evidence log yet"),
    }
}

fn next_steps(release: &FinishedRelease, summary: &ShipSummary) -> Vec<(&'static str, &'static str)> {
    let piped = summary.stages.iter().any(|stage| stage.stage == StageName::Build);
    let again = if piped { "shield ship" } else { "shield release" };
    let mut steps = vec![
        ("shield status", "what runs now"),
        (again, "change a line and release again: no request fails"),
    ];
    if release.previous.is_some() {
        steps.push(("shield rollback", "bring the release before back"));
    }
    steps.push(("shield evidence list", "every signed statement"));
    steps.push(("shield down", "stop everything"));
    steps
}

/// A line that works when pasted: it names the certificate authority and a path that answers.
fn curl_line(context: &Context, status: &StatusReport) -> String {
    let path = &context.manifest.service.ready.path;
    match (status.https, status.http) {
        (Some(https), _) => {
            let authority = context.layout.authority().join("ca.pem");
            let authority = quoted(&authority.to_string_lossy());
            format!("curl --cacert {authority} {}", quoted(&format!("https://{}{path}", reachable(https))))
        }
        (None, Some(http)) => format!("curl {}", quoted(&format!("http://{}{path}", reachable(http)))),
        (None, None) => "the edge has no address".to_owned(),
    }
}

/// An address to connect to: one that stands for every address of the machine is in no certificate.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// `text` as one word for a shell.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/:.-_=".contains(letter);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// `cargo run -- ship` leaves no `shield` on the PATH: say how to get one.
fn print_path_hint(layout: &Layout) {
    let Ok(running) = std::env::current_exe() else { return };
    let directory = running.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|entry| entry.join("shield").exists() && entry == directory)
    });
    if !on_path && !running.starts_with(layout.root()) {
        say!("  (put `shield` on the PATH:  export PATH=\"{}:$PATH\")", directory.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_words_stay_words() {
        assert_eq!(quoted("/a/ca.pem"), "/a/ca.pem");
        assert_eq!(quoted("/it's $HOME"), r"'/it'\''s $HOME'");
        assert_eq!(quoted("https://[::1]:1/health?a=1&b"), "'https://[::1]:1/health?a=1&b'");
    }

    #[test]
    fn every_address_is_reached_on_loopback() {
        for (listening, reached) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.1:1", "10.0.0.1:1")]
        {
            assert_eq!(reachable(listening.parse().unwrap()).to_string(), reached);
        }
    }
}
