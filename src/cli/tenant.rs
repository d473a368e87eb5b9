//! `tenant create`, `tenant list` and `tenant delete`; knows no SQL.

use clap::Subcommand;
use uuid::Uuid;

use super::failure::{Failure, print, print_note};
use super::table;
use crate::clock::Clock;
use crate::model::{TenantId, tenant};
use crate::store::{Store, tenants};

/// Create, list and delete tenants: the accounts that messages belong to
#[derive(Subcommand)]
pub enum Tenant {
    /// Create a tenant
    Create {
        /// The tenant's id in edna
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
        /// Its name, shown by 'tenant list'
        #[arg(long)]
        name: String,
        /// Its OneUptime project id; derived from --id if omitted
        #[arg(long, value_name = "UUID")]
        project_id: Option<Uuid>,
    },
    /// List all tenants
    List,
    /// Delete a tenant and all of its data: messages, subjects, keys
    ///
    /// The file keeps its size, and new data reuses the space.
    Delete {
        /// The tenant's id
        #[arg(long)]
        id: i64,
        /// Confirm the deletion
        #[arg(long)]
        yes: bool,
    },
}

impl Tenant {
    /// Whether it creates a tenant, for which the store is created too if there is none.
    pub fn is_creation(&self) -> bool {
        matches!(self, Self::Create { .. })
    }

    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        match self {
            Self::Create { id, name, project_id } => create(store, TenantId(id), name, project_id).await,
            Self::List => {
                let tenants = store.read_primary(tenants::list).await?;
                let row = |tenant: tenant::Tenant| vec![tenant.id.to_string(), tenant.name, tenant.project_id];
                let rows: Vec<_> = tenants.into_iter().map(row).collect();
                print(&table::render(&["ID", "NAME", "PROJECT ID"], &rows))
            }
            Self::Delete { id, yes } => {
                let id = TenantId(id);
                if !yes {
                    store.read_primary(move |connection| tenants::require(connection, id)).await?;
                    let sentence = format!("nothing was deleted; add --yes to delete tenant {id} and all of its data");
                    return Err(Failure::message(sentence));
                }
                let (messages, logs) = store.write(move |connection| tenants::delete(connection, id)).await?;
                store.purge_deleted().await?;
                print_note(format_args!(
                    "Tenant {id} is deleted, with {messages} messages and {logs} WhatsApp log rows."
                ));
                Ok(())
            }
        }
    }
}

async fn create(store: &Store, id: TenantId, name: String, project_id: Option<Uuid>) -> Result<(), Failure> {
    if name.trim().is_empty() {
        return Err(Failure::message("the tenant was not created: --name must not be empty"));
    }
    let project_id = project_id.unwrap_or_else(|| id.derived_project_id()).to_string();
    let tenant = tenant::Tenant { id, name, project_id };
    let created = store.write(move |connection| tenants::create(connection, &tenant, Clock::System.now())).await?;
    if !created {
        let sentence =
            format!("tenant {id} was not created: its id or project id is taken; see 'history-gateway tenant list'");
        return Err(Failure::message(sentence));
    }
    print_note(format_args!("Tenant {id} is created. Next: history-gateway key issue --tenant {id}"));
    Ok(())
}
