//! An event as a line of OCSF.

use super::{
    catalogue::{OTHER, SecurityEvent},
    context::{EventContext, EventId, EventSource},
    line::{Object, Truth},
    shape::{EventClass, LoginFactors, Outcome, SecondFactor, Shape},
    tally::EventSum,
};

/// The version of the schema.
pub const OCSF_VERSION: &str = "1.7.0";
/// The longest line, its end included: ten texts of 256 bytes, and the rest.
pub const EVENT_LINE_BYTES_MAX: usize = 6 * 1_024;
/// The name of the log, in `metadata.log_name`.
const LOG_NAME: &str = "security";
/// OCSF's numbers for what somebody logged in with (`auth_factor.factor_type_id`).
const FACTOR_PASSWORD: u64 = 11;
const FACTOR_ONE_TIME_PASSWORD: u64 = 7;
const FACTOR_OTHER: u64 = 99;
/// `status_id` of a finding that nobody has looked at.
const FINDING_NEW: u64 = 1;

/// Appends one line, with its line feed, to `line`. It allocates only where `line` has not room for
/// [`EVENT_LINE_BYTES_MAX`] more bytes.
pub fn write_event(
    event: &SecurityEvent,
    context: &EventContext<'_>,
    source: &EventSource<'_>,
    line: &mut Vec<u8>,
) {
    write_line(event, context, |_| {}, source, line);
}

/// Appends one line that stands for several events that were alike: `count` of them between `start_time` and `end_time`. It has
/// no request, since each of them had its own.
pub fn write_sum(sum: &EventSum, id: EventId, source: &EventSource<'_>, line: &mut Vec<u8>) {
    let EventSum { event, client, actor, subject, count, since, until } = sum;
    let context = EventContext {
        id,
        at: *until,
        request_id: "",
        client: *client,
        actor: *actor,
        subject: *subject,
        session: None,
        method: "",
        route: "",
        status: None,
        user_agent: "",
    };
    let write_count = |object: &mut Object<'_>| {
        object.number("count", *count);
        object.number("start_time", since.0);
        object.number("end_time", until.0);
    };
    write_line(event, &context, write_count, source, line);
}

fn write_line(
    event: &SecurityEvent,
    context: &EventContext<'_>,
    write_count: impl FnOnce(&mut Object<'_>),
    source: &EventSource<'_>,
    line: &mut Vec<u8>,
) {
    line.reserve(EVENT_LINE_BYTES_MAX);
    let shape = event.shape();
    let mut object = Object::open(line);
    write_classification(&shape, context, &mut object);
    write_count(&mut object);
    write_metadata(&shape, context, source, &mut object);
    write_who(&shape, context, source, &mut object);
    write_class(event, context, source, &mut object);
    write_request(&shape, context, &mut object);
    object.object("unmapped", |details| event.write_details(details));
    object.close();
    line.push(b'\n');
}

fn write_classification(shape: &Shape, context: &EventContext<'_>, object: &mut Object<'_>) {
    let class = shape.class.uid();
    let activity = match shape.class {
        EventClass::HttpActivity => activity_of_method(context.method),
        _ => shape.activity,
    };
    object.number("time", context.at.0);
    object.number("category_uid", shape.class.category_uid().into());
    object.number("class_uid", class.into());
    object.number("activity_id", activity.into());
    if activity == OTHER {
        object.text("activity_name", shape.name);
    }
    object.number("type_uid", u64::from(class) * 100 + u64::from(activity));
    object.number("severity_id", shape.severity.id().into());
    match shape.class {
        EventClass::DetectionFinding => object.number("status_id", FINDING_NEW),
        _ => object.number("status_id", shape.outcome.id().into()),
    }
    object.text("message", shape.name);
}

/// OCSF's HTTP activities are the methods.
fn activity_of_method(method: &str) -> u32 {
    match method {
        "CONNECT" => 1,
        "DELETE" => 2,
        "GET" => 3,
        "HEAD" => 4,
        "OPTIONS" => 5,
        "POST" => 6,
        "PUT" => 7,
        "TRACE" => 8,
        "PATCH" => 9,
        _ => OTHER,
    }
}

fn write_metadata(
    shape: &Shape,
    context: &EventContext<'_>,
    source: &EventSource<'_>,
    object: &mut Object<'_>,
) {
    object.object("metadata", |metadata| {
        metadata.text("version", OCSF_VERSION);
        metadata.id("uid", context.id.0);
        metadata.text("event_code", shape.name);
        metadata.text("log_name", LOG_NAME);
        if shape.class == EventClass::HttpActivity {
            // Only with this profile has an HTTP activity an actor.
            metadata.words("profiles", &["host"]);
        }
        if !context.request_id.is_empty() {
            metadata.text("correlation_uid", context.request_id);
        }
        metadata.object("product", |product| {
            product.text("name", source.product);
            product.text("version", source.version);
            product.text("uid", source.instance);
        });
    });
}

/// Actor and address, in the classes that have them. OCSF wants somebody in an actor: without a proven account it is
/// the program.
fn write_who(shape: &Shape, context: &EventContext<'_>, source: &EventSource<'_>, object: &mut Object<'_>) {
    if matches!(shape.class, EventClass::ApplicationError | EventClass::DetectionFinding) {
        return;
    }
    object.object("actor", |actor| {
        match context.actor {
            Some(account) => actor.object("user", |user| user.id("uid", account)),
            None => actor.text("app_name", source.product),
        }
        if let Some(session) = context.session {
            actor.object("session", |object| object.id("uid", session));
        }
    });
    object.object("src_endpoint", |endpoint| match context.client {
        Some(address) => endpoint.id("ip", address),
        None => endpoint.text("name", source.product),
    });
}

/// What only one class has.
fn write_class(
    event: &SecurityEvent,
    context: &EventContext<'_>,
    source: &EventSource<'_>,
    object: &mut Object<'_>,
) {
    let shape = event.shape();
    match shape.class {
        EventClass::Authentication => {
            write_subject(context, object);
            object.object("service", |service| service.text("name", source.product));
            if let SecurityEvent::LoginSucceeded { factors, session } = event {
                object.object("session", |object| object.id("uid", session));
                write_factors(*factors, object);
            }
        }
        EventClass::AccountChange => write_subject(context, object),
        EventClass::ApiActivity => object.object("api", |api| api.text("operation", shape.name)),
        EventClass::DetectionFinding => write_finding(&shape, context, object),
        EventClass::HttpActivity | EventClass::ApplicationError => {}
    }
}

fn write_subject(context: &EventContext<'_>, object: &mut Object<'_>) {
    object.object("user", |user| match context.subject.or(context.actor) {
        Some(account) => user.id("uid", account),
        // What was typed may be a password in the wrong field; it is not written.
        None => user.text("name", "unknown"),
    });
}

fn write_factors(factors: LoginFactors, object: &mut Object<'_>) {
    let (types, count) = match factors {
        LoginFactors::Password => ([FACTOR_PASSWORD, 0], 1),
        LoginFactors::PasswordAnd(SecondFactor::Totp) => ([FACTOR_PASSWORD, FACTOR_ONE_TIME_PASSWORD], 2),
        LoginFactors::PasswordAnd(SecondFactor::RecoveryCode) => ([FACTOR_PASSWORD, FACTOR_OTHER], 2),
    };
    object.truth("is_mfa", if count > 1 { Truth::Yes } else { Truth::No });
    object.list("auth_factors", &types[..count], |kind, factor| {
        factor.number("factor_type_id", *kind);
        if *kind == FACTOR_OTHER {
            factor.text("factor_type", SecondFactor::RecoveryCode.label());
        }
    });
}

/// A finding has neither actor nor address of its own: they are its evidence.
fn write_finding(shape: &Shape, context: &EventContext<'_>, object: &mut Object<'_>) {
    object.truth("is_alert", Truth::Yes);
    object.object("finding_info", |finding| {
        finding.id("uid", context.id.0);
        finding.text("title", shape.name);
    });
    object.list("evidences", &[()], |(), evidence| {
        if let Some(address) = context.client {
            evidence.object("src_endpoint", |endpoint| endpoint.id("ip", address));
        }
        if let Some(account) = context.subject.or(context.actor) {
            evidence.object("user", |user| user.id("uid", account));
        }
        // An evidence must not be empty.
        evidence.object("api", |api| api.text("operation", shape.name));
    });
}

fn write_request(shape: &Shape, context: &EventContext<'_>, object: &mut Object<'_>) {
    let fits = match shape.class {
        EventClass::HttpActivity => true,
        EventClass::ApplicationError | EventClass::DetectionFinding => false,
        EventClass::AccountChange | EventClass::Authentication | EventClass::ApiActivity => {
            !context.method.is_empty()
        }
    };
    if !fits {
        return;
    }
    object.object("http_request", |request| {
        if !context.method.is_empty() {
            request.text("http_method", context.method);
        }
        request.object("url", |url| url.text("path", context.route));
        if !context.user_agent.is_empty() {
            request.text("user_agent", context.user_agent);
        }
    });
    if let Some(status) = context.status {
        object.object("http_response", |response| response.number("code", status.into()));
    }
}

// === impl SecurityEvent ===

impl SecurityEvent {
    /// Whether it is a refusal or a fault: what a counter of failures counts.
    pub const fn failed(&self) -> bool {
        matches!(self.shape().outcome, Outcome::Failure)
    }
}
