// Charts, drawn as SVG. Each has a name for those who do not see it, and its numbers stand in words beside it or in titles.

// The axes of a term as a radar.
function radar(axes) {
  const names = Object.keys(axes);
  const size = 260, middle = size / 2, most = 78;
  const at = (n, r) => {
    const angle = (n / names.length) * 2 * Math.PI - Math.PI / 2;
    return [(middle + Math.cos(angle) * r).toFixed(1), (middle + Math.sin(angle) * r).toFixed(1)];
  };
  const ring = (r) => s('polygon', { class: 'grid', points: names.map((_, n) => at(n, r).join(',')).join(' ') });
  const told = names.map((name) => name + ' ' + axes[name].toFixed(2)).join(', ');
  const labels = names.map((name, n) => {
    const [x, y] = at(n, most + 12);
    const anchor = Math.abs(x - middle) < 8 ? 'middle' : x > middle ? 'start' : 'end';
    return s('text', { x, y: Number(y) + 3, 'text-anchor': anchor }, name);
  });
  return s('svg', { class: 'radar', viewBox: `-40 0 ${size + 80} ${size}`, role: 'img', 'aria-label': 'axes: ' + told },
    [0.25, 0.5, 0.75, 1].map((part) => ring(part * most)),
    s('polygon', { class: 'value', points: names.map((name, n) => at(n, axes[name] * most).join(',')).join(' ') }), labels);
}

// The same on a line of the list: one bar an axis.
function sparkline(axes) {
  const values = Object.values(axes);
  return s('svg', { class: 'spark', viewBox: `0 0 ${values.length * 4} 16`, 'aria-hidden': 'true' },
    values.map((v, n) => s('rect', { x: n * 4, y: 16 - Math.max(v, 0.03) * 16, width: 3, height: Math.max(v, 0.03) * 16 })));
}

// A book as a barcode: a column a page, its height by the terms that stand there first; grey where nothing could be read.
function barcode(book, open) {
  const pages = Math.max(book.sections, 1);
  const columns = Math.min(pages, 600);
  const per = pages / columns;
  const terms = new Array(columns).fill(0), unread = new Array(columns).fill(null), page = new Array(columns).fill(0);
  const column = (section) => Math.min(columns - 1, Math.floor((section - 1) / per));
  for (let n = 0; n < columns; n++) page[n] = Math.floor(n * per) + 1;
  for (const [section, count] of book.first) terms[column(section)] += count;
  for (const [section, reason] of book.unread) unread[column(section)] = section + ': ' + reason;
  const most = Math.max(...terms, 1);
  const height = 72;
  const bars = terms.map((count, n) => {
    const tall = unread[n] ? height : count ? 6 + (height - 6) * Math.sqrt(count / most) : 1.5;
    const bar = s('rect', { class: unread[n] ? 'unread' : 'term', x: n, y: height - tall, width: 0.82, height: tall },
      s('title', {}, book.section_kind + ' ' + page[n] + ': ' + (unread[n] ? 'not read, ' + unread[n] : plural(count, 'new term', 'new terms'))));
    if (open && book.has_text) bar.addEventListener('click', () => open(page[n]));
    return bar;
  });
  const told = `${plural(pages, book.section_kind, book.section_kind + 's')}; terms stand first on ${book.first.length} of them; ${book.unread.length} could not be read`;
  return s('svg', { class: 'barcode', viewBox: `0 0 ${columns} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': told }, bars);
}

// Shared terms of each two books as a heat map.
function heat(spread, books) {
  const title = (n) => { const book = books.get(n); return book ? book.title || book.path : 'book ' + n; };
  const cells = [];
  const size = spread.books.length;
  spread.shared.forEach((row, y) => row.forEach((count, x) => {
    if (x === y) return;
    const smaller = Math.min(spread.shared[x][x], spread.shared[y][y]) || 1;
    const part = count / smaller;
    cells.push(s('rect', { class: 'cell', x: x * 10, y: y * 10, width: 9.4, height: 9.4, rx: 1.5, 'fill-opacity': (0.05 + 0.95 * Math.sqrt(part)).toFixed(3) },
      s('title', {}, `${title(spread.books[y])} and ${title(spread.books[x])}: ${plural(count, 'shared term', 'shared terms')}`)));
  }));
  for (let n = 0; n < size; n++) cells.push(s('rect', { class: 'self', x: n * 10, y: n * 10, width: 9.4, height: 9.4, rx: 1.5 }, s('title', {}, title(spread.books[n]))));
  return s('svg', { class: 'heat', viewBox: `0 0 ${size * 10} ${size * 10}`, role: 'img', 'aria-label': 'terms that books share; the table beside it says the same' }, cells);
}

// How cost grew, against the cap; of a server without a price, how answers did. A point is the time since the first, responses, dollars.
function curve(points, cap) {
  const [time, responses, cost] = points[points.length - 1];
  const column = cost > 0 ? 2 : 1;
  const width = 640, height = 160;
  const limit = column === 2 && cap && cap <= cost * 4 ? cap : 0;
  const top = Math.max(points[points.length - 1][column], limit) * 1.04;
  const x = (ms) => ((ms / (time || 1)) * width).toFixed(1);
  const y = (value) => (height - (value / top) * height).toFixed(1);
  const steps = points.map((point, n) => (n ? `H${x(point[0])}` : `M0 ${height}`) + `V${y(point[column])}`).join('');
  const whole = `${column === 2 ? dollars(cost) + ' for ' : ''}${plural(responses, 'response', 'responses')} in ${span(time)}`;
  const told = whole + (limit ? `; the cap is ${dollars(cap)}` : '');
  return h('figure.curve', {}, s('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': told },
    s('path', { class: 'area', d: steps + `V${height}Z` }), s('path', { class: 'line', d: steps }),
    limit ? s('line', { class: 'cap', x1: 0, x2: width, y1: y(cap), y2: y(cap) }) : null), h('figcaption', {}, told));
}

// A bar behind words.
function bar(part) {
  const meter = s('svg', { class: 'bar', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    s('rect', { class: 'whole', x: 0, y: 0, width: 100, height: 4 }), s('rect', { class: 'part', x: 0, y: 0, width: Math.max(part * 100, part > 0 ? 1 : 0), height: 4 }));
  return meter;
}
