//! Texts that people have written: without long numbers, e-mail addresses and one-time codes; knows no message.

use super::{address, code, digits, dots};

/// What stands for a text that is not shown.
pub fn hidden() -> String {
    dots(3)
}

/// A text as it is shown; one with a one-time code is not.
pub fn text(text: &str) -> String {
    if code::has_code(text) { hidden() } else { numbers(text) }
}

/// Why a delivery failed. The code of an error ("Error code 131026") is no one-time code.
pub fn reason(text: &str) -> String {
    if code::has_code(text) && !code::is_about_error(text) { hidden() } else { numbers(text) }
}

/// A text that has no one-time code, without its long numbers and e-mail addresses: the name of a broadcast, or what an agent
/// has written.
pub fn numbers(text: &str) -> String {
    digits::text(&without_emails(text))
}

fn without_emails(text: &str) -> String {
    let is_outside = |letter: char| letter.is_whitespace() || "<>()[]{},;:\"'|".contains(letter);
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(is_outside) {
        let word = part.trim_end_matches(is_outside).trim_end_matches(['.', '!', '?']);
        // In addresses of pages, its sign is encoded.
        let word_as_text = word.replace("%40", "@");
        let is_email =
            word_as_text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        if is_email {
            shown += &address(&word_as_text);
            shown += &part[word.len()..];
        } else {
            shown += part;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{reason, text};

    #[test]
    fn emails_and_codes_are_masked_in_texts() {
        assert_eq!(
            text("Write to <anna.petrova@shop.example>, or anna@x.ru."),
            "Write to <a•••@shop.example>, or a•••@x.ru."
        );
        assert_eq!(text("@channel, 5 @ 10, a@b"), "@channel, 5 @ 10, a@b");
        assert_eq!(text("https://x.example/?to=anna%40shop.example"), "https:/•••@shop.example");
        assert_eq!(text("OTP 483920"), "•••");
        assert_eq!(reason("Error code 131026: call +7 900 111-22-33"), "Error code 131026: call +• ••• •••-••-33");
        assert_eq!(reason("Код ошибки 131026"), "Код ошибки 131026");
        assert_eq!(reason("Rejected: Your code: 483920"), "•••");
        assert_eq!(text("Позвоните 79001112233"), "Позвоните •••••••••33");
    }
}
