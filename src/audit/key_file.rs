//! The file with the key of the digests, outside the database; knows no record.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::AuditError;
use crate::model::audit::AuditKey;

/// The file that is used if the settings name none: beside the database's own.
pub fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".audit-key");
    name.into()
}

/// Reads the key. Makes a new one, which only this user can read, if there is no file.
pub fn open(file: &Path) -> Result<AuditKey, AuditError> {
    let failed = |cause: String| AuditError::KeyFile { file: file.display().to_string(), cause };
    match read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(file).map_err(|error| failed(format!("cannot be made: {error}")))?;
            let file = file.display();
            tracing::warn!(%file, "a new key for the digests of the audit log was made; digests made with another key cannot be compared with it");
        }
        Err(error) => return Err(failed(format!("cannot be read: {error}"))),
        Ok(_) => {}
    }
    // Several processes may start at once: the key is the one that is there now.
    let text = read(file).map_err(|error| failed(format!("cannot be read: {error}")))?;
    let what = "is no key: it must have 64 hexadecimal digits; restore it from a copy, or remove it to make a new one, \
                with which the digests so far cannot be compared";
    AuditKey::parse(&text).ok_or_else(|| failed(what.into()))
}

fn read(file: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(file)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes the file as a whole, unless there is one by then.
fn create(file: &Path) -> std::io::Result<()> {
    let key = AuditKey::random().ok_or_else(|| std::io::Error::other("the system has no random numbers"))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Only its owner may read a temporary file.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(new, "{key}")?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => std::fs::File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::{beside, open};

    #[test]
    fn key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = beside(&folder.path().join("history.db"));
        let key = open(&file).unwrap();
        assert_eq!(open(&file).unwrap().id(), key.id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&file, "damaged").unwrap();
        assert!(open(&file).unwrap_err().to_string().contains("must have 64 hexadecimal digits"));
        assert!(open(&folder.path().join("missing/key")).unwrap_err().to_string().contains("cannot be made"));
    }
}
