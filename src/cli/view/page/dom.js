// Making elements. Text from books, names and models becomes text nodes and nothing else; what would act on a screen is made visible.

const SVG = 'http://www.w3.org/2000/svg';

// Control characters, ends of lines and paragraphs, marks of direction, tags: as the program's own screens show them.
const ACTS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef]|\udb40[\udc00-\udc7f]/g;

function shown(text) {
  return String(text).replace(ACTS, (c) => '\\u{' + c.codePointAt(0).toString(16) + '}');
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(shown(child)));
  }
  return element;
}

// `h('a.name.big', {href: '#x', onclick: f}, 'text', other)`: properties that are functions listen, all others are attributes.
function h(kind, properties, ...children) {
  const [tag, ...classes] = kind.split('.');
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : shown(value));
  }
  return put(element, children);
}

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, shown(value));
  return put(element, children);
}

function fill(element, ...children) {
  element.replaceChildren();
  return put(element, children);
}

function number(n) {
  return new Intl.NumberFormat('en').format(n);
}

function plural(n, one, many) {
  return number(n) + ' ' + (n === 1 ? one : many);
}

function dollars(n) {
  if (n === null || n === undefined) return 'unknown';
  return '$' + n.toFixed(n !== 0 && Math.abs(n) < 1 ? 4 : 2);
}

function span(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return Math.round(milliseconds) + ' ms';
  if (seconds < 90) return seconds.toFixed(seconds < 10 ? 1 : 0) + ' s';
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? minutes + ' min' : Math.floor(minutes / 60) + ' h ' + (minutes % 60) + ' min';
}

// A colour for a book, equal each time: its number round the circle of hues. The lightness is that of the theme.
function hue(n) {
  return 'hue-' + (n * 5) % 12;
}

function copyButton(text) {
  const button = h('button.quiet', { type: 'button', onclick: () => {
    navigator.clipboard.writeText(text).then(() => { button.textContent = 'copied'; }, () => { button.textContent = 'copy by hand'; });
  } }, 'copy');
  return button;
}

function command(text, what) {
  return h('div.command', {}, h('code', {}, text), copyButton(text), what ? h('span.hint', {}, what) : null);
}

function say(words) {
  document.getElementById('said').textContent = shown(words);
}
