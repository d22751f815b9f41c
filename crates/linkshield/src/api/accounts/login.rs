//! Logging in, staying logged in, logging out.

use axum::{
    Json,
    extract::{Request, State},
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shield_guard::{
    limit::DeviceDigest,
    revocation::RevocationReason,
    session::{CookieLife, SessionCookie, SessionDigest, SessionSecret},
    token::{IssuedToken, RefreshLife},
};
use shield_types::Secret;
use utoipa::ToSchema;

use super::{
    ACCOUNT_BODY_BYTES_MAX,
    answers::UserResponse,
    events,
    mfa::CODE_LENGTH_MAX,
    read::{self, TOKEN_LENGTH_MAX},
};
use crate::{
    accounts::{Client, Device, EmailAddress, Granted, Login, LoginRefused, RefreshFailure, Refreshed},
    api::{
        body::read_json,
        fields::Fields,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    clock::now,
    gate::{ClientAddress, LoggedIn, Witness, device_cookie, session_cookie},
    keys::random_bytes,
};

/// How long a device keeps its cookie: as long as an account knows it after its last log-in there.
const DEVICE_KEPT_S: u32 = 90 * 24 * 60 * 60;

/// Body of `POST /api/v1/user/login`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct LoginRequest {
    #[schema(max_length = 254, example = "ada@example.org")]
    email: String,
    #[schema(max_length = 128)]
    password: String,
    /// Stay logged in for 30 days instead of one.
    #[schema(required = false, default = false)]
    remember_me: bool,
    /// Where a second factor is set up: six digits, or a recovery code.
    #[schema(required = false, max_length = 64)]
    totp_code: Option<String>,
    /// What the device is; `name` is shown in the list of sessions.
    #[schema(required = false)]
    device_info: Option<std::collections::BTreeMap<String, String>>,
}

/// Body of `POST /api/v1/user/refresh`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct RefreshRequest {
    /// The newest one; each works once.
    refresh_token: String,
}

/// What a log-in gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginResponse {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// `bearer`.
    #[schema(value_type = String)]
    token_type: &'static str,
    /// Seconds that the access token lives.
    expires_in: u64,
    /// For the next access token.
    refresh_token: String,
    user: UserResponse,
    #[schema(format = "uuid")]
    session_id: String,
}

/// What was read of a log-in's body.
struct Credentials {
    email: EmailAddress,
    password: Secret<String>,
    code: Option<String>,
    life: RefreshLife,
    device_name: String,
}

/// Logs in. Sets the session's cookie too. A request that shows a session's cookie ends that session, if it is the same
/// account's.
#[utoipa::path(post, path = "/api/v1/user/login", tag = "user", request_body = LoginRequest, responses(
    (status = 200, description = "Tokens and the account", body = LoginResponse,
        headers(("set-cookie" = String, description = "The session, for browsers; and what the device is known by"))),
    (status = 400, description = "Not JSON, or the password is right and the code is not valid", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, description = "Nobody has this address and password, or the account needs a code and none came", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "The address is not verified, or the account closed", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 423, description = "An administrator locked the account", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn login(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    witness: Witness,
    request: Request,
) -> Result<Response, Problem> {
    let device = device_in(request.headers());
    let replaces = session_in(request.headers());
    let user_agent = text_of(request.headers(), &header::USER_AGENT);
    let Credentials { email, password, code, life, device_name } =
        credentials(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?)?;
    let client = Client { address, user_agent, device: device_name };
    let (secret, device) = device;
    let outcome =
        app.accounts().log_in(Login { email, password, code, life, client, device, replaces }).await;
    let granted = outcome.map_err(|LoginRefused { account, error }| {
        events::login_refused(witness.clone(), account, &error);
        Problem::from(error)
    })?;
    events::logged_in(witness, &granted);
    let cookies = AppendHeaders([
        (header::SET_COOKIE, secret_cookie(&session_cookie(), &granted.secret, session_life(life))?),
        (header::SET_COOKIE, secret_cookie(&device_cookie(), &secret, CookieLife::Seconds(DEVICE_KEPT_S))?),
    ]);
    Ok((cookies, Json(LoginResponse::from(granted))).into_response())
}

/// Exchanges a refresh token for the next pair. The same one again within ten seconds gets the same successor; later it ends the
/// session.
#[utoipa::path(post, path = "/api/v1/user/refresh", tag = "user", request_body = RefreshRequest, responses(
    (status = 200, description = "Tokens and the account", body = LoginResponse),
    (status = 401, description = "The token is not valid", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn refresh(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<Json<LoginResponse>, Problem> {
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["refresh_token"])?;
    let token = fields.text("refresh_token", 1..=TOKEN_LENGTH_MAX);
    let token = fields.finish_required(token)?;
    let refreshed = app.accounts().refresh(&token).await.inspect_err(|failure| {
        if let &RefreshFailure::Reused { account, session } = failure {
            events::refresh_reused(witness, account, session);
        }
    });
    Ok(Json(refreshed?.into()))
}

/// Ends the session with all its tokens, at once.
#[utoipa::path(post, path = "/api/v1/user/logout", tag = "user", responses(
    (status = 204, description = "Ended", headers(("set-cookie" = String, description = "Takes the session's cookie away"))),
))]
pub(super) async fn logout(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    witness: Witness,
) -> Result<Response, Problem> {
    // A session that ended meanwhile is what was asked for.
    if app.accounts().end_session(holder.account, holder.session, RevocationReason::Logout).await? {
        events::sessions_ended(&witness, &[holder.session], "logout", StatusCode::NO_CONTENT);
    }
    let cookie = HeaderValue::from_str(&session_cookie().clear()).expect("name and attributes are ASCII");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// The same under the original's other path.
#[utoipa::path(post, path = "/auth/logout", tag = "user", responses(
    (status = 204, description = "Ended", headers(("set-cookie" = String, description = "Takes the session's cookie away"))),
))]
pub(super) async fn logout_short(
    app: State<App>,
    holder: LoggedIn,
    witness: Witness,
) -> Result<Response, Problem> {
    logout(app, holder, witness).await
}

// === impl LoginResponse ===

impl From<Granted> for LoginResponse {
    fn from(granted: Granted) -> Self {
        let Granted { account, session, access, refresh, .. } = granted;
        Self {
            access_token: access.text.expose().clone(),
            token_type: "bearer",
            expires_in: seconds_left(&access),
            refresh_token: refresh.expose().clone(),
            user: account.into(),
            session_id: session.id.to_string(),
        }
    }
}

impl From<Refreshed> for LoginResponse {
    fn from(refreshed: Refreshed) -> Self {
        let Refreshed { account, session, access, refresh } = refreshed;
        Self {
            access_token: access.text.expose().clone(),
            token_type: "bearer",
            expires_in: seconds_left(&access),
            refresh_token: refresh.expose().clone(),
            user: account.into(),
            session_id: session.to_string(),
        }
    }
}

fn seconds_left(token: &IssuedToken) -> u64 {
    token.expires_at.since(now()).as_secs()
}

fn credentials(body: Value) -> Result<Credentials, Problem> {
    let mut fields = Fields::of(body, &["email", "password", "remember_me", "device_info", "totp_code"])?;
    let (email, password) = (read::email(&mut fields), read::password(&mut fields, "password"));
    let life = if fields.truth("remember_me") { RefreshLife::Remembered } else { RefreshLife::Day };
    let code = fields.optional_text("totp_code", 1..=CODE_LENGTH_MAX);
    let device_name = device_name(&mut fields);
    let (email, password) = fields.finish_required(email.zip(password))?;
    Ok(Credentials { email, password, code, life, device_name })
}

/// The device's name; everything else that a client says about it is of no use here.
fn device_name(fields: &mut Fields) -> String {
    let said = match fields.take("device_info") {
        None => return String::new(),
        Some(Value::Object(said)) => said,
        Some(_) => {
            fields.refuse("device_info", "is not an object, accepted is one of strings".to_owned());
            return String::new();
        }
    };
    if said.values().any(|value| !value.is_string()) {
        fields.refuse("device_info", "holds something else, accepted are strings".to_owned());
    }
    said.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The device that shows its cookie, else a new one. A cookie that is none of ours is as good as none.
fn device_in(headers: &HeaderMap) -> (SessionSecret, Device) {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let digest = |secret: &SessionSecret| DeviceDigest(*secret.digest().as_bytes());
    match device_cookie().read(lines) {
        Ok(Some(secret)) => {
            let device = Device::Presented(digest(&secret));
            (secret, device)
        }
        Ok(None) | Err(_) => {
            let secret = SessionSecret::new(random_bytes());
            let device = Device::Fresh(digest(&secret));
            (secret, device)
        }
    }
}

/// The session whose cookie came along. Whether it lives, and whose it is, the database knows.
fn session_in(headers: &HeaderMap) -> Option<SessionDigest> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    session_cookie().read(lines).ok().flatten().map(|secret| secret.digest())
}

fn session_life(life: RefreshLife) -> CookieLife {
    match life {
        RefreshLife::Day => CookieLife::Browser,
        RefreshLife::Remembered => {
            CookieLife::Seconds(u32::try_from(life.duration().as_secs()).unwrap_or(u32::MAX))
        }
    }
}

fn secret_cookie(
    cookie: &SessionCookie,
    secret: &SessionSecret,
    life: CookieLife,
) -> Result<HeaderValue, Problem> {
    let mut cookie = HeaderValue::from_str(cookie.set(secret, life).expose())
        .map_err(|error| Problem::internal(error.to_string()))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
