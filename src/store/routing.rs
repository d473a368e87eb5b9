//! Runs a read on the server that it goes to, and once more elsewhere if it fails there; knows no query.

use std::time::Instant;

use super::Store;
use super::db::replica::Replica;
use super::error::{CancelReason, StoreError};
use super::pools::ReadPools;
use super::reader::{Reader, ServedBy};
use super::replicas::{Chance, may_succeed_elsewhere};
use crate::model::Freshness;

impl Store {
    /// Runs a read on a replica if one may serve it, and otherwise, or if it fails there, on the primary. `run` is told
    /// whether it gets a second chance.
    pub(super) async fn route<T>(
        &self,
        reader: &Reader,
        run: impl AsyncFn(&ReadPools, Chance) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.replicas.is_empty() {
            return run(&self.read_pools, Chance::Last).await;
        }
        let has_primary = self.has_primary();
        let mut candidates = self.replicas.candidates(reader).into_iter();
        // With a primary, one replica, then the primary; the others only if it is away after all.
        let first = if has_primary { 1 } else { usize::MAX };
        if let Some(result) = self.on_replicas(reader, candidates.by_ref().take(first), has_primary, &run).await {
            return result;
        }
        if let Freshness::Since(position) = reader.freshness
            && self.url.servers().is_some_and(|servers| !servers.knows_timeline(position.timeline))
        {
            // Another gateway has seen a later primary than this one, which therefore cannot have the write.
            self.url.nudge();
            return Err(StoreError::Busy);
        }
        let result = run(&self.read_pools, Chance::Last).await;
        match &result {
            Ok(_) => {
                reader.was_served_by(ServedBy::Primary);
                self.replicas.count("primary");
            }
            Err(error)
                if error.is_server_away() || matches!(error, StoreError::Cancelled(CancelReason::ServerLost)) =>
            {
                if let Some(result) = self.on_replicas(reader, candidates, false, &run).await {
                    return result;
                }
            }
            Err(_) => {}
        }
        result
    }

    /// Runs a read on the first replica that serves it; `None` if none does.
    async fn on_replicas<T>(
        &self,
        reader: &Reader,
        replicas: impl Iterator<Item = (usize, &Replica)>,
        has_primary: bool,
        run: &impl AsyncFn(&ReadPools, Chance) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        for (index, replica) in replicas {
            let Some(pools) = replica.admit(reader.freshness).await else { continue };
            let pools = if has_primary { pools.without_waiting() } else { pools };
            let running = replica.begin_read();
            let result = run(&pools, Chance::Repeatable).await;
            drop(running);
            match result {
                Ok(value) => {
                    replica.succeeded();
                    reader.was_served_by(ServedBy::Replica(index));
                    self.replicas.count("replica");
                    return Some(Ok(value));
                }
                Err(error) => {
                    let is_final = !may_succeed_elsewhere(&error);
                    if !is_final || matches!(error, StoreError::Cancelled(CancelReason::Deadline)) {
                        replica.failed(&error);
                    }
                    if is_final {
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    /// Whether a replica responds with the current schema.
    pub(super) async fn replica_works(&self) -> bool {
        for replica in self.replicas.all().iter().filter(|replica| replica.is_usable(Instant::now())) {
            if replica.has_current_schema().await {
                return true;
            }
        }
        false
    }
}
