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

/// The forms in which a phone number that a person typed may be stored, and, if it looks like a Russian number without
/// its country code, its international form (docs/api.md 1.1). An address that is no phone number has one form.
pub fn phone_forms(typed: &str) -> (Vec<String>, Option<String>) {
    let typed = typed.trim();
    let scheme = typed.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    // A `tel:` address may have parameters.
    let number = scheme.map_or(typed, |_| typed[4..].split(';').next().unwrap_or_default());
    let digits: String = number.chars().filter(|char| !is_typed_punctuation(*char)).collect();
    let mut forms = vec![stored_form(if scheme.is_some() { number } else { typed })];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (forms, None);
    }
    // `00` stands for `+`.
    let without_prefix = digits.strip_prefix("00").filter(|rest| !rest.is_empty()).map(str::to_owned);
    let has_country_code = number.trim_start_matches(|char| is_typed_punctuation(char) && char != '+').starts_with('+');
    let national = match (digits.len(), digits.strip_prefix('8')) {
        _ if has_country_code => None,
        (11, Some(rest)) => Some(format!("7{rest}")),
        (10, _) => Some(format!("7{digits}")),
        _ => None,
    };
    for form in std::iter::once(digits).chain(without_prefix) {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    (forms, national)
}

/// What people write between the digits of a phone number, with the invisible marks that come with a copied one.
fn is_typed_punctuation(char: char) -> bool {
    is_phone_punctuation(char)
        || matches!(char, '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{feff}')
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

#[cfg(test)]
mod tests {
    use super::phone_forms;

    #[test]
    fn typed_phone_number_has_its_stored_forms() {
        let forms = |typed: &str| {
            let (forms, national) = phone_forms(typed);
            format!("{} ({})", forms.join(" "), national.unwrap_or_default())
        };
        assert_eq!(forms("+7 (900) 000-31-93"), "79000003193 ()");
        assert_eq!(forms(" tel:+7-900-000-31-93;ext=5"), "79000003193 ()");
        assert_eq!(forms("TEL:79000003193"), "79000003193 ()");
        assert_eq!(
            forms("\u{202a}+7 900\u{a0}000\u{2011}31\u{2013}93\u{202c}"),
            "\u{202a}+7 900\u{a0}000\u{2011}31\u{2013}93\u{202c} 79000003193 ()"
        );
        assert_eq!(forms("0079000003193"), "0079000003193 79000003193 ()");
        assert_eq!(forms("8 (900) 000-31-93"), "89000003193 (79000003193)");
        assert_eq!(forms("900 000 31 93"), "9000003193 (79000003193)");
        assert_eq!(forms("(+8) 900 000 31 93"), "89000003193 ()");
        assert_eq!(forms("810 900"), "810900 ()");
        assert_eq!(forms("00"), "00 ()");
        assert_eq!(forms("shop-42x"), "shop-42x ()");
        assert_eq!(forms("тел:1"), "тел:1 ()");
    }
}
