//! `[scenario.auth]`: credentials. It is sugar: a log-in becomes a step of the scenario's `setup`, a renewal one of its
//! `refresh`, and what they got stands in headers of the other steps.
//!
//! Every key is read whatever the kind, so that one that does not fit is refused by name.

use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;
use shield_types::settings::{Refusal, Setting, Table};

use crate::scenario::model::{Extract, Place, Refresh, Step};
use crate::scenario::read::answer::{POINTER, pointer, status_list};
use crate::scenario::read::limits::{CHECK_BYTES_MAX, HEADER_BYTES_MAX, NAME_BYTES_MAX};
use crate::scenario::read::request::{Base, ONE_VERB, header_name, header_value};
use crate::scenario::read::step::StepReader;
use crate::scenario::template::{Escape, Part, Template, Value};

/// What a scenario's credentials come to.
pub(crate) struct Credentials {
    pub(crate) login: Option<Step>,
    pub(crate) refresh: Option<Refresh>,
    /// Headers of the steps.
    pub(crate) base: Base,
}

/// A token against forged requests, and the header that shows it.
pub(crate) struct Csrf {
    place: Place,
    header: HeaderName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bearer,
    Session,
    ApiKey,
}

/// Keys of `[scenario.auth]` that are single values.
struct Keys<'r> {
    token: Setting<'r, Option<String>>,
    refresh_token: Setting<'r, Option<String>>,
    header: Setting<'r, Option<HeaderName>>,
    value: Setting<'r, Option<Template>>,
}

/// Keys of `[scenario.auth.refresh]` besides those of a step.
struct RefreshKeys<'r> {
    token: Setting<'r, Option<String>>,
    refresh_token: Setting<'r, Option<String>>,
    every: Setting<'r, Option<Duration>>,
    on_status: Setting<'r, Option<Vec<u16>>>,
}

/// The tables of `[scenario.auth]`.
struct Tables<'r> {
    auth: Table<'r>,
    login: Table<'r>,
    refresh: Table<'r>,
    csrf: Table<'r>,
}

const WORDS: [(&str, Kind); 3] =
    [("bearer", Kind::Bearer), ("session", Kind::Session), ("api-key", Kind::ApiKey)];
const LOGIN: &str = "the request that logs in, such as { post = \"/login\", form = { name = \"{{user}}\" } }";
/// Shortest and longest time between two renewals.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));

/// `[scenario.auth]`. None is a mistake; without the table there is nothing but `base`.
pub(crate) fn read(
    auth: &Table<'_>,
    csrf: Option<Csrf>,
    base: Base,
    reader: &mut StepReader<'_, '_>,
) -> Option<Credentials> {
    let tables = Tables::of(auth);
    let kind = auth.enumeration("kind", &WORDS);
    let kind = if auth.present() { kind.required() } else { kind }.optional();
    let keys = Keys::read(auth, reader);
    let refresh_keys = RefreshKeys::read(&tables.refresh);
    let name = reader.scope.name().to_owned();
    let mut login = reader.optional(&tables.login, &base, Some(&format!("log-in of {name}")));
    let mut steps_base = base.clone();
    let wanted = keys.wanted(&refresh_keys, csrf);
    if wanted.is_none() {
        reader.scope.doubt();
    }
    let extract = wanted.map(|wanted| wanted.define(reader, &mut steps_base));
    if let (Some(Some(login)), Some(extract)) = (&mut login, extract) {
        login.extract.extend(extract);
    }
    let visible = reader.scope.visible();
    let mut refresh_base = base;
    refresh_base.changing.clone_from(&steps_base.changing);
    let renewal = reader.optional(&tables.refresh, &refresh_base, Some(&format!("renewal of {name}")));
    let refresh = refresh_keys.refresh(&tables.refresh, renewal, &keys, reader);
    reader.scope.show_only(visible);
    if let Some(kind) = kind.take()? {
        check(kind, &keys, &refresh_keys, &tables);
        let no_request = matches!(&refresh, Some(Some(refresh)) if refresh.steps.is_empty());
        if kind == Kind::Bearer && no_request && refresh_keys.name_token() {
            tables.refresh.missing("get", ONE_VERB);
        }
        if kind == Kind::ApiKey {
            let header = keys.header.take()?.unwrap_or(HeaderName::from_static("x-api-key"));
            steps_base.always.insert(header.to_string(), (header, keys.value.take()??));
        }
    }
    Some(Credentials { login: login?, refresh: refresh?, base: steps_base })
}

/// Every key that does not fit the kind, and every one that it needs.
fn check(kind: Kind, keys: &Keys<'_>, refresh: &RefreshKeys<'_>, tables: &Tables<'_>) {
    if kind != Kind::Bearer {
        for setting in [&keys.token, &keys.refresh_token, &refresh.token, &refresh.refresh_token] {
            kind.refuse(setting);
        }
    }
    if kind != Kind::Session {
        kind.refuse_table(&tables.csrf);
    }
    if kind == Kind::ApiKey {
        kind.refuse_table(&tables.login);
        kind.refuse_table(&tables.refresh);
        if let Some(None) = keys.value.value() {
            tables.auth.missing("value", "the key, such as `{{accounts.key}}` or `{{env.API_KEY}}`");
        }
        return;
    }
    kind.refuse(&keys.header);
    kind.refuse(&keys.value);
    if !tables.login.present() {
        tables.auth.missing("login", LOGIN);
    }
    if let (Kind::Bearer, Some(None)) = (kind, keys.token.value()) {
        tables.auth.missing("token", POINTER);
    }
}

/// `[scenario.auth.csrf]`. The outer `None` is a mistake, the inner one no such token.
pub(crate) fn csrf(table: &Table<'_>) -> Option<Option<Csrf>> {
    let cookie = table.string("cookie", NAME_BYTES_MAX, "the name of the cookie that holds the token");
    let cookie = cookie.and_then(|name| match HeaderName::try_from(name.as_str()) {
        Ok(_) => Ok(Place::Cookie(name)),
        Err(_) => Err(Refusal::new("not a cookie's name", "a name without blanks")),
    });
    let pointed = table.string("pointer", CHECK_BYTES_MAX, POINTER);
    let pointed = pointed.and_then(|text| pointer(&text).map(Place::Pointer));
    let header = header(table).or(HeaderName::from_static("x-csrf-token"));
    let (cookie, pointed) = (cookie.optional(), pointed.optional());
    match (cookie.value(), pointed.value()) {
        (Some(None), Some(None)) if table.present() => {
            table.missing("cookie", "`cookie` or `pointer`");
            return None;
        }
        (Some(Some(_)), Some(Some(_))) => {
            pointed.mistaken(Refusal::new("given beside `cookie`", "one of `cookie`, `pointer`"));
        }
        _ => {}
    }
    let (place, header) = (cookie.take()?.or(pointed.take()?), header.take()?);
    Some(place.map(|place| Csrf { place, header }))
}

fn header<'r>(table: &Table<'r>) -> Setting<'r, HeaderName> {
    table.string("header", NAME_BYTES_MAX, "the name of a header").and_then(|name| header_name(&name))
}

/// What the answer to a log-in is to give.
struct Wanted {
    token: Option<String>,
    refresh_token: Option<String>,
    csrf: Option<Csrf>,
}

// === impl Wanted ===

impl Wanted {
    /// Defines the variables, and the headers that show them.
    fn define(self, reader: &mut StepReader<'_, '_>, base: &mut Base) -> Vec<Extract> {
        let mut extract = Vec::new();
        let mut keep = |variable: &str, place: Place| {
            let variable = reader.scope.define(variable);
            extract.push(Extract { place, variable });
            Part::Value { value: Value::Variable(variable), escape: Escape::None }
        };
        if let Some(pointer) = self.token {
            let mut value = Template::text("Bearer ");
            value.parts.push(keep("token", Place::Pointer(pointer)));
            base.always.insert(AUTHORIZATION.to_string(), (AUTHORIZATION, value));
        }
        if let Some(pointer) = self.refresh_token {
            keep("refresh_token", Place::Pointer(pointer));
        }
        if let Some(Csrf { place: place @ Place::Pointer(_), header }) = self.csrf {
            let value = Template { parts: vec![keep("csrf", place)] };
            base.changing.insert(header.to_string(), (header, value));
        }
        extract
    }
}

// === impl Csrf ===

impl Csrf {
    /// Shows the cookie, if it comes from one, in requests that change something.
    pub(crate) fn show_cookie(&self, base: &mut Base) {
        if let Place::Cookie(name) = &self.place {
            let value = Part::Value { value: Value::Cookie(name.clone()), escape: Escape::None };
            let value = Template { parts: vec![value] };
            base.changing.insert(self.header.to_string(), (self.header.clone(), value));
        }
    }
}

// === impl Kind ===

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Session => "session",
            Self::ApiKey => "api-key",
        }
    }

    fn refusal(self) -> Refusal {
        Refusal::new(format!("not for kind = \"{}\"", self.word()), "")
    }

    fn refuse<T>(self, setting: &Setting<'_, Option<T>>) {
        if let Some(Some(_)) = setting.value() {
            setting.mistaken(self.refusal());
        }
    }

    fn refuse_table(self, table: &Table<'_>) {
        if table.present() {
            table.mistaken(self.refusal());
        }
    }
}

// === impl Tables ===

impl<'r> Tables<'r> {
    fn of(auth: &Table<'r>) -> Self {
        Self {
            auth: auth.clone(),
            login: auth.table("login"),
            refresh: auth.table("refresh"),
            csrf: auth.table("csrf"),
        }
    }
}

// === impl Keys ===

impl<'r> Keys<'r> {
    fn read(table: &Table<'r>, reader: &StepReader<'_, '_>) -> Self {
        let value = table.string("value", HEADER_BYTES_MAX, "the key");
        Self {
            token: pointed(table, "token"),
            refresh_token: pointed(table, "refresh_token"),
            header: header(table).optional(),
            value: value.and_then(|text| header_value(&text, &reader.scope)).optional(),
        }
    }

    /// What a log-in gives. None is a mistake.
    fn wanted(&self, refresh: &RefreshKeys<'_>, csrf: Option<Csrf>) -> Option<Wanted> {
        let token = self.token.value()?.clone();
        let refresh_token = self.refresh_token.value()?.clone();
        let refresh_token = refresh_token.or(refresh.refresh_token.value()?.clone());
        Some(Wanted { token, refresh_token, csrf })
    }
}

// === impl RefreshKeys ===

impl<'r> RefreshKeys<'r> {
    fn read(table: &Table<'r>) -> Self {
        Self {
            token: pointed(table, "token"),
            refresh_token: pointed(table, "refresh_token"),
            every: table.duration("every", EVERY.0..=EVERY.1).optional(),
            on_status: status_list(table, "on_status").optional(),
        }
    }

    /// Whether a token is looked for in the answer to a renewal.
    fn name_token(&self) -> bool {
        [&self.token, &self.refresh_token].iter().any(|pointer| matches!(pointer.value(), Some(Some(_))))
    }

    /// The renewal, whose request was read. The outer `None` is a mistake, the inner one no renewal.
    fn refresh(
        &self,
        table: &Table<'_>,
        renewal: Option<Option<Step>>,
        keys: &Keys<'_>,
        reader: &mut StepReader<'_, '_>,
    ) -> Option<Option<Refresh>> {
        let (every, on_status) = (*self.every.value()?, self.on_status.value()?.clone());
        if table.present() && every.is_none() && on_status.is_none() {
            table.missing("every", "`every`, `on_status` or both");
        }
        let token = self.token.value()?.as_ref().or(keys.token.value()?.as_ref());
        let places = [("token", token), ("refresh_token", self.refresh_token.value()?.as_ref())];
        let mut steps = Vec::new();
        if let Some(mut step) = renewal? {
            for (variable, pointer) in places {
                let place = pointer.cloned().map(Place::Pointer);
                step.extract
                    .extend(place.map(|place| Extract { place, variable: reader.scope.define(variable) }));
            }
            steps.push(step);
        }
        let refresh = Refresh { every, on_status: on_status.unwrap_or_default(), steps };
        Some(table.present().then_some(refresh))
    }
}

fn pointed<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Option<String>> {
    table.string(key, CHECK_BYTES_MAX, POINTER).and_then(|text| pointer(&text)).optional()
}
