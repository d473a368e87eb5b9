//! Recognises texts with a one-time code; knows no message.

use super::digits;

/// Words that stand beside a code, in lower case.
const WORDS: [&str; 28] = [
    "code",
    "codes",
    "password",
    "passcode",
    "otp",
    "pin",
    "код",
    "кода",
    "коду",
    "кодом",
    "коде",
    "коды",
    "кодов",
    "пароль",
    "пароля",
    "паролю",
    "паролем",
    "пароли",
    "паролей",
    "паролям",
    "паролями",
    "паролях",
    "кодам",
    "кодами",
    "кодах",
    "пин",
    "пина",
    "пином",
];

/// Whether a text has a word for a code, and a number that may be one.
pub fn has_code(text: &str) -> bool {
    has_word(text) && has_number(text)
}

/// Whether a text is about an error, whose code is not secret.
pub fn is_about_error(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["error", "failure", "ошибк"].iter().any(|word| lower.contains(word))
}

/// Whether a text has a word for a code.
pub fn has_word(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.split(|letter: char| !letter.is_alphabetic()).any(|word| WORDS.contains(&word))
}

/// Whether a text has a number of 4 to 8 digits, also in groups.
pub fn has_number(text: &str) -> bool {
    let is_code = |length: usize| (4..=8).contains(&length);
    let mut runs = text.split(|letter: char| !letter.is_numeric()).map(|run| run.chars().count());
    runs.any(is_code) || digits::lengths(text).into_iter().any(is_code)
}

#[cfg(test)]
mod tests {
    use super::has_code;

    #[test]
    fn codes_are_recognised_by_a_word_and_a_number() {
        for text in [
            "Your code: 483920. Tell it to nobody.",
            "Код 4839",
            "СМС-код: 4839",
            "verification-code 483920",
            "Your WhatsApp code: 123-456",
            "Коды: 48 39 20",
            "Пароль для входа: 12345678",
            "Never share your OTP 1234",
            "ПИН-КОДА 0000",
        ] {
            assert!(has_code(text), "{text}");
        }
        for text in ["Ваш заказ 528046 оплачен", "Your code is on its way", "code 123", "Промокод 5000", "encode 1234"]
        {
            assert!(!has_code(text), "{text}");
        }
    }
}
