//! The console's style sheet, under a name that changes with its content; knows no page.

use sha2::{Digest, Sha256};

use crate::model::hexadecimal;

const STYLE: &str = include_str!("style.css");

/// A file that pages refer to.
pub struct Asset {
    /// Its name, with the first bytes of its digest.
    pub name: String,
    pub content_type: &'static str,
    pub text: &'static str,
}

impl Asset {
    pub fn style() -> Self {
        let digest = hexadecimal(&Sha256::digest(STYLE)[..8]);
        Self { name: format!("style-{digest}.css"), content_type: "text/css; charset=utf-8", text: STYLE }
    }

    pub fn address(&self) -> String {
        format!("/console/files/{}", self.name)
    }
}
