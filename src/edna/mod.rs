//! The edna dialect: its words, its errors and its leniency; knows nothing of other dialects.

pub mod answer;
pub mod document;
pub mod error;
pub mod request;
pub mod routes;

pub use error::EdnaError;
