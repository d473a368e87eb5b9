//! docs/edna.md §3: which messages a `subscriberFilter` finds.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TestApp, message};
use history_gateway::config::RecipientSetting;

fn by(address: &str, address_type: &str) -> Value {
    json!({"subscriberFilter": {"address": address, "type": address_type}})
}

fn from(id: i64, channel: &str, address: &str, subscriber: Option<i64>) -> Value {
    message(id, json!({"channelType": channel, "address": address, "subscriberId": subscriber}))
}

#[actix_web::test]
async fn address_finds_all_messages_of_its_subscriber() {
    let app = TestApp::new().await;
    app.import([
        from(1, "SMS", "79000000001", Some(10)),
        from(2, "PUSH", "token-a", Some(10)),
        from(3, "SMS", "79000000002", Some(10)),
        from(4, "SMS", "79000000003", Some(11)),
    ])
    .await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[3, 2, 1]");
    assert_snapshot!(app.ids(by("token-a", "APPLE_ID")).await, @"[3, 2, 1]");
    assert_snapshot!(app.ids(by("79000000003", "PHONE")).await, @"[4]");
}

#[actix_web::test]
async fn an_address_of_two_subscribers_finds_the_messages_of_both() {
    let app = TestApp::new().await;
    app.import([
        from(1, "SMS", "79000000001", Some(10)),
        from(2, "WHATSAPP", "79000000001", Some(11)),
        from(3, "PUSH", "token-a", Some(10)),
        from(4, "PUSH", "token-b", Some(11)),
        from(5, "PUSH", "token-c", Some(12)),
    ])
    .await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[4, 3, 2, 1]");
    assert_snapshot!(app.ids(by("token-a", "APPLE_ID")).await, @"[3, 1]");
}

#[actix_web::test]
async fn address_links_assign_messages_without_subscriber() {
    let app = TestApp::new().await;
    app.import([
        from(1, "SMS", "79000000001", None),
        from(2, "WHATSAPP", "79000000001", Some(10)),
        from(3, "PUSH", "token-a", Some(10)),
        from(4, "PUSH", "token-a", None),
    ])
    .await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[4, 3, 2, 1]");
    assert_snapshot!(app.ids(by("token-a", "APPLE_ID")).await, @"[4, 3, 2, 1]");
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[4, 3, 2, 1]");
}

#[actix_web::test]
async fn later_link_applies_to_earlier_messages() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None), from(2, "PUSH", "token-a", Some(10))]).await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[1]");
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[2]");
    app.import([from(3, "VIBER", "79000000001", Some(10))]).await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[3, 2, 1]");
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[3, 2, 1]");
}

#[actix_web::test]
async fn link_from_another_channel_class_counts() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None), from(2, "MAX", "79000000001", Some(10))]).await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[2, 1]");
    // An address without a message on a phone channel is not found as a phone.
    app.import([from(3, "MAX", "79000000002", Some(11))]).await;
    assert_snapshot!(app.ids(by("79000000002", "PHONE")).await, @"[]");
}

#[actix_web::test]
async fn unlinked_message_is_found_by_its_address_alone() {
    let app = TestApp::new().await;
    app.import([
        from(1, "SMS", "79000000001", None),
        from(2, "VIBER", "79000000001", None),
        from(3, "PUSH", "79000000001", None),
    ])
    .await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[2, 1]");
    assert_snapshot!(app.ids(by("79000000001", "EXT_USER_ID")).await, @"[3]");
}

#[actix_web::test]
async fn link_is_removed_when_its_message_changes_subscriber() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None), from(2, "SMS", "79000000001", Some(10))]).await;
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[2, 1]");
    let corrected = json!({"address": "79000000001", "subscriberId": 11, "deliveryStatus": "SENT"});
    app.import([message(2, corrected)]).await;
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[]");
    assert_snapshot!(app.ids(by("11", "EDNA_ID")).await, @"[2, 1]");
}

#[actix_web::test]
async fn phone_type_searches_phone_channels_other_types_the_rest() {
    let app = TestApp::new().await;
    let channels = ["SMS", "WHATSAPP", "VIBER", "VK_NOTIFY", "OK_NOTIFY", "PUSH", "MAX", "TELEGRAM"];
    let one = |(id, channel): (i64, &str)| from(id, channel, &format!("id{id}"), None);
    app.import((1..).zip(channels).map(one)).await;
    for address_type in [
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
    ] {
        for id in 1..=8 {
            let found = app.ids(by(&format!("id{id}"), address_type)).await;
            let expected = if (id <= 5) == (address_type == "PHONE") { format!("[{id}]") } else { "[]".into() };
            assert_eq!(found, expected, "{address_type} id{id}");
        }
    }
}

#[actix_web::test]
async fn the_address_type_is_phone_unless_given() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None), from(2, "PUSH", "79000000001", None)]).await;
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79000000001"}}"#).await, @"[1]");
}

#[actix_web::test]
async fn edna_id_type_finds_a_subscriber_by_id() {
    let app = TestApp::new().await;
    app.import([
        from(1, "SMS", "79000000001", Some(10)),
        from(2, "PUSH", "token-a", Some(10)),
        from(3, "SMS", "10", Some(12)),
        from(4, "SMS", "79000000001", None),
    ])
    .await;
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[4, 2, 1]");
    assert_snapshot!(app.ids(by("79000000001", "EDNA_ID")).await, @"[]");
    assert_snapshot!(app.ids(by("nobody", "EDNA_ID")).await, @"[]");
    assert_snapshot!(app.ids(by("(10)", "EDNA_ID")).await, @"[]");
    assert_snapshot!(app.ids(by("1.0", "EDNA_ID")).await, @"[]");
    assert_snapshot!(app.ids(by(" 10 ", "EDNA_ID")).await, @"[4, 2, 1]");
    app.import([from(5, "SMS", "79000000005", Some(-10))]).await;
    assert_snapshot!(app.ids(by("-10", "EDNA_ID")).await, @"[5]");
    assert_snapshot!(app.ids(by("99999999999999999999", "EDNA_ID")).await, @"[]");
}

#[actix_web::test]
async fn a_phone_is_stored_compared_and_returned_as_digits() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "+7 (900) 000-00.01", None)]).await;
    for spelling in ["79000000001", "+7 900 000 00 01", "7(900)000-00-01", "7.900.000.00.01", "[7] 9000000001"] {
        assert_eq!(app.ids(by(spelling, "PHONE")).await, "[1]", "{spelling}");
    }
    assert!(app.history("{}").await.contains(r#""address":"79000000001""#));
}

#[actix_web::test]
async fn a_leading_8_is_not_turned_into_7() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None)]).await;
    assert_snapshot!(app.ids(by("89000000001", "PHONE")).await, @"[]");
}

#[actix_web::test]
async fn non_phone_address_is_kept_and_compared_verbatim() {
    let app = TestApp::new().await;
    app.import([
        from(1, "WHATSAPP", "US.13491208655302741918", None),
        from(2, "PUSH", "Token-A (1)", None),
        from(3, "WHATSAPP", "7900000000x", None),
    ])
    .await;
    assert_snapshot!(app.ids(by("US.13491208655302741918", "PHONE")).await, @"[1]");
    assert_snapshot!(app.ids(by("us.13491208655302741918", "PHONE")).await, @"[]");
    assert_snapshot!(app.ids(by("Token-A (1)", "APPLE_ID")).await, @"[2]");
    assert_snapshot!(app.ids(by("token-a (1)", "APPLE_ID")).await, @"[]");
    assert_snapshot!(app.ids(by("+7900000000x", "PHONE")).await, @"[]");
}

#[actix_web::test]
async fn an_email_is_compared_without_regard_to_case() {
    let app = TestApp::new().await;
    app.import([
        from(1, "EMAIL", "Änne@Example.com", Some(10)),
        from(2, "EMAIL", "änne@example.com", None),
        from(3, "SMS", "79000000001", Some(10)),
    ])
    .await;
    assert_snapshot!(app.ids(by("ÄNNE@example.COM", "EMAIL")).await, @"[3, 2, 1]");
    assert_snapshot!(app.ids(by("ÄNNE@example.COM", "EXT_USER_ID")).await, @"[]");
}

#[actix_web::test]
async fn unknown_address_gives_an_empty_list() {
    let app = TestApp::new().await;
    app.import([from(1, "SMS", "79000000001", None)]).await;
    assert_snapshot!(app.history(by("79000000009", "PHONE")).await, @r#"200 {"content":[],"hasNext":false}"#);
}

#[actix_web::test]
async fn address_setting_limits_results_to_the_address_itself() {
    let app = TestApp::with(|config| config.edna.recipient = RecipientSetting::Address).await;
    app.import([
        from(1, "SMS", "79000000001", Some(10)),
        from(2, "PUSH", "token-a", Some(10)),
        from(3, "SMS", "79000000002", Some(10)),
        from(4, "VIBER", "79000000001", None),
        from(5, "EMAIL", "A@b.c", Some(10)),
        from(6, "EMAIL", "a@b.c", Some(10)),
    ])
    .await;
    assert_snapshot!(app.ids(by("79000000001", "PHONE")).await, @"[4, 1]");
    assert_snapshot!(app.ids(by("a@B.c", "EMAIL")).await, @"[6, 5]");
    assert_snapshot!(app.ids(by("10", "EDNA_ID")).await, @"[6, 5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn subscriber_with_many_addresses_is_paged_as_one() {
    let app = TestApp::new().await;
    let one = |id: i64| {
        message(id, json!({"address": format!("7900000{:04}", id % 20), "subscriberId": 10, "segments": id % 3}))
    };
    app.import((1..=60).map(one)).await;
    let body = |rest: &str| format!(r#"{{"subscriberFilter":{{"address":"10","type":"EDNA_ID"}},{rest}}}"#);
    assert_snapshot!(app.ids(body(r#""limit":4,"offset":7"#)).await, @"[53, 52, 51, 50, …]");
    assert_snapshot!(app.ids(body(r#""limit":4,"offset":57,"sort":{"property":"segments"}"#)).await, @"[9, 6, 3]");
}
