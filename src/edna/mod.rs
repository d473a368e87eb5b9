//! The edna dialect: its words, its errors and its leniency; knows nothing of other dialects.

pub mod answer;
pub mod document;
pub mod error;
pub mod own;
pub mod pull;
pub mod request;
mod rest;
pub mod routes;
pub mod status;
pub mod trail;
pub mod upstream;
pub mod webhook;

pub use error::EdnaError;
