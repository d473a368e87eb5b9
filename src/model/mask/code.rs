//! Recognises texts with a one-time code; knows no message.

/// Words that stand beside a code, in lower case.
const WORDS: [&str; 14] = [
    "code",
    "password",
    "passcode",
    "otp",
    "pin",
    "код",
    "кода",
    "кодом",
    "коду",
    "пароль",
    "пароля",
    "паролем",
    "пин",
    "пин-код",
];

/// Whether a text has a word for a code, and a number of 4 to 8 digits.
pub fn has_code(text: &str) -> bool {
    let numbers = text.split(|letter: char| !letter.is_numeric()).map(|run| run.chars().count());
    if !numbers.into_iter().any(|length| (4..=8).contains(&length)) {
        return false;
    }
    let lower = text.to_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_alphabetic() && letter != '-');
    words.any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::has_code;

    #[test]
    fn codes_are_recognised_by_a_word_and_a_number() {
        for text in [
            "Your code: 483920. Tell it to nobody.",
            "Код 4839",
            "Пароль для входа: 12345678",
            "Never share your OTP 1234",
            "ПИН-КОД 0000",
        ] {
            assert!(has_code(text), "{text}");
        }
        for text in ["Ваш заказ 528046 оплачен", "Your code is on its way", "code 123", "Промокод 5000", "encode 1234"]
        {
            assert!(!has_code(text), "{text}");
        }
    }
}
