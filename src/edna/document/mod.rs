//! The edna dialect as an OpenAPI document: what is sent and taken, bounds, errors and examples; nothing here runs on a
//! request.

mod errors;
pub mod feed;
mod message;
mod request;
pub mod trail;
pub mod webhook;

pub use errors::{ErrorAnswer, Looks, NotReady, ReadOnly};
pub use message::Message;

use errors::HistoryErrors;
use message::HistoryAnswer;
use request::HistoryRequest;

/// What was sent to a recipient, and came from it
///
/// The newest 15 messages of the last 30 days where nothing else is asked for. The body is read as JSON whatever
/// its Content-Type; an empty one and `[]` mean `{}`.
#[utoipa::path(
    post,
    path = "/api/messages/history",
    operation_id = "getMessageHistory",
    tag = "edna",
    security(("x-api-key" = [])),
    request_body(content = Option<HistoryRequest>, content_type = "application/json"),
    responses((status = 200, description = "One page of messages.", body = HistoryAnswer), HistoryErrors)
)]
pub fn history() {}
