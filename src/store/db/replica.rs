//! One replica: whether it may serve reads, and its pools once it has answered; knows no query.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{CallerId, Freshness};
use crate::store::Options;
use crate::store::breaker::Breaker;
use crate::store::db::admission::Admission;
use crate::store::db::budget::Budget;
use crate::store::db::connection::AnyConnection;
use crate::store::db::migrate;
use crate::store::db::pool::Pool;
use crate::store::db::servers::Servers;
use crate::store::db::servers::server::{Role, Server};
use crate::store::db::session::Purpose;
use crate::store::db::url::DatabaseUrl;
use crate::store::db::watch::Watch;
use crate::store::error::StoreError;
use crate::store::pools::ReadPools;

/// How many look-ups of how far a replica has come run at the same time.
const LOOKUPS: u32 = 2;

pub struct Replica {
    server: Arc<Server>,
    servers: Arc<Servers>,
    options: Options,
    pools: Mutex<Option<Pools>>,
    breaker: Breaker,
    in_progress: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Pools {
    read: ReadPools,
    lookups: Pool,
}

/// What is known of a replica, without its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    pub is_in_use: bool,
    /// How long ago the last transaction that it has applied was committed, unless it has applied all.
    pub lag: Option<Duration>,
}

/// A read in progress.
pub struct RunningRead(Arc<AtomicUsize>);

impl Drop for RunningRead {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    /// The replicas of a database whose servers are watched.
    pub fn all(url: &DatabaseUrl, options: Options) -> Vec<Self> {
        let Some(servers) = url.servers() else { return Vec::new() };
        let replica = |server: &Arc<Server>| Self {
            server: Arc::clone(server),
            servers: Arc::clone(servers),
            options,
            pools: Mutex::default(),
            breaker: Breaker::default(),
            in_progress: Arc::default(),
        };
        servers.replicas().iter().map(replica).collect()
    }

    pub fn is_usable(&self, now: Instant) -> bool {
        self.servers.is_usable(&self.server) && self.breaker.is_passing(now)
    }

    pub fn status(&self, now: Instant) -> ReplicaStatus {
        let report = self.server.report();
        let lag = report.and_then(|(report, at)| match report.lag {
            _ if report.is_up_to_date || report.role != Role::Standby => Some(Duration::ZERO),
            lag => lag.map(|lag| lag + now.saturating_duration_since(at)),
        });
        ReplicaStatus { is_in_use: self.is_usable(now), lag }
    }

    pub fn reads_in_progress(&self) -> usize {
        self.in_progress.load(Ordering::Relaxed)
    }

    pub fn begin_read(&self) -> RunningRead {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        RunningRead(Arc::clone(&self.in_progress))
    }

    /// Its pools, if it may serve a read and its data is recent enough.
    pub async fn admit(&self, freshness: Freshness) -> Option<ReadPools> {
        let pools = self.pools()?;
        (self.is_recent_enough(&pools, freshness).await && self.breaker.admits(Instant::now())).then_some(pools.read)
    }

    /// Whether it has applied the log up to a position. What it said a moment ago may be too old, and then it is asked.
    async fn is_recent_enough(&self, pools: &Pools, freshness: Freshness) -> bool {
        let position = match freshness {
            Freshness::Any => return true,
            Freshness::Primary => return false,
            Freshness::Since(position) => position,
        };
        let covers = || self.server.report().is_some_and(|(report, _)| report.position.covers(position));
        if covers() {
            return true;
        }
        if let Ok(offset) = self.look_up(pools, AnyConnection::applied).await {
            self.server.has_applied(offset);
        }
        covers()
    }

    pub async fn has_current_schema(&self) -> bool {
        let Some(pools) = self.pools() else { return false };
        matches!(self.look_up(&pools, migrate::is_current).await, Ok(true))
    }

    async fn look_up<T: Send + 'static>(
        &self,
        pools: &Pools,
        work: fn(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let budget = Arc::new(Budget::new(self.options.wait));
        pools.lookups.statement(CallerId::default(), budget, work).await
    }

    /// Its pools; `None` before it has answered for the first time.
    fn pools(&self) -> Option<Pools> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if pools.is_none() {
            let url = Arc::new(DatabaseUrl::of_replica(&self.server)?);
            // However many threads wait for a replica, the process goes on.
            let watch = Arc::new(Watch::new(url.canceller(&self.options), u32::MAX, self.options.deadline));
            let lookups = Pool::new(&url, Purpose::Read, self.options, Admission::in_order(LOOKUPS), &watch);
            *pools = Some(Pools { read: ReadPools::new(&url, self.options, &watch), lookups });
        }
        pools.clone()
    }

    fn watch(&self) -> Option<Arc<Watch>> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.as_ref().map(|pools| Arc::clone(&pools.read.watch))
    }

    pub fn abandoned_threads(&self) -> u32 {
        self.watch().map_or(0, |watch| watch.abandoned_thread_count())
    }

    pub fn stop(&self) {
        if let Some(watch) = self.watch() {
            watch.stop();
        }
    }

    pub fn succeeded(&self) {
        self.breaker.succeeded();
    }

    /// Counts a failure, unless the replica is only busy or cancelled the read to apply the log.
    pub fn failed(&self, error: &StoreError) {
        if matches!(error, StoreError::Busy | StoreError::Overloaded) {
            return;
        }
        if self.breaker.failed(Instant::now()) {
            tracing::warn!(server = &*self.server.name, cause = %error, "a replica failed three times; it is not used for 10 s");
        }
    }
}
