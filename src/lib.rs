#![forbid(unsafe_code)]
//! The map (to be written).
pub mod cli;
pub mod config;
pub mod edna;
pub mod generate;
pub mod http;
pub mod ingest;
pub mod model;
pub mod store;
pub mod telemetry;
