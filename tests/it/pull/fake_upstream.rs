//! An upstream that does what a test tells it to, right or wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::instant;

/// What is answered to one request.
pub enum Reply {
    /// A status, more headers, a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The body, which ends in the middle of what its length promises.
    Cut(String),
    /// Nothing, for as long as the asker waits.
    Silence,
    /// The connection is closed at once.
    HangUp,
}

impl Reply {
    pub fn page(content: &[Value], has_next: bool) -> Self {
        Self::Answer(200, Vec::new(), json!({"content": content, "hasNext": has_next}).to_string())
    }

    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }
}

/// A server on a port of its own. Every request is written down with the key it came with.
pub struct StandIn {
    pub url: String,
    asked: Arc<Mutex<Vec<(Value, String)>>>,
}

impl StandIn {
    /// `reply` gets each request and how many there were before it.
    pub fn new(reply: impl FnMut(&Value, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (reply, noted) = (Arc::new(Mutex::new(reply)), asked.clone());
        // It ends with the tests: each connection has a thread, and none keeps the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, noted) = (reply.clone(), noted.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    let place = {
                        let mut noted = noted.lock().unwrap();
                        noted.push(request.clone());
                        noted.len() - 1
                    };
                    let reply = (reply.lock().unwrap())(&request.0, place);
                    // Whoever was killed reads no answer.
                    let _ = answer(stream, reply);
                });
            }
        });
        Self { url, asked }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    pub fn keys(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, key)| key.clone()).collect()
    }

    pub fn forget(&self) {
        self.asked.lock().unwrap().clear();
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

fn answer(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, headers, body, length) = match reply {
        Reply::Answer(status, headers, body) => {
            let length = body.len();
            (status, headers, body, length)
        }
        Reply::Cut(body) => {
            let length = body.len() + 10;
            (200, Vec::new(), body, length)
        }
        Reply::Silence => return stream.read(&mut [0]).map(|_| ()),
        Reply::HangUp => return Ok(()),
    };
    let mut head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}

/// Messages that can be asked for as edna's can, by a plain look at each.
#[derive(Clone, Default)]
pub struct History(pub Arc<Mutex<Vec<Value>>>);

impl History {
    pub fn of(messages: impl IntoIterator<Item = Value>) -> Self {
        Self(Arc::new(Mutex::new(messages.into_iter().collect())))
    }

    pub fn add(&self, message: Value) {
        self.0.lock().unwrap().push(message);
    }

    pub fn answer(&self, request: &Value) -> Reply {
        assert_eq!(request["sort"], json!([{"property": "messageId", "direction": "ASC"}]));
        let end = |name: &str| instant(request[name].as_str().unwrap());
        let (from, to) = (end("dateFrom"), end("dateTo"));
        assert!(to.0 - from.0 <= 366 * 24 * 3_600_000, "{request}");
        let at = |message: &Value| instant(message["sentOrReceivedAt"].as_str().unwrap());
        let mut found: Vec<Value> = self.0.lock().unwrap().clone();
        found.retain(|message| (from..=to).contains(&at(message)));
        found.sort_by_key(|message| message["messageId"].as_i64());
        let number = |name: &str| usize::try_from(request[name].as_u64().unwrap()).unwrap();
        let page: Vec<Value> = found.iter().skip(number("offset")).take(number("limit")).cloned().collect();
        Reply::page(&page, found.len() > number("offset") + page.len())
    }

    /// An upstream that answers from these messages.
    pub fn serve(&self) -> StandIn {
        let history = self.clone();
        StandIn::new(move |request, _| history.answer(request))
    }
}
