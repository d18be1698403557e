//! Facts about source files, taken from their parsed syntax: which names they use, and how large they are.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Name that something is known by in its module, or everything of a path (`*`).
pub(super) struct Use {
    /// Module in which it stands, below the crate's root.
    pub(super) scope: Vec<String>,
    /// None for a glob.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    /// Whether others may use the name too.
    pub(super) is_export: bool,
    pub(super) line: usize,
}

/// Path that stands somewhere in the code.
pub(super) struct Mention {
    pub(super) scope: Vec<String>,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// A function's name, first line and length in lines.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// Facts about one file. What stands under `#[cfg(test)]` is left out.
pub(super) struct File {
    /// From the root of the project.
    pub(super) shown: String,
    pub(super) krate: String,
    /// The file's own module, below the crate's root.
    pub(super) module: Vec<String>,
    /// Modules that the file holds between braces.
    pub(super) inline: Vec<Vec<String>>,
    pub(super) uses: Vec<Use>,
    pub(super) mentions: Vec<Mention>,
    pub(super) functions: Vec<Function>,
    /// Lines without tests.
    pub(super) lines: usize,
    /// Lines on which something begins that is neither a module's name nor a use.
    pub(super) logic: Vec<usize>,
    /// Ways past this reader: other files taken in, the crate under another name.
    pub(super) hidden: Vec<(usize, String)>,
    /// Modules in files of their own that are compiled for tests alone.
    test_modules: Vec<Vec<String>>,
    scope: Vec<String>,
    tests: Vec<(usize, usize)>,
}

impl File {
    /// Reads a source text.
    pub(super) fn read(shown: &str, krate: &str, module: &[&str], text: &str) -> Self {
        let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{shown}: {e}"));
        let module: Vec<String> = module.iter().map(|m| (*m).to_owned()).collect();
        let mut file = Self {
            shown: shown.to_owned(),
            krate: krate.to_owned(),
            scope: module.clone(),
            module,
            inline: Vec::new(),
            uses: Vec::new(),
            mentions: Vec::new(),
            functions: Vec::new(),
            lines: text.lines().count(),
            logic: Vec::new(),
            hidden: Vec::new(),
            test_modules: Vec::new(),
            tests: Vec::new(),
        };
        for item in &parsed.items {
            let is_name = match item {
                syn::Item::Mod(m) => m.content.is_none() || is_test(&m.attrs),
                syn::Item::Use(_) => true,
                // A list of what the hall names.
                syn::Item::Const(list) => list.ident == "ALL",
                _ => false,
            };
            if !is_name {
                file.logic.push(line(item.span()));
            }
        }
        file.visit_file(&parsed);
        file.lines -= file.tests.iter().map(|(from, to)| to - from + 1).sum::<usize>();
        file
    }

    /// Whether the file is the hall of a room: it names and re-exports, nothing else.
    pub(super) fn is_hall(&self) -> bool {
        self.shown.ends_with("/mod.rs") || self.shown.ends_with("/lib.rs")
    }

    fn use_tree(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, is_export: bool) {
        let mut add = |name: Option<String>, path: Vec<String>, span: Span| {
            self.uses.push(Use { scope: self.scope.clone(), name, path, is_export, line: line(span) });
        };
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.use_tree(&path.tree, before, is_export);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, before, is_export);
                }
            }
            syn::UseTree::Glob(glob) => add(None, before.clone(), glob.span()),
            syn::UseTree::Name(name) => add_named(&mut add, before, &name.ident, &name.ident),
            syn::UseTree::Rename(renamed) => add_named(&mut add, before, &renamed.ident, &renamed.rename),
        }
    }

    /// Paths among tokens that are not parsed: those of macros and attributes.
    fn tokens(&mut self, tokens: TokenStream, reads_strings: bool) {
        let mut path: Vec<String> = Vec::new();
        let (mut at, mut colons) = (0, 0);
        let mut inner = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.mention(&mut path, at);
                        at = line(ident.span());
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(p) if p.as_char() == ':' => colons += 1,
                TokenTree::Literal(literal) if reads_strings => {
                    let text = literal.to_string();
                    let text = text.trim_matches('"');
                    if text.contains("::") && !text.contains(' ') {
                        let path = text.split("::").map(str::to_owned).collect();
                        self.mentions.push(Mention { scope: self.scope.clone(), path, line: line(literal.span()) });
                    }
                }
                TokenTree::Group(group) => {
                    // A group after `::` holds what continues the path.
                    let prefix =
                        if colons == 2 && group.delimiter() == Delimiter::Brace { path.clone() } else { vec![] };
                    self.mention(&mut path, at);
                    colons = 0;
                    inner.push((prefix, group.stream()));
                }
                _ => {
                    self.mention(&mut path, at);
                    colons = 0;
                }
            }
        }
        self.mention(&mut path, at);
        for (prefix, stream) in inner {
            let from = self.mentions.len();
            self.tokens(stream, reads_strings);
            for mention in &mut self.mentions[from..] {
                mention.path.splice(0..0, prefix.clone());
            }
        }
    }

    /// Ends a path among tokens, if one was begun.
    fn mention(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            self.mentions.push(Mention { scope: self.scope.clone(), path: std::mem::take(path), line });
        }
    }

    fn function(&mut self, name: &syn::Ident, sig: &syn::Signature, block: &syn::Block) {
        let from = line(sig.span());
        let lines = block.span().end().line - from + 1;
        self.functions.push(Function { name: name.to_string(), line: from, lines });
    }
}

fn add_named(
    add: &mut impl FnMut(Option<String>, Vec<String>, Span),
    before: &[String],
    ident: &syn::Ident,
    name: &syn::Ident,
) {
    let mut path = before.to_vec();
    let mut name_text = name.to_string();
    if ident == "self" {
        if name == "self" {
            name_text = path.last().cloned().unwrap_or_default();
        }
    } else {
        path.push(ident.to_string());
    }
    add(Some(name_text), path, name.span());
}

fn line(span: Span) -> usize {
    span.start().line
}

/// Whether something is compiled for tests alone: `#[cfg(test)]`, and nothing that only looks like it.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("test")
            || a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|cfg| cfg.is_ident("test"))
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::ExternCrate(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Static(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Trait(i) => &i.attrs,
        syn::Item::Type(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            let span = item.span();
            self.tests.push((line(span), span.end().line));
            if let syn::Item::Mod(module) = item {
                self.test_modules.push([&self.scope[..], &[module.ident.to_string()]].concat());
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.attrs.iter().any(|a| a.path().is_ident("path")) {
            self.hidden.push((line(module.span()), "#[path]".into()));
        }
        self.scope.push(module.ident.to_string());
        if module.content.is_some() {
            self.inline.push(self.scope.clone());
        }
        visit::visit_item_mod(self, module);
        self.scope.pop();
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.hidden.push((line(item.span()), "extern crate".into()));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_export = !matches!(item.vis, syn::Visibility::Inherited);
        self.use_tree(&item.tree, &mut Vec::new(), is_export);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig.ident, &item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }

    /// `pub(super)` says who may use a thing, and uses nothing.
    fn visit_visibility(&mut self, _visibility: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.mentions.push(Mention { scope: self.scope.clone(), path: names, line: line(path.span()) });
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        // `UNIX_EPOCH.elapsed()` is a clock too: the method is written as if it were part of the path.
        if let syn::Expr::Path(receiver) = &*call.receiver {
            let names = receiver.path.segments.iter().map(|s| s.ident.to_string());
            let path = names.chain([call.method.to_string()]).collect();
            self.mentions.push(Mention { scope: self.scope.clone(), path, line: line(call.method.span()) });
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("include") {
            self.hidden.push((line(call.path.span()), "include!".into()));
        }
        let mut path: Vec<String> = call.path.segments.iter().map(|s| s.ident.to_string()).collect();
        // Those of the prelude are told from functions of the same name.
        if let [name] = &mut path[..] {
            name.push('!');
        }
        self.mentions.push(Mention { scope: self.scope.clone(), path, line: line(call.path.span()) });
        self.tokens(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let (false, syn::Meta::List(list)) = (attribute.path().is_ident("doc"), &attribute.meta) {
            self.tokens(list.tokens.clone(), true);
        }
    }
}

/// All source files of the program and its crates.
pub(super) fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut take = |krate: &str, src: &Path| {
        let mut paths = Vec::new();
        below(src, &mut paths);
        paths.sort();
        for path in paths {
            let shown = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let relative = path.strip_prefix(src).unwrap().with_extension("");
            let mut module: Vec<&str> = relative.iter().map(|m| m.to_str().unwrap()).collect();
            if matches!(module.last(), Some(&"mod")) || matches!(module[..], ["lib"]) {
                module.pop();
            }
            files.push(File::read(&shown, krate, &module, &std::fs::read_to_string(&path).unwrap()));
        }
    };
    take("corpora", &root.join("src"));
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        take(&format!("corpora_{name}"), &dir.join("src"));
    }
    let tests: Vec<(String, Vec<String>)> =
        files.iter().flat_map(|f| f.test_modules.iter().map(|m| (f.krate.clone(), m.clone()))).collect();
    files.retain(|f| !tests.iter().any(|(krate, module)| *krate == f.krate && f.module.starts_with(module)));
    files
}

fn below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}
