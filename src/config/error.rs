//! Why the settings cannot be used; knows no setting.

use thiserror::Error;

/// Why the settings cannot be used. Lists every wrong setting with its reason.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the settings cannot be read: {0}")]
    Unreadable(String),
    #[error("the settings are wrong: {0}")]
    Invalid(String),
}
