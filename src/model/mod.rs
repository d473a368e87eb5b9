//! The domain: messages, subscribers, keys and queries; knows no I/O, no clock, no database and no web server.

pub mod delivery;
pub mod error_title;
pub mod feed;
pub mod fold;
pub mod history;
pub mod instant;
pub mod item;
pub mod key;
pub mod like;
pub mod log_query;
pub mod merge;
pub mod message_query;
pub mod position;
pub mod property;
pub mod search;
pub mod status_event;
pub mod subject;
pub mod subscriber;
pub mod tenant;
pub mod upstream;
pub mod whatsapp_log;
pub mod wire;

pub use delivery::DeliveryStatus;
pub use error_title::ErrorTitle;
pub use feed::{PendingMessage, Provenance, Source, StatusEvent};
pub use history::{HistoryQuery, HistoryRequest, Policy};
pub use instant::Instant;
pub use item::Item;
pub use key::{Caller, CallerId};
pub use log_query::{LogFilter, LogQuery};
pub use merge::MessageCopy;
pub use message_query::{MessageFilters, MessageQuery};
pub use position::{Freshness, Position};
pub use property::{Property, Value};
pub use tenant::TenantId;
pub use whatsapp_log::WhatsAppLog;
