// A book: its barcode, its chapters with their terms, what could not be read.

async function showBook(view, n) {
  const book = await app.source.book(n);
  if (!book) { fill(view, h('p.notice', {}, 'There is no such book here.')); return; }
  const kind = book.section_kind;
  const open = app.source.page ? (section) => openPage(n, section, '') : null;
  const indent = (chapter) => 'level-' + Math.min(chapter.level, 3);
  const links = (terms) => terms.map(([id, text]) => [app.source.has(id) ? h('a.term', { href: '#/term/' + id }, text) : h('span.term', {}, text), ' ']);
  fill(view, h('p.back', {}, h('a', { href: '#/shelf' }, '← the shelf')), h('article.single', {},
    h('h1', {}, bookName(book)), h('p.hint', {}, [book.author, book.path, book.format, book.language].filter(Boolean).join(' · ')),
    book.reason ? h('p.notice', {}, h('span.dot.' + book.state, {}), ' ' + (STATES[book.state] || book.state) + '. ', book.reason) : null,
    book.terms ? h('section', {}, h('h2', {}, 'Where its terms stand first'), barcode(book, open),
      h('p.axis', {}, h('span', {}, kind + ' 1'), h('span', {}, number(book.sections))),
      h('p.hint', {}, `${plural(book.terms, 'term', 'terms')}, ${number(book.own)} of them in no other book; the taller, the more new terms. `, h('a', { href: '#/terms?book=' + n }, 'All its terms'))) : null,
    book.unread.length ? h('section', {}, h('h2', {}, 'Not read'), h('ul', {}, book.unread.slice(0, 100).map(([section, reason]) => h('li', {}, `${kind} ${section}: ${reason}`)))) : null,
    book.best.length ? h('section', {}, h('h2', {}, 'Its best terms'), h('p.terms', {}, links(book.best))) : null,
    book.chapters.length ? h('section', {}, h('h2', {}, 'Chapters'), h('ol.chapters', {}, book.chapters.map((chapter) => h('li.' + indent(chapter), {},
      h('div.head', {}, app.source.page && book.has_text ? h('button.place', { type: 'button', onclick: () => open(chapter.section) }, String(chapter.section)) : h('span.place', {}, String(chapter.section)), h('b', {}, chapter.title), h('span.n', {}, chapter.terms ? number(chapter.terms) : '')),
      chapter.best.length ? h('p.terms', {}, links(chapter.best)) : null)))) : null,
    book.notes.length ? h('section', {}, h('h2', {}, 'Notes'), h('ul', {}, book.notes.slice(0, 100).map((note) => h('li', {}, note)))) : null));
}
