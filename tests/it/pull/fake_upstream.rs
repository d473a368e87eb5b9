//! An upstream whose replies a test chooses, right or wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::instant;

/// The reply to one request.
pub enum Reply {
    /// A status, more headers, a body.
    Response(u16, Vec<(&'static str, String)>, String),
    /// A body that is shorter than its content length.
    Truncated(String),
    /// Nothing, until the client disconnects.
    NoResponse,
    /// The connection is closed at once.
    HangUp,
}

impl Reply {
    pub fn page(content: &[Value], has_next: bool) -> Self {
        Self::Response(200, Vec::new(), json!({"content": content, "hasNext": has_next}).to_string())
    }

    pub fn status(status: u16) -> Self {
        Self::Response(status, Vec::new(), String::new())
    }
}

/// A server on a port of its own, which records every request with its key.
pub struct FakeUpstream {
    pub url: String,
    received: Arc<Mutex<Vec<(Value, String)>>>,
}

impl FakeUpstream {
    /// `reply` gets each request and how many there were before it.
    pub fn new(reply: impl FnMut(&Value, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (reply, recorded) = (Arc::new(Mutex::new(reply)), received.clone());
        // The threads, one for each connection, end with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, recorded) = (reply.clone(), recorded.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    let index = {
                        let mut recorded = recorded.lock().unwrap();
                        recorded.push(request.clone());
                        recorded.len() - 1
                    };
                    let reply = (reply.lock().unwrap())(&request.0, index);
                    // A client that was killed reads no reply.
                    let _ = send_reply(stream, reply);
                });
            }
        });
        Self { url, received }
    }

    /// The requests so far.
    pub fn received_requests(&self) -> Vec<Value> {
        self.received.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    pub fn keys(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|(_, key)| key.clone()).collect()
    }

    pub fn clear_requests(&self) {
        self.received.lock().unwrap().clear();
    }
}

fn read(stream: &TcpStream) -> Option<(Value, String)> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            assert_eq!(line.trim_end(), "POST /api/messages/history HTTP/1.1");
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-api-key" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((serde_json::from_slice(&body).unwrap(), key))
}

fn send_reply(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, headers, body, length) = match reply {
        Reply::Response(status, headers, body) => {
            let length = body.len();
            (status, headers, body, length)
        }
        Reply::Truncated(body) => {
            let length = body.len() + 10;
            (200, Vec::new(), body, length)
        }
        Reply::NoResponse => return stream.read(&mut [0]).map(|_| ()),
        Reply::HangUp => return Ok(()),
    };
    let mut head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}

/// Messages that answer requests as edna's history does, by filtering a plain list.
#[derive(Clone, Default)]
pub struct History(pub Arc<Mutex<Vec<Value>>>);

impl History {
    pub fn of(messages: impl IntoIterator<Item = Value>) -> Self {
        Self(Arc::new(Mutex::new(messages.into_iter().collect())))
    }

    pub fn add(&self, message: Value) {
        self.0.lock().unwrap().push(message);
    }

    pub fn reply(&self, request: &Value) -> Reply {
        assert_eq!(request["sort"], json!([{"property": "messageId", "direction": "ASC"}]));
        let end = |name: &str| instant(request[name].as_str().unwrap());
        let (from, to) = (end("dateFrom"), end("dateTo"));
        assert!(to.0 - from.0 <= 366 * 24 * 3_600_000, "{request}");
        let sent_at = |message: &Value| instant(message["sentOrReceivedAt"].as_str().unwrap());
        let mut found: Vec<Value> = self.0.lock().unwrap().clone();
        found.retain(|message| (from..=to).contains(&sent_at(message)));
        found.sort_by_key(|message| message["messageId"].as_i64());
        let number = |name: &str| usize::try_from(request[name].as_u64().unwrap()).unwrap();
        let page: Vec<Value> = found.iter().skip(number("offset")).take(number("limit")).cloned().collect();
        Reply::page(&page, found.len() > number("offset") + page.len())
    }

    /// An upstream that answers from these messages.
    pub fn serve(&self) -> FakeUpstream {
        let history = self.clone();
        FakeUpstream::new(move |request, _| history.reply(request))
    }
}
