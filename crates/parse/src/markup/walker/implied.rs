//! Ends of elements that HTML leaves out.

use super::super::frame::Frame;
use super::super::roles::{Role, hash};
use super::Walker;

impl Walker<'_> {
    /// Lenient: ends open elements down to the innermost one that `ends` accepts, unless one that `stops` accepts is
    /// inside it.
    pub(super) fn close(&mut self, ends: impl Fn(&Frame) -> bool, stops: impl Fn(&Frame) -> bool) {
        for depth in (0..self.stack.len()).rev() {
            let frame = self.stack[depth];
            if ends(&frame) {
                while self.stack.len() > depth {
                    self.pop();
                }
                return;
            }
            if stops(&frame) {
                return;
            }
        }
    }

    /// Lenient: ends what the start of an element ends by itself, which in XML its own end tag does:
    /// <https://html.spec.whatwg.org/multipage/syntax.html#optional-tags>.
    pub(super) fn close_implied(&mut self, name: &str, role: Role) {
        let is = |name: &'static str| move |f: &Frame| f.name == hash(name);
        let is_any = |names: &'static [&'static str]| move |f: &Frame| names.iter().any(|n| f.name == hash(n));
        let is_head_content =
            matches!(name, "title" | "meta" | "link" | "style" | "script" | "base" | "noscript" | "template" | "head");
        if self.top().role == Role::Head && !is_head_content {
            self.pop();
        }
        match name {
            "li" => self.close(is("li"), is_any(&["ul", "ol", "menu", "dir", "table"])),
            "dt" | "dd" => self.close(is_any(&["dt", "dd"]), is_any(&["dl", "table"])),
            "option" | "optgroup" => self.close(is("option"), is("select")),
            "td" | "th" => self.close(|f| f.role == Role::Cell, |f| f.role == Role::Table),
            "tr" => self.close(|f| f.role == Role::Row, |f| f.role == Role::Table),
            "thead" | "tbody" | "tfoot" => {
                self.close(is_any(&["thead", "tbody", "tfoot", "caption"]), |f| f.role == Role::Table);
            }
            _ => {}
        }
        let starts_block = matches!(
            role,
            Role::Block
                | Role::Paragraph
                | Role::Heading(_)
                | Role::Table
                | Role::Pre
                | Role::Note
                | Role::Item
                | Role::Term
                | Role::Definition
        );
        if starts_block && name != "option" {
            let is_scope = |f: &Frame| !matches!(f.role, Role::Inline | Role::Heading(_));
            self.close(is("p"), is_scope);
            if matches!(role, Role::Heading(_)) || name == "p" {
                self.close(|f| matches!(f.role, Role::Heading(_)), |f| f.role != Role::Inline);
            }
        }
    }
}
