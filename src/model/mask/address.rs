//! Addresses of which the beginning and the end are shown; knows no message.

use super::DOT;

/// The longest part of a phone number that is shown at its beginning: country and area.
const MAX_BEGINNING: usize = 4;

/// How many of its last digits are shown.
const END: usize = 2;

/// At least so many digits of a phone number are masked.
const MIN_MASKED: usize = 4;

/// An address as it is shown: `+7 900 ••• •• 93`, `a•••@shop.example`, `ab•••yz`.
pub fn address(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return phone(text);
    }
    if let Some((name, domain)) = text.rsplit_once('@')
        && let Some(first) = name.chars().next()
    {
        return format!("{first}{}@{domain}", dots(3));
    }
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < 8 {
        return dots(3);
    }
    let (beginning, end) = (&letters[..2], &letters[letters.len() - 2..]);
    format!("{}{}{}", String::from_iter(beginning), dots(3), String::from_iter(end))
}

fn phone(digits: &str) -> String {
    let end = if digits.len() >= MIN_MASKED + END { END } else { 0 };
    let beginning = digits.len().saturating_sub(MIN_MASKED + end).min(MAX_BEGINNING);
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

fn dots(count: usize) -> String {
    DOT.to_string().repeat(count)
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
