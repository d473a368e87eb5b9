//! A file that a command creates: private, whole or not there, and never over another; knows no command.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::Failure;

/// A file under a temporary name, which is removed unless it is published.
pub struct NewFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Fails if the file exists, or cannot be created.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // Only its owner may read a temporary file.
        let temporary = NamedTempFile::new_in(folder).map_err(|error| failed(path, &error))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.temporary.write_all(text.as_bytes()).map_err(|error| failed(&self.path, &error))
    }

    /// Gives the file its name, once its contents are on disk.
    pub fn publish(self) -> Result<(), Failure> {
        let Self { temporary, path } = self;
        temporary.as_file().sync_all().map_err(|error| failed(&path, &error))?;
        match temporary.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(failed(&path, &error.error)),
        }
    }
}

fn exists(path: &Path) -> Failure {
    Failure::message(format!("'{}' exists already; name another file", path.display()))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::message(format!("'{}' cannot be written: {error}", path.display()))
}
