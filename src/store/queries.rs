//! How a caller's query runs: on the thread that has it, as a cheap query, or as an expensive one; knows no statement.

use std::sync::Arc;
use std::time::Duration;

use super::changes::{
    self,
    page::{ChangePage, Since},
};
use super::counters::Class;
use super::db::budget::Budget;
use super::error::{CancelReason, StoreError};
use super::messages::history;
use super::messages::items::Page;
use super::messages::plan;
use super::messages::walk::{self, WalkLimits, WalkPage};
use super::pools::ReadPools;
use super::reader::Reader;
use super::replicas::Chance;
use super::search::indexing;
use super::{Connection, Store};
use crate::model::{CallerId, HistoryQuery, Instant, MessageQuery, TenantId};

/// How long a query counts as cheap if its rows are not counted or arrive slowly.
const CHEAP_TIME: Duration = Duration::from_millis(200);

/// How many messages one transaction indexes on demand.
const INDEX_BATCH: i64 = 1000;

/// How many rows a small query may examine: a page of the greatest length, the rows at its edges, and some columns of
/// blocks.
const SMALL_ROWS: u64 = 1600;

impl Store {
    /// Runs a caller's query on one state of the store. It starts as a cheap query. If it examines more rows than a
    /// cheap query may, it runs again from the beginning as an expensive one.
    ///
    /// It is cancelled when this future is dropped, when its deadline passes, and, if it is expensive, when the server
    /// stops.
    pub async fn query<T: Send + 'static>(
        &self,
        reader: &Reader,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_query(reader, false, work).await
    }

    /// The same for a query whose plan says whether it is small (`Budget::expect_small`): a small one on a file runs on
    /// this thread, which is faster than passing it to another.
    pub async fn planned_query<T: Send + 'static>(
        &self,
        reader: &Reader,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_planned(reader, false, work).await
    }

    /// Finds a page. If that takes one statement, it needs no transaction, because one statement sees one state anyway.
    pub async fn page(&self, reader: &Reader, query: Arc<HistoryQuery>) -> Result<Page, StoreError> {
        let is_single = plan::takes_one_statement_on_server(&query);
        let work = move |connection: &mut Connection, budget: &Budget| history::page(connection, &query, budget);
        self.run_planned(reader, is_single, work).await
    }

    /// Finds a page of a walk, within the limits of the store's options.
    pub async fn walk(&self, reader: &Reader, query: Arc<MessageQuery>) -> Result<WalkPage, StoreError> {
        let limits = self.walk_limits();
        let work = move |connection: &mut Connection, budget: &Budget| walk::page(connection, &query, limits, budget);
        self.run_planned(reader, false, work).await
    }

    /// Brings a tenant's text index up to date, for a sandbox, where a search finds what was just written.
    pub async fn update_index(&self, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
        while self.write(move |connection| indexing::step(connection, tenant, INDEX_BATCH, now)).await?.is_behind {}
        Ok(())
    }

    /// Finds a page of changes; `None` if those after `since` are not all stored.
    pub async fn changes(
        &self,
        reader: &Reader,
        query: Arc<MessageQuery>,
        since: Since,
    ) -> Result<Option<ChangePage>, StoreError> {
        let limits = self.walk_limits();
        let work = move |connection: &mut Connection, budget: &Budget| {
            changes::page::page(connection, &query, since, (limits, budget))
        };
        self.query(reader, work).await
    }

    fn walk_limits(&self) -> WalkLimits {
        WalkLimits { rows: self.options.walk_rows.into(), time: self.options.walk_time }
    }

    async fn run_planned<T: Send + 'static>(
        &self,
        reader: &Reader,
        in_one_statement: bool,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.small_query(reader.caller, &work) {
            Some(result) => result,
            None => self.run_query(reader, in_one_statement, work).await,
        }
    }

    /// The result of a query that turns out to be small; `None` if it is not, or would have to wait.
    fn small_query<T>(
        &self,
        caller: CallerId,
        work: &impl Fn(&mut Connection, &Budget) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let pool = self.small.as_ref()?;
        let budget = Arc::new(Budget::small(SMALL_ROWS.min(self.options.cheap_rows.into()), self.options.small_time));
        let running = self.counters.begin(caller, Class::Cheap, &budget);
        match pool.transaction_here(&budget, |connection| work(connection, &budget)) {
            Err(
                StoreError::Busy | StoreError::CannotOpen { .. } | StoreError::Cancelled(CancelReason::TooExpensive),
            ) => {
                running.escalate();
                None
            }
            result => Some(running.end(result)),
        }
    }

    async fn run_query<T: Send + 'static>(
        &self,
        reader: &Reader,
        in_one_statement: bool,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.route(reader, async |pools, chance| {
            self.run_on(pools, chance, reader.caller, in_one_statement, work.clone()).await
        })
        .await
    }

    async fn run_on<T: Send + 'static>(
        &self,
        pools: &ReadPools,
        chance: Chance,
        caller: CallerId,
        in_one_statement: bool,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let time_limit = CHEAP_TIME.min(self.options.deadline);
        let budget = Arc::new(Budget::cheap(self.options.cheap_rows.into(), time_limit));
        let running = self.counters.begin(caller, Class::Cheap, &budget);
        let (shared_budget, work_again) = (Arc::clone(&budget), work.clone());
        let cheap = move |connection: &mut Connection| work(connection, &shared_budget);
        let result = if in_one_statement {
            pools.readers.statement(caller, budget, cheap).await
        } else {
            pools.readers.transaction(caller, budget, cheap).await
        };
        if !matches!(result, Err(StoreError::Cancelled(CancelReason::TooExpensive))) {
            return running.end_or_repeat(result, chance);
        }
        running.escalate();
        let budget = Arc::new(Budget::expensive(self.options.deadline, pools.watch.stopping()));
        let running = self.counters.begin(caller, Class::Expensive, &budget);
        let shared_budget = Arc::clone(&budget);
        let expensive = move |connection: &mut Connection| work_again(connection, &shared_budget);
        running.end_or_repeat(pools.expensive.transaction(caller, budget, expensive).await, chance)
    }

    /// Reads for a caller who may take any time, such as an export, on one state of the store.
    pub async fn read<T: Send + 'static>(
        &self,
        reader: &Reader,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.route(reader, async |pools, _| pools.readers.transaction(reader.caller, self.budget(), work.clone()).await)
            .await
    }
}
