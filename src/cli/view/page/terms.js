// The list of terms: facets, search while one types, one line a term, the card beside it.

const FACET_NAMES = { only: 'Terms that are', category: 'Category', kind: 'Kind', mood: 'Mood', intent: 'Intent', energy: 'Energy', flag: 'Flag', book: 'Book' };
const ONLY_NAMES = { defined: 'defined', undefined: 'not defined', shared: 'in several books', conflict: 'in dispute', decided: 'decided on', open: 'not decided on', fresh: 'new since the last master', flagged: 'flagged' };
const SORTS = [['rank', 'best first'], ['name', 'by name'], ['occurrences', 'most common'], ['books', 'in most books']];
const PAGE_OF_TERMS = 100;

// What is chosen, shown and marked. The question is the part of the address behind '#/terms?'.
const list = { query: new URLSearchParams(), rows: [], total: 0, current: 0, marked: new Set(), asked: 0, parts: null };

function showTerms(view, shelf, query) {
  list.query = query;
  list.books = new Map(shelf.books.map((book) => [book.n, book]));
  const search = h('input', { type: 'search', id: 'search', placeholder: 'Search terms and definitions', 'aria-label': 'search terms and definitions', autocomplete: 'off', spellcheck: 'false', value: query.get('q') || '',
    oninput: () => { change('q', search.value); } });
  const sort = h('select', { 'aria-label': 'order', onchange: () => change('sort', sort.value) }, SORTS.map(([value, words]) => h('option', { value, selected: (query.get('sort') || 'rank') === value }, words)));
  const parts = {
    facets: h('div.facets', {}), chosen: h('div.chosen', {}), rows: h('ol.rows', { 'aria-label': 'terms' }), more: h('div.more', {}),
    total: h('span.total', { role: 'status' }), bulk: h('div.bulk', { hidden: true }), card: h('aside.card', { 'aria-label': 'the term' }),
  };
  list.parts = parts;
  fill(view, h('div.termpage', {},
    h('details.facetbox', { open: matchMedia('(min-width: 1000px)').matches }, h('summary', {}, 'Choose'), parts.facets),
    h('div.middle', {}, h('div.bar-top', {}, h('h1.hidden', {}, 'Terms'), search, sort, parts.total), parts.chosen, parts.bulk, parts.rows, parts.more),
    parts.card));
  list.rows = []; list.current = 0; list.marked.clear();
  new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting)) loadMore(); }, { rootMargin: '600px' }).observe(parts.more);
  return reload();
}

function change(name, value) {
  if (value && !(name === 'sort' && value === 'rank')) list.query.set(name, value); else list.query.delete(name);
  history.replaceState(null, '', '#/terms' + (list.query.size ? '?' + list.query : ''));
  return reload();
}

function toggle(name, value) {
  const others = list.query.getAll(name).filter((v) => v !== value);
  const was = others.length < list.query.getAll(name).length;
  list.query.delete(name);
  others.forEach((v) => list.query.append(name, v));
  if (!was) list.query.append(name, value);
  return change('', '');
}

async function reload() {
  const turn = ++list.asked;
  const query = new URLSearchParams(list.query);
  query.set('limit', PAGE_OF_TERMS);
  const page = await app.source.terms(query);
  if (turn !== list.asked) return;
  Object.assign(list, { rows: page.rows, total: page.total, current: 0 });
  fill(list.parts.rows, page.rows.map(line));
  drawAround();
  fill(list.parts.card, page.rows.length ? null : h('p.hint', {}, 'No term fits.'));
  openCard(0);
  // Counting takes longer than searching: it waits until nobody types.
  await new Promise((done) => setTimeout(done, app.source.isLive ? 180 : 0));
  if (turn !== list.asked) return;
  const facets = await app.source.facets(list.query);
  if (turn === list.asked) drawFacets(facets);
}

async function loadMore() {
  if (list.loading || list.rows.length >= list.total) return;
  list.loading = true;
  const turn = list.asked;
  const query = new URLSearchParams(list.query);
  query.set('limit', PAGE_OF_TERMS);
  query.set('offset', list.rows.length);
  const page = await app.source.terms(query).finally(() => { list.loading = false; });
  if (turn !== list.asked) return;
  const from = list.rows.length;
  list.rows.push(...page.rows);
  put(list.parts.rows, page.rows.map((row, n) => line(row, from + n)));
  drawAround();
}

function drawAround() {
  const { parts } = list;
  parts.total.textContent = plural(list.total, 'term', 'terms');
  const left = list.total - list.rows.length;
  fill(parts.more, left > 0 ? h('button', { type: 'button', onclick: loadMore }, `Show ${Math.min(left, PAGE_OF_TERMS)} more of ${number(left)}`) : null);
  const named = [...list.query].filter(([name]) => FACET_NAMES[name]);
  fill(parts.chosen, named.map(([name, value]) => h('button.chip', { type: 'button', title: 'take back', onclick: () => toggle(name, value) }, valueName(name, value), ' ×')),
    named.length > 1 ? h('button.quiet', { type: 'button', onclick: () => { named.forEach(([name]) => list.query.delete(name)); change('', ''); } }, 'all terms') : null);
  drawBulk();
}

function valueName(facet, value) {
  if (facet === 'only') return ONLY_NAMES[value] || value;
  if (facet === 'book') { const book = list.books.get(Number(value)); return book ? bookName(book) : 'book ' + value; }
  return value.replace(/^blocklist:/, '').replace(/^classification:/, '');
}

function drawFacets(facets) {
  const groups = Object.keys(FACET_NAMES).filter((name) => facets.values[name] && facets.values[name].length);
  fill(list.parts.facets, groups.map((name) => {
    const values = facets.values[name];
    const most = Math.max(...values.map((v) => v.terms));
    const chosen = list.query.getAll(name);
    const item = (v) => h('li', {}, h('button.facet', { type: 'button', 'aria-pressed': String(chosen.includes(v.value)), onclick: () => toggle(name, v.value) },
      h('span.value', {}, name === 'book' ? h('i.spine.' + hue(Number(v.value)), {}) : null, valueName(name, v.value)), h('span.n', {}, number(v.terms)), bar(v.terms / most)));
    const rest = values.slice(7).map(item);
    return h('section.group', {}, h('h2', {}, FACET_NAMES[name]), h('ul', {}, values.slice(0, 7).map(item)),
      rest.length ? h('details', {}, h('summary', {}, `${rest.length} more`), h('ul', {}, rest)) : null);
  }), facets.of < list.total ? h('p.hint', {}, `Counted among the best ${number(facets.of)}.`) : null);
}

function line(row, n) {
  const decision = app.decided.get(row.canonical);
  const mark = app.source.isLive ? h('input.mark', { type: 'checkbox', 'aria-label': 'mark ' + row.text, checked: list.marked.has(row.canonical), onclick: (event) => { event.stopPropagation(); markTo(n, event); } }) : null;
  const name = h('a.name', { href: '#/term/' + row.id, onclick: (event) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); openCard(n, true, true); } } }, row.text);
  const spines = (row.books || []).slice(0, 8).map((book) => h('i.spine.' + hue(book), { title: list.books.get(book) ? bookName(list.books.get(book)) : '' }));
  return h('li.row', { 'data-id': row.id, class: decision ? 'row decided ' + decision.action : 'row', onclick: (event) => { if (!event.target.closest('a,input')) openCard(n, true, true); } }, mark,
    h('div.words', {}, h('div.head', {}, name, row.category || row.kind ? h('span.tag', {}, row.category || row.kind) : null, row.conflicts ? h('span.tag.warn', {}, 'in dispute') : null, row.flag ? h('span.tag.warn', {}, valueName('flag', row.flag)) : null,
      decision ? h('span.tag.decision', {}, decisionWords(decision)) : null), row.definition ? h('div.definition', {}, row.definition) : null),
    h('div.side', {}, row.axes ? sparkline(row.axes) : null, h('span.spines', { role: 'img', 'aria-label': plural(row.documents, 'book', 'books') }, spines, row.documents > 8 ? '+' + (row.documents - 8) : null), h('span.n', { title: 'occurrences' }, number(row.occurrences))));
}

function redraw(n) {
  const old = list.parts && list.parts.rows.children[n];
  if (!old) return;
  const fresh = line(list.rows[n], n);
  if (n === list.current) setCurrent(fresh);
  old.replaceWith(fresh);
}

function setCurrent(element) {
  element.classList.add('current');
  element.setAttribute('aria-current', 'true');
}

// Makes a term the current one. Its card stands beside the list where there is room; where there is none, only who chose it goes to its page.
async function openCard(n, scroll, goes) {
  const row = list.rows[n];
  if (!row) return;
  const { rows, card } = list.parts;
  const old = rows.querySelector('.current');
  if (old) { old.classList.remove('current'); old.removeAttribute('aria-current'); }
  list.current = n;
  setCurrent(rows.children[n]);
  if (scroll) rows.children[n].scrollIntoView({ block: 'nearest' });
  if (!matchMedia('(min-width: 1000px)').matches) { if (goes) location.hash = '#/term/' + row.id; return; }
  const turn = list.carded = (list.carded || 0) + 1;
  const term = await app.source.term(row.id);
  if (turn === list.carded) { fill(card, termCard(term)); card.scrollTop = 0; }
}

function move(by) {
  const next = Math.max(0, Math.min(list.rows.length - 1, list.current + by));
  if (next > list.rows.length - 5) loadMore();
  return openCard(next, true);
}

function markTo(n, event) {
  const from = event && event.shiftKey && list.lastMark !== undefined ? list.lastMark : n;
  const on = !list.marked.has(list.rows[n].canonical);
  for (let k = Math.min(from, n); k <= Math.max(from, n); k++) { if (on) list.marked.add(list.rows[k].canonical); else list.marked.delete(list.rows[k].canonical); }
  list.lastMark = n;
  for (let k = Math.min(from, n); k <= Math.max(from, n); k++) { const box = list.parts.rows.children[k].querySelector('.mark'); if (box) box.checked = list.marked.has(list.rows[k].canonical); }
  drawBulk();
}
