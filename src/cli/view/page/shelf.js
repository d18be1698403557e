// The shelf: a dot and a row a book, what failed and why, which terms books share.

const STATES = {
  done: 'done', partial: 'partial: some pages have no text', failed: 'failed', waiting: 'waits for its turn',
  unusable: 'its vocabulary file cannot be used', copy: 'a copy of another book',
};

function bookName(book) {
  return book.title && book.title !== book.path ? book.title : book.path.replace(/^.*\//, '');
}

function tile(value, words, href) {
  const inside = [h('b', {}, value), h('span', {}, words)];
  return href ? h('a.tile', { href }, inside) : h('div.tile', {}, inside);
}

function showShelf(view, shelf) {
  if (app.source.isLive && !shelf.picture) {
    fill(view, h('h1', {}, 'One moment'), h('p.hint', {}, 'The folder is being read; what can be seen comes by itself.'), h('p', {}, shelf.reading || ''));
    return;
  }
  const trouble = shelf.books.filter((book) => !['done', 'copy'].includes(book.state));
  const most = Math.max(...shelf.books.map((book) => book.terms), 1);
  const limit = 300;
  const rows = shelf.books.slice(0, limit).map((book) => h('tr', {},
    h('td.state', {}, h('span.dot.' + book.state, { role: 'img', 'aria-label': STATES[book.state] || book.state })),
    h('th', { scope: 'row' }, h('a', { href: '#/book/' + book.n }, bookName(book)), book.author ? h('span.hint', {}, ' ' + book.author) : null,
      book.reason ? h('div.reason', {}, book.reason) : null),
    h('td.hint.wide', {}, book.format || ''),
    h('td.n', {}, book.terms ? number(book.terms) : ''),
    h('td.n.wide', {}, book.own ? number(book.own) : ''),
    h('td.bars.wide', {}, book.terms ? bar(book.terms / most) : null)));
  fill(view,
    h('h1', {}, shelf.folder),
    h('div.tiles', {},
      tile(number(shelf.books.length), shelf.books.length === 1 ? 'book' : 'books'),
      tile(number(shelf.terms), 'terms', '#/terms'),
      tile(number(shelf.defined), 'with a definition', '#/terms?only=defined'),
      tile(number(shelf.conflicts), 'on which books disagree', '#/terms?only=conflict'),
      tile(number(shelf.flagged), 'flagged', '#/terms?only=flagged'),
      trouble.length ? tile(number(trouble.length), trouble.length === 1 ? 'book with trouble' : 'books with trouble', '#/night') : null),
    h('p.dots', { 'aria-hidden': 'true' }, shelf.books.slice(0, 2000).map((book) => h('a.dot.' + book.state, { href: '#/book/' + book.n, tabindex: '-1', title: bookName(book) }))),
    shelf.is_stale ? h('p.notice', {}, 'Vocabulary files are newer than the master. This brings them in:', command('corpora consolidate ' + shelf.folder)) : null,
    h('section', { 'aria-label': 'books' }, h('table.books', {},
      h('thead', {}, h('tr', {}, h('td', {}), h('th', { scope: 'col' }, 'Book'), h('th.wide', { scope: 'col' }, 'Format'), h('th.n', { scope: 'col' }, 'Terms'),
        h('th.n.wide', { scope: 'col', title: 'terms that no other book has' }, 'Only here'), h('td.wide', {}))),
      h('tbody', {}, rows)),
    shelf.books.length > limit ? h('p.hint', {}, `The first ${number(limit)} of ${number(shelf.books.length)} books; the list of terms finds the others.`) : null),
    shelf.spread.books.length > 1 ? sharedTerms(shelf) : null);
}

function sharedTerms(shelf) {
  const { spread } = shelf;
  const books = new Map(shelf.books.map((book) => [book.n, book]));
  const pairs = [];
  spread.shared.forEach((row, y) => row.forEach((count, x) => { if (x < y && count) pairs.push([count, spread.books[y], spread.books[x]]); }));
  pairs.sort((a, b) => b[0] - a[0]);
  return h('section', {}, h('h2', {}, 'What books share'),
    h('div.two', {},
      h('div', {}, heat(spread, books),
        h('p.hint', {}, `The ${spread.books.length} books with most terms, in the order of the list: the darker, the more of the smaller one's terms the other has too.`)),
      h('div', {},
        h('table.pairs', {}, h('caption', {}, 'Most in common'), h('tbody', {}, pairs.slice(0, 10).map(([count, a, b]) => h('tr', {},
          h('td.n', {}, number(count)), h('td', {}, h('a', { href: '#/terms?book=' + a + '&book=' + b }, bookName(books.get(a)) + ' · ' + bookName(books.get(b)))))))),
        spread.everywhere.length ? [h('h3', {}, 'In all of them'), h('p.terms', {}, spread.everywhere.map(([id, text]) => [h('a.term', { href: '#/term/' + id }, text), ' ']))] : null)));
}
