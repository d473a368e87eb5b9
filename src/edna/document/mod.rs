//! The edna dialect as an OpenAPI document: what is sent and taken, bounds, errors and examples; nothing here runs on a
//! request.

mod history;
mod request;
pub mod webhook;

pub use history::{HistoryErrors, HistoryResponse};
pub use request::HistoryRequest;
