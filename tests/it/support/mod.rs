//! What the tests share: an app with a fresh store, messages to fill it with, and responses as short strings.

mod binary;
#[cfg(feature = "postgres")]
pub mod cluster;
mod database;

pub use binary::{Binary, Server, wait_for_exit};
pub use database::{Database, runs_on_postgres};
#[cfg(feature = "postgres")]
pub use database::{postgres_cluster, report_skipped};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{test, web};
use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::{Gateway, app};
use history_gateway::ingest::{self, OutcomeCounts};
use history_gateway::model::instant::Rounding;
use history_gateway::model::key::Secret;
use history_gateway::model::tenant::Tenant;
use history_gateway::model::{Instant, Item, TenantId};
use history_gateway::store::api_keys::NewKey;
use history_gateway::store::{DatabaseUrl, Options, Store, api_keys, tenants};
use serde_json::{Value, json};

pub const TENANT: TenantId = TenantId(3193);
pub const NOW: &str = "2026-03-01T12:00:00Z";

pub fn instant(text: &str) -> Instant {
    Instant::parse(text, Rounding::Down).expect("an ISO 8601 date")
}

/// An app with its own store: the tenant `TENANT`, a master key, and a clock stopped at `NOW`.
pub struct TestApp {
    pub gateway: web::Data<Gateway>,
    pub store: Store,
    pub key: String,
    database: Database,
}

/// A response, read to its end; the body is without its encoding.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Response {
    /// The value of a header; empty if the response does not have it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With changes to the default settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::at(NOW, change).await
    }

    /// With the clock stopped at another time.
    pub async fn at(now: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Database::migrated(), now, change).await
    }

    /// On a given database.
    pub async fn on(database: Database, now: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults().unwrap();
        config.database.url = database.url();
        config.audit.key_file = database.audit_key_file();
        // A slow machine must not fail a test. Tests of this timeout set their own.
        config.ingest.wait_seconds = 60;
        change(&mut config);
        let url = DatabaseUrl::parse(&config.database.url).unwrap();
        let store = Store::open(&url, config.store_options()).unwrap();
        let gateway = Gateway::new(&config, store.clone(), Clock::Fixed(instant(now)));
        let mut app = Self { gateway: web::Data::new(gateway), store, key: String::new(), database };
        app.create_tenant(TENANT).await;
        app.key = app.issue_key(TENANT, |_| {}).await;
        app
    }

    /// Over a gateway of a store that has its tenant already; without a key.
    pub fn over(gateway: Gateway, store: Store) -> Self {
        Self { gateway: web::Data::new(gateway), store, key: String::new(), database: Database::sqlite() }
    }

    /// A second store on the same database, with its own connections and locks.
    pub fn open_second_store(&self) -> Store {
        self.database.open(Options::default())
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The URL of its database.
    pub fn database_url_string(&self) -> String {
        self.database.url()
    }

    #[cfg(feature = "postgres")]
    pub fn open_with(&self, options: Options) -> Store {
        self.database.open(options)
    }

    #[cfg(feature = "postgres")]
    pub fn database_name(&self) -> &str {
        self.database.name()
    }

    pub fn database_url(&self) -> DatabaseUrl {
        self.database.parsed_url()
    }

    /// The same app after all its connections were closed and opened again.
    pub fn reopen(self) -> Self {
        let Self { gateway, store, key, database } = self;
        drop((gateway, store));
        let store = database.open(Options::default());
        let gateway = Gateway::new(&Config::defaults().unwrap(), store.clone(), Clock::Fixed(instant(NOW)));
        Self { gateway: web::Data::new(gateway), store, key, database }
    }

    /// An app with the same key over another store of the same database, with the default settings.
    pub fn with_store(store: Store, app: &Self) -> Self {
        let mut config = Config::defaults().unwrap();
        config.audit.key_file = app.database.audit_key_file();
        let gateway = Gateway::new(&config, store.clone(), Clock::Fixed(instant(NOW)));
        Self { gateway: web::Data::new(gateway), store, key: app.key.clone(), database: Database::sqlite() }
    }

    pub async fn create_tenant(&self, id: TenantId) {
        let tenant = Tenant { id, name: format!("Tenant {id}"), project_id: id.derived_project_id().to_string() };
        let created = self.store.write(move |connection| tenants::create(connection, &tenant, instant(NOW))).await;
        assert!(created.unwrap());
    }

    /// Issues a key: a master key unless `change` makes it another kind.
    pub async fn issue_key(&self, tenant: TenantId, change: impl FnOnce(&mut NewKey)) -> String {
        let secret = Secret::random();
        let mut key = NewKey::master(tenant, secret.digest(), "test");
        change(&mut key);
        self.store.write(move |connection| api_keys::issue(connection, &key, instant(NOW))).await.unwrap().unwrap();
        secret.reveal().to_owned()
    }

    pub async fn import(&self, items: impl IntoIterator<Item = Value>) -> OutcomeCounts {
        self.import_for(TENANT, items).await
    }

    pub async fn import_for(&self, tenant: TenantId, items: impl IntoIterator<Item = Value>) -> OutcomeCounts {
        let items = items.into_iter().map(|item| Item::parse(&item.to_string(), tenant).unwrap()).collect();
        ingest::record(&self.store, tenant, items).await.unwrap()
    }

    /// Posts a history request with the master key; returns status and body: `200 {"content":…}`.
    pub async fn history(&self, body: impl ToString) -> String {
        self.history_with(&self.key, body).await
    }

    pub async fn history_with(&self, key: &str, body: impl ToString) -> String {
        let response = self.post("/api/messages/history", &[("x-api-key", key)], body.to_string()).await;
        format!("{} {}", response.status.as_u16(), response.body)
    }

    /// The same, but returns only the ids: `[3, 2, 1]`, with `…` at the end if another message follows.
    pub async fn ids(&self, body: impl ToString) -> String {
        ids_of_response(&self.history(body).await)
    }

    pub async fn ids_with(&self, key: &str, body: impl ToString) -> String {
        ids_of_response(&self.history_with(key, body).await)
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<web::Bytes>) -> Response {
        self.send("POST", path, headers, body).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<web::Bytes>,
    ) -> Response {
        let service = test::init_service(app(self.gateway.clone())).await;
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap()).set_payload(body);
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        let response = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = test::read_body(response).await;
        let encoding = headers.get("content-encoding").map(|value| value.to_str().unwrap());
        Response { status, body: String::from_utf8(decompressed(encoding, &bytes)).unwrap(), headers }
    }
}

/// A body without its encoding.
fn decompressed(encoding: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        None => bytes.to_vec(),
        Some("zstd") => zstd::decode_all(bytes).unwrap(),
        Some("gzip") => {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
            text
        }
        Some(other) => panic!("unknown encoding '{other}'"),
    }
}

fn ids_of_response(response: &str) -> String {
    let Some(body) = response.strip_prefix("200 ") else { return response.to_owned() };
    let response: Value = serde_json::from_str(body).unwrap();
    let mut ids: Vec<String> =
        response["content"].as_array().unwrap().iter().map(|message| message["messageId"].to_string()).collect();
    if response["hasNext"].as_bool().unwrap() {
        ids.push("…".into());
    }
    format!("[{}]", ids.join(", "))
}

/// Locks the tenant, as a writer of another gateway does, until the sender is dropped.
pub fn lock_tenant(store: &Store) -> (std::sync::mpsc::Sender<()>, impl Future<Output = ()>) {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let store = store.clone();
    actix_web::rt::spawn(async move {
        let held = store.write(move |connection| {
            tenants::lock(connection, TENANT)?;
            let _ = begun.send(());
            // An error means that the sender was dropped.
            let _ = released.recv();
            Ok(())
        });
        held.await.unwrap();
    });
    (release, async { has_begun.await.unwrap() })
}

/// Every order of the numbers below `count`.
pub fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let insert_last = |order: Vec<usize>| {
        (0..count).map(move |index| {
            let mut order = order.clone();
            order.insert(index, count - 1);
            order
        })
    };
    permutations(count - 1).into_iter().flat_map(insert_last).collect()
}

/// A message with every required field; `fields` override them or are added.
pub fn message(id: i64, fields: Value) -> Value {
    let mut message = json!({
        "messageId": id,
        "channelType": "SMS",
        "direction": "OUT",
        "address": "79001112233",
        "content": "{}",
        "sentOrReceivedAt": "2026-03-01T10:00:00Z",
    });
    let fields = fields.as_object().expect("an object of fields").clone();
    message.as_object_mut().unwrap().extend(fields);
    message
}
