//! The console's cookies; knows no page.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::texts::Language;
use super::zone::Zone;
use crate::config::SecureCookies;
use crate::model::key::Secret;
use crate::web::client;

/// The token of a session.
const SESSION: &str = "history_console";

/// The token of the form for signing in, before there is a session.
const FORM: &str = "history_console_form";

const LANGUAGE: &str = "history_console_language";

const ZONE: &str = "history_console_zone";

/// The cookies are sent to the console only.
const PATH: &str = "/console";

/// Reads and makes the cookies of one browser.
#[derive(Clone)]
pub struct Cookies {
    http: HttpRequest,
    is_secure: bool,
}

impl Cookies {
    /// Cookies are only sent over TLS if the browser's request came over TLS, or if the settings say so.
    pub fn new(http: &HttpRequest, setting: SecureCookies, proxies: &[ipnet::IpNet]) -> Self {
        let is_secure = match setting {
            SecureCookies::Always => true,
            SecureCookies::Auto => client::is_over_tls(http, proxies),
        };
        Self { http: http.clone(), is_secure }
    }

    pub fn session(&self) -> Option<Secret> {
        Secret::parse(self.http.cookie(SESSION)?.value())
    }

    pub fn form(&self) -> Option<Secret> {
        Secret::parse(self.http.cookie(FORM)?.value())
    }

    pub fn language(&self) -> Option<Language> {
        Language::from_tag(self.http.cookie(LANGUAGE)?.value())
    }

    pub fn zone(&self) -> Option<Zone> {
        Zone::from_name(self.http.cookie(ZONE)?.value())
    }

    /// The browser drops it when it is closed. The session ends after its hours, whatever the browser does.
    pub fn with_session(&self, token: &Secret) -> Cookie<'static> {
        // A link from another site, such as a ticket, opens the page that it names.
        self.cookie(SESSION, token.reveal(), SameSite::Lax)
    }

    pub fn without_session(&self) -> Cookie<'static> {
        self.removed(SESSION)
    }

    pub fn with_form(&self, token: &Secret) -> Cookie<'static> {
        self.cookie(FORM, token.reveal(), SameSite::Strict)
    }

    pub fn without_form(&self) -> Cookie<'static> {
        self.removed(FORM)
    }

    pub fn with_language(&self, language: Language) -> Cookie<'static> {
        let mut cookie = self.cookie(LANGUAGE, language.tag(), SameSite::Lax);
        cookie.set_max_age(Duration::days(365));
        cookie
    }

    pub fn with_zone(&self, zone: Zone) -> Cookie<'static> {
        let mut cookie = self.cookie(ZONE, zone.name(), SameSite::Lax);
        cookie.set_max_age(Duration::days(365));
        cookie
    }

    fn removed(&self, name: &'static str) -> Cookie<'static> {
        let mut cookie = self.cookie(name, "", SameSite::Strict);
        cookie.set_max_age(Duration::ZERO);
        cookie
    }

    fn cookie(&self, name: &'static str, value: &str, same_site: SameSite) -> Cookie<'static> {
        let cookie = Cookie::build(name, value.to_owned());
        cookie.path(PATH).http_only(true).secure(self.is_secure).same_site(same_site).finish()
    }
}
