//! The audit log: who has read what of a tenant's messages, in records that are linked by hashes; knows no store.

mod chain;
mod digest;
mod filter;
pub mod filters;
mod record;

pub use chain::{ChainHash, Link};
pub use digest::{AuditKey, DIGEST_LENGTH};
pub use filter::Filter;
pub use record::{Action, AuditRecord, Who, as_array};
