//! A replay for programs: every entry with its verdict and its reason.
//!
//! The form has a version, `"schema": "shield-replay/1"`: within it, fields are added and never renamed, taken away or given another
//! meaning.

use std::collections::BTreeMap;

use serde::Serialize;

use super::unread;
use crate::{
    audit::ReplayedReport,
    replay::{Count, JudgedClaim, Stage, Verdict},
    report::Gap,
};

/// The form and its version.
pub const SCHEMA: &str = "shield-replay/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    root: &'a str,
    site_packages: &'a [String],
    complete: bool,
    unjudged: usize,
    claims: Vec<Claim<'a>>,
    not_read: Vec<Gap>,
}

#[derive(Serialize)]
struct Claim<'a> {
    counts: BTreeMap<Verdict, Count>,
    /// None for a claim that accuses no file.
    funnel: Option<Vec<Stage>>,
    claim: &'a JudgedClaim,
}

/// The replay as one document of JSON.
#[must_use]
pub fn json(replayed: &ReplayedReport) -> String {
    let claims = replayed.replay.claims.iter().map(|claim| Claim {
        counts: claim.counts(),
        funnel: claim.accusation.map(|_| claim.funnel()),
        claim,
    });
    let document = Document {
        schema: SCHEMA,
        root: &replayed.root,
        site_packages: &replayed.sites,
        complete: replayed.is_complete(),
        unjudged: replayed.unjudged(),
        claims: claims.collect(),
        not_read: unread(replayed),
    };
    let mut text =
        serde_json::to_string_pretty(&document).expect("every key is text, and nothing in it can fail");
    text.push('\n');
    text
}
