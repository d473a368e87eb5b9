//! Opaque cursors and tokens: a few bytes with a check, in a form that needs no escaping in a URL; knows no query.
//!
//! `version, check (8 bytes), payload`, in base64url. The check covers the payload and what it belongs to, so that
//! one of another tenant or other filters is recognised, and so is one that is made up or cut.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The version of the form. A later program must go on reading it.
const VERSION: u8 = 1;

const CHECK_BYTES: usize = 8;

/// Encodes a payload that belongs to something.
pub fn encode(owner: &[u8], payload: &[u8]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(check(owner, payload));
    bytes.extend(payload);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The payload; `None` if it belongs to something else, or was not made by `encode`.
pub fn decode(owner: &[u8], text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (given, payload) = rest.split_at_checked(CHECK_BYTES)?;
    (*version == VERSION && check(owner, payload) == given).then(|| payload.to_vec())
}

fn check(owner: &[u8], payload: &[u8]) -> [u8; CHECK_BYTES] {
    let mut digest = Sha256::new();
    digest.update([VERSION]);
    digest.update((owner.len() as u64).to_be_bytes());
    digest.update(owner);
    digest.update(payload);
    let mut first = [0; CHECK_BYTES];
    first.copy_from_slice(&digest.finalize()[..CHECK_BYTES]);
    first
}
