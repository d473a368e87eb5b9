//! The settings of the console; knows no page.

use serde::Deserialize;
use validator::Validate;

use super::SecureCookies;

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Console {
    pub enabled: bool,
    #[validate(range(min = 1, max = 720, message = "must be between 1 and 720"))]
    pub session_hours: u64,
    #[validate(range(max = 1_000_000, message = "must be at most 1000000"))]
    pub attempts_per_login: u32,
    #[validate(range(max = 1_000_000, message = "must be at most 1000000"))]
    pub attempts_per_address: u32,
    pub secure_cookies: SecureCookies,
}
