//! The signals that stop a command; knows no command.

use super::failure::Failure;

/// Completes on SIGTERM, SIGINT (Ctrl-C), SIGHUP (a closed terminal) or SIGQUIT (Ctrl-\\).
#[cfg(unix)]
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Failure::message(format!("cannot listen for signals: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (mut hang_up, mut quit) = (listen(SignalKind::hangup())?, listen(SignalKind::quit())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
            _ = quit.recv() => {}
        }
    })
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        // If Ctrl-C cannot be received, the process can only be killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
