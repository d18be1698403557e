// Where the page has its data from: a report holds all of it, a served page asks for it bit by bit. Both give the same shapes.

const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

function folded(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function wordsOf(text) {
  return folded(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

function embedded(data) {
  const byId = new Map(data.terms.map((term) => [term.id, term]));
  // Terms by the sentences that they stand in: who shares most of them is a neighbour.
  const met = new Map();
  const meet = (sentence, term) => { if (!met.has(sentence)) met.set(sentence, new Set()); met.get(sentence).add(term); };
  const neighbours = (term) => {
    const shared = new Map();
    for (const sentence of new Set(term.statements.flatMap((st) => st.passages.map((p) => p.sentence)))) {
      for (const other of met.get(sentence)) if (other !== term) shared.set(other, (shared.get(other) || 0) + 1);
    }
    return [...shared].sort((a, b) => b[1] - a[1] || a[0].rank - b[0].rank).slice(0, 12).map(([other, count]) => [other.id, other.text, count]);
  };
  for (const term of data.terms) {
    for (const n of ['conflicts', 'occurrences', 'documents', 'score']) term[n] = term[n] || 0;
    term.books = term.books || [];
    for (const list of ['variants', 'aliases', 'renamed_from', 'intents', 'tags', 'sides', 'statements']) term[list] = term[list] || [];
    if (!term.variants.length) term.variants = [[term.text, term.documents]];
    for (const statement of term.statements) {
      const labels = data.labels[statement.book] || {};
      statement.text = statement.text || term.text;
      if (statement.definition === true) statement.definition = term.meaning;
      statement.passages = (statement.passages || []).map(([section, sentence, at, length]) => {
        meet(sentence, term);
        return { section, sentence, at, length, label: labels[section] };
      });
    }
    term.definition = term.meaning;
    term.names = [term.text, ...term.variants.map((v) => v[0]), ...term.aliases, ...term.renamed_from].flatMap(wordsOf);
  }
  const decided = decidedBy(data.more.decisions || []);
  const has = {
    defined: (t) => Boolean(t.meaning),
    undefined: (t) => !t.meaning,
    shared: (t) => t.documents > 1,
    conflict: (t) => t.conflicts > 0,
    flagged: (t) => Boolean(t.flag),
    decided: (t) => decided.has(t.canonical),
    open: (t) => !decided.has(t.canonical),
  };
  const fits = (term, words, pairs) => {
    for (const [name, value] of pairs) {
      if (name === 'book') { if (!term.statements.some((st) => String(st.book) === value)) return false; }
      else if (name === 'only') { if (has[value] && !has[value](term)) return false; }
      else if (term[name] !== value) return false;
    }
    if (!words.length) return true;
    term.meant = term.meant || wordsOf(term.meaning || '');
    const last = words.length - 1;
    return words.every((w, n) => [term.names, term.meant].some((known) => known.some((k) => n === last ? k.startsWith(w) : k === w)));
  };
  const FACETS = ['category', 'kind', 'mood', 'intent', 'energy', 'flag'];
  const chosen = (query) => {
    const words = wordsOf(query.get('q') || '');
    const pairs = [...query].filter(([name]) => FACETS.includes(name) || name === 'book' || name === 'only');
    const found = data.terms.filter((term) => fits(term, words, pairs));
    const sort = query.get('sort');
    if (sort === 'name') found.sort((a, b) => collator.compare(a.text, b.text));
    else if (sort === 'occurrences') found.sort((a, b) => b.occurrences - a.occurrences || a.rank - b.rank);
    else if (sort === 'books') found.sort((a, b) => b.documents - a.documents || a.rank - b.rank);
    else if (words.length) {
      const typed = folded(query.get('q')).trim();
      const tier = (t) => folded(t.text) === typed ? 0 : words.every((w) => t.names.some((k) => k.startsWith(w))) ? 1 : 2;
      found.sort((a, b) => tier(a) - tier(b) || a.rank - b.rank);
    }
    return found;
  };
  return {
    isLive: false,
    shelf: async () => data.shelf,
    terms: async (query) => {
      const found = chosen(query);
      const from = Number(query.get('offset') || 0);
      return { total: found.length, rows: found.slice(from, from + Number(query.get('limit') || 100)) };
    },
    facets: async (query) => {
      const found = chosen(query);
      const values = {};
      const count = (facet, value) => {
        if (value === undefined || value === null) return;
        values[facet] = values[facet] || new Map();
        values[facet].set(value, (values[facet].get(value) || 0) + 1);
      };
      for (const term of found) {
        for (const facet of FACETS) count(facet, term[facet]);
        for (const name of ['defined', 'shared', 'conflict', 'decided', 'open']) if (has[name](term)) count('only', name);
        for (const book of new Set(term.statements.map((st) => st.book))) count('book', String(book));
      }
      const listed = (map) => [...map].map(([value, terms]) => ({ value, terms })).sort((a, b) => b.terms - a.terms || collator.compare(a.value, b.value)).slice(0, 40);
      return { of: found.length, values: Object.fromEntries(Object.entries(values).map(([facet, map]) => [facet, listed(map)])) };
    },
    term: async (id) => {
      const term = byId.get(id);
      if (!term) throw new Error('this term is not in the report');
      return { ...term, neighbours: neighbours(term), sentences: data.sentences };
    },
    has: (id) => byId.has(id),
    book: async (n) => data.books.find((book) => book.n === n),
    night: async () => data.more.night || null,
    decisions: async () => ({ list: data.more.decisions || [] }),
  };
}

function served(token) {
  const ask = async (path, body) => {
    const answer = await fetch('api/' + path, {
      method: body ? 'POST' : 'GET',
      headers: { 'X-Corpora-Token': token, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer',
    });
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.error || 'it was refused');
    return value;
  };
  return {
    isLive: true,
    shelf: () => ask('shelf'),
    terms: (query) => ask('terms?' + query),
    facets: (query) => ask('facets?' + query),
    term: (id) => ask('term?id=' + encodeURIComponent(id)),
    has: () => true,
    book: (n) => ask('book?n=' + n),
    night: () => ask('night'),
    page: (book, section, id) => ask('page?book=' + book + '&section=' + section + '&id=' + encodeURIComponent(id || '')),
    picture: (book, section, id) => ask('picture?book=' + book + '&section=' + section + '&id=' + encodeURIComponent(id || '')),
    decisions: () => ask('decisions'),
    decide: (list) => ask('decide', { decisions: list }),
    undo: () => ask('undo', {}),
  };
}

// The token stands behind the '#' of the address, which no browser sends anywhere. It is kept for this tab alone, and taken out of the
// address, where it could be read over a shoulder or copied with it. A ticket is good for one token.
async function tokenOf() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = 'corpora-token';
  if (given.has('token') || given.has('ticket')) history.replaceState(null, '', '#/shelf');
  if (given.has('token')) sessionStorage.setItem(key, given.get('token'));
  if (given.has('ticket')) {
    const answer = await fetch('api/enter', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ticket: given.get('ticket') }), credentials: 'omit',
    });
    if (answer.ok) sessionStorage.setItem(key, (await answer.json()).token);
  }
  return sessionStorage.getItem(key);
}
