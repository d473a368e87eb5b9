//! The files that the console's pages refer to, each under a name that changes with its content; knows no page.

use sha2::{Digest, Sha256};

use crate::model::hexadecimal;

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");
const SCRIPT: &str = include_str!("script.js");

/// htmx 2.0.11, unchanged, from its package; vendor/htmx.LICENSE is its licence.
const HTMX: &str = include_str!("vendor/htmx.min.js");

/// A file that pages refer to.
pub struct Asset {
    /// Its name, with the first bytes of its digest.
    pub name: String,
    pub content_type: &'static str,
    pub text: &'static str,
}

impl Asset {
    pub fn style() -> Self {
        Self::new(("style", "css"), "text/css; charset=utf-8", STYLE)
    }

    pub fn icon() -> Self {
        Self::new(("icon", "svg"), "image/svg+xml", ICON)
    }

    pub fn script() -> Self {
        Self::new(("script", "js"), "text/javascript; charset=utf-8", SCRIPT)
    }

    pub fn htmx() -> Self {
        Self::new(("htmx", "js"), "text/javascript; charset=utf-8", HTMX)
    }

    fn new((name, ending): (&str, &str), content_type: &'static str, text: &'static str) -> Self {
        let digest = hexadecimal(&Sha256::digest(text)[..8]);
        Self { name: format!("{name}-{digest}.{ending}"), content_type, text }
    }

    pub fn address(&self) -> String {
        format!("/console/files/{}", self.name)
    }
}
