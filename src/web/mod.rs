//! What all handlers share: how much is in memory at a time, and answers sent part by part; knows no route and no dialect.

pub mod answer;
pub mod in_flight;

pub use in_flight::{InFlight, Share};
