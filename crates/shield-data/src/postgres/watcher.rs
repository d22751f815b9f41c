//! Looks at one host, again and again: a task per host, so that none waits for another.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{election::Sighting, role::Role, term::Board};
use crate::sql::bounded_postgres;

/// From the first packet to the answer.
const LOOK_DEADLINE: Duration = Duration::from_secs(1);
/// Between looks while there is a primary: finds one that was promoted beside it.
const WATCH_PAUSE: Duration = Duration::from_secs(1);
/// Between looks while there is none.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);
/// However many ask for a search.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
/// Looks in a row without an answer that make a host a silent one. One alone may be a busy machine's, and a primary that was
/// superseded is left for that, whether it answers or not.
const LATE_MAX: u32 = 2;
const TOO_MANY_CONNECTIONS: &str = "53300";

/// What a look brought.
enum Look {
    Sighting(Sighting),
    /// The host is there and full, and says nothing about itself.
    Full,
    /// It did not answer in time.
    Late,
}

/// Never ends; to be aborted.
pub(super) async fn watch(board: Arc<Board>, host: usize) {
    let options = bounded_postgres(board.address.options(&board.address.hosts()[host]), LOOK_DEADLINE);
    let (mut searches, standing) = (board.searches(), board.standing());
    let mut connection = None;
    let mut late = 0_u32;
    loop {
        searches.borrow_and_update();
        let began = Instant::now();
        let look = look(&mut connection, &options).await;
        late = if matches!(look, Look::Late) { late.saturating_add(1) } else { 0 };
        match look {
            Look::Sighting(sighting) => board.observe(host, sighting),
            Look::Late if late >= LATE_MAX => {
                board.observe(host, Sighting::Silent("does not answer".to_owned()));
            }
            Look::Late => continue,
            Look::Full => {}
        }
        let pause = if standing.borrow().is_some() { WATCH_PAUSE } else { SEARCH_PAUSE };
        tokio::select! {
            () = sleep(pause) => {}
            // The board is held above, and with it the sender.
            _changed = searches.changed() => {}
        }
        sleep_until(began + LEAST_PAUSE).await;
    }
}

async fn look(connection: &mut Option<PgConnection>, options: &PgConnectOptions) -> Look {
    let asked = async {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(PgConnection::connect_with(options).await?),
        };
        Role::of(connection).await
    };
    let outcome = timeout(LOOK_DEADLINE, asked).await;
    if !matches!(outcome, Ok(Ok(_))) {
        // Nothing is known about what is under way on it.
        *connection = None;
    }
    match outcome {
        Ok(Ok(role)) => Look::Sighting(Sighting::Seen(role)),
        Ok(Err(error)) => failed(&error),
        Err(_) => Look::Late,
    }
}

fn failed(error: &sqlx::Error) -> Look {
    let state = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match &*state {
        TOO_MANY_CONNECTIONS => Look::Full,
        // invalid_authorization_specification, invalid_password, invalid_catalog_name.
        "28000" | "28P01" | "3D000" => Look::Sighting(Sighting::Refused(error.to_string())),
        _ => Look::Sighting(Sighting::Silent(error.to_string())),
    }
}
