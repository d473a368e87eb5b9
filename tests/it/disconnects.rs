//! Clients that hang up, or send on without end, on real sockets: what they asked for ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::Gateway;
use history_gateway::store::{CancelReason, Class};
use serde_json::json;

use crate::query_limits::{app, occupy};

/// Sends an expensive question, which waits, and so many bytes of further requests behind it.
async fn send_behind_a_question(requests: usize, hangs_up: bool) -> Option<String> {
    let app = app(|_| {}).await;
    let (release, holder) = occupy(&app).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let gateway = Gateway::new(&Config::defaults().unwrap(), app.store.clone(), Clock::Machine);
    let serving = history_gateway::http::serve(listener, gateway, async {
        // An error tells that the other end was dropped.
        let _ = stopped.await;
    });
    let asking = async {
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
        let answer = client.as_mut().map(|client| {
            let mut answer = Vec::new();
            // It is cut where the server has closed the connection with something unread.
            let _ = client.read_to_end(&mut answer);
            String::from_utf8(answer).unwrap()
        });
        drop(release);
        holder.await.unwrap();
        drop(stop);
        answer
    };
    let (served, answer) = tokio::join!(serving, asking);
    served.unwrap();
    answer
}

/// A request has 36 bytes, and the web server reads 128 KiB ahead.
const READ_AHEAD: usize = 128 * 1024 / 36;

#[actix_web::test]
async fn disconnect_is_noticed_behind_pipelined_requests() {
    assert_eq!(send_behind_a_question(100, true).await, None);
    assert_eq!(send_behind_a_question(READ_AHEAD + 800, true).await, None);
}

#[actix_web::test]
async fn endless_pipelining_behind_a_query_closes_the_connection() {
    let answer = send_behind_a_question(READ_AHEAD + 800, false).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

async fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not become so");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
