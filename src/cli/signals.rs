//! The signals that ask a command to end; knows no command.

use super::failure::Failure;

/// Done when somebody asks the process to end: SIGTERM, Ctrl-C, a closed terminal, Ctrl-\\.
#[cfg(unix)]
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Failure::message(format!("signals cannot be received: {error}")));
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

/// Done when Ctrl-C is pressed.
#[cfg(not(unix))]
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        // Where Ctrl-C cannot be received, the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
