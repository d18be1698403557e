//! A comparison as a picture: one panel a figure, one bar a mode.

use std::fmt::Write;

use super::figures::{Figures, Mode};
use crate::cli::progress::grouped;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 110.0;
const BAR: f64 = 22.0;
const PANEL_HEAD: f64 = 30.0;

/// Colours that differ in lightness too, so that they are told apart in print.
const COLOURS: [&str; 3] = ["#1f5f8b", "#e08e2b", "#7a7a7a"];

/// A figure as the chart shows it: its title, its value, and the words for a value.
type Panel = (&'static str, fn(&Figures) -> Option<f64>, fn(f64) -> String);

const PANELS: [Panel; 6] = [
    ("Time by the clock", |f| Some(f.seconds), |v| format!("{v:.1} s")),
    ("Part of the limits that was used", |f| f.limit_efficiency, |v| format!("{v:.3}")),
    ("Tokens, in and out", |f| tokens(f), |v| grouped(v as u64)),
    ("Cost", |f| f.dollars.filter(|d| *d > 0.0), |v| format!("${v:.4}")),
    ("Requests that the limits refused", |f| (f.requests > 0).then_some(f.refused as f64), |v| format!("{v:.0}")),
    ("Most memory at once", |f| Some(f.memory as f64), |v| format!("{:.1} MB", v / 1e6)),
];

fn tokens(figures: &Figures) -> Option<f64> {
    let all = figures.input_tokens + figures.output_tokens;
    (all > 0).then_some(all as f64)
}

/// The chart as SVG, complete in itself. `title` and `verdict` are plain text.
pub(super) fn svg(title: &str, modes: &[Mode], verdict: &str) -> String {
    let panels: Vec<&Panel> =
        PANELS.iter().filter(|(_, value, _)| modes.iter().any(|mode| value(&mode.median).is_some())).collect();
    let verdict = wrapped(verdict, 105);
    let panel_height = PANEL_HEAD + modes.len() as f64 * (BAR + 6.0) + 10.0;
    let head = 52.0 + 18.0 * verdict.len() as f64;
    let height = head + panels.len() as f64 * panel_height + 14.0;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="30" font-size="18" font-weight="bold">{}</text>
"##,
        escaped(title)
    );
    for (n, line) in verdict.iter().enumerate() {
        let _ = writeln!(
            out,
            r##"<text x="20" y="{}" font-size="13" fill="#333333">{}</text>"##,
            52 + 18 * n,
            escaped(line)
        );
    }
    for (n, (name, value, words)) in panels.into_iter().enumerate() {
        let top = head + n as f64 * panel_height;
        let _ = writeln!(out, r#"<text x="20" y="{}" font-size="14" font-weight="bold">{name}</text>"#, top + 20.0);
        let most = modes.iter().filter_map(|mode| value(&mode.median)).fold(0.0, f64::max);
        for (m, mode) in modes.iter().enumerate() {
            let y = top + PANEL_HEAD + m as f64 * (BAR + 6.0);
            let known = value(&mode.median);
            let room = WIDTH - LABELS - 20.0 - 110.0;
            let length = known.filter(|_| most > 0.0).map_or(0.0, |v| (v / most * room).max(1.0));
            let _ = writeln!(
                out,
                r#"<text x="{}" y="{}" font-size="13" text-anchor="end">{}</text>
<rect x="{LABELS}" y="{y}" width="{length:.1}" height="{BAR}" fill="{}"/>
<text x="{:.1}" y="{}" font-size="13">{}</text>"#,
                LABELS - 8.0,
                y + 16.0,
                mode.mode,
                COLOURS[m % COLOURS.len()],
                LABELS + length + 8.0,
                y + 16.0,
                known.map_or_else(|| "none".to_owned(), words),
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
