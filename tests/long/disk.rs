//! A small disk to fill; only root can mount one.

use std::path::PathBuf;
use std::process::Command;

/// A mounted disk, unmounted when it is dropped.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// Mounts a disk of so many megabytes; `None` if the user may not.
    pub fn mount(at: PathBuf, megabytes: u32) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(&at);
        mount.status().is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A failure leaves a mount point in the temporary directory.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
