//! The edna dialect: requests, responses and webhooks; knows nothing about other dialects.

pub mod document;
pub mod history;
pub mod request;
pub mod response;
pub mod webhook;
