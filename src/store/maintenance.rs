//! What a store needs from time to time: partitions in advance, space returned to the disk; knows no message.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::messages::partitions::{self, Month};
use super::{Connection, LookupFor, Store, StoreError};
use crate::model::{CallerId, Instant};

impl Store {
    /// Creates the partitions of some months.
    pub(super) async fn create_partitions(&self, months: BTreeSet<Month>) -> Result<(), StoreError> {
        // A transaction for each, because a month needs locks, of which a PostgreSQL server has a few thousand.
        for month in months {
            self.write(move |connection| partitions::create(connection, &[month].into())).await?;
        }
        Ok(())
    }

    /// Creates the partitions of the next months in advance, so that no write waits for them.
    pub async fn create_partitions_ahead(&self, now: Instant) -> Result<(), StoreError> {
        let months = partitions::ahead(now);
        let missing =
            self.quick_read(LookupFor::Gateway, move |connection| partitions::missing(connection, &months)).await?;
        if missing.is_empty() { Ok(()) } else { self.create_partitions(missing).await }
    }

    /// Returns free space to the file system (`Connection::shrink`), and calls `progress` after each part, with how many
    /// are done and how many there are. If it is stopped, the next call does the parts that are left.
    pub async fn shrink(&self, progress: impl Fn(usize, usize) + Send + 'static) -> Result<(), StoreError> {
        let (url, wait) = (Arc::clone(&self.url), self.options.wait);
        let shrink = move |connection: &mut Connection| {
            let _write_guard = url.lock_for_writing(wait)?;
            connection.shrink(&progress)
        };
        self.without_checkpoints(shrink).await
    }

    /// Removes deleted data from the disk as far as the database allows.
    pub async fn purge_deleted(&self) -> Result<(), StoreError> {
        self.without_checkpoints(Connection::purge_deleted).await
    }

    /// Runs work outside of any transaction that moves the write-ahead log itself.
    async fn without_checkpoints(
        &self,
        work: impl Fn(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let checkpointer = self.checkpointer.clone();
        let work = move |connection: &mut Connection| {
            let _paused = checkpointer.as_ref().map(|checkpointer| checkpointer.pause());
            work(connection)
        };
        self.writer.without_transaction(CallerId::default(), self.budget(), work).await
    }
}
