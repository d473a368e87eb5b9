//! The sandbox: a stand-in server for integration tests. Its tenants can be created, reset, moved in time and made to fail,
//! and they record the requests that they receive; knows no SQL.
//!
//! Every tenant has a store file, an app and a clock of its own (`tenant`, `instance`), so two tests share nothing. The
//! handlers are those of `serve`, and know nothing of the sandbox. A middleware (`http`) stands around them: it finds the
//! tenant by the request's key, gives the handlers that tenant's app, applies fault rules (`faults`) and writes the journal
//! (`journal`). `sending` simulates what edna does with a message, on the tenant's clock. `control` has the routes below
//! `/_sandbox`, `embedded` a sandbox inside a Rust test's process.

mod control;
mod directory;
mod duration;
mod embedded;
mod error;
mod faults;
mod fixtures;
mod http;
mod instance;
mod journal;
pub mod keys;
mod matching;
mod registry;
mod routes;
mod seed;
mod sending;
mod tenant;
pub mod users;
mod verify;
mod warnings;

pub use embedded::{FaultRule, Sandbox, SandboxError, TenantClock, TestTenant};
pub use fixtures::{Fixtures, demo_address, item, log};
pub use http::{app, apply_test_settings, serve};
pub use registry::{DEMO, Defaults, Registry, Settings};
pub use sending::callbacks::Destinations;
pub use tenant::Tenant;
