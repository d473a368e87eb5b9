//! Simulated sending: scheduled messages become messages of the history, live through their statuses on the tenant's
//! clock, and are reported to the tenant's callbacks; knows no route.

pub mod callback_request;
pub mod callbacks;
mod content;
pub mod engine;
pub mod error;
pub mod life;
mod message;
pub mod posts;
pub mod request;
pub mod state;
mod timeline;
