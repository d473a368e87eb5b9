//! The number of rows that a query examines does not grow with the store.

use history_gateway::edna::request;
use history_gateway::generate::{Messages, Plan};
use history_gateway::ingest::Pipeline;
use history_gateway::model::instant::Rounding;
use history_gateway::model::tenant::Tenant;
use history_gateway::model::{Grants, HistoryQuery, Instant, LogFilter, LogQuery, Policy, Property, TenantId};
use history_gateway::oneuptime::query;
use history_gateway::oneuptime::request::{Paging, RawRequest};
use history_gateway::store::messages::history;
use history_gateway::store::whatsapp_logs::page;
use history_gateway::store::{DatabaseUrl, Options, Store, tenants};
use history_gateway::web::Body;

const TENANT: TenantId = TenantId(3193);

fn generated_until() -> Instant {
    Instant::parse("2026-03-01T00:00:00Z", Rounding::Down).unwrap()
}

/// How many rows some queries examine, in a store of so many messages.
async fn rows_read(messages: u64) -> Vec<u64> {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite://{}", directory.path().join("test.db").display())).unwrap();
    let store = Store::open(&url, Options::default()).unwrap();
    let tenant = Tenant { id: TENANT, name: "x".into(), project_id: "x".into() };
    store.write(move |connection| tenants::create(connection, &tenant, generated_until())).await.unwrap();
    let plan =
        Plan { tenant: TENANT, messages, seed: 1, days: 400, until: generated_until(), recipients: messages / 25 };
    let mut pipeline = Pipeline::new(&store, TENANT);
    for item in Messages::new(plan) {
        pipeline.push(item).await.unwrap();
    }
    pipeline.finish().await.unwrap();
    let busiest = Messages::new(plan).find(|item| item.text(Property::ChannelType) == Some("SMS")).unwrap();
    let phone = busiest.text(Property::Address).unwrap();
    let bodies = [
        "{}".to_owned(),
        r#"{"limit":500,"sort":{"property":"messageId","direction":"ASC"},"dateFrom":"2025-02-01"}"#.into(),
        r#"{"sort":{"property":"sentOrReceivedAt"}}"#.into(),
        r#"{"channelTypes":["PUSH"],"trafficTypes":["HSM"]}"#.into(),
        format!(r#"{{"subscriberFilter":{{"address":"{phone}"}},"limit":1,"dateFrom":"2025-01-01"}}"#),
    ];
    let mut rows = Vec::new();
    for body in bodies {
        let grants = Grants::all(TENANT);
        let request = request::parse(&body).map(|parsed| parsed.request).unwrap();
        let query = HistoryQuery::new(request, &grants, generated_until(), Policy::default()).unwrap();
        rows.push(store.read_primary(move |connection| history::page_counted(connection, &query)).await.unwrap().1);
    }
    for body in [r"{}", r#"{"query":{"status":"Read"}}"#, r#"{"query":{"status":["Read","Failed"]},"limit":20}"#] {
        let query = log_query(body);
        let (page, rows_read) =
            store.read_primary(move |connection| page::page_counted(connection, &query)).await.unwrap();
        assert!(page.count > i64::try_from(messages / 10).unwrap());
        rows.push(rows_read);
    }
    rows
}

fn log_query(body: &str) -> LogQuery {
    let parts = RawRequest::read(&Body::Whole(body.as_bytes().to_vec())).unwrap();
    let paging = Paging::new(&[], &parts).unwrap();
    let conditions = query::parse(parts.query(), "").unwrap();
    LogQuery {
        filter: LogFilter::new(&Grants::all(TENANT), conditions),
        sort: parts.sort().unwrap(),
        skip: paging.skip,
        limit: paging.limit,
        wanted: parts.select().unwrap().wanted(),
    }
}

#[actix_web::test]
async fn rows_read_per_page_do_not_grow_with_the_store() {
    let (small, large) = (rows_read(4_000).await, rows_read(60_000).await);
    assert_eq!(small[..4], large[..4]);
    // A person has a phone and perhaps a device, so there are one or two scans of two rows each.
    assert!(small[4] <= 4 && large[4] <= 4, "{small:?} {large:?}");
    // Lists of the WhatsApp log with exact counts: of all rows, of one status, and of two that are mixed with others.
    assert_eq!(small[5..7], [10, 10]);
    assert_eq!(large[5..7], [10, 10]);
    assert!(small[7] < 60 && large[7] < 60, "{small:?} {large:?}");
}
