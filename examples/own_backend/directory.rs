//! Names and bytes in a directory, compared and swapped in one step, which is a renaming.
//!
//! A name is a folder with one empty file in it, the pointer, which is called
//! `<when it expires>-<where its bytes are>`. Who renames the pointer that was seen has changed the name
//! if that succeeds, and was overtaken if there is no such file any more. A folder with a pointer in it
//! can be put in the place of an empty one, and of no other. (That is POSIX: not on Windows.)

use std::{
    fs,
    io::{
        self,
        ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotFound},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use larder::{Bytes, Error, ErrorKind, Result, Stamp};

/// A directory that several processes may have open.
///
/// Its files are small and local, so they are read and written on the spot. On a network share all of
/// this would go through `spawn_blocking`, with a deadline around it.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
}

/// What stood under a name when it was looked at.
pub(crate) struct Seen {
    /// `None` if nothing did.
    pointer: Option<String>,
    /// `None` if nothing did, or if it had expired.
    pub(crate) bytes: Option<Bytes>,
}

impl Seen {
    pub(crate) fn starts_with(&self, header: &[u8]) -> bool {
        let bytes = self.bytes.as_ref();
        bytes.is_some_and(|bytes| bytes.starts_with(header))
    }

    pub(crate) fn number(&self) -> Option<Stamp> {
        let bytes = self.bytes.as_deref()?.try_into().ok()?;
        Some(Stamp::from_be_bytes(bytes))
    }
}

impl Directory {
    /// Opens a directory, or makes it.
    pub(crate) fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        for part in ["names", "bytes", "new"] {
            fs::create_dir_all(root.join(part)).map_err(failed)?;
        }
        Ok(Self { root })
    }

    /// What stands under a name.
    pub(crate) fn get(&self, name: &str) -> Result<Seen> {
        loop {
            let pointer = pointer_in(&self.folder(name))?;
            let Some(living) = pointer.as_deref().filter(|pointer| expiry(pointer) > now()) else {
                return Ok(Seen {
                    pointer,
                    bytes: None,
                });
            };
            match fs::read(self.bytes_of(living)) {
                Ok(bytes) => {
                    let bytes = Some(bytes.into());
                    return Ok(Seen { pointer, bytes });
                }
                // Replaced since the pointer was read.
                Err(error) if error.kind() == NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Makes a name mean these bytes if it still means what was seen: the step that decides everything.
    pub(crate) fn swap(
        &self,
        name: &str,
        seen: &Seen,
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<bool> {
        let pointer = format!("{}-{}", now() + ttl.as_millis(), fresh());
        fs::write(self.bytes_of(&pointer), bytes).map_err(failed)?;
        let folder = self.folder(name);
        let swapped = unless_overtaken(match &seen.pointer {
            Some(old) => fs::rename(folder.join(old), folder.join(&pointer)),
            None => self.appear(&folder, &pointer),
        })?;
        // What stays behind when a process is killed here is read by nobody.
        let useless = if swapped {
            seen.pointer.as_ref()
        } else {
            Some(&pointer)
        };
        if let Some(useless) = useless {
            let _ = fs::remove_file(self.bytes_of(useless));
        }
        Ok(swapped)
    }

    /// Puts a folder with this pointer in it where there is none, or an empty one.
    fn appear(&self, folder: &Path, pointer: &str) -> io::Result<()> {
        let new = self.root.join("new").join(pointer);
        fs::create_dir(&new)?;
        fs::write(new.join(pointer), b"")?;
        fs::create_dir_all(folder.parent().unwrap_or(folder))?;
        fs::rename(&new, folder).inspect_err(|_| {
            let _ = fs::remove_dir_all(&new);
        })
    }

    /// Lets a name live for so long from now, unless it is gone or lives longer anyway.
    pub(crate) fn prolong(&self, name: &str, ttl: Duration) -> Result<()> {
        let (until, folder) = (now() + ttl.as_millis(), self.folder(name));
        while let Seen {
            pointer: Some(old),
            bytes: Some(_),
        } = self.get(name)?
        {
            let new = format!("{until}-{}", id(&old));
            if expiry(&old) >= until
                || unless_overtaken(fs::rename(folder.join(&old), folder.join(new)))?
            {
                break;
            }
        }
        Ok(())
    }

    /// Removes a name. Only that the folder could be removed says that no pointer was in it: one that
    /// is being renamed need not show when the folder is listed.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let folder = self.folder(name);
        loop {
            if let Some(pointer) = pointer_in(&folder)?
                && unless_overtaken(fs::remove_file(folder.join(&pointer)))?
            {
                let _ = fs::remove_file(self.bytes_of(&pointer));
            }
            match fs::remove_dir(&folder) {
                Err(error) if error.kind() == DirectoryNotEmpty => {}
                Err(error) if error.kind() != NotFound => return Err(failed(error)),
                _ => return Ok(()),
            }
        }
    }

    /// The folder of a name: in hexadecimal, cut in two, because a file's name has at most 255 bytes.
    fn folder(&self, name: &str) -> PathBuf {
        let digits: String = name
            .bytes()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        let (first, rest) = digits.split_at(digits.len().min(200));
        self.root.join("names").join(first).join(format!("-{rest}"))
    }

    fn bytes_of(&self, pointer: &str) -> PathBuf {
        self.root.join("bytes").join(id(pointer))
    }
}

/// The pointer in a folder, if there is one.
fn pointer_in(folder: &Path) -> Result<Option<String>> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == NotFound => return Ok(None),
        files => files.map_err(failed)?,
    };
    let mut names = files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    names.next().transpose().map_err(failed)
}

/// Whether a change was made. That somebody else was faster is no error.
fn unless_overtaken(changed: io::Result<()>) -> Result<bool> {
    match changed {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), NotFound | AlreadyExists | DirectoryNotEmpty) => {
            Ok(false)
        }
        Err(error) => Err(failed(error)),
    }
}

fn expiry(pointer: &str) -> u128 {
    let (expiry, _) = pointer.split_once('-').unwrap_or_default();
    expiry.parse().unwrap_or(0)
}

fn id(pointer: &str) -> &str {
    let (_, id) = pointer.split_once('-').unwrap_or_default();
    id
}

fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis()
}

/// A file name that nobody else uses, not even a process that had this one's number before.
pub(crate) fn fresh() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{next:x}", std::process::id(), now())
}

fn failed(error: io::Error) -> Error {
    Error::caused(ErrorKind::Unavailable, "the directory of the cache", error)
}
