//! Texts in which long numbers are masked, also such as are written in groups; knows no message.

use std::ops::Range;

use super::DOT;

/// A number of so many digits is masked.
const MIN_DIGITS: usize = 7;

/// A number whose groups are separated by spaces, dots or brackets is masked from so many digits on, unless it begins with a
/// plus: with fewer digits it may be two prices in a row.
const MIN_GROUPED_DIGITS: usize = 9;

/// At most so many characters stand between two groups of one number.
const MAX_SEPARATORS: usize = 4;

/// How many of the last digits are shown.
const SHOWN: usize = 2;

/// A text without its long numbers: all of their digits but the last two are dots.
pub fn text(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut masked = letters.clone();
    mask_numbers(&mut masked, &letters, |at| at..at + 1);
    if letters.contains(&'%') {
        let (letters, places) = unescaped(&letters);
        mask_numbers(&mut masked, &letters, |at| places[at].clone());
    }
    masked.into_iter().collect()
}

/// Masks the long numbers among letters; `places` tells where each of these stands in the text.
fn mask_numbers(masked: &mut [char], letters: &[char], places: impl Fn(usize) -> Range<usize>) {
    for number in numbers(letters).iter().filter(|number| is_long(letters, number)) {
        for digit in &number[..number.len() - SHOWN] {
            masked[places(*digit)].fill(DOT);
        }
    }
}

/// The letters of a URL: `%20` is a space, whose digits are no part of a number. Each with its places in the text.
fn unescaped(letters: &[char]) -> (Vec<char>, Vec<Range<usize>>) {
    let (mut found, mut places, mut at) = (Vec::new(), Vec::new(), 0);
    while at < letters.len() {
        let bytes: Vec<u8> = letters[at..].chunks(3).map_while(escaped_byte).collect();
        if bytes.is_empty() {
            found.push(letters[at]);
            places.push(at..at + 1);
            at += 1;
        }
        for chunk in bytes.utf8_chunks() {
            // What is no UTF-8 stands for itself.
            let invalid = chunk.invalid().iter().map(|byte| (char::from(*byte), 1));
            for (letter, length) in chunk.valid().chars().map(|letter| (letter, letter.len_utf8())).chain(invalid) {
                found.push(letter);
                places.push(at..at + 3 * length);
                at += 3 * length;
            }
        }
    }
    (found, places)
}

/// The byte that is written as `%` and two hexadecimal digits.
fn escaped_byte(letters: &[char]) -> Option<u8> {
    let ['%', high, low] = letters else { return None };
    u8::try_from(16 * high.to_digit(16)? + low.to_digit(16)?).ok()
}

/// How many digits each number of a text has, in all of its groups. A date is no number.
pub fn lengths(text: &str) -> Vec<usize> {
    let letters: Vec<char> = text.chars().collect();
    numbers(&letters).iter().map(Vec::len).collect()
}

/// The places of the digits of each number.
fn numbers(letters: &[char]) -> Vec<Vec<usize>> {
    let (mut numbers, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        if let Some(length) = date_at(letters, at) {
            at += length;
        } else if is_digit(letters[at]) {
            let places = number_at(letters, at);
            at = places.last().map_or(at, |last| *last) + 1;
            numbers.push(places);
        } else {
            at += 1;
        }
    }
    numbers
}

/// The places of the digits of the number that begins at a place.
fn number_at(letters: &[char], start: usize) -> Vec<usize> {
    let mut places = vec![start];
    let (mut at, mut separators) = (start + 1, 0);
    while at < letters.len() && separators <= MAX_SEPARATORS {
        if is_digit(letters[at]) && date_at(letters, at).is_none() {
            places.push(at);
            separators = 0;
        } else if is_separator(letters[at]) {
            separators += 1;
        } else {
            break;
        }
        at += 1;
    }
    places
}

/// Whether a number is long enough to be masked.
fn is_long(letters: &[char], places: &[usize]) -> bool {
    let has_plus = places[0].checked_sub(1).is_some_and(|before| letters[before] == '+');
    if places.len() >= if has_plus { MIN_DIGITS } else { MIN_GROUPED_DIGITS } {
        return true;
    }
    // The longest part of it whose digits stand side by side, or with hyphens between them.
    let (mut longest, mut length) = (1, 1);
    for pair in places.windows(2) {
        let between = &letters[pair[0] + 1..pair[1]];
        let is_joined = between.iter().all(|letter| is_hyphen(*letter) || is_invisible(*letter));
        length = if is_joined { length + 1 } else { 1 };
        longest = longest.max(length);
    }
    longest >= MIN_DIGITS
}

/// The length of a date such as 01.03.2026 or 2026-03-01 at a place.
fn date_at(letters: &[char], start: usize) -> Option<usize> {
    const LENGTH: usize = 10;
    let date = letters.get(start..start + LENGTH)?;
    let is_alone = |letter: Option<&char>| letter.is_none_or(|letter| !is_digit(*letter) && !is_hyphen(*letter));
    if !is_alone(start.checked_sub(1).and_then(|before| letters.get(before))) || !is_alone(letters.get(start + LENGTH))
    {
        return None;
    }
    let number = |from: usize, to: usize| String::from_iter(&date[from..to]).parse::<u32>().ok();
    let (year, month, day) = match (date[2], date[4], date[5], date[7]) {
        ('.', _, '.', _) => (number(6, 10)?, number(3, 5)?, number(0, 2)?),
        (_, '-', _, '-') => (number(0, 4)?, number(5, 7)?, number(8, 10)?),
        _ => return None,
    };
    let is_date = (1900..=2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then_some(LENGTH)
}

/// Digits of all scripts.
fn is_digit(letter: char) -> bool {
    letter.is_numeric()
}

fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Characters that take no place of their own: soft hyphens, joiners, marks of direction, the frame of a keycap.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{fe0f}' | '\u{20e3}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || is_hyphen(letter) || is_invisible(letter) || "().+_/·,:*~='’".contains(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_digit, text};

    #[test]
    fn long_numbers_are_masked_but_for_their_end() {
        let cases = [
            ("Позвоните 79001112233!", "Позвоните •••••••••33!"),
            ("+7 (900) 111-22-33", "+• (•••) •••-••-33"),
            ("111-22-33", "•••-••-33"),
            ("1234567", "•••••67"),
            ("+7 (900) - 111 22 33", "+• (•••) - ••• •• 33"),
            ("+7·900·111·22·33", "+•·•••·•••·••·33"),
            ("+7 900 111\u{2212}22\u{2212}33", "+• ••• •••\u{2212}••\u{2212}33"),
            ("+298 123 456", "+••• ••• •56"),
            ("+298 12 34", "+••• •• 34"),
            ("030 123 456", "••• ••• •56"),
            (
                "7\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}0\u{fe0f}\u{20e3}01112",
                "•\u{fe0f}\u{20e3}•\u{fe0f}\u{20e3}•\u{fe0f}\u{20e3}•••12",
            ),
            ("card 4276 1234 5678 9012", "card •••• •••• •••• ••12"),
            (
                "7\u{200b}9\u{200b}0\u{200b}0\u{200b}1\u{200b}1\u{200b}1",
                "•\u{200b}•\u{200b}•\u{200b}•\u{200b}•\u{200b}1\u{200b}1",
            ),
            ("٧٩٠٠١١١٢٢٣٣", "•••••••••٣٣"),
            ("https://shop.example/t/79001112233", "https://shop.example/t/•••••••••33"),
            ("https://x.example/?to=%2B7%20900%20111-22-33", "https://x.example/?to=%2B•%20•••%•••••-••-33"),
            ("7%20%28900%29%20111%2D22%2D33", "•%20%28•••%29%20•••%2D••%2D33"),
            ("%79001112233", "%•••••••••33"),
            ("7%C2%A0900%C2%A0111%E2%80%9122%E2%80%9133", "•%C2%A0•••%C2%A0•••%E2%80%91••%E2%80%9133"),
            ("%37%39%30%30%31%31%31", "•••••••••••••••%31%31"),
            ("7%FF900%FF111%FF22%FF33", "7%FF900%FF111%FF22%FF33"),
            ("7'900'111'22'33", "•'•••'•••'••'33"),
            ("01.03.2026 79001112233", "01.03.2026 •••••••••33"),
        ];
        for (given, shown) in cases {
            assert_eq!(text(given), shown, "{given}");
        }
    }

    #[test]
    fn dates_short_numbers_and_prices_are_shown() {
        for shown in [
            "Ваш заказ 528046 оплачен",
            "01.03.2026 10:30",
            "2026-03-01 10:00:00",
            "2026-03-01",
            "1000 руб., 2000 руб.",
            "Order 528046: 4 items",
            "12 345,67",
            "",
        ] {
            assert_eq!(text(shown), shown);
        }
    }

    proptest! {
        /// Whatever stands around a number, no seven of its digits are shown in a row.
        #[test]
        fn no_long_number_is_left(given in r"[0-9٠-٩ .()+\-a-я:/•%']{0,40}") {
            let shown = text(&given);
            prop_assert_eq!(shown.chars().count(), given.chars().count());
            let longest = shown.split(|letter: char| !is_digit(letter)).map(|run| run.chars().count()).max();
            prop_assert!(longest.unwrap_or_default() < 7, "{}", shown);
        }

        /// Of a number whose groups have encoded separators between them, its last two digits are shown.
        #[test]
        fn numbers_of_urls_are_masked(
            groups in prop::collection::vec("[0-9]{2,4}", 5..8),
            separators in prop::collection::vec(prop::sample::select(vec!["%20", "%C2%A0", "%E2%80%91", "%28", "%2D", "%2E"]), 8),
        ) {
            let mut given = String::from("https://x.example/?to=");
            let mut own = Vec::new();
            for (group, separator) in groups.iter().zip(&separators) {
                own.extend(given.len()..given.len() + group.len());
                given = given + group + separator;
            }
            let shown: Vec<char> = text(&given).chars().collect();
            let left = own.iter().filter(|place| is_digit(shown[**place])).count();
            prop_assert!(left <= 2, "{}: {:?}", given, shown);
        }

        /// What is masked stays as it is when it is masked again.
        #[test]
        fn masking_twice_is_masking_once(given in any::<String>()) {
            prop_assert_eq!(text(&text(&given)), text(&given));
        }
    }
}
