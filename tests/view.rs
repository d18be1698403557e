//! The page that shows a folder: as a file to send, and served to one browser on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;

use corpora::simulator::SimulatorConfig;
use serde_json::{Value, json};

use crate::support::Shelf;
use crate::support::rehearsal::Rehearsal;
use crate::support::view::{HOSTILE, View, put_hostile};

fn shelf() -> Shelf {
    let shelf = Shelf::of(4);
    shelf.put("broken.pdf", b"%PDF-1.7\nand no more\n");
    shelf.batch(&[]).exits(75);
    shelf
}

/// The data of a report, and the rest of its file.
fn data_of(html: &str) -> (Value, String) {
    let (before, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, after) = rest.split_once("</script>").unwrap();
    (serde_json::from_str(data).unwrap(), format!("{before}{after}"))
}

fn report(shelf: &Shelf, more: &[&str]) -> String {
    shelf.run(&[&["report", "out", "-o", "r.html"], more].concat()).exits(0);
    std::fs::read_to_string(shelf.path().join("r.html")).unwrap()
}

#[test]
fn a_report_holds_every_term_every_book_and_every_failure() {
    let shelf = shelf();
    let (data, _) = data_of(&report(&shelf, &[]));
    let files = shelf.vocabularies();
    let mut canonicals = std::collections::BTreeSet::new();
    for name in files.keys() {
        for entry in shelf.vocabulary(name)["entries"].as_array().unwrap() {
            canonicals.insert(entry["canonical"].as_str().unwrap().to_owned());
        }
    }
    let terms = data["terms"].as_array().unwrap();
    let shown: std::collections::BTreeSet<String> =
        terms.iter().map(|t| t["canonical"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, canonicals, "every term, once, without a master too");
    assert_eq!(terms.len(), canonicals.len());
    let sentences = data["sentences"].as_array().unwrap();
    let mut passages = 0;
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let statements = terms.iter().flat_map(|t| listed(&t["statements"]));
    for passage in statements.flat_map(|s| listed(&s["passages"])) {
        let [_, sentence, at, length] = [0, 1, 2, 3].map(|n| passage[n].as_u64().unwrap() as usize);
        let sentence = sentences[sentence].as_str().unwrap();
        assert!(at + length <= sentence.encode_utf16().count() && length > 0, "{passage} of {sentence}");
        passages += 1;
    }
    assert!(passages > terms.len() / 2);
    let books = data["shelf"]["books"].as_array().unwrap();
    assert_eq!(books.len(), files.len() + 1);
    let broken = books.iter().find(|b| b["path"] == "broken.pdf").unwrap();
    assert!(broken["state"] == "failed" && broken["reason"].as_str().unwrap().starts_with("parse: "), "{broken}");
    assert_eq!(data["more"]["night"]["failures"][0]["path"], "broken.pdf");
}

#[test]
fn with_a_master_a_report_shows_it_in_its_order() {
    let shelf = shelf();
    shelf.run(&["consolidate", "out"]).exits(0);
    let (data, _) = data_of(&report(&shelf, &["--top", "7"]));
    let master: Value = serde_json::from_slice(&std::fs::read(shelf.out().join("master.vocab.json")).unwrap()).unwrap();
    let first: Vec<&Value> = master["entries"].as_array().unwrap().iter().take(7).map(|e| &e["id"]).collect();
    let shown: Vec<&Value> = data["terms"].as_array().unwrap().iter().map(|t| &t["id"]).collect();
    assert_eq!(shown, first);
    assert_eq!(data["shelf"]["terms"].as_u64().unwrap() as usize, master["entries"].as_array().unwrap().len());
}

#[test]
fn equal_folders_give_equal_reports_that_reach_out_to_nobody() {
    let shelf = shelf();
    let one = report(&shelf, &[]);
    assert!(one == report(&shelf, &[]), "the same bytes");
    let (_, page) = data_of(&one);
    assert!(page.contains("default-src 'none'") && !page.contains("connect-src"));
    for way in ["src=", "href=\"http", "url(", "@import", "fetch('http", "//cdn"] {
        assert!(!page.contains(way), "{way}");
    }
    assert!(page.contains("<html lang=\"en\">") && page.contains("<meta charset=\"utf-8\">"));
}

#[test]
fn hostile_text_stays_text_in_a_report() {
    let shelf = Shelf::empty();
    put_hostile(&shelf);
    let html = report(&shelf, &[]);
    let (data, page) = data_of(&html);
    assert_eq!(html.matches("</script>").count(), 2, "that of the data and that of the script");
    assert_eq!(html.matches("<script").count(), 2);
    assert!(!html.contains("<img") && !html.contains("<!-- ") && !html.contains(['\u{2028}', '\u{2029}']));
    assert!(!page.contains("alert("));
    let texts: Vec<&str> = data["terms"].as_array().unwrap().iter().map(|t| t["text"].as_str().unwrap()).collect();
    for text in HOSTILE {
        assert!(texts.contains(&text), "{text} is there as it stands in the book");
    }
}

#[test]
fn a_report_of_nothing_says_what_would_make_it_something() {
    let shelf = Shelf::empty();
    shelf.run(&["report", "books"]).exits(66).says("neither vocabulary files nor a run").says("corpora batch");
    shelf.run(&["report", "nowhere"]).exits(64).says("is not a folder");
    assert_eq!(std::fs::read_dir(shelf.books()).unwrap().count(), 0, "nothing half-made is left");
    let shelf = self::shelf();
    shelf.run(&["report", "out", "-o", "no/such/folder.html"]).exits(64).says("cannot write");
}

#[test]
fn a_broken_vocabulary_file_is_a_book_that_says_so() {
    let shelf = shelf();
    std::fs::write(shelf.out().join("torn.vocab.json"), "{\"metadata\":").unwrap();
    let (data, _) = data_of(&report(&shelf, &[]));
    let books = data["shelf"]["books"].as_array().unwrap();
    let torn = books.iter().find(|b| b["path"] == "torn.vocab.json").unwrap();
    assert!(torn["state"] == "unusable" && torn["reason"].as_str().unwrap().contains("cannot be read"), "{torn}");
}

#[test]
fn whoever_has_the_key_sees_the_folder() {
    let shelf = shelf();
    let view = View::of(&shelf);
    let (data, _) = data_of(&report(&shelf, &[]));
    let served = view.shelf();
    for part in ["folder", "terms", "defined", "books", "spread"] {
        assert_eq!(served[part], data["shelf"][part], "{part}");
    }
    let (status, page) = view.get("/api/terms?limit=3&q=wyrm");
    assert_eq!(status, 200);
    let id = page["rows"][0]["id"].as_str().unwrap();
    let (_, card) = view.get(&format!("/api/term?id={id}"));
    let of_report = data["terms"].as_array().unwrap().iter().find(|t| t["id"] == id).unwrap();
    assert_eq!((&card["text"], &card["meaning"]), (&of_report["text"], &of_report["meaning"]));
    // The page on which a passage stands, with the term marked where it stands.
    let statement = &card["statements"][0];
    let passage = &statement["passages"][0];
    let asked = format!("/api/page?book={}&section={}&id={id}", statement["book"], passage["section"]);
    let (status, page) = view.get(&asked);
    assert_eq!(status, 200, "{page}");
    let text: Vec<u16> = page["text"].as_str().unwrap().encode_utf16().collect();
    let mark = page["marks"].as_array().unwrap()[0].as_array().unwrap();
    let [at, length] = [0, 1].map(|n| mark[n].as_u64().unwrap() as usize);
    let marked = String::from_utf16(&text[at..at + length]).unwrap().to_lowercase();
    assert!(marked.contains("wyrm"), "'{marked}'");
    assert_eq!(view.get("/api/term?id=0000").0, 404);
    assert_eq!(view.get("/api/nothing").0, 404);
    assert_eq!(view.get("/etc/passwd").0, 404);
}

#[test]
fn nobody_else_reads_or_decides() {
    let shelf = shelf();
    let view = View::of(&shelf);
    let (host, key) = (view.host(), view.key());
    let origin = format!("Origin: http://127.0.0.1:{}", view.port);
    let get = "GET /api/shelf HTTP/1.1";
    assert_eq!(view.raw(&[get, &host], "").0, 403, "no key");
    assert_eq!(view.raw(&[get, &host, "X-Corpora-Token: 00"], "").0, 403, "a wrong key");
    assert_eq!(view.raw(&[get, &host, &format!("Cookie: token={}", view.token)], "").0, 403, "a key elsewhere");
    let (status, page) = view.raw(&["GET / HTTP/1.1", &host], "");
    assert!(status == 200 && !page.contains(&view.token) && !page.contains("doc-00"), "the page holds nothing");
    // A name that was bound anew to this machine.
    assert_eq!(view.raw(&[get, &format!("Host: evil.example:{}", view.port), &key], "").0, 403);
    assert_eq!(view.raw(&["GET / HTTP/1.1", "Host: evil.example"], "").0, 403);
    assert_eq!(view.raw(&[get, &host, &key, "Origin: http://evil.example"], "").0, 403);
    assert_eq!(view.raw(&[get, &host, &key, "Sec-Fetch-Site: cross-site"], "").0, 403);
    let post = "POST /api/decide HTTP/1.1";
    let json = "Content-Type: application/json";
    for lines in [
        vec![post, &host, &key, json],
        vec![post, &host, &key, json, "Origin: http://evil.example"],
        vec![post, &host, &key, json, "Origin: null"],
        vec![post, &host, json, &origin],
        vec![post, &host, &key, &origin, "Content-Type: text/plain"],
        vec![post, &host, &key, &origin, json, "Sec-Fetch-Site: cross-site"],
    ] {
        assert_eq!(view.raw(&lines, "{\"decisions\":[]}").0, 403, "{lines:?}");
    }
    let enter = "POST /api/enter HTTP/1.1";
    let (status, said) = view.raw(&[enter, &host, &origin, json], "{\"ticket\":\"00\"}");
    assert!(status == 403 && !said.contains(&view.token), "a guessed ticket");
}

#[test]
fn what_is_decided_on_the_page_stands_in_the_file_and_in_the_next_master() {
    let shelf = shelf();
    shelf.run(&["consolidate", "out"]).exits(0);
    let view = View::of(&shelf);
    let rows = view.get("/api/terms?limit=3").1["rows"].as_array().unwrap().clone();
    let [first, second, third] = [0, 1, 2].map(|n| rows[n]["canonical"].as_str().unwrap().to_owned());
    let bulk = json!({"decisions": [
        {"term": first, "text": rows[0]["text"], "do": "rename", "to": "Name </script> of its own"},
        {"term": second, "text": rows[1]["text"], "do": "drop"},
    ]});
    let (status, said) = view.post("decide", &bulk);
    assert_eq!((status, said["list"].as_array().unwrap().len()), (200, 2), "{said}");
    let file = || std::fs::read_to_string(shelf.out().join("decisions.jsonl")).unwrap();
    assert!(file().contains("\"do\":\"drop\"") && file().lines().count() == 2, "{}", file());
    assert_eq!(view.get("/api/terms?only=decided").1["total"], 2, "the list knows at once");
    assert_eq!(view.get("/api/facets?only=decided").1["of"], 2);
    // What contradicts is refused with its reason, and changes nothing.
    let circle = json!({"decisions": [{"term": third, "do": "merge", "into": third}]});
    let (status, said) = view.post("decide", &circle);
    assert!(status == 409 && said["error"].as_str().unwrap().contains("in a circle"), "{said}");
    for wrong in [json!({"decisions": [{"term": third, "do": "burn"}]}), json!({"decisions": 1}), json!([])] {
        assert_eq!(view.post("decide", &wrong).0, 409, "{wrong}");
    }
    assert_eq!(view.post("burn", &json!({})).0, 404);
    assert_eq!(file().lines().count(), 2);
    shelf.run(&["consolidate", "out"]).exits(0);
    let master = std::fs::read_to_string(shelf.out().join("master.vocab.json")).unwrap();
    assert!(master.contains("Name </script> of its own") && !master.contains(&format!("\"canonical\":\"{second}\"")));
    let (data, _) = data_of(&report(&shelf, &[]));
    assert_eq!(data["more"]["decisions"].as_array().unwrap().len(), 2);
    // Both were made at once, and go at once; then there is nothing to take back.
    let (_, said) = view.post("undo", &json!({}));
    assert_eq!((said["undone"].as_array().unwrap().len(), said["list"].as_array().unwrap().len()), (2, 0), "{said}");
    assert_eq!(view.post("undo", &json!({})).1["undone"], json!([]));
}

#[test]
fn a_look_follows_what_happens_in_the_folder() {
    let shelf = shelf();
    let view = View::of(&shelf);
    let before = view.shelf();
    shelf.put("later.md", b"# Later\n\nThe Ember Crab is a small beast. The Ember Crab sleeps. An Ember Crab wakes.\n");
    shelf.batch(&["--formats", "all"]);
    let books = before["books"].as_array().unwrap().len();
    while view.shelf()["books"].as_array().unwrap().len() == books {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(view.shelf()["picture"].as_u64() > before["picture"].as_u64());
}

#[test]
fn hostile_text_is_served_as_data() {
    let shelf = Shelf::empty();
    put_hostile(&shelf);
    let view = View::of(&shelf);
    let (_, page) = view.get("/api/terms?limit=50");
    assert_eq!(page["total"], HOSTILE.len());
    let request = ["GET /api/terms HTTP/1.1", &view.host(), &view.key()];
    let mut stream = TcpStream::connect(("127.0.0.1", view.port)).unwrap();
    write!(stream, "{}\r\nConnection: close\r\n\r\n", request.join("\r\n")).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
    for header in [
        "content-type: application/json; charset=utf-8",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "x-frame-options: deny",
    ] {
        assert!(head.contains(header), "{header} is not in\n{head}");
    }
    assert!(!head.contains("access-control"), "no other page may read it");
}

#[test]
fn facets_count_what_a_list_then_shows() {
    let shelf = shelf();
    shelf.run(&["consolidate", "out"]).exits(0);
    let view = View::of(&shelf);
    let (_, facets) = view.get("/api/facets");
    let all = view.get("/api/terms").1["total"].as_u64().unwrap();
    assert_eq!(facets["of"], all);
    let mut tried = 0;
    for (facet, buckets) in facets["values"].as_object().unwrap() {
        for bucket in buckets.as_array().unwrap().iter().take(4) {
            let value = bucket["value"].as_str().unwrap();
            let (_, page) = view.get(&format!("/api/terms?limit=1&{facet}={}", value.replace(' ', "+")));
            assert_eq!(page["total"], bucket["terms"], "{facet}={value}");
            tried += 1;
        }
    }
    assert!(tried > 6, "{tried}");
    let names = |path: &str| {
        let rows = view.get(path).1["rows"].as_array().unwrap().clone();
        rows.iter().map(|r| r["text"].as_str().unwrap().to_lowercase()).collect::<Vec<_>>()
    };
    let sorted = names("/api/terms?sort=name&limit=30");
    assert!(sorted.is_sorted(), "{sorted:?}");
    assert_eq!(names("/api/terms?sort=name&limit=10&offset=10"), sorted[10..20]);
}

#[test]
fn the_curve_of_the_cost_ends_at_what_was_spent() {
    let rehearsal = Rehearsal::of(3, SimulatorConfig::default());
    rehearsal.run("out", &["--max-cost", "2"]).exits(0);
    let view = View::of(&rehearsal.shelf);
    let (status, night) = view.get("/api/night");
    assert_eq!((status, &night["cap"]), (200, &json!(2.0)));
    let points = night["spending"].as_array().unwrap();
    assert!(points.len() > 1 && points[0][0] == 0, "{points:?}");
    let grows = |n: usize| points.windows(2).all(|two| two[0][n].as_f64() <= two[1][n].as_f64());
    assert!((0..3).all(grows), "{points:?}");
    let last = points.last().unwrap();
    assert_eq!(last[1].as_i64(), Some(rehearsal.count("out", "SELECT count(*) FROM response")));
    let (end, spent) = (last[2].as_f64().unwrap(), night["dollars"].as_f64().unwrap());
    assert!((end - spent).abs() < 1e-9 && spent > 0.0, "{end} {spent}");
    // A report tells no times: equal folders give equal reports.
    let report = report(&rehearsal.shelf, &[]);
    assert_eq!(data_of(&report).0["more"]["night"]["spending"], json!([]));
}

/// Number of a book by the end of its path, and the id and page of a term of it.
fn term_of(view: &View, ending: &str) -> (u64, String, u64) {
    let books = view.shelf()["books"].as_array().unwrap().clone();
    let book =
        books.iter().find(|book| book["path"].as_str().unwrap().ends_with(ending)).unwrap()["n"].as_u64().unwrap();
    let terms = view.get(&format!("/api/terms?book={book}")).1;
    let id = terms["rows"][0]["id"].as_str().unwrap().to_owned();
    let card = view.get(&format!("/api/term?id={id}")).1;
    let own = card["statements"].as_array().unwrap().iter().find(|statement| statement["book"] == book).unwrap();
    (book, id, own["passages"][0]["section"].as_u64().unwrap())
}

#[test]
fn a_page_of_a_pdf_is_shown_as_it_is_printed_with_the_term_marked() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    let view = View::of(&shelf);
    let (book, id, page) = term_of(&view, "000000.pdf");
    let path = format!("/api/picture?book={book}&section={page}&id={id}");
    let (status, picture) = view.get(&path);
    assert_eq!(status, 200, "{picture}");
    assert!(picture["png"].as_str().unwrap().starts_with("iVBORw0KGgo"), "a PNG file");
    let (width, height) = (picture["width"].as_f64().unwrap(), picture["height"].as_f64().unwrap());
    let marks = picture["marks"].as_array().unwrap();
    assert!(!marks.is_empty() && picture["are_words"] == true, "{}", picture["marks"]);
    for mark in marks {
        let [x, y, w, h] = [0, 1, 2, 3].map(|n| mark[n].as_f64().unwrap());
        assert!(x >= 0.0 && y >= 0.0 && w > 3.0 && h > 3.0 && x + w <= width && y + h <= height, "{mark}");
    }
    // What has no pages of its own is not drawn, and neither is another file than the one that was read.
    let (epub, id_there, chapter) = term_of(&view, ".epub");
    assert_eq!(view.get(&format!("/api/picture?book={epub}&section={chapter}&id={id_there}")).0, 404);
    assert_eq!(view.get(&format!("/api/picture?book={book}&section=999&id={id}")).0, 404);
    shelf.put(view.get(&format!("/api/book?n={book}")).1["path"].as_str().unwrap(), b"%PDF-1.7 another");
    let (status, told) = view.get(&path);
    assert!(status == 404 && told["error"].as_str().unwrap().contains("changed"), "{told}");
}
