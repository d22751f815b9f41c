//! Reading JSON bodies: bounded in size and time, refused with the right status.

use std::time::Duration;

use axum::{body::HttpBody, extract::Request};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio::time::timeout;

use super::{problem::Problem, strict_json::StrictJson};

/// Largest body of a single check: a URL of 2048 characters fits, each of them escaped as two `\uXXXX`.
pub const CHECK_BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest body of a bulk request: 100 of such URLs fit.
pub const BULK_BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a body that anybody may send at once.
const SMALL_BODY_BYTES: usize = 64 * 1024;

/// Reads the body of `request`, at most `bytes_max` bytes, as JSON.
pub(super) async fn read_json(request: Request, bytes_max: usize) -> Result<Value, Problem> {
    let (value, _) = read_json_in_turn(request, bytes_max, async || ()).await?;
    Ok(value)
}

/// The same, where `turn` is waited for, and given, before more than 64 KiB of it are taken in: a client that announces much
/// and sends little takes nobody's turn.
pub(super) async fn read_json_in_turn<T>(
    request: Request,
    bytes_max: usize,
    turn: impl AsyncFnOnce() -> T,
) -> Result<(Value, Option<T>), Problem> {
    check_content_type(request.headers())?;
    let (bytes, held) = read_in_turn(request, bytes_max, turn).await?;
    let StrictJson(value) =
        serde_json::from_slice(&bytes).map_err(|error| Problem::malformed_json(error.to_string()))?;
    Ok((value, held))
}

/// Reads the body of `request`, at most `bytes_max` bytes, whatever it says that it is. It must not be compressed.
pub(super) async fn read_bytes(request: Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    check_encoding(request.headers())?;
    let (bytes, _) = read_in_turn(request, bytes_max, async || ()).await?;
    Ok(bytes)
}

async fn read_in_turn<T>(
    request: Request,
    bytes_max: usize,
    turn: impl AsyncFnOnce() -> T,
) -> Result<(Vec<u8>, Option<T>), Problem> {
    // A body that announces its size is refused before the client is asked to send it.
    if !usize::try_from(request.body().size_hint().lower()).is_ok_and(|bytes| bytes <= bytes_max) {
        return Err(Problem::body_too_large(bytes_max));
    }
    let mut body = Limited::new(request.into_body(), bytes_max);
    let read = async {
        let (mut bytes, mut turn, mut held) = (Vec::new(), Some(turn), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| refusal(&*error, bytes_max))?;
            bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
            if bytes.len() > SMALL_BODY_BYTES
                && let Some(turn) = turn.take()
            {
                held = Some(turn().await);
            }
        }
        Ok::<_, Problem>((bytes, held))
    };
    timeout(BODY_TIMEOUT, read).await.map_err(|_| Problem::slow_body(BODY_TIMEOUT.as_secs()))?
}

fn refusal(error: &(dyn std::error::Error + 'static), bytes_max: usize) -> Problem {
    if error.is::<LengthLimitError>() { Problem::body_too_large(bytes_max) } else { Problem::broken_body() }
}

/// Whether the body says that it is JSON, as it is.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("not text"));
    let mut parts = content_type.unwrap_or_default().split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    check_encoding(headers)?;
    let json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if json && parts.all(keeps_utf8) { Ok(()) } else { Err(Problem::not_json(content_type)) }
}

/// Whether a parameter of the media type leaves the text what JSON always is (RFC 8259, 8.1).
fn keeps_utf8(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    !name.trim().eq_ignore_ascii_case("charset")
        || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        true => Err(Problem::encoded_body()),
        false => Ok(()),
    }
}
