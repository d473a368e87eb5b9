//! The console: who gets which page, and what browsers may do with it.

mod browser;
mod copied_users;
mod forgery;
mod limits;
mod roles;
mod sessions;
mod sign_in;
