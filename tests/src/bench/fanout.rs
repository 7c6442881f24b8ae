//! One large package from the hub's program to every terminal of a room at once, beside loopback TLS that carries the
//! same bytes to as many readers and does nothing else, and beside the same with readers that hash the bytes and keep
//! them as a terminal must: here all of them share the processors of one machine.

use super::exam::{Bank, SITTING};
use super::hall::{Hall, Usage, load_average};
use super::line;
use super::unlock::large_bank;
use anyhow::Context;
use fengjuan_device::upstream::client_config;
use fengjuan_envelope::Sha256Stream;
use fengjuan_envelope::sign::SigningKey;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const ROOM: usize = 60;
/// As large as the pieces in which a hub sends.
const PIECE: usize = 256 * 1024;

pub fn run(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = folder.join("fanout");
    std::fs::create_dir_all(&folder)?;
    let bank: Bank = large_bank(&folder)?;
    let (mut hall, hub) = Hall::open(&folder, &bank, runtime)?;
    hall.admit(&hub, ROOM, runtime)?;
    let held = hub.papers().current(SITTING).context("papers")?;
    let bytes: u64 = held.packages.iter().map(|package| package.bytes).sum();
    hall.disconnect();
    runtime.block_on(hub.stop());
    let hub = hall.program()?;
    hall.connect(ROOM, runtime)?;
    line("fanout.package", bytes as f64 / 1e6, "MB");
    let first = Usage::of("self")?;
    let plain = runtime.block_on(plain(bytes, None))?;
    let (before, here) = (hub.usage()?, Usage::of("self")?);
    let (peer_cpu, _) = here.since(&first);
    let begun = Instant::now();
    runtime.block_on(async {
        let mut pulling = Vec::new();
        for terminal in &hall.terminals {
            let terminal = terminal.clone();
            pulling.push(tokio::spawn(async move {
                let upstream = terminal.uplink.upstream();
                let pulled = terminal.papers.pull(upstream, &|_| {}).await?;
                anyhow::ensure!(!pulled.sittings.is_empty(), "nothing was pulled");
                anyhow::Ok(())
            }));
        }
        for one in pulling {
            one.await??;
        }
        anyhow::Ok(())
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let (cpu, _) = hub.usage()?.since(&before);
    let (of_terminals, _) = Usage::of("self")?.since(&here);
    let again = runtime.block_on(self::plain(bytes, None))?;
    let peer = f64::midpoint(plain, again);
    let keeping = hall.disk("kept")?;
    let kept = runtime.block_on(self::plain(bytes, Some(keeping)))?;
    line("fanout.pull", seconds, "s");
    line("fanout.tls", peer, "s");
    line("fanout.tls_kept", kept, "s");
    line("fanout.ratio", seconds / peer, "x");
    line("fanout.ratio_kept", seconds / kept, "x");
    line("fanout.hub_cpu", cpu, "s");
    line("fanout.terminals_cpu", of_terminals, "s");
    line("fanout.tls_cpu", peer_cpu, "s");
    line("fanout.hub_memory", hub.memory_mb()?, "MB");
    load_average("fanout")
}

/// Seconds in which so many bytes come to every reader over TLS connections with both keys known. With a folder, each
/// reader hashes its bytes and keeps them there.
async fn plain(bytes: u64, folder: Option<PathBuf>) -> anyhow::Result<f64> {
    let (server, device) = (SigningKey::generate()?, SigningKey::generate()?);
    let accepting = TlsAcceptor::from(fengjuan_serve::server_config(&server)?.get_inner());
    let connecting = TlsConnector::from(Arc::new(client_config(&device, &server.public())?));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let begun = Instant::now();
    let serving = tokio::spawn(async move {
        for _ in 0..ROOM {
            let (stream, _) = listener.accept().await?;
            let accepting = accepting.clone();
            tokio::spawn(async move {
                let mut stream = accepting.accept(stream).await?;
                let piece = vec![7; PIECE];
                let mut left = bytes;
                while left > 0 {
                    let now = left.min(PIECE as u64);
                    stream.write_all(&piece[..usize::try_from(now)?]).await?;
                    left -= now;
                }
                stream.shutdown().await?;
                anyhow::Ok(())
            });
        }
        anyhow::Ok(())
    });
    let mut reading = Vec::new();
    for number in 0..ROOM {
        let connecting = connecting.clone();
        let folder = folder.clone();
        reading.push(tokio::spawn(async move {
            let stream = TcpStream::connect(address).await?;
            let name = "localhost".try_into()?;
            let mut stream = connecting.connect(name, stream).await?;
            let (mut piece, mut came) = (vec![0; PIECE], 0);
            let file = folder.map(|folder| std::fs::File::create(folder.join(number.to_string())));
            let mut keeping = file.transpose()?.map(|file| (file, Sha256Stream::new()));
            while came < bytes {
                let now = stream.read(&mut piece).await?;
                anyhow::ensure!(now > 0, "the peer's bytes ended early");
                if let Some((file, digest)) = &mut keeping {
                    file.write_all(&piece[..now])?;
                    digest.update(&piece[..now]);
                }
                came += now as u64;
            }
            if let Some((file, digest)) = keeping {
                file.sync_all()?;
                std::hint::black_box(digest.finish());
            }
            anyhow::Ok(())
        }));
    }
    for one in reading {
        one.await??;
    }
    serving.await??;
    Ok(begun.elapsed().as_secs_f64())
}
