//! The page in a real browser: Debian's Chromium, headless, where it is installed. It is spoken to over its pipe
//! (<https://chromedevtools.github.io/devtools-protocol/>), so nothing else is needed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use corpora::simulator::SimulatorConfig;
use serde_json::{Value, json};

use crate::support::Shelf;
use crate::support::needs::needs_program;
use crate::support::rehearsal::Rehearsal;
use crate::support::view::{HOSTILE, View, put_hostile};

/// Flags by which it asks nobody for anything by itself.
const FLAGS: &str = "--headless --window-size=1280,900 --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe";

/// A browser with one page.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    next: u64,
    /// What went wrong on the page, and every address that was asked for.
    errors: Vec<String>,
    asked: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts it at an address; none where it is not installed.
    fn at(address: &str) -> Option<Self> {
        if !needs_program("chromium", "--version", "chromium") {
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let line = format!("exec chromium {FLAGS} --user-data-dir='{}' 3<&0 4>&1 >/dev/null", profile.path().display());
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self {
            child,
            to,
            from,
            session: Value::Null,
            next: 0,
            errors: Vec::new(),
            asked: Vec::new(),
            _profile: profile,
        };
        let target = browser.tell("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.tell("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.tell(&format!("{domain}.enable"), &json!({}));
        }
        browser.tell("Page.navigate", &json!({"url": address}));
        Some(browser)
    }

    fn tell(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        write!(self.to, "{message}\0").unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser has ended");
            let said: Value = serde_json::from_slice(&bytes).unwrap();
            if said["id"] == id {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            self.note(&said);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => self.errors.push(params.to_string()),
            "Log.entryAdded" => self.errors.push(params["entry"].to_string()),
            "Runtime.consoleAPICalled" => self.errors.push(params["args"].to_string()),
            "Network.requestWillBeSent" => {
                self.asked.push(params["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// Value of an expression on the page.
    fn value(&mut self, expression: &str) -> Value {
        let told = self
            .tell("Runtime.evaluate", &json!({"expression": expression, "awaitPromise": true, "returnByValue": true}));
        assert!(told["exceptionDetails"].is_null(), "{expression}: {told}");
        told["result"]["value"].clone()
    }

    /// Waits until an expression is true; a page on which it never is ends the test with what it shows instead.
    fn until(&mut self, expression: &str) {
        for _ in 0..4_000 {
            if self.value(expression) == json!(true) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        let shown = self.value("document.body.innerText.slice(0, 2000)");
        panic!("never true: {expression}\n{shown}\n{:#?}", self.errors);
    }

    fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" && key.len() == 1 { key } else { "" };
            self.tell("Input.dispatchKeyEvent", &json!({"type": kind, "key": key, "text": text}));
        }
    }

    /// Holds that nothing went wrong, and that nobody but `origin` was asked.
    fn is_clean(&self, origin: &str) {
        assert!(self.errors.is_empty(), "{:#?}", self.errors);
        let elsewhere: Vec<&String> =
            self.asked.iter().filter(|url| !url.starts_with(origin) && !url.starts_with("data:")).collect();
        assert!(elsewhere.is_empty() && !self.asked.is_empty(), "{elsewhere:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FIRST: &str = "document.querySelector('.row .name').textContent";

#[test]
fn a_person_searches_decides_undoes_and_reloads() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    let view = View::of(&shelf);
    let origin = format!("http://127.0.0.1:{}/", view.port);
    let Some(mut browser) = Browser::at(&format!("{origin}#token={}", view.token)) else { return };
    browser.until("document.querySelectorAll('table.books tbody tr').length === 4");
    assert_eq!(browser.value("location.hash"), "#/shelf", "the key is gone from the address");
    browser.press("/");
    browser.until("document.activeElement.id === 'search'");
    let all = browser.value("document.querySelector('.total').textContent");
    browser.tell("Input.insertText", &json!({"text": "wyrm"}));
    browser.until(&format!(
        "document.querySelector('.total').textContent !== {all} && {FIRST}.toLowerCase().includes('wyrm')"
    ));
    browser.press("Enter");
    browser.until("document.activeElement === document.body");
    let first = browser.value(FIRST).as_str().unwrap().to_owned();
    let file = || std::fs::read_to_string(shelf.out().join("decisions.jsonl")).unwrap_or_default();
    browser.press("x");
    browser.until("document.querySelectorAll('.row.drop').length === 1");
    assert!(file().contains("\"do\":\"drop\""), "{}", file());
    browser.press("u");
    browser.until("document.querySelectorAll('.row.drop').length === 0");
    assert_eq!(file(), "");
    browser.press("k");
    browser.until("document.querySelector('.row').classList.contains('current')");
    browser.press("x");
    browser.until("document.querySelectorAll('.row.drop').length === 1");
    browser.tell("Page.reload", &json!({}));
    browser.until("document.querySelectorAll('.row.drop').length === 1");
    // The text of the page on which the first passage stands, with the term marked.
    browser.until("Boolean(document.querySelector('.passage button.place'))");
    browser.value("document.querySelector('.passage button.place').click()");
    browser.until("Boolean(document.querySelector('.pagetext mark'))");
    browser.is_clean(&origin);
    shelf.run(&["consolidate", "out"]).exits(0);
    let master = std::fs::read_to_string(shelf.out().join("master.vocab.json")).unwrap();
    assert!(!master.contains(&format!("\"text\":\"{first}\"")), "{first} is left out");
}

#[test]
fn a_report_opens_from_a_file_and_hostile_text_does_nothing_in_it() {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    put_hostile(&shelf);
    shelf.run(&["report", "out", "-o", "r.html"]).exits(0);
    let address = format!("file://{}", shelf.path().join("r.html").display());
    let Some(mut browser) = Browser::at(&address) else { return };
    browser.until("document.querySelectorAll('table.books tbody tr').length === 4");
    browser.value("location.hash = '#/terms?sort=name'");
    browser.until("document.querySelectorAll('.row').length > 5");
    let ids = "JSON.parse(document.getElementById('data').textContent).terms.filter((t) => t.canonical.startsWith('hostile')).map((t) => t.id)";
    let ids = browser.value(ids);
    assert_eq!(ids.as_array().unwrap().len(), HOSTILE.len());
    for id in ids.as_array().unwrap() {
        let id = id.as_str().unwrap();
        browser.value(&format!("location.hash = '#/term/{id}'"));
        browser.until(&format!("app_shows('{id}')").replace(
            "app_shows",
            "((id) => location.hash.endsWith(id) && Boolean(document.querySelector('.single blockquote')))",
        ));
    }
    browser.value("location.hash = '#/book/1'");
    browser.until("Boolean(document.querySelector('.barcode'))");
    browser.value("location.hash = '#/night'");
    browser.until("Boolean(document.querySelector('.stages'))");
    assert_eq!(browser.value("document.querySelectorAll('img, main script, iframe').length"), 0);
    assert_eq!(browser.value("/[\\u202e\\u2066\\u0007]/.test(document.body.innerText)"), false);
    browser.is_clean("file://");
}

/// Rules of <https://github.com/dequelabs/axe-core> that are broken on the page, with what breaks them.
const AXE: &str = "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => v.id + ': ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join(' | ')))";

/// For a look at everything: `CORPORA_AXE` is the file axe.min.js of the npm package axe-core, `CORPORA_PICTURES` a folder for pictures of each page.
#[test]
#[ignore = "needs a file that is not the project's own; CONTRIBUTING.md tells when it is run"]
fn every_page_can_be_used_by_everybody() {
    let axe = std::fs::read_to_string(std::env::var("CORPORA_AXE").expect("a path")).unwrap();
    let pictures = std::env::var_os("CORPORA_PICTURES").map(std::path::PathBuf::from);
    let rehearsal = Rehearsal::of(4, SimulatorConfig::default());
    rehearsal.shelf.put("broken.pdf", b"%PDF-1.7\nand no more\n");
    rehearsal.run("out", &["--max-cost", "1"]).exits(75);
    let shelf = &rehearsal.shelf;
    shelf.run(&["consolidate", "out"]).exits(0);
    let view = View::of(shelf);
    let first = view.get("/api/terms").1["rows"][0]["id"].as_str().unwrap().to_owned();
    view.post("decide", &json!({"decisions": [{"do": "keep", "term": first}]}));
    let origin = format!("http://127.0.0.1:{}/", view.port);
    let Some(mut browser) = Browser::at(&format!("{origin}#token={}", view.token)) else { return };
    browser.until("document.querySelectorAll('table.books tbody tr').length === 5");
    let pages = [
        ("shelf", "table.books"),
        ("terms", ".row"),
        (&format!("term/{first}"), ".single blockquote"),
        ("book/1", ".barcode"),
        ("decide", "main"),
        ("night", ".curve"),
    ];
    let mut found = Vec::new();
    for (width, theme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 400});
        browser.tell("Emulation.setDeviceMetricsOverride", &metrics);
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        browser.tell("Emulation.setEmulatedMedia", &media);
        for (page, shows) in pages {
            browser.value(&format!("location.hash = '#/{page}'"));
            browser.until(&format!("Boolean(document.querySelector('{shows}'))"));
            let broken = browser.value(&format!("{axe};{AXE}"));
            found.extend(broken.as_array().unwrap().iter().map(|rule| format!("{page}, {width}, {theme}: {rule}")));
            if let Some(folder) = &pictures {
                let shot = browser.tell("Page.captureScreenshot", &json!({"format": "png"}))["data"].clone();
                let name = format!("{}-{width}-{theme}.b64", page.split('/').next().unwrap());
                std::fs::write(folder.join(name), shot.as_str().unwrap()).unwrap();
            }
        }
    }
    // A page as it is printed, of the first passage that stands in a PDF.
    browser.value(&format!("location.hash = '#/term/{first}'"));
    browser.until("Boolean(document.querySelector('.passage button.place'))");
    let printed = "[...document.querySelectorAll('#dialog button')].find((b) => b.textContent === 'as printed')";
    for passage in 0..40 {
        let place = format!("document.querySelectorAll('.passage button.place')[{passage}]");
        assert_eq!(browser.value(&format!("Boolean({place})")), true, "no passage stands in a PDF");
        browser.value(&format!("{place}.click()"));
        browser.until("document.querySelector('#dialog').open && Boolean(document.querySelector('.pagetext'))");
        if browser.value(&format!("Boolean({printed})")) == true {
            break;
        }
        browser.value("document.querySelector('#dialog').close(); document.querySelector('#dialog').replaceChildren()");
    }
    browser.value(&format!("{printed}.click()"));
    browser
        .until("document.querySelectorAll('.sheet img').length === 1 && document.querySelector('.sheet img').complete");
    browser.until("document.querySelector('.sheet img').naturalWidth > 300 && document.querySelectorAll('.sheet rect.hit').length > 0");
    if let Some(folder) = &pictures {
        let shot = browser.tell("Page.captureScreenshot", &json!({"format": "png"}))["data"].clone();
        std::fs::write(folder.join("printed.b64"), shot.as_str().unwrap()).unwrap();
    }
    let broken = browser.value(&format!("{axe};{AXE}"));
    found.extend(broken.as_array().unwrap().iter().map(|rule| format!("printed: {rule}")));
    browser.is_clean(&origin);
    assert!(found.is_empty(), "{found:#?}");
}
