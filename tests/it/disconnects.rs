//! Clients on real sockets that disconnect, or that pipeline requests without end: their queries are cancelled.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::Gateway;
use history_gateway::store::{CancelReason, Class};
use serde_json::json;

use crate::query_limits::{app_with_low_row_limit, occupy_expensive_slot};

/// Sends an expensive query, which waits for a slot, and pipelines so many further requests behind it.
async fn pipeline_behind_query(requests: usize, hangs_up: bool) -> Option<String> {
    let app = app_with_low_row_limit(|_| {}).await;
    let (release, holder) = occupy_expensive_slot(&app).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let gateway = Gateway::new(&Config::defaults().unwrap(), app.store.clone(), Clock::System);
    let serving = history_gateway::http::serve(listener, gateway, async {
        // An error means that the sender was dropped.
        let _ = stopped.await;
    });
    let requesting = async {
        let body =
            json!({"dateFrom": "2026-01-01", "dateTo": "2026-06-01", "sort": [{"property": "content"}]}).to_string();
        let (key, length) = (&app.key, body.len());
        let head = "POST /api/messages/history HTTP/1.1\r\nHost: test\r\n";
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "{head}x-api-key: {key}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        wait_until(|| app.store.expensive_waiting() == 1).await;
        let more = "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n".repeat(100);
        for _ in 0..requests / 100 {
            client.write_all(more.as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut client = (!hangs_up).then_some(client);
        wait_until(|| app.store.counters().cancelled(Class::Expensive, CancelReason::ClientGone) == 1).await;
        let response = client.as_mut().map(|client| {
            let mut response = Vec::new();
            // The read fails if the server closes the connection with requests unread.
            let _ = client.read_to_end(&mut response);
            String::from_utf8(response).unwrap()
        });
        drop(release);
        holder.await.unwrap();
        drop(stop);
        response
    };
    let (served, response) = tokio::join!(serving, requesting);
    served.unwrap();
    response
}

/// How many requests the web server reads ahead: 128 KiB, at 36 bytes each.
const READ_AHEAD: usize = 128 * 1024 / 36;

#[actix_web::test]
async fn disconnect_is_noticed_behind_pipelined_requests() {
    assert_eq!(pipeline_behind_query(100, true).await, None);
    assert_eq!(pipeline_behind_query(READ_AHEAD + 800, true).await, None);
}

#[actix_web::test]
async fn endless_pipelining_behind_a_query_closes_the_connection() {
    let response = pipeline_behind_query(READ_AHEAD + 800, false).await.unwrap();
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 408 "), "{response}");
}

async fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition does not become true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
