//! The audit log: who has read what of a tenant's messages, in records that are linked by hashes; knows no store.

mod chain;
mod digest;
pub mod filters;
mod record;

pub use chain::{ChainHash, Link};
pub use digest::{AuditKey, DIGEST_LENGTH};
pub use record::{Action, AuditRecord, Filter, Who, as_array};
