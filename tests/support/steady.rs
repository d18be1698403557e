//! What a person sees, without what is another each time.

/// A text in which times and sizes that no promise is about have given way to one word each.
pub(crate) fn steady(text: &str) -> String {
    text.lines().map(steady_line).collect::<Vec<_>>().join("\n")
}

fn steady_line(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let bare = |n: usize| words.get(n).map_or("", |word| word.trim_end_matches([',', ';']));
    let is_number = |n: usize| bare(n).replace(',', "").parse::<f64>().is_ok();
    let mut shown: Vec<String> = Vec::new();
    let mut n = 0;
    while n < words.len() {
        if is_number(n) && ["ms", "s", "min", "h"].contains(&bare(n + 1)) {
            // Two units, as in `1 min 2 s`, are one time.
            if shown.last().is_none_or(|last| last != "TIME") {
                shown.push("TIME".into());
            }
            shown.last_mut().unwrap().push_str(words[n + 1].trim_start_matches(char::is_alphanumeric));
            n += 1;
        } else if is_number(n) && bare(n + 1) == "bytes" && bare(n + 2) == "stored" {
            shown.push("SIZE".into());
        } else if bare(n).len() == 10 && bare(n).split('-').count() == 3 && bare(n + 1).len() == 5 {
            shown.push("MOMENT".into());
            n += 1;
        } else if bare(n).contains('T') && bare(n).contains(':') && bare(n).ends_with('Z') {
            shown.push("MOMENT".into());
        } else {
            shown.push(words[n].to_owned());
        }
        n += 1;
    }
    shown.join(" ").trim_end().to_owned()
}
