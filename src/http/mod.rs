//! The web server: its routes, what all requests have in common, start and stop; knows no rule of any dialect.

mod compress;
mod connection;
mod cors;
pub mod docs;
mod gateway;
mod handlers;
pub mod health;
pub mod metrics;
pub mod observe;
pub mod openapi;
mod pending_response;
mod request_id;
mod router;
mod server;
pub mod starting;

pub use connection::Connection;
pub use gateway::Gateway;
pub use router::{Services, app, finish, only, with_routes};
pub use server::{serve, serve_app};
