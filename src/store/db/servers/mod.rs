//! The servers of one PostgreSQL database: which one accepts writes, and which replicas are fresh; knows no statement
//! and no pool.
//!
//! A primary is recognised by what the servers report of themselves. Timelines tell an old primary from its successor:
//! each promotion begins a new one, and nothing is read from or written to a server of an earlier timeline than the
//! latest that was seen.

pub mod hosts;
#[cfg(feature = "postgres")]
pub mod probe;
pub mod server;
pub mod wakeup;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Position;
use crate::store::error::StoreError;
use server::{Condition, Interrupts, Report, Role, Server};
use wakeup::WakeOnDrop;

/// How long to wait for a server's first answer, unless the address says otherwise.
pub fn connect_timeout(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(2), Duration::from_secs(30))
}

/// For longer than this, no report counts: its server is silent then.
const REPORTS_COUNT_FOR: Duration = Duration::from_secs(10);

pub struct Servers {
    /// The database's name in errors.
    name: String,
    /// Those of the database's address, one of which is the primary.
    hosts: Vec<Arc<Server>>,
    replicas: Vec<Arc<Server>>,
    max_lag: Duration,
    /// Whether this is a replica by itself, whose timeline is that of its primary.
    is_of_replica: bool,
    /// Whether the servers are asked what they are. A single one without replicas is not.
    is_watched: AtomicBool,
    /// Held while the servers begin to be watched.
    pub start: Mutex<()>,
    /// The latest timeline of any server; 0 before one was seen.
    timeline: AtomicU32,
    /// Those of connections to the primary.
    interrupts: Arc<Interrupts>,
    /// The server that was the primary when this was last checked.
    primary: Mutex<Option<Arc<Server>>>,
    /// Up to where the primary's log was on disk at some instants, the oldest first.
    positions: Mutex<VecDeque<(Instant, u64)>>,
    pub wakeup: WakeOnDrop,
}

impl Servers {
    /// The servers of an address, and replicas, each with its name.
    pub fn new(url: &str, replicas: &[String], max_lag: Duration, name: impl Fn(&str) -> String) -> Self {
        let single = hosts::allows_standbys(url);
        let urls = if single { vec![url.to_owned()] } else { hosts::split(url) };
        let server = |url: &String| Arc::new(Server::new(url, &name(url)));
        Self {
            name: name(url),
            hosts: urls.iter().map(server).collect(),
            replicas: replicas.iter().map(server).collect(),
            max_lag,
            is_of_replica: false,
            is_watched: AtomicBool::new(false),
            start: Mutex::default(),
            timeline: AtomicU32::new(0),
            interrupts: Arc::default(),
            primary: Mutex::default(),
            positions: Mutex::default(),
            wakeup: WakeOnDrop::default(),
        }
    }

    /// One of the replicas as the only server of its pools.
    pub fn of_replica(server: &Arc<Server>) -> Self {
        Self {
            is_of_replica: true,
            is_watched: AtomicBool::new(true),
            interrupts: Arc::clone(&server.interrupts),
            hosts: vec![Arc::clone(server)],
            ..Self::new(&server.url, &[], Duration::ZERO, |_| server.name.to_string())
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.hosts.iter().chain(&self.replicas)
    }

    pub fn replicas(&self) -> &[Arc<Server>] {
        &self.replicas
    }

    pub fn is_replica(&self, server: &Arc<Server>) -> bool {
        self.replicas.iter().any(|replica| Arc::ptr_eq(replica, server))
    }

    /// Whether the servers are asked what they are.
    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    /// From now on, what the servers report of themselves counts.
    pub fn begin_watching(&self) {
        self.is_watched.store(true, Ordering::Relaxed);
        self.check();
    }

    pub fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// The server to connect to. If none of several accepts writes, this fails at once.
    pub fn current(&self) -> Result<&Arc<Server>, StoreError> {
        match &self.hosts[..] {
            [only] if !self.is_watched() => Ok(only),
            [only] if self.is_of_replica && only.report().is_some() => Ok(only),
            _ => self.find_primary().ok_or_else(|| self.no_primary()),
        }
    }

    fn no_primary(&self) -> StoreError {
        let conditions: Vec<String> = self.hosts.iter().map(|server| server.explain()).collect();
        StoreError::NoPrimary { database: self.name.clone(), cause: conditions.join(", ") }
    }

    /// The server that accepts writes: of several, one of the latest timeline.
    fn find_primary(&self) -> Option<&Arc<Server>> {
        let known = self.timeline.load(Ordering::Relaxed);
        let report = |server: &&Arc<Server>| server.report().filter(|(report, _)| report.role == Role::Primary);
        let primaries = self.hosts.iter().filter_map(|server| Some((server, report(&server)?.0.position.timeline)));
        // The first one of the address among equals.
        primaries
            .rev()
            .filter(|(_, timeline)| *timeline >= known)
            .max_by_key(|(_, timeline)| *timeline)
            .map(|found| found.0)
    }

    /// Whether a server is known that accepts writes; always true if the servers are not watched.
    pub fn has_primary(&self) -> bool {
        !self.is_watched() || self.find_primary().is_some()
    }

    /// Has the servers asked at once, because a connection was lost.
    pub fn nudge(&self) {
        if self.is_watched() {
            self.wakeup.0.wake();
        }
    }

    /// Records a server's timeline. A later one than before means that a standby was promoted.
    pub fn observe_timeline(&self, timeline: u32) {
        if self.is_of_replica {
            return;
        }
        let before = self.timeline.fetch_max(timeline, Ordering::Relaxed);
        if before != 0 && timeline > before {
            tracing::warn!(timeline, before, "another server was promoted: its predecessor is not used any more");
            self.interrupts.interrupt();
        }
    }

    /// Whether a server of a timeline, or of a later one, is known.
    pub fn knows_timeline(&self, timeline: u32) -> bool {
        timeline <= self.timeline.load(Ordering::Relaxed)
    }

    /// Whether a timeline is that of an old primary.
    pub fn is_superseded(&self, timeline: Option<u32>) -> bool {
        timeline.is_some_and(|timeline| timeline < self.timeline.load(Ordering::Relaxed))
    }

    pub fn old_primary(&self) -> StoreError {
        StoreError::OldPrimary { database: self.name.clone() }
    }

    /// Notices what has changed: ends what waits for a server that does not respond, or for a primary that was replaced.
    pub fn check(&self) {
        for server in self.all() {
            if let Some((report, _)) = server.report() {
                self.observe_timeline(report.position.timeline);
            }
            if let Some((before, now)) = server.changed_condition(self.timeline.load(Ordering::Relaxed)) {
                self.log(server, before, now);
                if now == Condition::Silent {
                    server.interrupts.interrupt();
                }
            }
        }
        let mut primary = self.primary.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.find_primary();
        let is_lost = primary.as_ref().is_some_and(|before| match found {
            Some(found) => !Arc::ptr_eq(before, found),
            None => before.condition(0) == Condition::Silent,
        });
        if is_lost {
            self.interrupts.interrupt();
            *primary = None;
            // The next primary's log may end before that of this one.
            self.positions.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        if let Some(found) = found {
            if primary.is_none() && self.hosts.len() > 1 {
                tracing::info!(server = &*found.name, "this server is the primary");
            }
            *primary = Some(Arc::clone(found));
            self.record_position(found);
        }
    }

    fn log(&self, server: &Arc<Server>, before: Option<Condition>, now: Condition) {
        let (name, role) = (&*server.name, if self.is_replica(server) { "replica" } else { "server" });
        match now {
            Condition::Silent | Condition::Unreachable => {
                tracing::warn!(server = name, cause = server.explain(), "a {role} of the database is away");
            }
            Condition::OldPrimary => tracing::warn!(server = name, "a {role} of the database is an old primary"),
            Condition::Primary | Condition::Standby if before.is_some() => {
                tracing::info!(server = name, "a {role} of the database responds again");
            }
            Condition::Primary | Condition::Standby => {}
        }
    }

    fn record_position(&self, primary: &Server) {
        let Some((report, at)) = primary.report() else { return };
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        if positions.back().is_none_or(|(last, _)| *last < at) {
            positions.push_back((at, report.position.offset));
        }
        // One remains that is old enough for the oldest report that counts.
        while positions.get(1).is_some_and(|(at, _)| at.elapsed() > self.max_lag + REPORTS_COUNT_FOR) {
            positions.pop_front();
        }
    }

    /// Whether a replica may serve reads. Without a primary, any replica may that responds.
    pub fn is_usable(&self, replica: &Server) -> bool {
        let Some((report, at)) = replica.report().filter(|_| replica.sessions().is_some()) else { return false };
        let is_current = report.position.timeline >= self.timeline.load(Ordering::Relaxed);
        if report.role != Role::Standby {
            return is_current;
        }
        // A standby that does not tell its timeline has to have come as far as the primary in any case.
        !self.has_primary() || ((is_current || !report.tells_timeline) && self.is_fresh(report, at))
    }

    /// Whether a standby lags by less than may be: it has applied a transaction that was committed a moment ago, or
    /// everything that it received from a primary that still sends to it.
    fn is_fresh(&self, report: Report, at: Instant) -> bool {
        let is_recent = report.lag.is_some_and(|lag| lag + at.elapsed() <= self.max_lag);
        (is_recent || report.is_up_to_date) && self.has_applied_earlier_log(report.position, at)
    }

    /// Whether a standby that reported a position at an instant had applied what the primary had when the greatest lag
    /// began. This also notices a connection between the two that was cut without a sign, and clocks that differ.
    fn has_applied_earlier_log(&self, position: Position, reported_at: Instant) -> bool {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = positions.iter().rev().find(|(at, _)| *at + self.max_lag <= reported_at);
        earlier.is_none_or(|(_, offset)| position.offset >= *offset)
    }
}
