//! The edna dialect in the OpenAPI document: requests, responses, limits, errors and examples; nothing here runs on a
//! request.

mod history;
mod request;
pub mod webhook;

pub use history::{HistoryErrors, HistoryResponse};
pub use request::HistoryRequest;
