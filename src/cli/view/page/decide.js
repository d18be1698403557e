// Decisions: made on one term or on many, listed, undone. A report shows them and makes none.

const ACTIONS = [['keep', 'o', 'Keep'], ['drop', 'x', 'Drop'], ['rename', 'r', 'Rename'], ['merge', 'm', 'Merge into'], ['split', 's', 'Split off'], ['retype', 't', 'Retype'], ['note', 'n', 'Note']];

function decisionWords(d) {
  const words = [];
  if (d.action === 'keep') words.push('kept');
  if (d.action === 'drop') words.push('dropped');
  if (d.action === 'rename') words.push('renamed to “' + d.to + '”');
  if (d.action === 'merge') words.push('merged into “' + d.to + '”');
  for (const [spelling, name] of d.split || []) words.push('“' + spelling + '” split off' + (name ? ' as “' + name + '”' : ''));
  if (typeof d.kind === 'string') words.push('kind: ' + (d.kind || 'none'));
  if (typeof d.category === 'string') words.push('category: ' + (d.category || 'none'));
  if (d.note) words.push('note: ' + d.note);
  return words.join('; ');
}

// By comparison form. A term that a decision renamed has its new one once the master is made anew.
function decidedBy(decisions) {
  const known = new Map(decisions.map((d) => [d.canonical, d]));
  for (const d of decisions) if (d.action === 'rename' && !known.has(d.form)) known.set(d.form, d);
  return known;
}

async function loadDecisions() {
  const { list: decisions } = await app.source.decisions();
  app.decisions = decisions;
  app.decided = decidedBy(decisions);
}

// Terms that an action is about: those that are marked, or else the one that is open.
function chosenTerms() {
  if (list.parts && list.parts.rows.isConnected) {
    const marked = list.rows.filter((row) => list.marked.has(row.canonical));
    if (marked.length) return marked;
    return list.rows[list.current] ? [list.rows[list.current]] : [];
  }
  return app.term && location.hash.startsWith('#/term/') ? [app.term] : [];
}

function decideBar(term) {
  return h('div.actions', { role: 'group', 'aria-label': 'decide on ' + term.text }, ACTIONS.map(([action, key, words]) => h('button', { type: 'button', title: 'key ' + key, onclick: () => act(action, [term]) }, words)),
    h('button.quiet', { type: 'button', title: 'key u', onclick: undo }, 'Undo'));
}

function drawBulk() {
  const { bulk } = list.parts;
  const marked = chosenTerms().filter((row) => list.marked.has(row.canonical));
  bulk.hidden = !marked.length;
  if (!marked.length) return;
  fill(bulk, h('b', {}, plural(marked.length, 'term', 'terms') + ' marked'), ['keep', 'drop', 'merge', 'retype'].map((action) => h('button', { type: 'button', onclick: () => act(action) }, ACTIONS.find(([name]) => name === action)[2])),
    h('button.quiet', { type: 'button', onclick: () => { list.marked.clear(); list.rows.forEach((_, n) => redraw(n)); drawBulk(); } }, 'none'));
}

async function act(action, on) {
  if (!app.source.decide) { say('A report is read-only; “corpora view” decides.'); return; }
  const terms = on || chosenTerms();
  if (!terms.length) return;
  const lines = (more) => terms.map((term) => ({ term: term.canonical, text: term.text, do: action, ...more }));
  const first = terms[0];
  if (action === 'keep' || action === 'drop') return send(lines({}));
  if (action === 'note') return ask('A note on ' + first.text, [['note', 'Note', (app.decided.get(first.canonical) || {}).note || '']], ({ note }) => send(lines({ note })));
  if (action === 'rename') return ask('Rename ' + first.text, [['to', 'New name', first.text]], ({ to }) => send([{ term: first.canonical, text: first.text, do: 'rename', to }]));
  if (action === 'retype') {
    const known = (facet) => [...new Set(list.rows.map((row) => row[facet]).filter(Boolean))].sort(collator.compare);
    const field = first.category || !first.kind ? 'category' : 'kind';
    return ask('Retype ' + (terms.length > 1 ? plural(terms.length, 'term', 'terms') : first.text), [[field, field === 'kind' ? 'Kind' : 'Category', first[field] || '', known(field)]], (given) => send(lines(given)));
  }
  if (action === 'split') {
    const forms = (first.variants || (await app.source.term(first.id)).variants).map((v) => v[0]);
    return ask('Split a spelling off ' + first.text, [['spelling', 'Spelling that means another term', forms[forms.length - 1] || '', forms], ['to', 'Name of that term (empty: as it is spelt)', '']], ({ spelling, to }) => send([{ term: first.canonical, text: first.text, do: 'split', spelling, ...(to.trim() ? { to: to.trim() } : {}) }]));
  }
  // Merging many: into the first of them; one: into a term that is searched.
  if (terms.length > 1) {
    return ask('Merge ' + plural(terms.length, 'term', 'terms'), [['into', 'Into', first.text, terms.map((term) => term.text)]], ({ into }) => {
      const target = terms.find((term) => term.text === into) || first;
      return send(terms.filter((term) => term !== target).map((term) => ({ term: term.canonical, text: term.text, do: 'merge', into: target.canonical })));
    });
  }
  return ask('Merge ' + first.text + ' into', [['into', 'Term', '', [], true]], async ({ into }) => {
    const found = await app.source.terms(new URLSearchParams({ q: into, limit: '5' }));
    const target = found.rows.find((row) => folded(row.text) === folded(into.trim())) || found.rows.find((row) => row.canonical !== first.canonical);
    if (!target || target.canonical === first.canonical) throw new Error('no other term is called “' + into + '”');
    return send([{ term: first.canonical, text: first.text, do: 'merge', into: target.canonical }]);
  });
}

async function send(decisions) {
  try {
    await app.source.decide(decisions);
    say(plural(decisions.length, 'decision', 'decisions') + ' written');
  } catch (error) { say('Not written: ' + error.message); return; }
  list.marked.clear();
  await afterDeciding();
  if (list.parts && list.parts.rows.isConnected && decisions.length === 1 && decisions[0].do !== 'note') await move(1);
}

async function undo() {
  if (!app.source.undo) return;
  try {
    const { undone } = await app.source.undo();
    say(undone.length ? 'Undone: ' + undone.join('; ') : 'There is nothing to undo');
  } catch (error) { say('Not undone: ' + error.message); return; }
  await afterDeciding();
}

async function afterDeciding() {
  await loadDecisions();
  if (list.parts && list.parts.rows.isConnected) { list.rows.forEach((_, n) => redraw(n)); drawBulk(); if (matchMedia('(min-width: 1000px)').matches) await openCard(list.current); }
  else await route();
}

// A question with a few fields; `done` may refuse by an error, whose words are shown.
function ask(title, fields, done) {
  const dialog = document.getElementById('dialog');
  const inputs = fields.map(([name, words, value, options, searches]) => {
    const known = options && options.length ? h('datalist', { id: 'known-' + name }, options.slice(0, 200).map((option) => h('option', { value: option }))) : searches ? h('datalist', { id: 'known-' + name }) : null;
    const input = h('input', { type: 'text', id: 'field-' + name, value, list: known ? 'known-' + name : null, autocomplete: 'off' });
    if (searches) input.addEventListener('input', async () => { const found = await app.source.terms(new URLSearchParams({ q: input.value, limit: '8' })); fill(known, found.rows.map((row) => h('option', { value: row.text }))); });
    return { name, input, row: h('p.field', {}, h('label', { for: 'field-' + name }, words), input, known) };
  });
  const error = h('p.notice', { role: 'alert', hidden: true });
  const finish = async () => {
    try { await done(Object.fromEntries(inputs.map(({ name, input }) => [name, input.value]))); dialog.close(); } catch (reason) { error.hidden = false; fill(error, reason.message); }
  };
  fill(dialog, h('h2', {}, title), inputs.map(({ row }) => row), error, h('p.buttons', {}, h('button.main', { type: 'button', onclick: finish }, 'Decide'), h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel')));
  dialog.onkeydown = (event) => { if (event.key === 'Enter' && event.target.tagName === 'INPUT') { event.preventDefault(); finish(); } };
  dialog.showModal();
  inputs[0].input.focus();
  inputs[0].input.select();
}

function showDecide(view) {
  const kinds = new Map();
  for (const d of app.decisions) kinds.set(d.action || 'other', (kinds.get(d.action || 'other') || 0) + 1);
  fill(view, h('article.single', {}, h('h1', {}, 'Decisions'),
    h('p', {}, app.decisions.length ? [...kinds].map(([action, n]) => `${number(n)} ${action}`).join(', ') + '.' : 'Nothing is decided yet.', app.source.isLive ? [' Open ', h('a', { href: '#/terms?only=open' }, 'terms without a decision'), ', flagged ones ', h('a', { href: '#/terms?only=flagged' }, 'first'), ', or those that ', h('a', { href: '#/terms?only=conflict' }, 'books dispute'), '.'] : null),
    app.source.isLive ? [h('p.hint', {}, 'They stand in decisions.jsonl beside the master, a line each, and count when the master is made anew:'), command('corpora consolidate ' + app.shelf.folder), h('p', {}, h('button', { type: 'button', onclick: undo }, 'Undo the last'))] : null,
    h('table.books', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Term'), h('th', { scope: 'col' }, 'Decision'))), h('tbody', {}, app.decisions.slice(0, 1000).map((d) => h('tr', {}, h('th', { scope: 'row' }, d.id && app.source.has(d.id) ? h('a', { href: '#/term/' + d.id }, d.text) : d.text), h('td', {}, decisionWords(d)))))),
    app.decisions.length > 1000 ? h('p.hint', {}, 'The first 1,000 of ' + number(app.decisions.length) + '.') : null));
}
