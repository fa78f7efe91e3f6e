/* Tables: the ranking with its small pictures, and plain ones. Rows are drawn as they come into view. */
'use strict';
(function (Scope) {
  const make = Scope.make, BATCH = 60, FIRST = 16;

  function steps(digits, width, height, closed) {
    const heights = Array.from(digits, c => parseInt(c, 36) / 35), step = width / Math.max(heights.length, 1);
    let path = `M0 ${height}`;
    heights.forEach((h, k) => { path += `V${(height - h * (height - 1)).toFixed(1)}H${((k + 1) * step).toFixed(1)}`; });
    return path + (closed ? `V${height}H0Z` : `V${height}`);
  }

  /* Inside as a filled shape, outside as a line over it. */
  Scope.sparkline = function (inside, outside) {
    const svg = Scope.svg('svg', { class: 'spark', viewBox: '0 0 64 18', width: 64, height: 18, role: 'img', 'aria-label': 'activation inside and outside' });
    svg.append(Scope.svg('path', { class: 'inside', d: steps(inside, 64, 17.5, true) }));
    svg.append(Scope.svg('path', { class: 'outside', d: steps(outside, 64, 17.5, false) }));
    return svg;
  };

  /* columns: [{key, label, hint, form}]; rows: [{key, cells: [...], ...}]; lead(row) -> nodes of the first cells;
     say(column, row) -> words for a cell in place of its number; row.hrefs: where a cell leads */
  Scope.Table = class {
    constructor(box, columns, rows, { heads, lead, order, choose, low, say }) {
      Object.assign(this, { box, columns, all: rows, rows, lead, choose, order, low, say });
      this.sorted = { by: null, down: true };
      this.limit = FIRST;
      this.table = make('table');
      this.body = make('tbody');
      const head = make('thead'), line = make('tr');
      for (const text of heads) line.append(make('th', '', text));
      columns.forEach((column, k) => line.append(this.header(column, k)));
      head.append(line);
      this.table.append(head, this.body);
      box.append(this.table);
      box.addEventListener('scroll', () => { if (box.scrollTop + box.clientHeight > box.scrollHeight - 200) this.more(); }, { passive: true });
      this.draw();
    }

    header(column, k) {
      const cell = make('th', column.form === 'words' ? 'number words' : 'number'), button = make('button', 'sort', column.label);
      button.type = 'button';
      if (column.hint) button.title = column.hint;
      button.addEventListener('click', () => this.sort(k));
      cell.append(button);
      cell.setAttribute('aria-sort', 'none');
      return cell;
    }

    sort(k) {
      const down = this.sorted.by === k ? !this.sorted.down : !['p', 'words'].includes(this.columns[k].form);
      this.sorted = { by: k, down };
      const value = row => row.cells[k], missing = v => v === null || v === undefined;
      this.all = [...this.all].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (missing(x) || missing(y)) return missing(x) - missing(y);
        return (x < y ? 1 : x > y ? -1 : 0) * (down ? 1 : -1);
      });
      this.table.querySelectorAll('th.number').forEach((th, j) => th.setAttribute('aria-sort', j !== k ? 'none' : down ? 'descending' : 'ascending'));
      this.filter(this.query || '');
    }

    filter(query) {
      this.query = query;
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      this.rows = words.length ? this.all.filter(row => words.every(word => row.key.toLowerCase().includes(word))) : this.all;
      this.draw();
    }

    expand(open) { this.limit = open ? BATCH : FIRST; this.open = open; this.draw(); }

    draw() {
      this.body.replaceChildren();
      this.count = 0;
      this.add(this.limit);
    }

    more() { if (this.open || this.query) this.add(BATCH); }

    add(number) {
      const part = document.createDocumentFragment();
      for (const row of this.rows.slice(this.count, this.count + number)) part.append(this.line(row));
      this.count = Math.min(this.rows.length, this.count + number);
      this.body.append(part);
    }

    line(row) {
      const line = make('tr', row.key === this.chosen ? 'chosen' : '');
      line.dataset.key = row.key;
      if (row.key === this.chosen) line.setAttribute('aria-current', 'true');
      for (const node of this.lead(row)) {
        const cell = make('td', node.className ? 'lead ' + node.dataset.cell : 'lead');
        cell.append(node);
        line.append(cell);
      }
      this.columns.forEach((column, k) => {
        const cell = make('td', column.form === 'words' ? 'words' : 'number', column.form === 'words' ? Scope.written(row.cells[k]) : this.value(column, row, k));
        if (row.hrefs && row.hrefs[k]) { const link = make('a', '', cell.textContent); link.href = row.hrefs[k]; cell.replaceChildren(link); }
        if (this.low && this.low(column, row)) cell.title = this.low(column, row);
        line.append(cell);
      });
      if (this.choose) line.addEventListener('click', event => { if (!event.target.closest('a')) this.choose(row.key); });
      return line;
    }

    /* A score, with its interval beside it where the table has room for one. */
    value(column, row, k) {
      const said = this.say && this.say(column, row);
      if (said) return said;
      const text = column.key === 'auc' ? Scope.score(row.cells[k]) : Scope.written(row.cells[k], column.form), between = row.interval && column.key === 'auc' ? row.interval : null;
      return between && between.every(Number.isFinite) ? `${text} (${between.map(v => Scope.score(v)).join('\u2013')})` : text;
    }

    mark(key, scroll) {
      this.chosen = key;
      let found = null;
      if (this.rows.findIndex(row => row.key === key) >= this.count) this.add(this.rows.findIndex(row => row.key === key) - this.count + BATCH);
      for (const line of this.body.children) {
        const is = line.dataset.key === key;
        line.classList.toggle('chosen', is);
        if (is) { line.setAttribute('aria-current', 'true'); found = line; } else line.removeAttribute('aria-current');
      }
      if (found && scroll) {
        const top = found.offsetTop, high = top + found.offsetHeight, head = this.table.tHead.offsetHeight;
        if (top - head < this.box.scrollTop) this.box.scrollTop = top - head;
        else if (high > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = high - this.box.clientHeight;
      }
    }

    neighbour(key, step) {
      const at = this.rows.findIndex(row => row.key === key);
      const next = this.rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), this.rows.length - 1)];
      return next ? next.key : key;
    }
  };
})(window.Scope);
