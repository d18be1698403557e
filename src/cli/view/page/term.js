// A term: its definition where it stands, every passage with the word in its context, axes, spellings, both sides of a dispute.

const SOURCES = { glossary: 'from its glossary', list: 'from a list of definitions', run_in: 'where its name runs in', heading: 'below its heading', emphasis: 'where it is set apart', pattern: 'by its form' };

function passage(term, book, p) {
  const sentence = term.sentences[p.sentence];
  if (sentence === undefined) return null;
  const where = p.label && !/^\d+$/.test(p.label) ? p.label : (list.kinds.get(book) === 'chapter' ? 'ch. ' : 'p. ') + (p.label || p.section);
  const place = app.source.page ? h('button.place', { type: 'button', title: 'the whole page', onclick: () => openPage(book, p.section, term.id) }, where) : h('span.place', {}, where);
  return h('li.passage', {}, place, h('span.left', {}, h('bdi', {}, sentence.slice(0, p.at).trimEnd() + (/\s$/.test(sentence.slice(0, p.at)) ? '\u00a0' : ''))), h('mark', {}, sentence.slice(p.at, p.at + p.length)), h('span.right', {}, h('bdi', {}, sentence.slice(p.at + p.length))));
}

function marked(text, names) {
  const words = names.filter((name) => name.length > 1).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (!words.length) return [text];
  const found = text.split(new RegExp('(?<![\\p{L}\\p{N}])(' + words.join('|') + ')(?![\\p{L}\\p{N}])', 'iu'));
  return found.map((part, n) => n % 2 ? h('mark', {}, part) : part);
}

function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && !value.length));
  return told.length ? h('dl.facts', {}, told.map(([name, value]) => [h('dt', {}, name), h('dd', {}, Array.isArray(value) ? value.join(', ') : value)])) : null;
}

function termCard(term) {
  const name = (n) => { const book = app.books.get(n); return book ? bookName(book) : 'book ' + n; };
  list.kinds = new Map(app.shelf.books.map((book) => [book.n, ['epub', 'docx', 'html', 'markdown', 'text'].includes(book.format) ? 'chapter' : 'page']));
  const names = [term.text, ...term.variants.map((v) => v[0]), ...term.aliases];
  const defined = term.statements.filter((st) => st.definition);
  const origin = defined.find((st) => st.definition === term.meaning);
  const others = defined.filter((st) => st !== origin && st.definition !== term.meaning);
  const decision = app.decided.get(term.canonical);
  return [
    h('header.term', {}, h('h1', {}, term.text), decision ? h('p.decision', {}, 'Decided: ', decisionWords(decision)) : null,
      term.renamed_from.length ? h('p.hint', {}, 'in the books: ' + term.renamed_from.join(', ')) : null,
      h('p.spellings', {}, term.variants.length > 1 ? term.variants.map(([text, documents]) => h('span.tag', {}, text + ' ' + documents)) : null, term.aliases.map((alias) => h('span.tag.alias', {}, '= ' + alias))),
      app.source.isLive ? decideBar(term) : null),
    term.meaning ? h('blockquote.meaning', {}, h('p', {}, marked(term.meaning, names)), origin ? h('footer', {}, h('i.spine.' + hue(origin.book), {}), name(origin.book),
      origin.definition_section && app.source.page ? h('button.place', { type: 'button', onclick: () => openPage(origin.book, origin.definition_section, term.id) }, (list.kinds.get(origin.book) === 'chapter' ? 'ch. ' : 'p. ') + origin.definition_section)
        : origin.definition_section ? ' ' + (list.kinds.get(origin.book) === 'chapter' ? 'ch. ' : 'p. ') + origin.definition_section : null,
      SOURCES[origin.definition_source] ? h('span.hint', {}, SOURCES[origin.definition_source]) : null) : null) : null,
    term.flag ? h('p.notice', {}, 'Flagged: ' + valueName('flag', term.flag)) : null,
    facts([['category', term.category], ['kind', term.kind], ['intent', [term.intent, ...term.intents].filter(Boolean)], ['mood', term.mood], ['energy', term.energy], ['genre', term.genre], ['word class', term.pos], ['tags', term.tags],
      ['books', number(term.documents)], ['stands', plural(term.occurrences, 'time', 'times')], ['confidence', term.confidence === null || term.confidence === undefined ? null : term.confidence.toFixed(2)],
      ...Object.entries(term.fields || {}).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)])]),
    term.axes && Object.keys(term.axes).length > 2 ? radar(term.axes) : null,
    term.sides.length || others.length ? h('section', {}, h('h2', {}, 'Where books differ'), term.sides.filter((side) => side.field !== 'definition').map((side) => h('table.sides', {}, h('caption', {}, side.field), h('tbody', {}, side.values.map((v) => h('tr', {}, h('th', { scope: 'row' }, v.value), h('td.n', {}, plural(v.documents, 'book', 'books')), h('td.n', {}, v.confidence ? 'sure ' + v.confidence.toFixed(2) : '')))))),
      others.length ? h('div.sidebyside', {}, others.slice(0, 8).map((st) => h('blockquote', {}, h('p', {}, marked(st.definition, names)), h('footer', {}, h('i.spine.' + hue(st.book), {}), name(st.book), st.definition_section ? ` ${list.kinds.get(st.book) === 'chapter' ? 'ch.' : 'p.'} ${st.definition_section}` : '')))) : null) : null,
    h('section', {}, h('h2', {}, 'In its sentences'), term.statements.map((st) => h('div.ofbook', {}, h('h3', {}, h('i.spine.' + hue(st.book), {}), h('a', { href: '#/book/' + st.book }, name(st.book)), h('span.hint', {}, ' ' + plural(st.occurrences, 'time', 'times'))),
      h('ol.passages', {}, st.passages.map((p) => passage(term, st.book, p)))))),
    term.neighbours.length ? h('section', {}, h('h2', {}, 'In the same sentences'), h('p.terms', {}, term.neighbours.filter(([id]) => app.source.has(id)).map(([id, text]) => [h('a.term', { href: '#/term/' + id }, text), ' ']))) : null,
  ];
}

async function showTerm(view, id) {
  const term = await app.source.term(id);
  fill(view, h('p.back', {}, h('a', { href: '#/terms' + (list.query.size ? '?' + list.query : '') }, '← all terms')), h('article.single', {}, termCard(term)));
  app.term = term;
}

// The text of a page in a dialog, with the term marked, or for a PDF its picture; arrows turn pages.
async function openPage(book, section, id, printed) {
  const dialog = document.getElementById('dialog');
  let page;
  try { page = await app.source.page(book, section, id); } catch (error) { say('The text of this page cannot be had: ' + error.message); return; }
  const cuts = new Map();
  const note = (at, length, kind) => { for (let n = at; n < at + length; n++) cuts.set(n, kind); };
  if (page.definition) note(page.definition[0], page.definition[1], 'def');
  for (const [at, length] of page.marks) note(at, length, 'mark');
  const pieces = [];
  for (let n = 0; n < page.text.length;) {
    const kind = cuts.get(n);
    let end = n + 1;
    while (end < page.text.length && cuts.get(end) === kind) end++;
    const text = page.text.slice(n, end);
    pieces.push(kind === 'mark' ? h('mark', {}, text) : kind === 'def' ? h('span.def', {}, text) : text);
    n = end;
  }
  const turn = (to, words, label) => h('button', { type: 'button', 'aria-label': label, disabled: to === null, onclick: () => openPage(book, to, id, printed) }, words);
  const other = page.is_printed && app.source.picture ? h('button', { type: 'button', onclick: () => openPage(book, section, id, !printed) }, printed ? 'text' : 'as printed') : null;
  const body = h('div.pagetext', { tabindex: '0' }, pieces);
  if (other && printed) {
    body.className = 'pagepicture';
    fill(body, h('p.hint', {}, 'drawing …'));
    app.source.picture(book, section, id).then((picture) => drawPage(body, picture, page), (error) => fill(body, h('p', {}, 'The page cannot be shown: ' + error.message)));
  }
  fill(dialog, h('div.pagehead', {}, h('h2', {}, bookName(app.books.get(book)) + ', ' + (page.label && !/^\d+$/.test(page.label) ? page.label : 'page ' + (page.label || page.section))), turn(page.around[0], '←', 'page before'), turn(page.around[1], '→', 'next page'), other,
    h('button', { type: 'button', onclick: () => dialog.close() }, 'close')), body);
  if (!dialog.open) dialog.showModal();
  const first = dialog.querySelector('mark');
  if (first) first.scrollIntoView({ block: 'center' });
}

// A page as it is printed, with the places of the term over it.
function drawPage(body, picture, page) {
  const told = `page ${page.label || page.section} as it is printed; the term is marked in ${plural(picture.marks.length, 'place', 'places')}`;
  const marks = picture.marks.map(([x, y, width, height]) => s('rect', { class: picture.are_words ? 'hit' : 'block', x, y, width, height, rx: 2 }));
  fill(body, h('div.sheet', {}, h('img', { src: 'data:image/png;base64,' + picture.png, width: picture.width, height: picture.height, alt: told }),
    s('svg', { viewBox: `0 0 ${picture.width} ${picture.height}`, 'aria-hidden': 'true' }, marks)));
  const first = body.querySelector('rect');
  if (first) first.scrollIntoView({ block: 'center' });
}
