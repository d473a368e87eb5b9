//! The servers behind a database address: replicas, and what happens to the server of a connection; knows no statement.

use std::sync::Arc;
use std::time::Duration;

use crate::store::Options;
use crate::store::db::secrets::without_secrets;
use crate::store::db::servers::Servers;
#[cfg(feature = "postgres")]
use crate::store::db::servers::hosts;
#[cfg(feature = "postgres")]
use crate::store::db::servers::probe;
use crate::store::db::servers::server::Server;
use crate::store::db::url::DatabaseUrl;
use crate::store::error::StoreError;

impl DatabaseUrl {
    /// The same database with replicas, which reads may go to while they lag by no more than `max_lag`.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no replicas"))]
    pub fn with_replicas(self, replicas: &[String], max_lag: Duration) -> Result<Self, StoreError> {
        for replica in replicas {
            Self::check_replica(replica)?;
        }
        match self {
            Self::Sqlite { ref file, .. } => match replicas {
                [] => Ok(self),
                _ => Err(StoreError::NoReplicas { file: file.clone() }),
            },
            #[cfg(feature = "postgres")]
            Self::Postgres { url, sessions, .. } => {
                let servers = Arc::new(Servers::new(&url, replicas, max_lag, without_secrets));
                Ok(Self::Postgres { url, sessions, servers })
            }
        }
    }

    /// Rejects an address that is not that of one PostgreSQL server.
    pub fn check_replica(url: &str) -> Result<(), StoreError> {
        let refuse = |reason| Err(StoreError::Address { url: without_secrets(url), reason });
        match Self::parse(url)? {
            Self::Sqlite { .. } => refuse("a replica is a PostgreSQL server"),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } if hosts::split(url).len() > 1 => refuse("each replica is one server"),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => Ok(()),
        }
    }

    /// The servers of a PostgreSQL database; `None` for SQLite.
    pub fn servers(&self) -> Option<&Arc<Servers>> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { servers, .. } => Some(servers),
        }
    }

    /// The address of a replica, for its pools; `None` before what persists between its transactions is known.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no replicas"))]
    pub fn of_replica(server: &Arc<Server>) -> Option<Self> {
        #[cfg(not(feature = "postgres"))]
        return None;
        #[cfg(feature = "postgres")]
        let servers = Arc::new(Servers::of_replica(server));
        #[cfg(feature = "postgres")]
        Some(Self::Postgres { url: server.url.to_string(), sessions: server.sessions()?, servers })
    }

    /// Begins to watch the servers of a PostgreSQL database, if it has several.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no servers"))]
    pub fn watch_servers(&self, options: &Options) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres { servers, .. } => probe::start(servers, *options),
        }
    }

    /// Whether its servers are asked what they are.
    pub fn is_watched(&self) -> bool {
        self.servers().is_some_and(|servers| servers.is_watched())
    }

    /// How often the connections to its servers were interrupted: earlier ones do not count any more.
    pub fn generation(&self) -> u64 {
        match self {
            Self::Sqlite { .. } => 0,
            #[cfg(feature = "postgres")]
            Self::Postgres { servers, .. } => servers.interrupts().generation(),
        }
    }

    /// Completes when the server of its connections does not respond any more, or has been replaced.
    pub fn interrupted(&self) -> impl Future<Output = ()> + use<> {
        #[cfg(feature = "postgres")]
        let next = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres { servers, .. } => Some(servers.interrupts().next()),
        };
        #[cfg(not(feature = "postgres"))]
        let next = None::<std::future::Pending<()>>;
        async {
            match next {
                None => std::future::pending().await,
                Some(next) => next.await,
            }
        }
    }

    /// Fails if a primary's timeline is that of an old one.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no timeline"))]
    pub fn check_timeline(&self, timeline: Option<u32>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres { servers, .. } => {
                if let Some(timeline) = timeline {
                    servers.observe_timeline(timeline);
                }
                if servers.is_superseded(timeline) { Err(servers.old_primary()) } else { Ok(()) }
            }
        }
    }

    /// Has the servers asked at once what they are, because a connection was lost.
    pub fn nudge(&self) {
        #[cfg(feature = "postgres")]
        if let Self::Postgres { servers, .. } = self {
            servers.nudge();
        }
    }
}
