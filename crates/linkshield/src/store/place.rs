//! Where LinkShield keeps what it remembers, as it is set.

use std::path::Path;

use shield_data::{PostgresAddress, PostgresAddressError};

use super::{OpenError, Store, file::private_directory};

/// What the setting says where the database is a file.
const FILE: &str = "sqlite";

/// A file in the data directory, or PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// `linkshield.db` in the data directory.
    File,
    /// A database that several nodes may share.
    Postgres(PostgresAddress),
}

// === impl StorePlace ===

impl StorePlace {
    /// Opens it. `data` is the data directory.
    ///
    /// # Errors
    /// Says what stood in the way.
    pub async fn open(&self, data: &Path) -> Result<Store, OpenError> {
        match self {
            Self::File => Store::open(data).await,
            Self::Postgres(address) => {
                // Keys, letters and events are in it, whatever the database is.
                private_directory(data)
                    .map_err(|source| OpenError::Directory { path: data.to_owned(), source })?;
                Store::open_postgres(address).await
            }
        }
    }
}

impl std::str::FromStr for StorePlace {
    type Err = PostgresAddressError;

    fn from_str(text: &str) -> Result<Self, PostgresAddressError> {
        if text == FILE { Ok(Self::File) } else { text.parse().map(Self::Postgres) }
    }
}
