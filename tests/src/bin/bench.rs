//! `bench [NAME…]`: runs the named benchmarks, or all, and prints lines `name value unit`.

use anyhow::bail;
use fengjuan_tests::bench::{ALL, answer, archive, fanout, replica, room, unlock, window};

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !ALL.contains(&name.as_str())) {
        bail!("no benchmark {unknown}; there are: {}", ALL.join(" "));
    }
    // On the disk of the build, because a temporary folder may lie in memory.
    let disk = std::env::current_exe()?;
    let disk = disk.ancestors().nth(2).unwrap_or(&disk);
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(disk)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    for name in ALL {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
            continue;
        }
        match name {
            "answer" => answer::run(folder.path(), &runtime)?,
            "unlock" => unlock::run(folder.path(), &runtime)?,
            "archive" => archive::run(folder.path())?,
            "replica" => replica::run(folder.path(), &runtime)?,
            "room" => room::run(folder.path(), &runtime)?,
            "fanout" => fanout::run(folder.path(), &runtime)?,
            _ => runtime.block_on(window::run(folder.path()))?,
        }
    }
    Ok(())
}
