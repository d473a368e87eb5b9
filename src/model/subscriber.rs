//! Addresses, their types, and the channel classes in which they are looked up; knows no store.

/// The type of address that a query names (docs/edna.md §1, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// Looks up addresses of the phone channels.
    Phone,
    /// Looks up addresses of all other channels, ignoring case.
    Email,
    /// Looks up a subscriber by its id.
    EdnaId,
    /// Looks up addresses of all other channels.
    Other,
}

impl AddressType {
    pub const WORDS: [&str; 12] = [
        "PHONE",
        "EMAIL",
        "UTM",
        "COOKIE_ID",
        "INSTAGRAM_ID",
        "FACEBOOK_ID",
        "TELEGRAM_ID",
        "GOOGLE_ID",
        "APPLE_ID",
        "YANDEX_ID",
        "EXT_USER_ID",
        "EDNA_ID",
    ];

    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "PHONE" => Some(Self::Phone),
            "EMAIL" => Some(Self::Email),
            "EDNA_ID" => Some(Self::EdnaId),
            other => Self::WORDS.contains(&other).then_some(Self::Other),
        }
    }
}

/// The two classes of channels in which addresses are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelClass {
    Phone = 1,
    Other = 2,
}

impl ChannelClass {
    pub fn of(channel_type: &str) -> Self {
        match channel_type {
            "SMS" | "WHATSAPP" | "VIBER" | "VK_NOTIFY" | "OK_NOTIFY" => Self::Phone,
            _ => Self::Other,
        }
    }
}

/// An address as it is stored, compared and returned: digits if it is a phone number, else verbatim (docs/edna.md 3.3).
pub fn stored_form(address: &str) -> String {
    let digits: String = address.chars().filter(|char| !is_phone_punctuation(*char)).collect();
    let is_phone = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_phone { digits } else { address.to_owned() }
}

/// Whether an address contains nothing but phone punctuation (docs/edna.md 1.3).
pub fn is_blank(address: &str) -> bool {
    address.chars().all(is_phone_punctuation)
}

/// The form in which EMAIL addresses are compared.
pub fn case_fold(address: &str) -> String {
    address.to_lowercase()
}

fn is_phone_punctuation(char: char) -> bool {
    matches!(char, '+' | '-' | '.' | '(' | ')' | '[' | ']' | '{' | '}') || char.is_whitespace()
}
