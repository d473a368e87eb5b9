//! The gateway's own API, `/v1`: messages and status events from your own systems, and one message with its provenance;
//! knows no dialect.

pub mod document;
pub mod ingest;
pub mod message;
