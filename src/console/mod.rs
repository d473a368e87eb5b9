//! The console: pages for the people who look messages up, rendered on the server; knows no SQL and no dialect.
//!
//! A page is a file with its handler and its markup. `visit` is what handlers take: who is there, in which language, and
//! the form that was sent, if it came from the console itself (`csrf`). `layout` is what surrounds every page. What pages show comes from
//! [`crate::viewer`], which has masked and recorded it.

mod assets;
pub mod audit;
mod content;
pub mod conversation;
mod cookies;
mod copying;
mod csrf;
pub mod evidence;
pub mod files;
mod filters;
pub mod find;
pub mod language;
mod layout;
pub mod login;
pub mod message;
pub mod messages;
pub mod not_found;
mod own_address;
mod refusals;
mod shared;
mod sheet;
mod shown;
pub mod start;
pub mod texts;
mod time;
pub mod users;
mod visit;
mod words;
mod zone;

pub use shared::Console;
