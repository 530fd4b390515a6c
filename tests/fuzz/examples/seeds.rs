//! Writes the seeds of every reader, as their writers write them today, into the folder that is
//! named: `cargo run -p fuzz-targets --example seeds fuzz/seeds`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1);
    let folder = folder.ok_or_else(|| io::Error::other("name the folder: `fuzz/seeds`"))?;
    for target in fuzz_targets::TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in target.files() {
            fs::write(folder.join(name), bytes)?;
        }
        println!("{}", folder.display());
    }
    Ok(())
}
