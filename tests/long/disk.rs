//! A small disk to fill; only root can mount one.

use std::path::PathBuf;
use std::process::Command;

/// A disk of its own, unmounted with its test.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// A disk of so many megabytes; `None` for whoever may not mount one.
    pub fn mount(at: PathBuf, megabytes: u32) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(&at);
        mount.status().is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What fails here is a leftover in the temporary folder.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
