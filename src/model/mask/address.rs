//! Addresses of which the beginning and the end are shown; knows no message.

use super::{digits, dots};

/// The longest part of a phone number that is shown at its beginning: country and area.
const MAX_SHOWN_PREFIX: usize = 4;

/// How many of its last digits are shown.
const SHOWN_SUFFIX: usize = 2;

/// At least so many digits of a phone number are masked.
const MIN_MASKED: usize = 4;

/// An address as it is shown: `+7 900 ••• •• 93`, `a•••@shop.example`, `ab•••yz`.
pub fn address(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return phone(text);
    }
    if let Some((name, domain)) = text.rsplit_once('@')
        && !name.is_empty()
    {
        // A name of one letter is not shown.
        let first = name.chars().next().filter(|first| name.len() > first.len_utf8()).map(String::from);
        return format!("{}{}@{}", first.unwrap_or_default(), dots(3), digits::text(domain));
    }
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < 8 {
        return dots(3);
    }
    let (beginning, end) = (&letters[..2], &letters[letters.len() - 2..]);
    format!("{}{}{}", String::from_iter(beginning), dots(3), String::from_iter(end))
}

fn phone(digits: &str) -> String {
    let end = if digits.len() >= MIN_MASKED + SHOWN_SUFFIX { SHOWN_SUFFIX } else { 0 };
    let beginning = digits.len().saturating_sub(MIN_MASKED + end).min(MAX_SHOWN_PREFIX);
    let hidden = digits.len() - beginning - end;
    let (shown, last) = (&digits[..beginning], &digits[digits.len() - end..]);
    // As Russian numbers are written.
    if digits.len() == 11 {
        let (country, area) = shown.split_at(1);
        return format!("+{country} {area} {} {} {last}", dots(3), dots(2));
    }
    let plus = if beginning > 0 { "+" } else { "" };
    format!("{plus}{shown}{}{last}", dots(hidden))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_show_their_beginning_and_end() {
        let cases = [
            ("79001112293", "+7 900 ••• •• 93"),
            ("4915112345678", "+4915•••••••78"),
            ("1234567", "+1••••67"),
            ("12345", "+1••••"),
            ("900", "•••"),
            ("anna.petrova@shop.example", "a•••@shop.example"),
            ("яна@почта.рф", "я•••@почта.рф"),
            ("a@shop.example", "•••@shop.example"),
            ("anna@79001112233", "a•••@•••••••••33"),
            ("@channel", "@c•••el"),
            ("f3a9c0e1", "f3•••e1"),
            ("short", "•••"),
            ("", "•••"),
        ];
        for (given, shown) in cases {
            assert_eq!(address(given), shown, "{given}");
        }
    }
}
