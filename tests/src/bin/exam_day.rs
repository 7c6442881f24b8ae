//! `exam-day FOLDER`: plays the exam day for a person to watch, or to look at afterwards. Each day gets a folder of
//! its own in there; nothing is overwritten.

use fengjuan_tests::day::{LONGEST, Stage, play};
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "out/exam-day".to_owned()),
    );
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
        size: (1366, 768),
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
