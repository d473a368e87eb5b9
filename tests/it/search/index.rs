//! How the text index follows the messages (docs/api.md 3.4).

use serde_json::{Value, json};

use super::{found, index, search, text};
use crate::support::{NOW, TENANT, TestApp, instant, message};
use crate::v1;
use history_gateway::store::search::{self as store_search, indexing};
use history_gateway::store::tenants;

async fn step(app: &TestApp, limit: i64) -> indexing::Step {
    app.store.write(move |connection| indexing::step(connection, TENANT, limit, instant(NOW))).await.unwrap()
}

#[actix_web::test]
async fn changed_and_deleted_texts_leave_the_index() {
    let app = TestApp::new().await;
    let of = |at: &str, content: &str| {
        message(1, json!({"content": content, "deliveryStatus": "SENT", "deliveryStatusAt": at}))
    };
    app.import([of("2026-03-01T10:00:00Z", "первый текст")]).await;
    index(&app.store).await;
    assert_eq!(found(&app, "первый").await, [1]);
    app.import([of("2026-03-01T10:00:01Z", "второй текст")]).await;
    index(&app.store).await;
    assert_eq!(found(&app, "второй").await, [1]);
    assert_eq!(found(&app, "первый").await, [] as [i64; 0]);
    app.store.write(|connection| tenants::delete_messages(connection, TENANT)).await.unwrap();
    assert_eq!(found(&app, "второй").await, [] as [i64; 0]);
    app.import([text(2, "третий")]).await;
    index(&app.store).await;
    assert_eq!(found(&app, "третий").await, [2]);
    assert_eq!(terms(&app).await, 1, "the index holds nothing of the deleted message");
}

/// How many messages have terms.
async fn terms(app: &TestApp) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        value: i64,
    }
    let table = if crate::support::runs_on_postgres() { "message_terms" } else { "search_3193" };
    let count = app.store.read_primary(move |connection| {
        use diesel::RunQueryDsl;
        Ok(diesel::sql_query(format!("SELECT count(*) AS value FROM {table}")).get_result::<Count>(connection)?.value)
    });
    count.await.unwrap()
}

#[actix_web::test]
async fn response_tells_how_far_an_index_behind_has_come() {
    let app = TestApp::new().await;
    app.import((1..=5).map(|id| text(id, "заказ"))).await;
    let response = search(&app, json!({}), "заказ").await;
    assert_eq!(
        (&response["messages"], &response["search"]["indexedUpTo"]),
        (&json!([]), &json!("1970-01-01T00:00:00.000+0000"))
    );
    index(&app.store).await;
    assert_eq!(search(&app, json!({}), "заказ").await["search"], json!({"terms": ["заказ"]}));
    app.import([text(6, "заказ")]).await;
    let response = search(&app, json!({}), "заказ").await;
    assert_eq!(response["search"]["indexedUpTo"], "2026-03-01T12:00:00.000+0000");
    assert_eq!(super::ids(&response), [5, 4, 3, 2, 1]);
    // A person's messages are read themselves, so nothing is missing there.
    let response = search(&app, json!({"address": "79001112233"}), "заказ").await;
    assert_eq!((super::ids(&response), &response["search"]["indexedUpTo"]), (vec![6, 5, 4, 3, 2, 1], &Value::Null));
}

#[actix_web::test]
async fn index_goes_on_where_it_was_stopped() {
    let app = TestApp::new().await;
    app.import((1..=10).map(|id| text(id, "заказ"))).await;
    assert_eq!(step(&app, 3).await, indexing::Step { messages: 0, is_behind: true });
    assert_eq!(step(&app, 3).await, indexing::Step { messages: 3, is_behind: true });
    // What changes while the index is built is indexed afterwards.
    app.import([text(11, "заказ"), text(12, "заказ")]).await;
    let app = app.reopen();
    index(&app.store).await;
    assert_eq!(found(&app, "заказ").await, (1..=12).rev().collect::<Vec<i64>>());
    assert_eq!(step(&app, 3).await, indexing::Step { messages: 0, is_behind: false });
}

#[actix_web::test]
async fn index_that_missed_changes_is_built_anew() {
    let app = TestApp::new().await;
    app.import([text(1, "первый")]).await;
    index(&app.store).await;
    app.import([text(2, "второй")]).await;
    // It was switched off for longer than changes are kept.
    let expire = |now: &str| {
        let now = instant(now);
        move |connection: &mut _| {
            history_gateway::store::changes::expiry::expire(connection, TENANT, now, now.plus_days(-30))
        }
    };
    app.store.write(expire("2026-03-01T12:00:00Z")).await.unwrap();
    app.store.write(expire("2026-05-01T12:00:00Z")).await.unwrap();
    assert_eq!(found(&app, "второй").await, [] as [i64; 0]);
    index(&app.store).await;
    assert_eq!(found(&app, "второй").await, [2]);
    assert_eq!(found(&app, "первый").await, [1]);
    app.store.write(|connection| store_search::rebuild(connection, TENANT)).await.unwrap();
    assert_eq!(found(&app, "первый").await, [] as [i64; 0]);
    index(&app.store).await;
    assert_eq!(found(&app, "первый второй").await, [] as [i64; 0]);
    assert_eq!(found(&app, "первый").await, [1]);
}

#[actix_web::test]
async fn search_that_is_switched_off_says_so() {
    let app = TestApp::with(|config| config.search.enabled = false).await;
    let response = v1::get(&app, "/v1/messages?text=x").await;
    insta::assert_snapshot!(response, @r#"400 {"title":"not-valid-request","status":400,"detail":"The parameter 'text' cannot be used: the setting search.enabled is false."}"#);
}

#[actix_web::test]
async fn search_beyond_its_budget_goes_on() {
    let app = TestApp::with(|config| config.database.walk_rows = 7).await;
    app.import((1..=100).map(|id| {
        let mut message = text(id, "заказ");
        message["direction"] = json!(if id % 40 == 1 { "IN" } else { "OUT" });
        message
    }))
    .await;
    index(&app.store).await;
    let pages = v1::walk(&app, &app.key, json!({"text": "заказ", "direction": "IN", "limit": 2})).await;
    assert!(pages.iter().any(|page| page["complete"] == json!(false)));
    assert_eq!(pages.iter().flat_map(super::ids).collect::<Vec<_>>(), [81, 41, 1]);
}

#[actix_web::test]
async fn damaged_message_does_not_stop_the_index() {
    use diesel::RunQueryDsl;
    let app = TestApp::new().await;
    app.import((1..=3).map(|id| text(id, "заказ"))).await;
    let damage = "UPDATE messages SET item = 'no JSON' WHERE message_id = 2";
    app.store.write(move |connection| Ok(diesel::sql_query(damage).execute(connection)?)).await.unwrap();
    index(&app.store).await;
    assert_eq!(found(&app, "заказ").await, [3, 1]);
    app.import([text(4, "заказ")]).await;
    index(&app.store).await;
    assert_eq!(found(&app, "заказ").await, [4, 3, 1]);
}

#[actix_web::test]
async fn step_is_bounded_by_bytes() {
    let app = TestApp::new().await;
    app.import((1..=4).map(|id| text(id, &"заказ ".repeat(15_000)))).await;
    assert_eq!(step(&app, 100).await.messages, 0);
    assert_eq!(step(&app, 100).await.messages, 1);
    index(&app.store).await;
    let response = search(&app, json!({"limit": 4}), "заказ").await;
    let hits = response["messages"][0]["hits"].as_array().unwrap().len();
    assert_eq!((super::ids(&response), hits), (vec![4, 3, 2, 1], 100), "a message has a bounded number of hits");
}

#[actix_web::test]
async fn message_of_very_many_words_is_found_by_each() {
    let app = TestApp::new().await;
    // About 500 kB of different words, and as much again of their written forms.
    let words: Vec<String> = (0..25_000_u32).map(|n| format!("{}ами", word(n))).collect();
    app.import([text(1, &words.join(" ")), text(2, "другое")]).await;
    index(&app.store).await;
    for word in words.iter().step_by(997) {
        assert_eq!(found(&app, word).await, [1], "{word}");
    }
    assert_eq!(found(&app, "другое").await, [2]);
}

/// A word of Cyrillic letters for a number.
fn word(mut number: u32) -> String {
    let letters: Vec<char> = "бвгджзклмнпрстфх".chars().collect();
    let mut word = String::new();
    for _ in 0..4 {
        word.push(letters[number as usize % letters.len()]);
        word.push('о');
        number /= 16;
    }
    word
}
