//! The edna dialect: its requests, its answers and its webhooks; knows nothing of other dialects.

pub mod document;
pub mod history;
pub mod request;
pub mod response;
pub mod webhook;
