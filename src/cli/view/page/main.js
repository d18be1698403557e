// The way in: which source, which view, which keys.

const app = { source: null, shelf: null, books: new Map(), decided: new Map(), decisions: [], term: null };

async function loadShelf() {
  app.shelf = await app.source.shelf();
  app.books = new Map(app.shelf.books.map((book) => [book.n, book]));
  document.title = app.shelf.folder + ' · corpora';
}

async function route() {
  const [, name, rest] = /^#\/(\w*)[/?]?(.*)$/.exec(location.hash) || [null, 'shelf', ''];
  const view = document.getElementById('view');
  document.body.dataset.view = name;
  for (const link of document.querySelectorAll('nav a')) {
    const here = link.getAttribute('href').startsWith('#/' + (name === 'term' ? 'terms' : name === 'book' ? 'shelf' : name));
    if (here) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  app.term = null;
  try {
    if (name === 'terms') await showTerms(view, app.shelf, new URLSearchParams(rest));
    else if (name === 'term') await showTerm(view, decodeURIComponent(rest));
    else if (name === 'book') await showBook(view, Number(rest));
    else if (name === 'decide') showDecide(view);
    else if (name === 'night') await showNight(view);
    else showShelf(view, app.shelf);
  } catch (error) {
    fill(view, h('p.notice', { role: 'alert' }, 'This cannot be shown: ' + error.message));
  }
  if (name !== 'terms') window.scrollTo(0, 0);
}

const KEYS = [['j / k', 'next / previous term'], ['Enter', 'open its page'], ['v', 'mark it; click with Shift for many'], ['o', 'keep'], ['x', 'drop'], ['r', 'rename'], ['m', 'merge'], ['s', 'split'], ['t', 'retype'], ['n', 'note'], ['u', 'undo'], ['/', 'search; Enter goes to what was found'], ['g then s t d n', 'shelf, terms, decisions, night'], ['?', 'these keys']];

function help() {
  const dialog = document.getElementById('dialog');
  fill(dialog, h('h2', {}, 'Keys'), h('dl.keys', {}, KEYS.map(([key, words]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, words)])), h('p.buttons', {}, h('button', { type: 'button', onclick: () => dialog.close() }, 'close')));
  dialog.onkeydown = null;
  dialog.showModal();
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById('dialog').open) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== 'checkbox';
  if ((event.key === 'Escape' || event.key === 'Enter') && typing) { event.target.blur(); return; }
  if (typing) return;
  const inList = list.parts && list.parts.rows.isConnected;
  const acts = { o: 'keep', x: 'drop', r: 'rename', m: 'merge', s: 'split', t: 'retype', n: 'note' };
  const goes = { s: 'shelf', t: 'terms', d: 'decide', n: 'night' };
  if (app.going && goes[event.key]) { app.going = false; location.hash = '#/' + goes[event.key]; event.preventDefault(); return; }
  app.going = event.key === 'g';
  if (event.key === '/') { const go = () => document.getElementById('search').focus(); if (inList) go(); else { location.hash = '#/terms'; setTimeout(go, 60); } }
  else if (event.key === '?') help();
  else if (event.key === 'j' && inList) move(1);
  else if (event.key === 'k' && inList) move(-1);
  else if (event.key === 'v' && inList && app.source.isLive) markTo(list.current, event);
  else if (event.key === 'Enter' && inList && event.target === document.body) location.hash = '#/term/' + list.rows[list.current].id;
  else if (event.key === 'u') undo();
  else if (acts[event.key] && (inList || app.term)) act(acts[event.key]);
  else return;
  event.preventDefault();
}

// Looks again at what changes while a run goes on. A look that fails is tried again: the program may have ended.
async function watch() {
  try {
    const before = app.shelf.picture;
    const fresh = await app.source.shelf();
    document.body.classList.remove('lost');
    const reading = fresh.reading;
    document.getElementById('reading').textContent = reading ? shown(reading) : '';
    if (fresh.picture !== before) {
      app.shelf = fresh;
      app.books = new Map(fresh.books.map((book) => [book.n, book]));
      if (/^#\/(shelf)?$|^$/.test(location.hash) || !before) route();
    } else if (!before && /^#\/(shelf)?$|^$/.test(location.hash)) showShelf(document.getElementById('view'), fresh);
    if (location.hash.startsWith('#/night')) await showNight(document.getElementById('view'));
  } catch (error) {
    document.body.classList.add('lost');
    document.getElementById('reading').textContent = 'corpora view has ended';
  }
  setTimeout(watch, app.shelf.picture ? 3000 : 300);
}

async function begin() {
  const data = document.getElementById('data');
  try {
    if (data) app.source = embedded(JSON.parse(data.textContent));
    else {
      const token = await tokenOf();
      if (!token) throw new Error('open the address that “corpora view” printed: it holds the key to this page');
      app.source = served(token);
    }
    await loadShelf();
    await loadDecisions();
  } catch (error) {
    fill(document.getElementById('view'), h('p.notice', { role: 'alert' }, error.message));
    return;
  }
  document.body.classList.add(app.source.isLive ? 'live' : 'report');
  window.addEventListener('hashchange', route);
  document.addEventListener('keydown', keys);
  document.getElementById('help').addEventListener('click', help);
  await route();
  if (app.source.isLive) setTimeout(watch, app.shelf.picture ? 3000 : 300);
}

begin();
