//! The OneUptime dialect: requests, rows, errors and leniency; knows nothing about other dialects.

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
