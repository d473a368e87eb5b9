//! The console: pages for the people who look messages up, rendered on the server; knows no SQL and no dialect.
//!
//! A page is a file with its handler and its markup. `visit` is what handlers take: who is there, in which language, and
//! the form that was sent, if it came from the console itself (`forgery`). `layout` is what surrounds every page.

mod assets;
mod cookies;
pub mod files;
mod forgery;
pub mod language;
mod layout;
pub mod login;
mod own_address;
mod shared;
pub mod start;
pub mod texts;
mod visit;

pub use shared::Console;
