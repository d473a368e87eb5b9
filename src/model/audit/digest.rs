//! Keyed digests, which stand for addresses and texts in the audit log; knows no record.

use std::fmt;

use ring::hmac;

use crate::model::hexadecimal;
use crate::model::subscriber::case_fold;

/// How many characters a digest has.
pub const DIGEST_LENGTH: usize = 32;

/// How many bytes the key has.
const KEY_BYTES: usize = 32;

/// The key of the digests. Without it, nobody can find out from the audit log whether it is about an address, not even by
/// trying all phone numbers. `Debug` does not show it.
pub struct AuditKey {
    key: hmac::Key,
    id: String,
}

impl AuditKey {
    /// Parses a key of 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 2 * KEY_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16);
        let bytes: Vec<u8> = (0..KEY_BYTES).map(byte).collect::<Result<_, _>>().ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let id = hexadecimal(&hmac::sign(&key, b"id of this key").as_ref()[..4]);
        Some(Self { key, id })
    }

    /// A new key as text, from the system's generator; `None` if that fails.
    pub fn random() -> Option<String> {
        let mut bytes = [0; KEY_BYTES];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).ok()?;
        Some(hexadecimal(&bytes))
    }

    /// Tells this key from others, but not what it is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The digest of a text.
    pub fn digest(&self, text: &str) -> String {
        hexadecimal(&hmac::sign(&self.key, text.as_bytes()).as_ref()[..DIGEST_LENGTH / 2])
    }

    /// The digest of an address in its stored form. That of an e-mail address does not depend on upper and lower case.
    pub fn digest_of_address(&self, address: &str) -> String {
        if address.contains('@') { self.digest(&case_fold(address)) } else { self.digest(address) }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditKey, DIGEST_LENGTH};

    #[test]
    fn digests_depend_on_the_key_and_the_text() {
        let text = AuditKey::random().unwrap();
        let (key, same, other) = (AuditKey::parse(&text).unwrap(), AuditKey::parse(&text).unwrap(), AuditKey::random());
        let other = AuditKey::parse(&other.unwrap()).unwrap();
        let digest = key.digest("79001112233");
        assert_eq!(digest.len(), DIGEST_LENGTH);
        assert_eq!(digest, same.digest("79001112233"));
        assert_ne!(digest, key.digest("79001112234"));
        assert_eq!(digest, key.digest_of_address("79001112233"));
        assert_ne!(key.digest_of_address("token-A"), key.digest_of_address("token-a"));
        assert_eq!(key.digest_of_address("Anna@Shop.example"), key.digest_of_address("anna@shop.EXAMPLE"));
        assert_ne!(digest, other.digest("79001112233"));
        assert_ne!(key.id(), other.id());
        assert_eq!(format!("{key:?}"), format!("AuditKey({})", same.id()));
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_key() {
        for wrong in ["", "12", &"x".repeat(64), &"é".repeat(32), &"0".repeat(63), &"0".repeat(65)] {
            assert!(AuditKey::parse(wrong).is_none(), "{wrong}");
        }
        assert!(AuditKey::parse(&format!("{}\n", "aF".repeat(32))).is_some());
    }
}
