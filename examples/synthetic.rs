//! Fills a folder with small synthetic documents, for measurements of scale.
//!
//! `cargo run --release --example synthetic -- DIR COUNT [LINES]`

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "shares the writer of small documents with the tests"
)]

#[path = "../tests/support/documents.rs"]
mod documents;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = std::path::PathBuf::from(args.next().expect("the first argument is the folder to fill"));
    let count: usize =
        args.next().and_then(|n| n.parse().ok()).expect("the second argument is the number of documents");
    let repeat: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    for n in 0..count {
        // A thousand files a folder, as a careful person would have it.
        let folder = dir.join(format!("{:04}", n / 1000));
        if n % 1000 == 0 {
            std::fs::create_dir_all(&folder).expect("the folder can be made");
        }
        let (name, bytes) = match repeat {
            1 => documents::nth(n),
            repeat => {
                let lines: Vec<String> = (0..repeat).flat_map(|k| documents::story((n * repeat + k) as u64)).collect();
                let pages: Vec<&[String]> = lines.chunks(40).collect();
                (format!("doc-{n:06}.pdf"), documents::pdf(&pages))
            }
        };
        let name = name.rsplit('/').next().expect("a path has a name");
        std::fs::write(folder.join(name), bytes).expect("the file can be written");
    }
}
