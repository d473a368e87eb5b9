//! One server of a database: what it last reported, and whether its connections still count; knows no statement.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::Position;
use crate::store::db::session::SessionState;

/// How long a server may take to answer before it counts as silent.
const SILENT_AFTER: Duration = Duration::from_secs(5);

/// What a server says that has no connection left for the question.
const OCCUPIED: [&str; 3] = ["too many clients", "too many connections", "remaining connection slots"];

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Primary,
    /// No standby, but its transactions are read-only by default.
    ReadOnly,
    Standby,
}

/// What a server reports of itself.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub role: Role,
    /// Up to where its log is on disk, or applied by a standby.
    pub position: Position,
    /// Whether it tells its timeline. A standby tells only some roles, and only while it receives; for others it tells
    /// that of its last restart point, which may be an earlier one.
    pub tells_timeline: bool,
    /// How long ago the last transaction that a standby has applied was committed.
    pub lag: Option<Duration>,
    /// Whether a standby has applied all that it received, from a server that still sends.
    pub is_up_to_date: bool,
}

/// Ends what waits for a server's connections, and counts how often that has happened: a connection from before the
/// last time does not count any more.
pub struct Interrupts(watch::Sender<u64>);

impl Default for Interrupts {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Interrupts {
    pub fn generation(&self) -> u64 {
        *self.0.borrow()
    }

    pub fn interrupt(&self) {
        self.0.send_modify(|generation| *generation += 1);
    }

    /// Completes at the next interrupt.
    pub fn next(&self) -> impl Future<Output = ()> + use<> {
        let mut changes = self.0.subscribe();
        async move {
            if changes.changed().await.is_err() {
                // The servers are gone, so nothing interrupts any more.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[derive(Default)]
struct State {
    /// Since when an answer is awaited.
    asked_at: Option<Instant>,
    last: Option<(Result<Report, String>, Instant)>,
    /// Since when it fails to answer.
    failing_since: Option<Instant>,
    /// What persists between its transactions, once that is known.
    sessions: Option<SessionState>,
    /// As it was last logged.
    logged: Option<Condition>,
}

/// What a server can be used for, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Primary,
    /// It accepts writes, and another server was promoted after it.
    OldPrimary,
    Standby,
    Unreachable,
    Silent,
}

pub struct Server {
    pub url: Arc<str>,
    /// Its address without secrets.
    pub name: Arc<str>,
    pub interrupts: Arc<Interrupts>,
    state: Mutex<State>,
}

impl Server {
    pub fn new(url: &str, name: &str) -> Self {
        Self { url: url.into(), name: name.into(), interrupts: Arc::default(), state: Mutex::default() }
    }

    /// An answer is awaited from now on.
    pub fn asked(&self) {
        self.with(|state| state.asked_at = Some(Instant::now()));
    }

    pub fn answered(&self, report: Result<Report, String>) {
        self.with(|state| {
            let now = Instant::now();
            state.asked_at = None;
            // A server without a free connection still serves those that it has.
            let fails = report.as_ref().is_err_and(|cause| !OCCUPIED.iter().any(|sign| cause.contains(sign)));
            state.failing_since = if fails { state.failing_since.or(Some(now)) } else { None };
            state.last = Some((report, now));
        });
    }

    /// Whether it has ever answered or failed.
    pub fn is_known(&self) -> bool {
        self.with(|state| state.last.is_some())
    }

    /// What it last reported, and when, if that still counts.
    pub fn report(&self) -> Option<(Report, Instant)> {
        self.with(|state| match &state.last {
            Some((Ok(report), at)) if !state.is_silent() => Some((*report, *at)),
            _ => None,
        })
    }

    /// Records that it has applied the log up to a position.
    pub fn has_applied(&self, offset: u64) {
        self.with(|state| {
            if let Some((Ok(report), _)) = &mut state.last {
                report.position.offset = report.position.offset.max(offset);
            }
        });
    }

    /// Its condition, if `timeline` is the latest of all servers.
    pub fn condition(&self, timeline: u32) -> Condition {
        self.with(|state| state.condition(timeline))
    }

    /// The same, and what it was before, if it has changed since this was last called.
    pub fn changed_condition(&self, timeline: u32) -> Option<(Option<Condition>, Condition)> {
        self.with(|state| {
            state.last.as_ref()?;
            let now = state.condition(timeline);
            let before = state.logged.replace(now);
            (before != Some(now)).then_some((before, now))
        })
    }

    /// Why it cannot be used, or what it is instead of a primary.
    pub fn explain(&self) -> String {
        self.with(|state| match &state.last {
            Some((Err(cause), _)) => cause.clone(),
            _ if state.is_silent() => format!("{} does not respond", self.name),
            None => format!("{} was not reached yet", self.name),
            Some((Ok(report), _)) if report.role == Role::Standby => format!("{} is a standby", self.name),
            Some((Ok(report), _)) if report.role == Role::ReadOnly => format!("{} is read-only", self.name),
            Some((Ok(_), _)) => format!("{} is an old primary", self.name),
        })
    }

    pub fn sessions(&self) -> Option<SessionState> {
        self.with(|state| state.sessions)
    }

    pub fn set_sessions(&self, sessions: SessionState) {
        self.with(|state| state.sessions = Some(sessions));
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Whether it has not answered for so long that nothing waits for it any more. A pooler before a frozen server answers
    /// with errors, and a host that is gone leaves connections that nobody ends.
    fn is_silent(&self) -> bool {
        [self.asked_at, self.failing_since].into_iter().flatten().any(|at| at.elapsed() > SILENT_AFTER)
    }

    fn condition(&self, timeline: u32) -> Condition {
        match &self.last {
            _ if self.is_silent() => Condition::Silent,
            Some((Ok(report), _)) if report.role == Role::Primary && report.position.timeline < timeline => {
                Condition::OldPrimary
            }
            Some((Ok(report), _)) if report.role == Role::Primary => Condition::Primary,
            Some((Ok(_), _)) => Condition::Standby,
            _ => Condition::Unreachable,
        }
    }
}
