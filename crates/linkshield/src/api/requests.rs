//! What the checking paths accept, field by field.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{fields::Fields, problem::Problem};
use crate::{analysis::URL_LENGTH_MAX, store::ScanType};

/// Most URLs in one bulk request.
pub const BULK_URLS_MAX: usize = 100;

const SCAN_DEPTH_MAX: u64 = 5;
const LINKS_MAX: u64 = 1000;
const NO_CALLBACKS: &str =
    "callbacks are not delivered in this release; leave the field out and read the answer";

/// Body of `POST /api/v1/url-check/check`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The URL to check; `https://` is assumed when the scheme is missing.
    #[schema(min_length = 1, max_length = 2048, example = "https://example.com/")]
    pub url: String,
    /// Which scans are wanted; what this release can make is always made and listed in `analysis_results.scans`.
    #[schema(required = false)]
    pub scan_types: Option<Vec<ScanType>>,
    /// Analyse again even if a result of the last five minutes exists.
    #[schema(required = false, default = false)]
    pub priority: bool,
    /// Depth of the link scan; checked, but no release follows links yet.
    #[schema(required = false, minimum = 1, maximum = 5)]
    pub scan_depth: Option<u64>,
    /// Bound of the link scan; checked, but no release follows links yet.
    #[schema(required = false, minimum = 1, maximum = 1000)]
    pub max_links: Option<u64>,
}

/// Body of `POST /api/v1/url-check/bulk-check`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// Up to 100 URLs; those that are none are skipped.
    #[schema(min_items = 1, max_items = 100)]
    pub urls: Vec<String>,
    /// Which scans are wanted, as for a single check.
    #[schema(required = false)]
    pub scan_types: Option<Vec<ScanType>>,
}

// === impl CheckRequest ===

impl CheckRequest {
    /// Reads a body; every mistake is reported.
    pub(super) fn from_json(body: Value) -> Result<Self, Problem> {
        let known = ["url", "scan_types", "priority", "callback_url", "scan_depth", "max_links"];
        let mut fields = Fields::of(body, &known)?;
        let url = fields.text("url", 1..=URL_LENGTH_MAX);
        let request = Self {
            url: url.unwrap_or_default(),
            scan_types: scan_types(&mut fields),
            priority: fields.truth("priority"),
            scan_depth: fields.number("scan_depth", 1..=SCAN_DEPTH_MAX),
            max_links: fields.number("max_links", 1..=LINKS_MAX),
        };
        refuse_callback(&mut fields);
        fields.finish(request)
    }
}

// === impl BulkRequest ===

impl BulkRequest {
    /// Reads a body; every mistake is reported.
    pub(super) fn from_json(body: Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, &["urls", "scan_types", "callback_url"])?;
        let urls = fields.texts("urls");
        if urls.is_none() {
            fields.refuse("urls", format!("is required, accepted is a list of 1 to {BULK_URLS_MAX} strings"));
        }
        let request = Self { urls: urls.unwrap_or_default(), scan_types: scan_types(&mut fields) };
        refuse_callback(&mut fields);
        fields.finish(request)
    }
}

fn scan_types(fields: &mut Fields) -> Option<Vec<ScanType>> {
    let names = fields.texts("scan_types")?;
    let mut types = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match ScanType::from_name(name) {
            Some(scan_type) if types.contains(&scan_type) => {}
            Some(scan_type) => types.push(scan_type),
            None => {
                let known: Vec<&str> = ScanType::ALL.into_iter().map(ScanType::as_str).collect();
                let shown: String = name.chars().take(40).collect();
                let detail = format!("is `{shown}`, accepted are {}", known.join(", "));
                fields.refuse(&format!("scan_types/{index}"), detail);
            }
        }
    }
    Some(types)
}

/// Accepting a callback and never calling back would be a lie.
fn refuse_callback(fields: &mut Fields) {
    if fields.take("callback_url").is_some() {
        fields.refuse("callback_url", NO_CALLBACKS.to_owned());
    }
}
