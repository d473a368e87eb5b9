//! A search finds what a plain scan with the same analysis finds, in three thousand texts of two languages.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::json;

use super::{ids, index, text};
use crate::support::{TestApp, runs_on_postgres};
use crate::v1;
use history_gateway::model::search::{Query, fields};

const WORDS: [&str; 40] = [
    "заказ",
    "заказа",
    "заказы",
    "доставка",
    "доставку",
    "доставлен",
    "готов",
    "готовы",
    "оплата",
    "оплачен",
    "курьер",
    "курьера",
    "ваш",
    "код",
    "ёлка",
    "елки",
    "скидка",
    "скидки",
    "магазин",
    "интернет-магазин",
    "order",
    "orders",
    "delivery",
    "deliveries",
    "delivered",
    "ready",
    "payment",
    "paid",
    "courier",
    "your",
    "code",
    "café",
    "A-1042",
    "A-1043",
    "12.50",
    "2026/11/29",
    "1042",
    "X_9",
    "shop",
    "shopping",
];

/// A text of some words, from a generator of its own, so that the same texts are on both databases.
fn texts() -> Vec<String> {
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..3000)
        .map(|_| {
            let count = 1 + next(8);
            (0..count).map(|_| WORDS[next(WORDS.len())]).collect::<Vec<_>>().join([" ", ", ", ". ", " — "][next(4)])
        })
        .collect()
}

/// A query of one to three clauses.
fn query() -> impl Strategy<Value = String> {
    let word = || select(WORDS.to_vec());
    let clause = prop_oneof![
        4 => word().prop_map(str::to_owned),
        1 => (word(), 1_usize..5).prop_map(|(word, length)| word.chars().take(length).collect::<String>() + "*"),
        2 => (word(), word()).prop_map(|(one, other)| format!("\"{one} {other}\"")),
    ];
    let negated = prop_oneof![
        2 => word().prop_map(|word| format!("-{word}")),
        1 => (word(), word()).prop_map(|(one, other)| format!("-\"{one} {other}\"")),
        1 => word().prop_map(|word| format!("-{}*", word.chars().take(3).collect::<String>())),
    ];
    (clause.clone(), prop::option::of(clause), prop::option::of(negated)).prop_map(|(first, second, negated)| {
        [Some(first), second, negated].into_iter().flatten().collect::<Vec<_>>().join(" ")
    })
}

#[actix_web::test]
async fn search_finds_what_a_plain_scan_finds() {
    let (app, texts) = (TestApp::new().await, texts());
    app.import((1..).zip(&texts).map(|(id, words)| text(id, words))).await;
    index(&app.store).await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = Vec::new();
    for _ in 0..60 {
        let text = query().new_tree(&mut runner).unwrap().current();
        let Ok(query) = Query::parse(&text) else { continue };
        let matches = |words: &String| query.matches(&fields(&json!({"text": words}).to_string(), None)).is_some();
        let mut expected: Vec<i64> = (1..).zip(&texts).filter(|(_, words)| matches(words)).map(|(id, _)| id).collect();
        expected.reverse();
        let mut found = Vec::new();
        for page in v1::walk(&app, &app.key, json!({"text": text, "limit": 400})).await {
            found.extend(ids(&page));
        }
        assert_eq!(found, expected, "{text}");
        counts.push(found.len());
    }
    assert_uses_the_index(&app).await;
    assert!(counts.iter().any(|count| *count > 500) && counts.contains(&0) && counts.len() > 40, "{counts:?}");
}

/// On PostgreSQL, the statement reads the index by term.
async fn assert_uses_the_index(app: &TestApp) {
    if !runs_on_postgres() {
        return;
    }
    app.store.write(|connection| Ok(connection.batch_execute("ANALYZE message_terms")?)).await.unwrap();
    let plan = app.store.read_primary(|connection| {
        connection.batch_execute("SET LOCAL enable_bitmapscan = on")?;
        let statement = "EXPLAIN (COSTS OFF) SELECT message_id FROM message_terms WHERE tenant_id = 3193 AND \
            terms @@ '''sзаказ'' & ''r0x3193x0'''::tsquery AND message_id < 5000 ORDER BY message_id DESC LIMIT 16";
        Ok(diesel::sql_query(statement).load::<Step>(connection)?)
    });
    let plan: Vec<String> = plan.await.unwrap().into_iter().map(|step| step.line).collect();
    assert!(plan.iter().any(|line| line.contains("Bitmap Index Scan on message_terms_by_term")), "{plan:#?}");
}

#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}
