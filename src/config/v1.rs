//! The settings of `/v1`: changes and search; knows no route.

use serde::Deserialize;
use validator::Validate;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub enabled: bool,
    /// Whether a search brings the index up to date first, instead of a background job. For a sandbox, whose few messages
    /// must be found at once.
    #[serde(skip)]
    pub on_demand: bool,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    #[validate(range(min = 1, max = 36500, message = "must be between 1 and 36500"))]
    pub keep_days: u32,
    #[validate(range(max = 1_000_000, message = "must be at most 1000000"))]
    pub max_waiting_readers: usize,
}
