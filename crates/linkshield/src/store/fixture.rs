//! A fresh store of either kind.

use super::Store;
use crate::scratch::ScratchDirectory;

/// Makes each named function a test per database. A function takes a fixture.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name(crate::store::fixture::Fixture::sqlite().await).await;
            }

            #[cfg(feature = "postgres-tests")]
            #[tokio::test]
            async fn postgres() {
                super::$name(crate::store::fixture::Fixture::postgres().await).await;
            }
        })+
    };
}

/// A store, and where it is.
pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) directory: ScratchDirectory,
    #[cfg(feature = "postgres-tests")]
    address: Option<shield_data::PostgresAddress>,
}

impl Fixture {
    pub(super) async fn sqlite() -> Self {
        let directory = ScratchDirectory::new();
        Self {
            store: Store::open(directory.path()).await.unwrap(),
            directory,
            #[cfg(feature = "postgres-tests")]
            address: None,
        }
    }

    #[cfg(feature = "postgres-tests")]
    pub(super) async fn postgres() -> Self {
        let address = crate::postgres::database().parse().unwrap();
        Self {
            store: Store::open_postgres(&address).await.unwrap(),
            directory: ScratchDirectory::new(),
            address: Some(address),
        }
    }

    /// Another store over the same database.
    pub(super) async fn again(&self) -> Store {
        #[cfg(feature = "postgres-tests")]
        if let Some(address) = &self.address {
            return Store::open_postgres(address).await.unwrap();
        }
        Store::open(self.directory.path()).await.unwrap()
    }
}
