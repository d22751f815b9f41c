//! The smoke stage: a few requests to the staging instance, each with an expected answer.

use std::net::SocketAddr;

use shield_evidence::{Check, CheckOutcome};

use super::http::PlainRequest;
use crate::manifest::SmokeRequest;

/// Bytes of an unexpected answer that a failure shows.
const SHOWN_BYTES_MAX: usize = 400;

/// Sends `request` to `address` and says whether the answer was the expected one.
pub(super) async fn check(request: &SmokeRequest, address: SocketAddr) -> Check {
    let plain = PlainRequest {
        method: &request.method,
        path: &request.path,
        headers: &request.headers,
        body: request.body.as_deref(),
    };
    let verdict = match plain.send(address, request.timeout).await {
        Ok(answer) => judge(request, answer.status.as_u16(), &answer.body),
        Err(problem) => Err(problem),
    };
    let (outcome, detail) = match verdict {
        Ok(detail) => (CheckOutcome::Yes, detail),
        Err(detail) => (CheckOutcome::No, detail),
    };
    let method = format!("{} {} to the staging instance", request.method, request.path);
    Check { name: request.name.clone(), outcome, method, detail }
}

fn judge(request: &SmokeRequest, status: u16, body: &[u8]) -> Result<String, String> {
    let body = String::from_utf8_lossy(body);
    if !request.status.contains(status) {
        return Err(format!("answered {status}, expected {}: {}", request.status, shown(&body)));
    }
    if let Some(missing) = request.contains.iter().find(|text| !body.contains(text.as_str())) {
        return Err(format!("the answer does not contain `{missing}`: {}", shown(&body)));
    }
    Ok(format!("answered {status}"))
}

fn shown(body: &str) -> String {
    let printable = body.chars().map(|character| if character.is_control() { ' ' } else { character });
    let text: String = printable.take(SHOWN_BYTES_MAX).collect();
    if text.is_empty() { "(empty body)".to_owned() } else { text }
}
