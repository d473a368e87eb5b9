//! Clients that hang up, on real sockets: what they asked for ends.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use history_gateway::config::Config;
use history_gateway::http::Gateway;
use history_gateway::http::clock::Clock;
use history_gateway::store::{Class, EndReason};
use serde_json::json;

use crate::bounded::{app, occupy};

#[actix_web::test]
async fn a_client_that_sends_much_behind_its_question_and_hangs_up_is_seen_to_have_gone() {
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
        // More than the web server reads ahead, which is 128 KiB, but not so much that the system takes no more.
        let more = "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n".repeat(125);
        for _ in 0..36 {
            client.write_all(more.as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(client);
        wait_until(|| app.store.counters().ended(Class::Expensive, EndReason::ClientGone) == 1).await;
        drop(release);
        holder.await.unwrap();
        drop(stop);
    };
    let (served, ()) = tokio::join!(serving, asking);
    served.unwrap();
}

async fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not become so");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
