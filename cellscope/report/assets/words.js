/* Numbers and names as a reader sees them: two or three digits, a real minus, no leading zero. */
'use strict';
(function (Scope) {
  const MINUS = '\u2212', DASH = '\u2013';

  Scope.short = function (value, digits = 2) {
    if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
    const size = Math.abs(value);
    let text = size >= 99.95 ? Math.round(size).toLocaleString('en-US') : size.toFixed(size >= 9.995 ? 1 : digits);
    if (text.startsWith('0.')) text = text.slice(1);
    return (value < 0 && /[1-9]/.test(text) ? MINUS : '') + text;
  };

  /* Three digits above .99, and never rounded to 1 (as verdicts.digits does). */
  Scope.score = value => Number.isFinite(value) && Math.abs(value) >= 0.99 && Math.abs(value) < 1 ? Scope.short(Math.sign(value) * Math.min(Math.abs(value), 0.999), 3) : Scope.short(value);

  Scope.signed = value => (value > 0 && /[1-9]/.test(Scope.short(value)) ? '+' : '') + Scope.short(value);

  Scope.pValue = p => p === null || p === undefined ? DASH : p < 0.01 ? '< .01' : Scope.short(p);

  Scope.written = function (value, form) {
    if (value === null || value === undefined) return DASH;
    if (typeof value === 'string') return Scope.visible(value);
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    return form === 'whole' ? String(value).replace('-', MINUS) : form === 'count' ? Scope.count(value).replace('-', MINUS) : form === 'p' ? Scope.pValue(value) : form === 'fine' ? Scope.short(value, 3) : Scope.score(value);
  };

  Scope.count = n => n.toLocaleString('en-US');

  /* A name with what cannot be seen written out, as words.visible does. */
  Scope.visible = text => Array.from(String(text), c => /[\p{C}\u2028\u2029]/u.test(c)
    ? (c === '\n' ? '\\n' : c === '\t' ? '\\t' : c === '\r' ? '\\r' : Scope.codeName(c.codePointAt(0))) : c).join('');

  Scope.codeName = code => 'U+' + code.toString(16).toUpperCase().padStart(4, '0');

  /* An element with text inside; the only way in which this page makes text. */
  Scope.make = function (tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const ANSWERS = { yes: ['\u25cf', 'finding'], plain: ['\u25d0', 'true, but no feat'], no: ['\u25cb', 'no finding'] };

  /* Whether something was found, as a sign that says so in words, too. */
  Scope.answerMark = function (answer) {
    const [sign, words] = ANSWERS[answer] || ANSWERS.no, mark = Scope.make('span', 'mark', sign);
    mark.title = words;
    mark.append(Scope.make('span', 'hidden', ' ' + words));
    return mark;
  };

  const SVG = 'http://www.w3.org/2000/svg';
  Scope.svg = function (tag, attributes) {
    const made = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  /* An address of a unit as the part of an address behind #. */
  Scope.fragment = address => encodeURIComponent(address).replaceAll('%2F', '/').replaceAll('%3A', ':');
})(window.Scope);
