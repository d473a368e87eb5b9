//! Values that stand in the console's addresses, where only the session that made them can read them: addresses and texts
//! must not stand in a browser's history or in a proxy's log; knows no page.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use crate::model::key::Secret;

/// The longest value.
pub const MAX_BYTES: usize = 1024;

/// Seals values for one session.
pub struct Sealer(Option<LessSafeKey>);

impl Sealer {
    pub fn new(session: &Secret) -> Self {
        let key = Sha256::new_with_prefix("values of ").chain_update(session.reveal()).finalize();
        // A key of 32 bytes is valid.
        Self(UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new))
    }

    /// A value that the session can read again; `None` if it is too long.
    pub fn seal(&self, value: &str) -> Option<String> {
        if value.len() > MAX_BYTES {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut bytes = value.as_bytes().to_vec();
        let key = self.0.as_ref()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes).ok()?;
        Some(BASE64.encode([&nonce[..], &bytes].concat()))
    }

    /// The value; `None` if another session, or nobody, has sealed it.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut value = sealed.to_vec();
        let key = self.0.as_ref()?;
        let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut value).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Sealer};
    use crate::model::key::Secret;

    #[test]
    fn only_the_same_session_opens_a_value() {
        let session = Secret::random();
        let sealed = Sealer::new(&session).seal("79001112233").unwrap();
        assert!(!sealed.contains("7900"));
        assert_eq!(Sealer::new(&session).open(&sealed).as_deref(), Some("79001112233"));
        assert_eq!(Sealer::new(&Secret::random()).open(&sealed), None);
        for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &sealed[1..]] {
            assert_eq!(Sealer::new(&session).open(wrong), None, "{wrong}");
        }
        assert_eq!(Sealer::new(&session).seal(&"x".repeat(MAX_BYTES + 1)), None);
    }
}
