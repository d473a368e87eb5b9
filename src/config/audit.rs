//! The settings of the audit log; knows no record.

use std::path::PathBuf;

use serde::Deserialize;

use super::ApiAudit;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub api: ApiAudit,
    /// `None` for a file beside the database's.
    #[serde(deserialize_with = "path_or_none")]
    pub key_file: Option<PathBuf>,
}

fn path_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| text.into()))
}
