//! The people who use the console: their names, roles and passwords; knows no session and no store.

use std::fmt;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use uuid::Uuid;

use super::Grants;

const MAX_LOGIN_BYTES: usize = 128;

const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_BYTES: usize = 1024;

/// A hash that no password has: verifying it takes as long as verifying a user's.
const UNKNOWN_USER: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Searches and reads, masked.
    Viewer,
    /// Also reveals what is masked, with a reason, and prints evidence.
    Agent,
    /// Searches and reads, masked, and reads the whole audit log.
    Auditor,
    /// What an agent may, reads the whole audit log, and manages users.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Auditor, Self::Admin];

    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// Whether such a user may see the messages of some subjects only. Who sees what others did, or changes what others may do,
    /// sees all messages.
    pub fn may_be_limited(self) -> bool {
        matches!(self, Self::Viewer | Self::Agent)
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// The name that a user signs in with, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login(String);

impl Login {
    /// Letters of any case are the same login. Fails with what a login must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let login = text.trim().to_lowercase();
        let is_allowed = |letter: char| letter.is_alphanumeric() || "._-@+".contains(letter);
        match login.as_str() {
            "" => Err("it must not be empty"),
            login if login.len() > MAX_LOGIN_BYTES => Err("it must be at most 128 bytes long"),
            login if !login.chars().all(is_allowed) => Err("it may contain letters, digits and . _ - @ + only"),
            _ => Ok(Self(login)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password in clear text. `Debug` does not show it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password that a person has chosen. Fails with what it must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            text if text.chars().count() < MIN_PASSWORD_CHARS => Err("it must have at least 12 characters"),
            text if text.len() > MAX_PASSWORD_BYTES => Err("it must be at most 1024 bytes long"),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// Any text, to compare it with a user's password. One that no user can have matches none.
    pub fn presented(text: String) -> Self {
        Self(if text.len() > MAX_PASSWORD_BYTES { String::new() } else { text })
    }

    /// A new password of 24 letters and digits that look unlike each other, in groups.
    pub fn random() -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        // The bytes with a UUID's version and variant are left out.
        let random = bytes.iter().enumerate().filter(|(place, _)| !matches!(place % 16, 6 | 8)).take(24);
        let letters: Vec<char> = random.map(|(_, byte)| LETTERS[usize::from(byte % 32)].into()).collect();
        Self(letters.chunks(6).map(String::from_iter).collect::<Vec<_>>().join("-"))
    }

    /// The password in clear text, for the one time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash under which it is stored, with a salt of its own. Takes about 20 ms and 19 MiB.
    pub fn hash(&self) -> Result<PasswordHash, String> {
        let hash = hasher().hash_password(self.0.as_bytes());
        hash.map(|hash| PasswordHash(hash.to_string())).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The Argon2id hash of a password, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl PasswordHash {
    /// Whether it is the hash of a password. Takes as long as hashing it.
    pub fn matches(&self, password: &Password) -> bool {
        hasher().verify_password(password.0.as_bytes(), self.0.as_str()).is_ok()
    }

    /// The hash to verify for a user who does not exist, so that this takes as long as for one who does.
    pub fn of_unknown_user() -> Self {
        Self(UNKNOWN_USER.to_owned())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Argon2id with 19 MiB, two passes and one lane, the least that OWASP recommends.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The number of a user, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserId(pub i64);

/// A user who may use the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub login: String,
    pub role: Role,
    pub grants: Grants,
}

#[cfg(test)]
mod tests {
    use super::{Login, Password, PasswordHash};

    #[test]
    fn only_the_same_password_matches_its_hash() {
        let password = Password::parse("correct horse").unwrap();
        let hash = password.hash().unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(hash.matches(&password));
        assert_ne!(hash, password.hash().unwrap());
        for other in ["correct horse ", "Correct horse", ""] {
            assert!(!hash.matches(&Password::presented(other.into())), "{other}");
        }
        assert!(!PasswordHash::of_unknown_user().matches(&password));
        assert!(!PasswordHash("damaged".into()).matches(&password));
    }

    #[test]
    fn random_passwords_have_120_bits_and_differ() {
        let (one, other) = (Password::random(), Password::random());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
        assert!(Password::parse(one.reveal()).is_ok());
    }

    #[test]
    fn logins_ignore_case_and_have_no_spaces() {
        assert_eq!(Login::parse(" Anna.Petrova@shop.example ").unwrap().as_str(), "anna.petrova@shop.example");
        assert_eq!(Login::parse("Анна").unwrap(), Login::parse("анна").unwrap());
        for wrong in ["", " ", "a b", "a\0", "<b>", &"x".repeat(129)] {
            assert!(Login::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_have_twelve_characters_to_1024_bytes() {
        assert!(Password::parse(&"я".repeat(12)).is_ok());
        assert!(Password::parse(&"я".repeat(11)).is_err());
        assert!(Password::parse(&"x".repeat(1025)).is_err());
        assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "Password(…)");
    }
}
