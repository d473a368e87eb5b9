//! The console: who gets which page, and what browsers may do with it.

pub mod browser;
mod copied_users;
mod counts;
mod csrf;
mod evidence;
mod find;
mod limited;
mod limits;
mod masking;
mod pages;
mod records;
mod roles;
mod sessions;
mod sign_in;
