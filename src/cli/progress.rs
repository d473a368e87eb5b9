//! How many messages a command has written so far, on a terminal that does not show the messages themselves; knows no
//! command.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of a command; it disappears when it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn start() -> Self {
        if std::io::stdout().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        // The template is valid.
        let style = ProgressStyle::with_template("{spinner} {human_pos} written, {per_sec}").ok();
        bar.set_style(style.unwrap_or_else(ProgressStyle::default_spinner));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
