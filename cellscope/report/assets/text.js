/* The text: a cell a character, and only the lines in view are drawn. Text nodes alone carry the corpus. */
'use strict';
(function (Scope) {
  const STEPS = Scope.colour.STEPS, LEVELS = 2 * STEPS + 1;
  const make = Scope.make;

  Scope.TextView = class {
    /* codes: code point [position]; on: {hover(position), pick(position), context(k)} are called back. */
    constructor(pane, codes, on) {
      Object.assign(this, { pane, codes, on, lines: [], tops: new Float64Array(1), drawn: new Map() });
      this.marks = new Uint8Array(codes.length);
      this.levels = new Int8Array(codes.length);
      this.rows = { predictions: null, digits: false };
      this.cursor = -1;
      this.peaks = new Set();
      this.sheet = make('div', 'lines');
      this.frame = 0;
      pane.append(this.sheet);
      pane.addEventListener('scroll', () => this.soon(), { passive: true });
      pane.addEventListener('mousemove', event => { if (event.target.at !== undefined) on.hover(event.target.at); });
      pane.addEventListener('mouseleave', () => on.hover(-1));
      pane.addEventListener('click', event => { if (event.target.at !== undefined) on.pick(event.target.at); });
      document.addEventListener('selectionchange', () => this.noteSelection());
      document.addEventListener('copy', event => this.copy(event));
      new ResizeObserver(() => { if (!this.whole && this.measure()) this.lay(); }).observe(pane);
      this.classes = [];
      for (let level = 0; level < LEVELS; level++) for (let mark = 0; mark < 6; mark++) this.classes.push(`a${level} u${mark}`);
      this.measure();
    }

    /* The width of one cell and the number of columns; true where the latter has changed. */
    measure() {
      const ruler = make('span', 'cells ruler', '0'.repeat(100));
      this.sheet.append(ruler);
      this.cell = ruler.getBoundingClientRect().width / 100 || 8;
      ruler.remove();
      this.sheet.style.setProperty('--cell', this.cell + 'px');
      const style = getComputedStyle(this.sheet), gutter = parseFloat(style.getPropertyValue('--gutter')) || 0;
      const columns = Math.max(16, Math.floor((this.pane.clientWidth - gutter - 24) / this.cell) - 1);
      const changed = columns !== this.columns;
      this.columns = Math.min(columns, 120);
      return changed;
    }

    /* passages: [{from, to, start, title, peak, k}] of the tab. */
    show(passages) {
      this.passages = passages;
      this.peaks = new Set(passages.filter(p => p.peak !== null && p.title).map(p => p.from + p.peak));
      this.lay();
    }

    heights() {
      const extra = (this.rows.predictions ? this.rows.predictions.ranks : 0) + (this.rows.digits ? 1 : 0);
      return { line: 26 + 17 * extra + (extra ? 8 : 0), head: 38 };
    }

    lay() {
      if (!this.passages) return;
      const keep = this.topPosition(), { line, head } = this.heights();
      this.lines = [];
      for (const passage of this.passages) {
        if (passage.title) this.lines.push({ head: passage });
        const starts = Scope.wrap(this.codes, passage.from, passage.to, this.columns, []);
        for (let k = 0; k < starts.length; k++) {
          const from = starts[k], to = k + 1 < starts.length ? starts[k + 1] : passage.to;
          this.lines.push({ from, to, passage, broken: k > 0 && this.codes[from - 1] !== 10 });
        }
      }
      this.tops = new Float64Array(this.lines.length + 1);
      for (let k = 0; k < this.lines.length; k++) this.tops[k + 1] = this.tops[k] + (this.lines[k].head ? head : line);
      this.sheet.style.height = this.tops[this.lines.length] + 'px';
      this.sheet.style.setProperty('--line', line + 'px');
      this.clear();
      if (keep >= 0) this.scrollTo(keep, 'top');
      this.draw();
    }

    clear() { this.sheet.replaceChildren(); this.drawn.clear(); }

    lineAtHeight(y) {
      let low = 0, high = this.lines.length;
      while (low < high) { const mid = (low + high) >> 1; if (this.tops[mid + 1] <= y) low = mid + 1; else high = mid; }
      return low;
    }

    lineOf(position) {
      return this.lines.findIndex(line => !line.head && line.from <= position && position < line.to);
    }

    topPosition() {
      if (!this.lines.length || this.pane.scrollTop < 2) return -1;
      const line = this.lines[Math.min(this.lineAtHeight(this.pane.scrollTop), this.lines.length - 1)];
      return line.head ? line.head.from : line.from;
    }

    soon() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

    draw() {
      const top = this.pane.scrollTop, height = this.pane.clientHeight || 600;
      let first = Math.max(0, this.lineAtHeight(top - 100));
      let last = Math.min(this.lines.length, this.lineAtHeight(top + height + 100) + 1);
      if (this.whole) { first = 0; last = Math.min(this.lines.length, 3000); }
      const held = this.selected && this.selected.line;
      for (const [k, element] of this.drawn) {
        if ((k < first || k >= last) && k !== held) { element.remove(); this.drawn.delete(k); }
      }
      let after = this.sheet.firstChild;
      for (let k = first; k < last; k++) {
        while (after && after.line < k) after = after.nextSibling;
        if (this.drawn.has(k)) continue;
        const element = this.lines[k].head ? this.drawHead(k) : this.drawLine(k);
        this.sheet.insertBefore(element, after);
        this.drawn.set(k, element);
      }
    }

    drawHead(k) {
      const passage = this.lines[k].head, element = make('div', 'head' + (passage.k === this.context ? ' here' : ''));
      element.line = k;
      element.style.top = this.tops[k] + 'px';
      element.append(make('b', '', String(passage.k + 1)), make('span', '', passage.title));
      element.addEventListener('click', () => this.on.context(passage.k));
      return element;
    }

    drawLine(k) {
      const { from, to, passage, broken } = this.lines[k], element = make('div', 'line');
      element.line = k;
      element.style.top = this.tops[k] + 'px';
      element.append(make('span', 'gutter', broken ? '\u21aa' : Scope.count(passage.start + from - passage.from)));
      const cells = make('div', 'cells');
      element.cells = [];
      let column = 0;
      for (let i = from; i < to; i++) {
        const code = this.codes[i], width = code === 10 ? 1 : Scope.widthAt(code, column), cell = make('i');
        column += width;
        cell.at = i;
        cell.wide = width;
        this.fill(cell, code, width);
        this.colour(cell, i);
        element.cells.push(cell);
        cells.append(cell);
      }
      element.append(cells);
      if (this.rows.digits) element.append(this.digitRow(element.cells));
      if (this.rows.predictions) {
        const box = make('div', 'guessed');
        for (let rank = 0; rank < this.rows.predictions.ranks; rank++) box.append(this.guessRow(element.cells, rank));
        element.append(box);
      }
      return element;
    }

    fill(cell, code, width) {
      cell.extra = '';
      if (code === 10 || code === 13) { cell.textContent = code === 10 ? '\u00b6' : '\u240d'; cell.extra = ' end'; return; }
      if (code === 32) { cell.textContent = this.spaces ? '\u00b7' : ' '; cell.extra = this.spaces ? ' faint' : ''; return; }
      if (code === 9) { cell.textContent = this.spaces ? '\u2192' : ' '; cell.extra = ' box faint'; } else {
        const kind = Scope.glyph(code);
        cell.textContent = kind.glyph;
        if (kind.flag) cell.extra = ' box' + (kind.flag === 'odd' ? ' odd' : '');
      }
      if (cell.extra && width !== 1) cell.style.width = width * this.cell + 'px';
    }

    colour(cell, i) {
      const key = (this.levels[i] + STEPS) * 6 + this.marks[i], cursor = i === this.cursor ? ' cursor' : this.peaks.has(i) ? ' peak' : '';
      const name = this.classes[key] + cell.extra + cursor;
      if (cell.name !== name) cell.className = cell.name = name;
    }

    /* Colour what is drawn; what comes into view later is coloured when it is drawn. */
    paint() {
      for (const element of this.drawn.values()) {
        if (!element.cells) continue;
        for (const cell of element.cells) this.colour(cell, cell.at);
        if (this.rows.digits) element.querySelector('.digits').replaceWith(this.digitRow(element.cells));
      }
    }

    digitRow(cells) {
      const row = make('div', 'row digits');
      for (const cell of cells) {
        const level = this.levels[cell.at], digit = Math.min(9, Math.floor(Math.abs(level) / STEPS * 10));
        const one = make('span', level < 0 && digit ? 'minus' : '', digit ? String(digit) : '\u00b7');
        one.style.width = cell.wide * this.cell + 'px';
        row.append(one);
      }
      return row;
    }

    guessRow(cells, rank) {
      const row = make('div', 'row guesses'), { symbols, ids, roots } = this.rows.predictions, n = this.codes.length;
      for (const cell of cells) {
        const at = rank * n + cell.at, symbol = symbols[ids[at]] || '', p = (roots[at] / 255) ** 2, code = symbol.codePointAt(0);
        const text = symbol === '' ? '\u25a1' : code === 32 ? '\u00b7' : code === 10 ? '\u00b6' : code === 9 ? '\u2192' : Scope.glyph(code).glyph;
        const one = make('span', 'p' + Math.round(p * STEPS), text);
        one.style.width = cell.wide * this.cell + 'px';
        one.at = cell.at;
        row.append(one);
      }
      return row;
    }

    scrollTo(position, where = 'third') {
      const k = this.lineOf(position);
      if (k < 0) return;
      const head = k > 0 && this.lines[k - 1].head ? this.tops[k - 1] : this.tops[k];
      const top = where === 'top' ? head : Math.max(0, this.tops[k] - this.pane.clientHeight / 3);
      if (where === 'near') {
        const low = this.pane.scrollTop, high = low + this.pane.clientHeight - (this.tops[k + 1] - this.tops[k]);
        if (this.tops[k] >= low && this.tops[k] <= high) return;
      }
      this.pane.scrollTop = top;
      this.draw();
    }

    /* Copying gives the characters themselves, also those that scrolled out of view while selecting. */
    noteSelection() {
      const selection = getSelection(), at = node => {
        for (let n = node; n && n !== this.sheet; n = n.parentNode) if (n.at !== undefined) return n.at;
        return -1;
      };
      if (selection.isCollapsed || !this.sheet.contains(selection.anchorNode)) { this.selected = null; return; }
      const anchor = at(selection.anchorNode), focus = at(selection.focusNode), before = this.selected;
      if (anchor < 0 || focus < 0) return;
      this.selected = { anchor, focus, line: before && before.anchor === anchor ? before.line : this.lineOf(anchor) };
    }

    copy(event) {
      if (!this.selected) return;
      const { anchor, focus } = this.selected, from = Math.min(anchor, focus), to = Math.max(anchor, focus) + 1;
      let text = '';
      for (let i = from; i < to; i++) text += String.fromCodePoint(this.codes[i]);
      event.clipboardData.setData('text/plain', text);
      event.preventDefault();
    }
  };
})(window.Scope);
