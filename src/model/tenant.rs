//! A tenant, who owns messages; knows no store.

use std::fmt;

use uuid::Uuid;

/// edna's number of a tenant. Every query and every row begins with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub i64);

impl TenantId {
    /// The OneUptime project id of a tenant for which none was set. It is always the same.
    pub fn derived_project_id(self) -> Uuid {
        // An arbitrary UUID of this project. Changing it would change every derived id.
        const NAME_SPACE: Uuid = Uuid::from_u128(0x6f1c_2a54_93d8_4c1e_8f0b_5d27_a9e4_3b60);
        Uuid::new_v5(&NAME_SPACE, format!("tenant:{}", self.0).as_bytes())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub project_id: String,
}
