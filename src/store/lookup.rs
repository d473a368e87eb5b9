//! For whom a look-up runs, and how those that take turns are told apart; knows no table.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::model::{CallerId, TenantId};

/// For whom a look-up runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupFor {
    Caller,
    /// An address that sent too many wrong keys. Such addresses take turns.
    Suspect(IpAddr),
    /// A page of the console, or an attempt to sign in to it, from an address. Addresses take turns.
    Console(Option<IpAddr>),
    /// A health check.
    Health,
    Gateway,
}

/// Identifies an address in a queue that serves callers in turn.
pub fn fair_queue_id_of(address: IpAddr) -> CallerId {
    let mut hasher = std::hash::DefaultHasher::new();
    address.hash(&mut hasher);
    CallerId { tenant: TenantId(hasher.finish().cast_signed()), key: 0 }
}
