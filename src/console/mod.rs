//! The console: pages for the people who look messages up, rendered on the server; knows no SQL and no dialect.
//!
//! A page is a file with its handler and its markup. `visit` is what handlers take: who is there, in which language, and
//! the form that was sent, if it came from the console itself (`forgery`). `layout` is what surrounds every page. What pages show comes from
//! [`crate::viewer`], which has masked and recorded it.

mod assets;
pub mod audit;
mod content;
pub mod conversation;
mod cookies;
mod copying;
pub mod evidence;
pub mod files;
mod filters;
pub mod find;
mod forgery;
pub mod language;
mod layout;
pub mod login;
pub mod message;
pub mod messages;
mod own_address;
mod shared;
mod shown;
pub mod start;
pub mod texts;
mod time;
pub mod unknown;
pub mod users;
mod visit;
mod words;

pub use shared::Console;
