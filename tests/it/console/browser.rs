//! A browser without a window: it keeps cookies, sends forms as their pages contain them, and reads pages as HTML.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::header::SET_COOKIE;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, StartTag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::sandbox::TestSandbox;
use crate::support::{Response, TENANT, TestApp, instant};
use history_gateway::model::TenantId;
use history_gateway::model::user::{Login, Password, Role};
use history_gateway::store::users::{self, NewUser};

pub const PASSWORD: &str = "correct horse battery";

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "link", "input", "br"];

/// An element with all text inside it.
#[derive(Clone, Debug)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub text: String,
    /// The place of the element that contains it.
    parent: Option<usize>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// A response that a browser shows.
pub struct Page {
    pub response: Response,
    pub elements: Vec<Element>,
}

impl Page {
    fn new(response: Response) -> Self {
        let elements = elements(&response.body);
        Self { response, elements }
    }

    pub fn status(&self) -> u16 {
        self.response.status.as_u16()
    }

    /// Status and address of a redirection, or the heading of a page.
    pub fn summary(&self) -> String {
        let location = self.response.header("location");
        let heading = self.all("h1").next().map(|heading| heading.text.clone());
        let alert = self.elements.iter().find(|element| element.attribute("role") == "alert");
        let alert = alert.map(|alert| format!(" ! {}", alert.text)).unwrap_or_default();
        let shown = if location.is_empty() { heading.unwrap_or_default() } else { format!("→ {location}") };
        format!("{} {shown}{alert}", self.status())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// The fields of the form that is sent to an address.
    pub fn form(&self, action: &str) -> BTreeMap<String, String> {
        let is_form = |element: &Element| element.attribute("action") == action;
        let is_sent = |element: &Element| is_form(element) && element.attribute("method") == "post";
        let form = self.elements.iter().position(is_sent).or_else(|| self.elements.iter().position(is_form));
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {}", self.response.body));
        let fields = self.elements.iter().filter(|element| element.parent == Some(form) && element.name == "input");
        fields.map(|field| (field.attribute("name").to_owned(), field.attribute("value").to_owned())).collect()
    }

    /// The cookies that the response sets, without the values of tokens.
    pub fn set_cookies(&self) -> Vec<String> {
        let cookies = self.response.headers.get_all(SET_COOKIE).map(|value| value.to_str().unwrap());
        cookies
            .map(|cookie| {
                let (name, rest) = cookie.split_once('=').unwrap();
                let (value, attributes) = rest.split_once(';').unwrap();
                format!("{name}={};{attributes}", if value.len() == 36 { "TOKEN" } else { value })
            })
            .collect()
    }
}

/// What a browser is connected to.
#[derive(Clone, Copy)]
pub enum Server<'a> {
    App(&'a TestApp),
    Sandbox(&'a TestSandbox),
}

impl<'a> From<&'a TestApp> for Server<'a> {
    fn from(app: &'a TestApp) -> Self {
        Self::App(app)
    }
}

impl<'a> From<&'a TestSandbox> for Server<'a> {
    fn from(sandbox: &'a TestSandbox) -> Self {
        Self::Sandbox(sandbox)
    }
}

/// A browser with its cookies.
pub struct Browser<'a> {
    server: Server<'a>,
    pub cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

impl<'a> Browser<'a> {
    pub fn new(server: impl Into<Server<'a>>) -> Self {
        let headers = vec![("host", "gateway.example".into())];
        Self { server: server.into(), cookies: BTreeMap::new(), headers }
    }

    /// A browser whose user is signed in.
    pub async fn signed_in(app: &'a TestApp, login: &str) -> Self {
        let mut browser = Self::new(app);
        let page = browser.sign_in(login, PASSWORD).await;
        assert_eq!(page.summary(), "303 → /console/");
        browser
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, String::new()).await
    }

    /// Sends fields as a form of a page of the same origin.
    pub async fn post(&mut self, path: &str, fields: &BTreeMap<String, String>) -> Page {
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.headers.push(("origin", "http://gateway.example".into()));
        let page = self.send("POST", path, body).await;
        self.headers.pop();
        page
    }

    /// Fills in the form for signing in, and sends it.
    pub async fn sign_in(&mut self, login: &str, password: &str) -> Page {
        let mut form = self.get("/console/login").await.form("/console/login");
        form.insert("login".into(), login.into());
        form.insert("password".into(), password.into());
        self.post("/console/login", &form).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: String) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let response = match self.server {
            Server::App(app) => app.send(method, path, &headers, body).await,
            Server::Sandbox(sandbox) => sandbox.send(method, path, &headers, &body).await,
        };
        for cookie in response.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        Page::new(response)
    }
}

/// Adds a user of the tenant `TENANT` whose password is `PASSWORD`.
/// The text of a page's content.
pub fn main_of(page: &Page) -> String {
    page.all("main").next().unwrap().text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub async fn create_user(app: &TestApp, login: &str, role: Role) {
    create_user_of(app, TENANT, login, role).await;
}

pub async fn create_user_of(app: &TestApp, tenant: TenantId, login: &str, role: Role) {
    create_limited_user(app, tenant, (login, role), None).await;
}

/// The same, for the messages of some subjects only.
pub async fn create_limited_user(
    app: &TestApp,
    tenant: TenantId,
    (login, role): (&str, Role),
    senders: Option<BTreeSet<i64>>,
) {
    let password = Password::parse(PASSWORD).unwrap().hash().unwrap();
    let user = NewUser { login: Login::parse(login).unwrap(), role, senders, password };
    let create = move |connection: &mut _| users::create(connection, tenant, &user, instant(crate::support::NOW));
    app.store.write(create).await.unwrap().unwrap();
}

fn elements(html: &str) -> Vec<Element> {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().elements
}

/// The elements so far, and the places of those that are open.
#[derive(Default)]
struct Tree {
    elements: Vec<Element>,
    open: Vec<usize>,
}

#[derive(Default)]
struct Sink(RefCell<Tree>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut tree = self.0.borrow_mut();
        match token {
            TagToken(tag) if tag.kind == StartTag => {
                let attributes =
                    tag.attrs.iter().map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
                let element = Element {
                    name: tag.name.to_string(),
                    attributes: attributes.collect(),
                    text: String::new(),
                    parent: tree.open.last().copied(),
                };
                tree.elements.push(element);
                let place = tree.elements.len() - 1;
                if !VOID.contains(&tag.name.as_ref()) {
                    tree.open.push(place);
                }
            }
            TagToken(_) => {
                tree.open.pop();
            }
            CharacterTokens(text) => {
                let Tree { elements, open } = &mut *tree;
                for place in open {
                    elements[*place].text += &text;
                }
            }
            Token::ParseError(error) => panic!("{error}"),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
