/* The page of a feature or a unit: the ranking, the text, and the one state that the address bar also holds. */
'use strict';
(function (Scope) {
  const make = Scope.make, TABS = [['reading', 'reading'], ['top', 'top'], ['bottom', 'bottom'], ['random', 'random'], ['wrong', 'most wrong']];
  const byId = id => document.getElementById(id);

  Scope.TABS = TABS;

  Scope.Reader = class {
    constructor(data) {
      this.data = data;
      this.text = data.text;
      this.isUnit = data.kind === 'unit';
      this.state = { row: '', tab: 'reading', context: 0, at: -1 };
      this.activations = new Scope.Activations(data.text);
      this.pushed = -Infinity;
    }

    async open() {
      const text = this.text, n = text.length;
      this.codes = Scope.codePoints(await Scope.inflateText(text.text), n);
      this.spans = {};
      for (const [name, bits] of Object.entries(text.spans)) this.spans[name] = await Scope.flags(bits, n);
      if (this.data.others.scores) this.others = new Int16Array((await Scope.inflate(this.data.others.scores)).buffer);
      if (text.numbers) this.numbers = new Float32Array((await Scope.inflate(text.numbers)).buffer);
      let from = 0;
      this.items = text.items.map(([kind, unit, start, peak, length]) => {
        const item = { kind, unit, start, peak, from, to: from + length };
        from += length;
        return item;
      });
      this.makeTable();
      this.view = new Scope.TextView(byId('pane'), this.codes, {
        hover: i => this.inspect(i < 0 ? this.state.at : i),
        pick: i => this.go({ at: i }, 'replace'),
        context: k => this.go({ context: k }, 'push'),
      });
      this.makeTabs();
      this.makeFigures();
      await this.restore();
      addEventListener('popstate', () => this.restore());
      addEventListener('hashchange', () => this.restore());
      this.prepare = this.rest();
    }

    /* What is only needed later, opened while the reader looks. */
    async rest() {
      const text = this.text;
      if (text.loss) this.loss = await Scope.numbers(text.loss);
      this.gates = {};
      for (const [unit, gates] of Object.entries(text.gates)) {
        this.gates[unit] = [];
        for (const [name, packed] of Object.entries(gates)) this.gates[unit].push([name, await Scope.numbers(packed)]);
      }
      await this.openPredictions();
      this.inspect(this.state.at);
      await this.activations.openAll();
    }

    async openPredictions() {
      const p = this.text.predictions;
      if (!p || this.predictions) return;
      const ids = await Scope.inflate(p.ids), roots = await Scope.inflate(p.roots);
      this.predictions = { ranks: p.ranks, symbols: p.symbols, ids: p.wide ? new Uint16Array(ids.buffer) : ids, roots };
    }

    makeTable() {
      const { columns, rows } = this.data.ranking, own = columns.findIndex(c => c.key === 'auc'), low = columns.findIndex(c => c.key === 'auc_low');
      const high = columns.findIndex(c => c.key === 'auc_high'), shown = columns.map((_, k) => k).filter(k => k !== low && k !== high);
      const made = rows.map(([key, sign, inside, outside, ...cells], k) => ({ key, sign, inside, outside, full: cells, cells: shown.map(j => cells[j]), rank: k + 1 }));
      const paths = new Set(rows.map(([key]) => key.split(':')[0]));
      this.prefix = !this.isUnit && paths.size === 1 ? [...paths][0] + ':' : '';
      this.rows = new Map(made.map(row => [row.key, row]));
      const tooltip = (column, row) => column.key === 'auc' && low >= 0 && high >= 0 && own >= 0 ? `${Scope.short(row.full[low])}\u2013${Scope.short(row.full[high])}` : '';
      this.table = new Scope.Table(byId('ranking'), shown.map(k => columns[k]), made, {
        heads: this.isUnit ? ['', 'feature'] : ['', 'unit', 'in | out'], low: tooltip, lead: row => this.lead(row), choose: key => this.go({ row: key, at: this.state.at }, 'push'),
      });
      byId('filter').addEventListener('input', event => this.table.filter(event.target.value));
      byId('all').addEventListener('click', event => {
        const open = event.target.getAttribute('aria-expanded') !== 'true';
        event.target.setAttribute('aria-expanded', String(open));
        byId('ranking').classList.toggle('open', open);
        this.table.expand(open);
      });
    }

    lead(row) {
      const rank = make('span', 'rank', String(row.rank)), link = make('a', 'address');
      link.href = '#' + this.hashOf({ ...this.state, row: row.key });
      link.append(make('bdi', '', Scope.visible(row.key.startsWith(this.prefix) ? row.key.slice(this.prefix.length) : row.key)));
      if (row.sign < 0) { const minus = make('span', 'sign', '\u2212'); minus.title = 'the unit goes down inside'; link.append(minus); }
      link.addEventListener('click', event => { event.preventDefault(); this.go({ row: row.key }, 'push'); });
      const name = Scope.withPage(link, row.key, this.isUnit ? ['unit', this.data.address] : ['feature', this.data.feature.name]);
      rank.dataset.cell = 'first'; name.dataset.cell = 'name';
      if (this.isUnit) return [rank, name];
      const spark = make('span', 'sparkbox');
      spark.dataset.cell = 'picture';
      if (row.inside) spark.append(Scope.sparkline(row.inside, row.outside));
      return [rank, name, spark];
    }

    makeTabs() {
      this.tabs = TABS.map(([kind, label], k) => {
        const button = make('button', '', label);
        button.type = 'button';
        button.setAttribute('role', 'tab');
        button.setAttribute('aria-controls', 'pane');
        button.title = `${label} (${k + 1})`;
        button.addEventListener('click', () => this.go({ tab: kind, context: 0, at: -1 }, 'push'));
        if (!this.items.some(item => item.kind === kind)) button.disabled = true;
        byId('tabs').append(button);
        return button;
      });
      if (!this.text.predictions) document.querySelector('[data-key=p]').hidden = true;
      document.querySelectorAll('.tools [data-key]').forEach(b => b.addEventListener('click', () => this.key(b.dataset.key)));
    }

    makeFigures() {
      const box = byId('figures'), f = Scope.figures, curves = () => this.data.curves[this.state.row];
      const numeric = Object.values(this.data.curves).some(c => c.value), feature = this.isUnit ? '' : this.data.feature.name;
      const all = this.data.others, scores = () => this.others && this.rows.has(this.state.row) ? this.othersOf(this.rows.get(this.state.row).rank - 1) : null;
      this.figures = [
        ['histogram', 'Inside and outside', 'How often each activation occurs, inside the feature and outside.', look => f.histogram(curves(), look)],
        ['borders', 'Around start and end', 'Mean activation by distance from where the feature starts (0) and where it ends, with 95 % interval.', look => f.borders(curves(), look)],
        ['roc', 'ROC', 'Hits over false alarms as the threshold falls.', look => f.roc(curves(), look)],
        ['value', 'By value', 'Mean activation by the value of the feature.', look => f.value(curves(), look)],
        ['others', 'On every feature', `What this unit does best on${all.numeric && all.numeric.some(n => n) ? ': AUC, and of numeric features the rank correlation; AUC .5 and r 0 lie in one place, as do AUC 1 and r 1' : ''}. The larger one is this feature; CSV has all.`, look => f.others(all, scores(), feature, look)],
      ].filter(([name]) => name === 'value' ? numeric : name === 'others' ? !this.isUnit && all.features.length : !numeric || Object.values(this.data.curves).some(c => c[name] || (name === 'borders' && (c.start || c.end))))
        .map(args => new Scope.Figure(...args));
      for (const figure of this.figures) box.append(figure.element);
    }

    /* The scores of the unit of one row on every feature; null where there is none. */
    othersOf(row) {
      const n = this.data.others.features.length;
      return Array.from(this.others.subarray(row * n, row * n + n), v => v === -32768 ? null : v / this.data.others.steps);
    }

    /* ---- the state ---- */
    hashOf({ row, tab, context, at }) {
      const part = new URLSearchParams();
      part.set(this.isUnit ? 'feature' : 'unit', row);
      if (tab !== 'reading') part.set('tab', tab);
      if (context) part.set('context', context);
      if (at >= 0) { const item = this.itemOf(at); part.set('t', at - item.from); }
      return part.toString().replaceAll('%3A', ':').replaceAll('%2F', '/');
    }

    itemOf(at) { return this.items.find(item => item.from <= at && at < item.to) || this.items[0]; }

    async restore() {
      const part = new URLSearchParams(location.hash.slice(1)), row = part.get(this.isUnit ? 'feature' : 'unit');
      const first = this.data.ranking.rows.length ? this.data.ranking.rows[0][0] : '';
      const tab = TABS.some(([kind]) => kind === part.get('tab')) ? part.get('tab') : 'reading';
      const next = { row: this.rows.has(row) ? row : first, tab, context: Math.max(0, parseInt(part.get('context'), 10) || 0), at: -1 };
      const items = this.itemsOf(next), item = items[Math.min(next.context, items.length - 1)];
      next.context = Math.max(0, Math.min(next.context, items.length - 1));
      const t = parseInt(part.get('t'), 10);
      if (item && t >= 0 && item.from + t < item.to) next.at = item.from + t;
      await this.apply(next, true);
    }

    async go(change, how) {
      const next = { ...this.state, ...change };
      if (change.at !== undefined && change.at >= 0) {
        const k = this.itemsOf(next).indexOf(this.itemOf(change.at));
        if (k >= 0) next.context = k;
      }
      const hash = '#' + this.hashOf(next);
      const now = performance.now();
      // flipping by key leaves one entry in the history, not forty
      if (how === 'push' || (how === 'flip' && now - this.pushed > 700)) history.pushState(null, '', hash);
      else history.replaceState(null, '', hash);
      this.pushed = now;
      await this.apply(next, change.context !== undefined || change.tab !== undefined);
    }

    address() { return this.isUnit ? this.data.address : this.state.row; }

    itemsOf({ row, tab }) {
      const address = this.isUnit ? this.data.address : row, of = this.items.filter(item => item.kind === tab);
      const own = of.filter(item => item.unit === address);
      return own.length ? own : of.filter(item => item.unit === '');
    }

    /* Bring everything in line with a state; only what has changed is done again. */
    async apply(next, scroll) {
      const before = this.state, first = !this.view.passages;
      this.state = next;
      const items = this.itemsOf(next), changed = first || items.length !== this.shown.length || items.some((item, k) => item !== this.shown[k]);
      const unit = this.activations.unit(this.address());
      this.unit = unit instanceof Promise ? await unit : unit;
      if (this.state !== next) return;
      this.paintLevels();
      if (first || (this.isUnit && before.row !== next.row)) this.paintMarks();
      this.view.cursor = next.at;
      this.view.context = next.context;
      if (changed) this.showItems(items); else this.view.paint();
      this.markHeads();
      const item = items[next.context];
      if (item && (scroll || changed)) {
        if (next.at >= 0) this.view.scrollTo(next.at, 'near'); else if (next.context || !first) this.view.scrollTo(item.from, 'top');
        else this.view.scrollTo(this.firstMark(item), 'near');
      } else if (next.at >= 0 && next.at !== before.at) this.view.scrollTo(next.at, 'near');
      this.tabs.forEach((button, k) => button.setAttribute('aria-selected', String(TABS[k][0] === next.tab)));
      this.table.mark(next.row, before.row !== next.row);
      this.inspect(next.at);
      this.legend();
      if (first || before.row !== next.row) this.figures.forEach(figure => figure.soon());
      document.dispatchEvent(new CustomEvent('state'));
    }

    /* Where the feature first occurs: a page opens on it, wherever the passage begins. */
    firstMark(item) {
      const k = this.view.marks.subarray(item.from, item.to).findIndex(mark => mark > 0);
      return k < 0 ? item.from : item.from + k;
    }

    showItems(items) {
      this.shown = items;
      const empty = items.length === 0;
      byId('pane').classList.toggle('nothing', empty);
      this.view.show(items.map((item, k) => ({ ...item, k, title: this.titleOf(item) })));
      byId('pane').dataset.note = empty ? 'No contexts of this kind were kept for this unit; the best-ranked units have them.' : '';
      if (!this.keepScroll) this.view.scrollTo(items.length ? items[0].from : 0, 'top');
    }

    titleOf(item) {
      if (item.kind === 'reading' && this.itemsOf(this.state).length === 1) return '';
      const at = `character ${Scope.count(item.start)}`;
      if (item.peak === null || !this.unit) return at;
      const place = item.from + item.peak;
      return `${at}, here ${Scope.signed(this.unit.q[place] * this.unit.scale)}`;
    }

    markHeads() {
      for (const element of this.view.drawn.values()) {
        const line = this.view.lines[element.line];
        if (line && line.head) element.classList.toggle('here', line.head.k === this.state.context);
      }
    }

    range() {
      if (!this.own || !this.unit) return this.text.range;
      let top = 0;
      for (const q of this.unit.q) { const size = q < 0 ? -q : q; if (size > top) top = size; }
      return top * this.unit.scale || 1;
    }

    paintLevels() {
      const levels = this.view.levels, STEPS = Scope.colour.STEPS;
      if (!this.unit) { levels.fill(0); return; }
      const { q, scale } = this.unit, table = new Int8Array(256), range = this.range();
      for (let k = -128; k < 128; k++) table[k & 255] = Math.max(-STEPS, Math.min(STEPS, Math.round(k * scale / range * STEPS)));
      for (let i = 0; i < q.length; i++) levels[i] = table[q[i] & 255];
    }

    paintMarks() {
      const marks = this.view.marks, spans = this.spans[this.isUnit ? this.state.row : ''];
      if (spans) { marks.set(spans); return; }
      marks.fill(0);
      if (!this.numbers) return;
      let top = 0;
      for (const v of this.numbers) if (v > top) top = v;
      for (let i = 0; i < marks.length; i++) marks[i] = this.numbers[i] > 0 ? 1 + Math.ceil(4 * this.numbers[i] / top) : 0;
    }
  };
})(window.Scope);
