//! How a server process ends: with its owner, also if the owner panics or dies by a signal.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
};

/// A directory of its own under the system's temporary one, removed on drop.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let name = format!(
                "larder-test-{}-{}",
                id(),
                NEXT.fetch_add(1, Ordering::Relaxed)
            );
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                // An earlier process had the same number and could not tidy up.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Self(path)),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that stays behind is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running process that is killed on drop, together with the watchdog that kills it, and
/// removes its directory, if this process dies without dropping anything.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `command` in `dir`, out of reach of signals that a terminal sends to this process.
    pub(crate) fn spawn(command: &mut Command, dir: &Path) -> io::Result<Self> {
        let mut child = command
            .current_dir(dir)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()?;
        match watchdog(child.id(), dir) {
            Ok(watchdog) => Ok(Self { child, watchdog }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name, &self.pid().to_string()])
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("signal {name} could not be sent")))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog goes before the process is reaped, when its id still cannot be another's.
        let _ = self.child.kill();
        end(&mut self.watchdog);
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // An error means that it has already ended.
    let _ = child.kill();
    let _ = child.wait();
}

/// A shell that waits for the end of its input. The other end of that pipe is held by this
/// process alone, so the system closes it however this process ends.
fn watchdog(pid: u32, dir: &Path) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", r#"read -r _; kill -s KILL "$0"; rm -rf "$1""#])
        .arg(pid.to_string())
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
