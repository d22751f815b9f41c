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
const TOO_MANY_CONNECTIONS: &str = "53300";

/// Never ends; to be aborted.
pub(super) async fn watch(board: Arc<Board>, host: usize) {
    let options = bounded_postgres(board.address.options(&board.address.hosts()[host]), LOOK_DEADLINE);
    let (mut searches, standing) = (board.searches(), board.standing());
    let mut connection = None;
    loop {
        searches.borrow_and_update();
        let began = Instant::now();
        if let Some(sighting) = look(&mut connection, &options).await {
            board.observe(host, sighting);
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

/// None where the host says nothing about itself: it is there, and full.
async fn look(connection: &mut Option<PgConnection>, options: &PgConnectOptions) -> Option<Sighting> {
    let asked = async {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(PgConnection::connect_with(options).await?),
        };
        Role::of(connection).await
    };
    let outcome = timeout(LOOK_DEADLINE, asked).await;
    match outcome {
        Ok(Ok(role)) => return Some(Sighting::Seen(role)),
        // Nothing is known about what is under way on it.
        Ok(Err(_)) | Err(_) => *connection = None,
    }
    match outcome {
        Ok(Err(sqlx::Error::Database(error))) if error.code().as_deref() == Some(TOO_MANY_CONNECTIONS) => {
            None
        }
        Ok(Err(error)) => Some(Sighting::Silent(error.to_string())),
        _ => Some(Sighting::Silent("does not answer".to_owned())),
    }
}
