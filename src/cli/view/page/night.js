// Money and night: how the run stands or stood, what each stage has done, what it cost, what failed and what to type.

const RUN_WORDS = { running: 'A run is at work', ended: 'The newest run has ended', broken: 'An error broke the newest run off', killed: 'The newest run ended without a word: it was killed, or the machine went down', unknown: 'Nothing is known of a run' };
const OUTCOMES = { complete: 'all done', partial: 'partly done', all_failed: 'every document failed', no_documents: 'no documents were found', interrupted: 'interrupted', detached: 'left at the provider' };

async function showNight(view) {
  const night = await app.source.night();
  if (!view.isConnected || !location.hash.startsWith('#/night')) return;
  if (!night) { fill(view, h('article.single', {}, h('h1', {}, 'Night'), h('p', {}, 'This folder has no store: nothing is known of its runs.'))); return; }
  const rate = answersAMinute(night);
  const stages = night.stages.map((stage) => {
    const all = stage.done + stage.waiting + stage.failed || 1;
    return h('tr', {}, h('th', { scope: 'row' }, stage.stage), h('td.bars', {}, s('svg', { class: 'band', viewBox: '0 0 100 6', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${stage.done} done, ${stage.failed} failed, ${stage.waiting} waiting` },
      s('rect', { class: 'whole', x: 0, y: 0, width: 100, height: 6 }), s('rect', { class: 'done', x: 0, y: 0, width: (stage.done / all) * 100, height: 6 }), s('rect', { class: 'failed', x: (stage.done / all) * 100, y: 0, width: (stage.failed / all) * 100, height: 6 }))),
      h('td.n', {}, number(stage.done) + ' done'), h('td.n', {}, stage.failed ? number(stage.failed) + ' failed' : ''), h('td.n', {}, stage.waiting ? number(stage.waiting) + ' waiting' : ''), h('td.n.wide', {}, stage.millis ? span(stage.millis) : ''));
  });
  const run = night.run || { state: 'unknown' };
  fill(view, h('article.single', {}, h('h1', {}, 'Money and night'),
    h('p.runstate.' + run.state, {}, h('b', {}, RUN_WORDS[run.state] || run.state), run.outcome ? ': ' + (OUTCOMES[run.outcome] || run.outcome) : '', run.holder ? ': ' + run.holder : '', '. ', run.stopped || run.error || '', run.at ? h('span.hint', {}, ' ' + run.at) : null),
    night.steps.length ? h('section', {}, h('h2', {}, 'What to do'), night.steps.map((step) => step.command ? command(step.command, step.what) : h('p', {}, step.what))) : null,
    h('div.tiles', {}, tile(dollars(night.dollars), 'for ' + plural(night.answers, 'answer', 'answers')), night.lost ? tile(dollars(night.lost), 'more at most, for requests that broke off') : null, night.open ? tile(dollars(night.open), 'more at most, at the provider') : null,
      night.cap ? tile(dollars(night.cap), 'is the cap') : null, rate ? tile(rate, 'answers a minute') : null),
    (night.spending || []).length > 1 ? h('section', {}, h('h2', {}, 'How it grew'), curve(night.spending, night.cap)) : null,
    stages.length ? h('section', {}, h('h2', {}, 'Stages'), h('table.stages', {}, h('tbody', {}, stages))) : null,
    night.models.length ? h('section', {}, h('h2', {}, 'By model'), moneyTable(night.models, 'Model')) : null,
    night.documents.length ? h('section', {}, h('h2', {}, 'By book'), moneyTable(night.documents, 'Book')) : null,
    night.failures.length ? h('section', {}, h('h2', {}, 'Failed'), h('table.books', {}, h('tbody', {}, night.failures.map((f) => h('tr', {}, h('th', { scope: 'row' }, f.path), h('td', {}, f.stage), h('td', {}, h('b', {}, f.kind), ' ', f.message)))))) : null,
    night.partial.length ? h('section', {}, h('h2', {}, 'Kept without some pages'), h('table.books', {}, h('tbody', {}, night.partial.map((p) => h('tr', {}, h('th', { scope: 'row' }, p.path), h('td', {}, p.notes)))))) : null,
    night.changes.length ? h('section', {}, h('h2', {}, 'Models that changed under one name'), h('ul', {}, night.changes.map((c) => h('li', {}, `${c.model}: ${c.before}, then ${c.since}`)))) : null));
}

function moneyTable(rows, first) {
  const most = Math.max(...rows.map((row) => row.dollars || 0), 0.0000001);
  return h('table.books', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, first), h('th.n', { scope: 'col' }, 'Answers'), h('th.n.wide', { scope: 'col' }, 'Tokens in'), h('th.n.wide', { scope: 'col' }, 'Tokens out'), h('th.n', { scope: 'col' }, 'Cost'), h('td.wide', {}))),
    h('tbody', {}, rows.map((row) => h('tr', {}, h('th', { scope: 'row' }, row.name), h('td.n', {}, number(row.answers)), h('td.n.wide', {}, number(row.input)), h('td.n.wide', {}, number(row.output)), h('td.n', {}, dollars(row.dollars)), h('td.bars.wide', {}, bar((row.dollars || 0) / most))))));
}

// From two looks at a run that is at work.
function answersAMinute(night) {
  const now = performance.now();
  const before = app.lastNight;
  app.lastNight = { answers: night.answers, at: now };
  if (!before || !night.run || night.run.state !== 'running' || night.answers <= before.answers) return null;
  return number(Math.round(((night.answers - before.answers) / (now - before.at)) * 60000));
}
