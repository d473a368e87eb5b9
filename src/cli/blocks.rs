//! Builds the blocks of the messages that a command recorded, with a spinner on a terminal. A running server builds them
//! too, but slowly; knows no message.

use std::time::Duration;

use indicatif::ProgressBar;

use super::failure::print_note;
use crate::model::TenantId;
use crate::store::Store;
use crate::store::messages::blocks::build;

/// Nothing is lost if this fails, so that is only a note.
pub async fn build(store: &Store, tenant: TenantId) {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message("building blocks for sorts and filters");
    let pause = || async { spinner.inc(1) };
    spinner.enable_steady_tick(Duration::from_millis(200));
    let result = build::build_all(store, tenant, build::MESSAGES, pause).await;
    spinner.finish_and_clear();
    if let Err(error) = result {
        print_note(format_args!("Note: the blocks for sorts and filters are left to the server: {error}."));
    }
}
