//! The pools of one server for the queries of callers; knows no query.

use std::sync::Arc;

use super::Options;
use super::db::admission::Admission;
use super::db::pool::Pool;
use super::db::session::Purpose;
use super::db::url::DatabaseUrl;
use super::db::watch::Watch;

/// How many slots for cheap queries are reserved for tenants that hold none.
const RESERVED_READERS: u32 = 1;

#[derive(Clone)]
pub struct ReadPools {
    /// For cheap queries, which never wait for expensive ones; tenants and keys take turns.
    pub readers: Pool,
    /// For queries that examine many rows: few at a time; tenants and keys take turns.
    pub expensive: Pool,
    pub watch: Arc<Watch>,
}

impl ReadPools {
    pub fn new(url: &Arc<DatabaseUrl>, options: Options, watch: &Arc<Watch>) -> Self {
        let pool = |admission| Pool::new(url, Purpose::Read, options, admission, watch);
        Self {
            readers: pool(Admission::in_turn(options.read_connections, RESERVED_READERS, u32::MAX)),
            expensive: pool(Admission::in_turn(options.expensive, 0, options.expensive_queue)).in_background(),
            watch: Arc::clone(watch),
        }
    }

    /// The same pools, for work that waits for no slot.
    #[must_use]
    pub fn without_waiting(&self) -> Self {
        Self {
            readers: self.readers.without_waiting(),
            expensive: self.expensive.without_waiting(),
            watch: Arc::clone(&self.watch),
        }
    }
}
