//! What the gateway is compared with: a server that sends a prepared body, and one as it would be written in a hurry.

use std::net::TcpListener;
use std::sync::Mutex;

use actix_web::{App, HttpResponse, HttpServer, web};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use history_gateway::model::Instant;
use history_gateway::model::instant::Rounding;
use history_gateway::store::Store;
use serde::Serialize;

use crate::data;

/// Parses the request and sends a prepared body.
pub async fn ceiling(body: &str) {
    let body = web::Bytes::from(std::fs::read(body).expect("a body"));
    let respond = move |request: web::Bytes, body: web::Data<web::Bytes>| async move {
        let request: serde_json::Value = serde_json::from_slice(&request).expect("JSON");
        assert!(request.is_object());
        HttpResponse::Ok().content_type("application/json").body(body.get_ref().clone())
    };
    let listener = listen();
    let body = web::Data::new(body);
    let app = move || App::new().app_data(body.clone()).route("/api/messages/history", web::post().to(respond));
    HttpServer::new(app).workers(1).listen(listener).expect("a socket").run().await.expect("a server");
}

diesel::table! {
    plain_messages (tenant_id, message_id) {
        message_id -> BigInt,
        tenant_id -> BigInt,
        channel_type -> Text,
        direction -> Text,
        address -> Text,
        content -> Text,
        delivery_status -> Nullable<Text>,
        delivery_status_at -> Nullable<BigInt>,
        delivery_status_message -> Nullable<Text>,
        sent_or_received_at -> BigInt,
        subject_id -> Nullable<BigInt>,
        subject_name -> Nullable<Text>,
        cascade_id -> Nullable<BigInt>,
        cascade_name -> Nullable<Text>,
        matcher_id -> Nullable<BigInt>,
        matcher_name -> Nullable<Text>,
        cascade_stage_uuid -> Nullable<Text>,
        broadcast_id -> Nullable<BigInt>,
        broadcast_name -> Nullable<Text>,
        traffic_type -> Nullable<Text>,
        segments -> Nullable<BigInt>,
        subscriber_id -> Nullable<BigInt>,
        comment -> Nullable<Text>,
        reply_out_message_id -> Nullable<BigInt>,
    }
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = plain_messages)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: i64,
    tenant_id: i64,
    channel_type: String,
    direction: String,
    address: String,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_date")]
    delivery_status_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status_message: Option<String>,
    #[serde(serialize_with = "date")]
    sent_or_received_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cascade_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cascade_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cascade_stage_uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_out_message_id: Option<i64>,
}

fn date<S: serde::Serializer>(millis: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Instant(*millis))
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn optional_date<S: serde::Serializer>(millis: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    date(&millis.unwrap_or_default(), serializer)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    content: Vec<Message>,
    has_next: bool,
}

/// Creates the plain server's table in the same file, with all columns and the obvious indexes.
pub async fn prepare(store: &Store) {
    let columns = "message_id, tenant_id, channel_type, direction, address, json_extract(item, '$.content') AS content, \
        delivery_status, delivery_status_at, delivery_status_message, sent_or_received_at, subject_id, subject_name, \
        cascade_id, cascade_name, matcher_id, matcher_name, cascade_stage_uuid, broadcast_id, broadcast_name, \
        traffic_type, segments, subscriber_id, comment, reply_out_message_id";
    let statements = format!(
        "CREATE TABLE IF NOT EXISTS plain_messages AS SELECT {columns} FROM messages;
         CREATE UNIQUE INDEX IF NOT EXISTS plain_by_id ON plain_messages (tenant_id, message_id);
         CREATE INDEX IF NOT EXISTS plain_by_address ON plain_messages (tenant_id, address, sent_or_received_at);
         CREATE INDEX IF NOT EXISTS plain_by_subscriber ON plain_messages (tenant_id, subscriber_id, sent_or_received_at);
         CREATE INDEX IF NOT EXISTS plain_by_time ON plain_messages (tenant_id, sent_or_received_at);"
    );
    store.write(move |connection| Ok(connection.batch_execute(&statements)?)).await.expect("a table");
}

type Connections = Mutex<Vec<SqliteConnection>>;

/// A boxed diesel query, structs, serde_json; one blocking thread per request.
pub async fn plain(file: &str) {
    async fn respond(request: web::Bytes, pool: web::Data<Connections>, file: web::Data<String>) -> HttpResponse {
        let request: serde_json::Value = serde_json::from_slice(&request).expect("JSON");
        let response = web::block(move || {
            let idle = pool.lock().expect("a lock").pop();
            let mut connection = idle.unwrap_or_else(|| SqliteConnection::establish(&file).expect("a connection"));
            let response = find(&mut connection, &request);
            pool.lock().expect("a lock").push(connection);
            response
        });
        let response = response.await.expect("a response");
        HttpResponse::Ok().content_type("application/json").body(serde_json::to_string(&response).expect("JSON"))
    }
    let (pool, file) = (web::Data::new(Connections::default()), web::Data::new(file.to_owned()));
    let listener = listen();
    let app = move || {
        let app = App::new().app_data(pool.clone()).app_data(file.clone());
        app.route("/api/messages/history", web::post().to(respond))
    };
    HttpServer::new(app).workers(1).listen(listener).expect("a socket").run().await.expect("a server");
}

fn find(connection: &mut SqliteConnection, request: &serde_json::Value) -> Response {
    use plain_messages::dsl;
    let instant =
        |name: &str| Instant::parse(request[name].as_str().expect("a date"), Rounding::Down).expect("a date").0;
    let limit = request["limit"].as_i64().unwrap_or(15);
    let mut query = dsl::plain_messages
        .select(Message::as_select())
        .filter(dsl::tenant_id.eq(data::TENANT.0))
        .filter(dsl::sent_or_received_at.between(instant("dateFrom"), instant("dateTo")))
        .into_boxed();
    if let Some(address) = request["subscriberFilter"]["address"].as_str() {
        let subscriber: Option<i64> = dsl::plain_messages
            .filter(dsl::tenant_id.eq(data::TENANT.0).and(dsl::address.eq(address)))
            .select(dsl::subscriber_id)
            .first(connection)
            .expect("a subscriber");
        query = match subscriber {
            Some(subscriber) => query.filter(dsl::subscriber_id.eq(subscriber)),
            None => query.filter(dsl::address.eq(address.to_owned())),
        };
    }
    if let Some(channel) = request["channelTypes"][0].as_str() {
        query = query.filter(dsl::channel_type.eq(channel.to_owned()));
    }
    if let Some(direction) = request["direction"].as_str() {
        query = query.filter(dsl::direction.eq(direction.to_owned()));
    }
    if let Some(traffic_type) = request["trafficTypes"][0].as_str() {
        query = query.filter(dsl::traffic_type.eq(traffic_type.to_owned()));
    }
    if let Some(subject) = request["subjectId"].as_i64() {
        query = query.filter(dsl::subject_id.eq(subject));
    }
    let mut content: Vec<Message> =
        query.order(dsl::message_id.desc()).limit(limit + 1).load(connection).expect("rows");
    let has_next = content.len() > usize::try_from(limit).expect("a limit");
    content.truncate(usize::try_from(limit).expect("a limit"));
    Response { content, has_next }
}

/// Listens on a free port and prints its address.
fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    listener
}
