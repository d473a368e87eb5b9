//! What the handlers of all dialects share: the extractor, bodies, errors, and responses that are sent in parts; knows
//! no route and no dialect.

pub mod answer;
pub mod body;
pub mod client;
pub mod error;
pub mod extract;

pub use body::Body;
pub use error::{ApiError, CommonError};
pub use extract::{Access, KeyHeader, Public, Request};
