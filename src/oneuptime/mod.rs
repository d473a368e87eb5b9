//! The OneUptime dialect: its words, its errors and its leniency; knows nothing of other dialects.

pub mod columns;
pub mod document;
pub mod error;
pub mod handlers;
pub mod query;
pub mod request;
mod response;
pub mod row;
pub mod select;
pub mod value;

pub use error::OneUptimeError;
