//! The gateway's own API, `/v1`: messages and status events from your own systems, messages by filters, their
//! changes, and one message with its provenance; knows no dialect.

pub mod changes;
mod cursor;
pub mod document;
mod filters;
pub mod ingest;
pub mod message;
pub mod messages;
mod parameters;
