//! `subject add` and `subject list`; knows no SQL.

use clap::Subcommand;

use super::failure::{Failure, print, print_note};
use super::table;
use crate::ingest;
use crate::model::item::MAX_WORD_BYTES;
use crate::model::{TenantId, subject};
use crate::store::{Store, StoreError, subjects, tenants};

/// Add and list subjects: the registered senders of a tenant
#[derive(Subcommand)]
pub enum Subject {
    /// Add a subject, or update the one with this id
    Add {
        /// The tenant's id
        #[arg(long)]
        tenant: i64,
        /// The subject's id in edna
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
        /// Its name, as in responses
        #[arg(long)]
        name: String,
        /// Its channel type, such as SMS or WHATSAPP
        #[arg(long)]
        channel: String,
    },
    /// List the subjects of one tenant or of all tenants
    List {
        /// The tenant's id; all tenants if omitted
        #[arg(long)]
        tenant: Option<i64>,
    },
}

impl Subject {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        match self {
            Self::Add { tenant, id, name, channel } => {
                if name.trim().is_empty() || channel.trim().is_empty() {
                    return Err(Failure::message("the subject was not added: --name and --channel must not be empty"));
                }
                // An item with a longer channel type would be rejected when it is read again.
                if channel.len() > MAX_WORD_BYTES {
                    return Err(Failure::message(
                        "the subject was not added: --channel must be at most 256 bytes long",
                    ));
                }
                let subject = subject::Subject { id, name: Some(name), channel_type: channel };
                ingest::add_subject(store, TenantId(tenant), subject).await?;
                print_note(format_args!("Subject {id} of tenant {tenant} is added."));
                Ok(())
            }
            Self::List { tenant } => {
                let rows = store.read_primary(move |connection| {
                    let tenants = match tenant {
                        Some(id) => tenants::require(connection, TenantId(id)).map(|()| vec![TenantId(id)])?,
                        None => tenants::list(connection)?.into_iter().map(|tenant| tenant.id).collect(),
                    };
                    let mut rows = Vec::new();
                    for tenant in tenants {
                        let subjects = subjects::list(connection, tenant)?;
                        rows.extend(subjects.into_iter().map(|subject| row(tenant, subject)));
                    }
                    Ok::<_, StoreError>(rows)
                });
                print(&table::render(&["TENANT", "ID", "CHANNEL", "NAME"], &rows.await?))
            }
        }
    }
}

fn row(tenant: TenantId, subject: subject::Subject) -> Vec<String> {
    vec![tenant.to_string(), subject.id.to_string(), subject.channel_type, subject.name.unwrap_or_default()]
}
