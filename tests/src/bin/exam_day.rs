//! `exam-day [FOLDER [WIDTHxHEIGHT]]`: plays a proctor's day at the management station for a person to watch, or to
//! look at afterwards. Each day gets a folder of its own in there; nothing is overwritten.

use anyhow::Context;
use fengjuan_tests::day::{LONGEST, Stage};
use fengjuan_tests::room_day::play;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| "out/exam-day".to_owned()));
    let size = args.next().unwrap_or_else(|| "1366x768".to_owned());
    let size = size.split_once('x').context("WIDTHxHEIGHT")?;
    let folder = folder.join(chrono::Local::now().format("%Y%m%d-%H%M%S").to_string());
    let display = std::env::var("DISPLAY")
        .ok()
        .filter(|name| !name.is_empty());
    match &display {
        Some(name) => println!("在显示器 {name} 上打开窗口 · windows on display {name}"),
        None => println!("没有显示器，用虚拟显示器 · no display, so a virtual one"),
    }
    let stage = Stage {
        folder: folder.clone(),
        size: (size.0.parse()?, size.1.parse()?),
        display,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome =
        runtime.block_on(async { tokio::time::timeout(LONGEST, play(&stage)).await })??;
    println!("{}", outcome.results_csv);
    let folder = folder.canonicalize()?;
    println!("图片 · pictures: {}", folder.join("pictures").display());
    println!("成绩 · results:  {}", folder.join("results").display());
    println!("档案 · archive:  {}", outcome.archive.display());
    println!(
        "核验 · verify:   target/release/fengjuan-audit verify {} --root {}",
        outcome.archive.display(),
        outcome.root_key.display()
    );
    Ok(())
}
