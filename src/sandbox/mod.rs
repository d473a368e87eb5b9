//! The sandbox: a stand-in for integration tests, whose tenants can be made, reset, moved in time, told to fail and asked
//! what they were asked; knows no SQL.
//!
//! Every tenant has a store file, an app and a clock of its own (`tenant`, `instance`), so nothing is shared between
//! two tests. The handlers are those of `serve`. A middleware (`http`) stands around them: it finds the tenant by the
//! request's key, gives the handlers that tenant's app, applies fault rules (`faults`) and writes the journal
//! (`journal`). The handlers know nothing of it. `sending` simulates what edna does with a message, on the tenant's clock. `control` has the routes below `/_sandbox`, `embedded` a sandbox inside a Rust test's process.

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
mod verify;
mod warnings;

pub use embedded::{FaultRule, Sandbox, SandboxError, TenantClock, TestTenant};
pub use fixtures::{Fixtures, demo_address, item, log};
pub use http::{app, quick_and_lenient, serve};
pub use registry::{DEMO, Defaults, Registry, Settings};
pub use sending::callbacks::Destinations;
pub use tenant::Tenant;
