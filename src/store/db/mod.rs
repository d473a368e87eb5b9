//! How the store reaches its database, and which work gets a connection when: the only files that name a database;
//! knows no tenant's data.

pub(super) mod admission;
pub mod budget;
pub(super) mod checkpoint;
pub mod connection;
pub mod explain;
pub(super) mod failure;
pub(super) mod file;
pub mod fragments;
pub mod migrate;
mod moving;
pub mod pinned;
pub(super) mod pool;
pub(super) mod pooled;
#[cfg(feature = "postgres")]
pub(in crate::store) mod postgres;
pub(super) mod replica;
pub(super) mod row_texts;
pub(super) mod rows;
mod secrets;
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file has no replicas"))]
pub(super) mod servers;
pub(super) mod session;
pub(super) mod slot;
pub(super) mod sqlite;
pub(super) mod text;
pub mod threads;
pub(super) mod url;
mod url_servers;
pub(super) mod watch;
pub(super) mod write_lock;
