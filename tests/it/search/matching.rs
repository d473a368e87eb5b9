//! Tests of which documents match a query, and where.

use history_gateway::model::search::{Field, Query, fields};

fn matches(query: &str, text: &str) -> bool {
    Query::parse(query).unwrap().matches(&fields(text, None)).is_some()
}

/// What the hits of a query are, in brackets.
fn marked(query: &str, text: &str) -> String {
    let fields = [Field { path: "content".into(), text: text.into() }];
    let units: Vec<u16> = text.encode_utf16().collect();
    let (mut marked, mut at) = (String::new(), 0);
    for hit in Query::parse(query).unwrap().matches(&fields).unwrap() {
        let slice = |from, to| String::from_utf16(&units[from..to]).unwrap();
        marked = format!("{marked}{}[{}]", slice(at, hit.from), slice(hit.from, hit.to));
        at = hit.to;
    }
    marked + &String::from_utf16(&units[at..]).unwrap()
}

#[test]
fn russian_and_english_word_forms_are_found() {
    assert!(matches("доставка", "Ждите доставку!"));
    assert!(matches("deliveries", "Your delivery is late"));
    assert!(matches("ЕЛКА", "ёлки"));
    assert!(!matches("йод", "иод"));
    assert!(!matches("заказ", "приказ"));
}

#[test]
fn all_words_must_be_in_some_field() {
    let fields = fields(r#"{"text":"Доставка завтра","name":"Иван"}"#, Some("важно"));
    for (query, expected) in [
        ("доставка Иван важный", Some(3)),
        ("иван", Some(1)),
        ("доставка сегодня", None),
        ("завтра -иван", None),
        ("завтра -пётр", Some(1)),
    ] {
        assert_eq!(Query::parse(query).unwrap().matches(&fields).map(|hits| hits.len()), expected, "{query}");
    }
}

#[test]
fn phrases_are_consecutive_words_within_one_field() {
    assert!(matches("\"два слова\"", "Здесь два, слова"));
    assert!(matches("\"два слова\"", "двух слов? нет: два — слово"));
    for text in ["слова два", "два простых слова", r#"{"text":"два","name":"слова"}"#] {
        assert!(!matches("\"два слова\"", text), "{text}");
    }
    assert!(matches("\"заказ a-1042 готов", "Заказ A-1042 готов"));
    assert!(matches("\"заказ a 1042\"", "Заказ A-1042 готов"));
    assert!(!matches("слово -\"два слова\"", "два слова"));
    assert!(matches("слово -\"два слова\"", "два простых слова"));
}

#[test]
fn beginnings_are_those_of_words_as_written() {
    assert!(matches("дост*", "Доставка"));
    assert!(matches("доставка*", "доставка"));
    assert!(!matches("доставка*", "доставку"));
    assert!(!matches("happi*", "happy"));
    assert!(matches("hap* -happi*", "happy"));
    assert!(!matches("ставка*", "доставка"));
    assert!(!matches("word -дост*", "word доставка"));
}

#[test]
fn codes_match_as_a_whole_or_by_a_whole_part() {
    for (query, text, expected) in [
        ("A-1042", "заказ a-1042.", true),
        ("1042", "заказ A-1042", true),
        ("a", "A-1042", true),
        ("доставки", "доставка-2026", true),
        ("A-1042", "A-1042-7", false),
        ("A-1042", "A 1042", false),
        ("104", "A-1042", false),
        ("12.50", "12.50 руб.", true),
        ("12.50", "112.50", false),
        ("A-10*", "A-1042", true),
        ("10*", "A-1042", true),
        ("2026/1*", "2026/11/29", true),
        ("11/2*", "2026/11/29", false),
        ("заказ -A-1042", "заказ A-1042", false),
        ("заказ -A-1042", "заказ A-1043", true),
        ("1042", "итого 1042.", true),
        ("A_1042", "A-1042", false),
        ("Ａ－１０４２", "A-1042", true),
    ] {
        assert_eq!(matches(query, text), expected, "{query} {text}");
    }
}

#[test]
fn hits_are_in_order_and_overlapping_ones_become_one() {
    for (query, text, expected) in [
        ("слово \"два слова\"", "😀 два слова, слово", "😀 [два слова], [слово]"),
        ("доставка дост*", "Доставка доставку", "[Доставка] [доставку]"),
        ("A-1042 1042", "A-1042/ 1042", "[A-1042]/ [1042]"),
        ("\"а б а\"", "а б а б а", "[а б а б а]"),
        ("елка -пальма", "е\u{308}\u{301}лка", "[е\u{308}\u{301}лка]"),
        ("а", "а а-1", "[а] [а]-1"),
    ] {
        assert_eq!(marked(query, text), expected, "{query} {text}");
    }
}
