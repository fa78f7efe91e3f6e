/* The atlas: thousands of units in one table, of which only the rows in view exist; one text, coloured by the chosen one. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id);
  const ANSWERS = ['found', 'plain', 'no'], MARKS = ['\u25cf', '\u25d0', '\u25cb'];
  const TABS = [['', 'all'], ['found', 'found'], ['plain', 'plain'], ['no', 'nothing found']];
  const ROW = 30, SPARE = 8;

  Scope.Atlas = class {
    constructor(data) {
      Object.assign(this, data, data.sample.grid ? Scope.scenes : {});
      this.words = ['found', Scope.visible(this.plain), 'nothing found'];
      this.keys = new Set(['ArrowUp', 'ArrowDown', '[', ']', '/', 's', 'u', '1', '2', '3', '4']);
      const names = this.features.map(f => f.toLowerCase());
      this.units = this.rows.map(([site, index, answer, feature, sign, score, low, high, measure, also, why, more], k) => ({
        k, site, index, answer, feature, sign, score, low, high, measure, also, why, more, address: `${this.sites[site]}/${index}`,
        words: `${this.sites[site].toLowerCase()}/${index} ${names[feature]} ${also.map(([f]) => names[f]).join(' ')} ${more.filter(m => typeof m === 'string').join(' ').toLowerCase()}`,
      }));
      const paths = new Set(this.sites.map(s => s.slice(0, s.lastIndexOf(':') + 1)));
      this.prefix = paths.size === 1 ? [...paths][0] : '';
      this.place = new Map(this.units.map(u => [u.address, u]));
      this.state = { q: '', site: '', evidence: '', feature: '', kind: '', sort: '', unit: '' };
      this.drawn = new Map();
      this.frame = 0;
    }

    async open() {
      const s = this.sample;
      if (s.text) this.codes = Scope.codePoints(await Scope.inflateText(s.text), s.length);
      this.q = new Int8Array((await Scope.inflate(s.data)).buffer);
      this.marks = {};
      for (const [name, bits] of Object.entries(s.marks)) this.marks[name] = await Scope.flags(bits, s.length);
      this.paint = this.palette();
      this.makeSheet();
      this.makeMap();
      this.makeTable();
      this.makeFilters();
      this.restore();
      addEventListener('popstate', () => this.restore());
      addEventListener('hashchange', () => this.restore());
      document.addEventListener('theme', () => { this.paint = this.palette(); this.redraw(); });
    }

    /* ---- the table ---- */
    makeTable() {
      const lead = [['', 'mark'], ['unit', 'unit'], [this.stripped, 'strip'], [Scope.visible(this.feature), 'best'], ['score', 'score']];
      this.heads = [...lead.map(([label, key]) => ({ label, key })), ...this.columns.filter(c => !c.detail).map(c => ({ label: c.label, key: c.key, hint: c.hint, extra: true, form: c.form }))];
      const table = make('table'), head = make('thead'), line = make('tr');
      this.body = make('tbody');
      for (const one of this.heads) {
        const cell = make('th', one.extra ? 'more' + (one.form === 'words' ? '' : ' number') : one.key), sortable = !['strip'].includes(one.key);
        if (sortable) {
          const button = make('button', 'sort', one.label || MARKS[0]);
          button.type = 'button';
          button.title = one.hint || { mark: 'found first', unit: 'by layer and number', best: 'by name', score: 'best first' }[one.key] || '';
          if (!one.label) button.setAttribute('aria-label', 'evidence');
          button.addEventListener('click', () => this.go({ sort: this.state.sort === one.key ? '-' + one.key : one.key }));
          cell.setAttribute('aria-sort', 'none');
          cell.append(button);
        } else cell.textContent = one.label;
        line.append(cell);
        one.cell = cell;
        if (one.key === 'unit') table.style.setProperty('--unit', Math.min(22, Math.max(8, ...this.units.map(u => u.address.length - this.prefix.length)) + 2) + 'ch');
      }
      head.append(line);
      table.append(head, this.body);
      this.above = make('tr', 'space');
      this.below = make('tr', 'space');
      byId('rows').append(table);
      byId('rows').addEventListener('scroll', () => this.soon(), { passive: true });
      this.body.addEventListener('click', event => {
        const line = event.target.closest('tr[data-unit]');
        if (line && !event.target.closest('a')) this.go({ unit: line.dataset.unit });
      });
      new ResizeObserver(() => this.soon()).observe(byId('rows'));
    }

    soon() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.rowsInView(); }); }

    redraw() { this.drawn.clear(); this.body.replaceChildren(); this.rowsInView(); this.drawMap(); if (this.chosen) this.tell(this.chosen); }

    /* Rows in view and a few around them; two empty rows stand for all others. */
    rowsInView() {
      const box = byId('rows'), total = this.shown.length, height = box.clientHeight || 600;
      let first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE), last = Math.min(total, Math.ceil((box.scrollTop + height) / ROW) + SPARE);
      if (this.whole) { first = 0; last = Math.min(total, 3000); }
      const keep = new Set();
      for (let k = first; k < last; k++) keep.add(this.shown[k].k);
      for (const [k, line] of this.drawn) if (!keep.has(k)) { line.remove(); this.drawn.delete(k); }
      this.above.style.height = first * ROW + 'px';
      this.below.style.height = (total - last) * ROW + 'px';
      const lines = [this.above];
      for (let k = first; k < last; k++) {
        const unit = this.shown[k];
        let line = this.drawn.get(unit.k);
        if (!line) this.drawn.set(unit.k, line = this.line(unit));
        line.setAttribute('aria-rowindex', k + 2);
        lines.push(line);
      }
      lines.push(this.below);
      if (lines.length !== this.body.children.length || lines.some((line, k) => this.body.children[k] !== line)) this.body.replaceChildren(...lines);
    }

    line(unit) {
      const line = make('tr', `${ANSWERS[unit.answer]}${unit === this.chosen ? ' chosen' : ''}`), cell = (className, ...nodes) => { const made = make('td', className); made.append(...nodes); line.append(made); return made; };
      line.dataset.unit = unit.address;
      if (unit === this.chosen) line.setAttribute('aria-current', 'true');
      const mark = cell('mark', MARKS[unit.answer], make('span', 'hidden', ' ' + this.words[unit.answer]));
      mark.title = this.words[unit.answer];
      const href = this.pageOf(unit), name = make(href ? 'a' : 'span', 'address');
      if (href) name.href = href;
      name.append(make('bdi', '', Scope.visible(unit.address.slice(this.prefix.length))));
      cell('unit', name).title = Scope.visible(unit.address);
      cell('strip', this.strip(unit));
      const feature = this.features[unit.feature];
      if (unit.answer === 2) cell('best quiet', 'nothing found');
      else {
        const best = cell('best', this.link(feature, unit));
        if (unit.sign < 0) { const minus = make('span', 'sign', '\u2212'); minus.title = 'the unit is low there'; best.append(minus); }
        if (unit.also.length) best.append(make('span', 'quiet', ` +${unit.also.length}`));
        if (unit.answer === 1) best.append(make('span', 'quiet', ' plain'));
      }
      const score = cell('score', Scope.score(unit.score)), nothing = unit.answer === 2;
      if (!nothing && unit.score !== null && Number.isFinite(unit.low)) score.append(make('span', 'quiet', ` ${Scope.score(unit.low)}\u2013${Scope.score(unit.high)}`));
      score.title = nothing ? `nearest: ${unit.measure} on ${Scope.visible(feature)}` : unit.measure;
      this.columns.forEach((c, k) => c.detail || cell('more' + (c.form === 'words' ? '' : ' number'), Scope.written(unit.more[k], c.form)));
      return line;
    }

    /* ---- filters and order; the address bar holds them ---- */
    makeFilters() {
      const fill = (id, every, options) => {
        const box = byId(id);
        if (!box) return;
        box.append(new Option(every, ''), ...options.map(([value, words]) => new Option(words, value)));
        box.addEventListener('change', () => this.go({ [id]: box.value }));
      };
      const counted = (names, of) => { const n = new Map(names.map(name => [name, 0])); for (const u of this.units) for (const name of of(u)) n.set(name, n.get(name) + 1); return n; };
      fill('site', 'all', this.sites.map(s => [s, Scope.visible(s)]));
      const tracked = counted(this.features, u => u.answer === 2 ? [] : [this.features[u.feature], ...u.also.map(([f]) => this.features[f])]);
      const best = [...tracked].filter(([name, n]) => name && n).sort((a, b) => b[1] - a[1]);
      fill('feature', 'all', best.map(([name, n]) => [name, `${Scope.visible(name)} (${n})`]));
      const kind = this.columns.findIndex(c => c.key === 'kind');
      if (kind >= 0) {
        const kinds = [...new Set(this.units.map(u => u.more[kind]).filter(Boolean))].sort(), n = counted(kinds, u => u.more[kind] ? [u.more[kind]] : []);
        fill('kind', 'all', kinds.map(name => [name, `${Scope.visible(name)} (${n.get(name)})`]));
      }
      this.tabs = TABS.map(([value, label]) => {
        const n = value ? this.units.filter(u => ANSWERS[u.answer] === value).length : this.units.length, button = make('button', '', `${label} ${Scope.count(n)}`);
        button.type = 'button';
        button.addEventListener('click', () => this.go({ evidence: value }));
        byId('answers').append(button);
        return [value, button];
      });
      let wait = 0;
      byId('filter').addEventListener('input', event => { clearTimeout(wait); wait = setTimeout(() => this.go({ q: event.target.value }), 60); });
      document.querySelector('[data-key=s]').addEventListener('click', () => this.key('s'));
      addEventListener('beforeprint', () => { this.whole = true; this.view.whole = true; this.rowsInView(); });
      addEventListener('afterprint', () => { this.whole = false; this.view.whole = false; this.rowsInView(); });
    }

    restore() {
      const part = new URLSearchParams(location.hash.slice(1)), next = {};
      for (const name of Object.keys(this.state)) next[name] = part.get(name) || '';
      if (!this.sites.includes(next.site)) next.site = '';
      if (!this.features.includes(next.feature)) next.feature = '';
      if (!ANSWERS.includes(next.evidence)) next.evidence = '';
      if (!this.heads.some(h => h.key === next.sort.replace(/^-/, ''))) next.sort = '';
      if (!byId('kind') || ![...byId('kind').options].some(o => o.value === next.kind)) next.kind = '';
      this.apply(next);
    }

    go(change) {
      const next = { ...this.state, ...change }, part = new URLSearchParams(Object.entries(next).filter(([, v]) => v));
      history.replaceState(null, '', '#' + part.toString().replaceAll('%3A', ':').replaceAll('%2F', '/'));
      this.apply(next);
    }

    apply(next) {
      const before = this.state, same = this.shown && ['q', 'site', 'evidence', 'feature', 'kind', 'sort'].every(name => before[name] === next[name]);
      this.state = next;
      if (!same) { this.select(); this.mirror(); }
      const asked = this.place.get(next.unit), chosen = asked && (this.shown.includes(asked) || !this.shown.length) ? asked : this.shown[0];
      const old = this.chosen && this.drawn.get(this.chosen.k), changed = chosen !== this.chosen;
      this.chosen = chosen;
      if (!same) byId('rows').scrollTop = 0;
      if (old) { old.classList.remove('chosen'); old.removeAttribute('aria-current'); }
      this.reveal();
      this.rowsInView();
      const line = chosen && this.drawn.get(chosen.k);
      if (line) { line.classList.add('chosen'); line.setAttribute('aria-current', 'true'); }
      if (changed || !chosen) this.tell(chosen);
      if (changed || !same) this.drawMap();
    }

    select() {
      const { q, site, evidence, feature, kind, sort } = this.state, words = q.toLowerCase().split(/\s+/).filter(Boolean);
      const s = this.sites.indexOf(site), f = this.features.indexOf(feature), a = ANSWERS.indexOf(evidence), at = this.columns.findIndex(c => c.key === 'kind');
      this.shown = this.units.filter(u => (!site || u.site === s) && (!evidence || u.answer === a) && (!kind || u.more[at] === kind)
        && (!feature || (u.answer !== 2 && (u.feature === f || u.also.some(([other]) => other === f)))) && words.every(word => u.words.includes(word)));
      if (sort) this.order(sort);
      byId('count').textContent = this.shown.length === this.units.length ? `${Scope.count(this.units.length)} units` : `${Scope.count(this.shown.length)} of ${Scope.count(this.units.length)} units`;
    }

    order(sort) {
      const key = sort.replace(/^-/, ''), extra = this.columns.findIndex(c => c.key === key), words = key === 'best' || key === 'unit' || key === 'mark' || (extra >= 0 && this.columns[extra].form === 'words');
      const value = extra >= 0 ? u => u.more[extra] : { mark: u => u.answer, unit: u => u.k, best: u => u.answer === 2 ? '\uffff' + this.features[u.feature] : this.features[u.feature], score: u => u.score }[key];
      const numbers = new Map(this.units.map(u => [u, key === 'unit' ? u.site * 1e7 + u.index : value(u)])), missing = v => v === null || v === undefined;
      const down = (sort.startsWith('-') ? -1 : 1) * (words ? 1 : -1);
      this.shown.sort((one, other) => {
        const [x, y] = [numbers.get(one), numbers.get(other)];
        if (missing(x) || missing(y)) return missing(x) - missing(y) || one.k - other.k;
        return (x < y ? -1 : x > y ? 1 : 0) * down || one.k - other.k;
      });
    }

    /* Boxes and heads say what the state is, whoever changed it. */
    mirror() {
      for (const id of ['site', 'feature', 'kind']) if (byId(id)) byId(id).value = this.state[id];
      if (byId('filter').value !== this.state.q) byId('filter').value = this.state.q;
      for (const [value, button] of this.tabs) button.setAttribute('aria-pressed', String(this.state.evidence === value));
      const key = this.state.sort.replace(/^-/, '');
      for (const head of this.heads) {
        if (!head.cell.hasAttribute('aria-sort')) continue;
        const up = ['best', 'unit', 'mark'].includes(head.key) || head.form === 'words';
        head.cell.setAttribute('aria-sort', head.key !== key ? 'none' : up !== this.state.sort.startsWith('-') ? 'ascending' : 'descending');
      }
    }

    reveal() {
      const box = byId('rows'), at = this.shown.indexOf(this.chosen) * ROW, head = box.querySelector('thead').offsetHeight;
      if (at < 0) return;
      if (at < box.scrollTop) box.scrollTop = at;
      else if (at + ROW > box.scrollTop + box.clientHeight - head) box.scrollTop = at + ROW - box.clientHeight + head;
    }

    step(by, fits = () => true) {
      const at = this.shown.indexOf(this.chosen), n = this.shown.length;
      for (let k = at + by; k >= 0 && k < n; k += by) if (fits(this.shown[k])) { this.go({ unit: this.shown[k].address }); return; }
    }

    key(name) {
      if (name === 'ArrowDown' || name === 'ArrowUp') this.step(name === 'ArrowDown' ? 1 : -1);
      else if (name === ']' || name === '[') this.step(name === ']' ? 1 : -1, unit => unit.answer === 0);
      else if (name === '/') byId('filter').focus();
      else if (name === 's') {
        this.shared = !this.shared;
        document.querySelector('[data-key=s]').setAttribute('aria-pressed', String(this.shared));
        this.redraw();
      } else if (name === 'u' && this.chosen && this.pageOf(this.chosen)) location.href = this.pageOf(this.chosen);
      else if (name >= '1' && name <= '4') this.go({ evidence: TABS[name - 1][0] });
    }
  };

  Scope.Atlas.MARKS = MARKS;

  (Scope.starts = Scope.starts || {}).atlas = async function (data) {
    const atlas = new Scope.Atlas(data.atlas);
    await atlas.open();
    Scope.walker = atlas;
  };
})(window.Scope);
