//! The edna dialect: its words, its errors and its leniency; knows nothing of other dialects.

pub mod answer;
pub mod document;
pub mod error;
pub mod pull;
pub mod request;
pub mod routes;
pub mod upstream;

pub use error::EdnaError;
