/* A concept's page: all units ranked, pictures with the concept outlined, and the evidence for the chosen unit. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id);
  const KINDS = [
    ['hit', 'Hits', 'the concept is there and the unit is on'],
    ['miss', 'Misses', 'the concept is there and the unit is not on'],
    ['false alarm', 'False alarms', 'the unit is on without the concept'],
  ];

  Scope.ConceptView = class {
    constructor(data) {
      this.data = data.concept;
      this.bank = this.data.bank ? new Scope.Bank(this.data.bank) : null;
      this.keys = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'o', '/']);
      this.overlay = true;
    }

    open() {
      this.makeTable();
      this.makePictures();
      this.makeFigures();
      const button = document.querySelector('[data-key=o]');
      if (button) button.addEventListener('click', () => this.key('o'));
      this.restore();
      addEventListener('popstate', () => this.restore());
      addEventListener('hashchange', () => this.restore());
    }

    restore() {
      let asked = location.hash.slice(1);
      try { asked = decodeURIComponent(asked); } catch { /* it names no unit */ }
      this.show(this.rows.some(row => row.key === asked) ? asked : this.rows.length ? this.rows[0].key : '');
    }

    go(key) {
      if (key === this.chosen) return;
      history.pushState(null, '', '#' + Scope.fragment(key));
      this.show(key);
    }

    show(key) {
      this.chosen = key;
      this.table.mark(key, true);
      for (const figure of this.figures) figure.soon();
    }

    makeTable() {
      const { columns, rows } = this.data.ranking, low = columns.findIndex(c => c.key === 'auc_low'), high = columns.findIndex(c => c.key === 'auc_high');
      const shown = columns.map((_, k) => k).filter(k => k !== low && k !== high);
      this.rows = rows.map(([key, sign, inside, outside, ...cells], k) => ({
        key, sign, inside, outside, cells: shown.map(j => cells[j]), interval: low < 0 || high < 0 ? null : [cells[low], cells[high]], rank: k + 1,
      }));
      this.table = new Scope.Table(byId('ranking'), shown.map(k => columns[k]), this.rows, {
        heads: ['', 'unit', 'in | out'], lead: row => this.lead(row), choose: key => this.go(key),
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
      const rank = make('span', 'rank', String(row.rank)), link = make('a', 'address'), page = this.data.links[row.key.slice(0, row.key.lastIndexOf('/'))];
      if (page) link.href = page + '#' + Scope.fragment(row.key);
      link.append(make('bdi', '', Scope.visible(row.key)));
      if (row.sign < 0) { const minus = make('span', 'sign', '\u2212'); minus.title = 'the unit is low where the concept is'; link.append(minus); }
      const spark = make('span', 'sparkbox');
      if (row.inside) spark.append(Scope.sparkline(row.inside, row.outside));
      rank.dataset.cell = 'first'; link.dataset.cell = 'name'; spark.dataset.cell = 'picture';
      return [rank, link, spark];
    }

    makePictures() {
      const box = byId('examples'), { examples } = this.data;
      if (!examples.length || this.bank.flat) {
        if (this.bank && this.bank.flat) this.makeRows(box);
        return;
      }
      const maps = examples.filter(e => e.map).flatMap(e => Scope.sizes(e.map)), scale = Math.max(...maps, 0);
      const low = Math.min(...examples.filter(e => e.map).flatMap(e => e.map.low), 0), legend = byId('legend');
      this.lit = maps.length > 0 && low >= 0;
      this.shots = [];
      for (const [kind, title, words] of KINDS) {
        const own = examples.filter(e => e.kind === kind);
        if (!own.length) continue;
        const row = make('div', 'shots');
        for (const example of own) row.append(this.shot(example, scale));
        box.append(Scope.panel('shots', `${title}: ${words}`, [row]));
      }
      if (maps.length) {
        const range = this.lit ? make('span', '', `dim: 0, bright: ${Scope.short(scale)}, one range for all pictures`) : Scope.scaleBar(-scale, scale, 'one range for all pictures');
        legend.append(make('b', '', Scope.visible(this.data.best)), range);
      }
      legend.append(make('span', 'quiet', 'outlined: the concept. The number is what the unit did on the picture.'));
    }

    shot(example, scale) {
      const { bank } = this, cell = make('span', 'shot'), frame = make('span', 'framed'), name = bank.name(example.input), [rows, columns] = bank.size;
      const canvas = Scope.canvas('picture', `${name}, ${example.kind}`);
      canvas.style.aspectRatio = `${columns} / ${rows}`;
      cell.title = name;
      frame.append(canvas);
      if (example.outline) frame.append(Scope.outline(example.outline, example.size));
      cell.append(frame, make('small', '', [Scope.short(example.value), bank.label(example.input)].filter(Boolean).join(' ')));
      const paint = () => {
        const map = this.overlay && example.map && scale > 0 ? { strip: example.map.strip, k: 0, alpha: Scope.sizes(example.map)[0] / scale } : null;
        const width = canvas.clientWidth || 120;
        Scope.paint(canvas, width, width * rows / columns, bank.layers(example.input, { map, quiet: true, lit: this.lit && this.overlay }));
      };
      Scope.seen(canvas, () => { paint(); this.shots.push(paint); });
      return cell;
    }

    makeRows(box) {
      for (const [kind, title, words] of KINDS) {
        const own = this.data.examples.filter(e => e.kind === kind), scroll = make('div', 'scroll');
        if (!own.length) continue;
        scroll.append(this.bank.table(own.map(e => e.input), own.map(e => e.value), this.bank.columns.map((_, c) => c)));
        box.append(Scope.panel('shots', `${title}: ${words}`, [scroll]));
      }
    }

    makeFigures() {
      const f = Scope.figures, curves = () => this.data.curves[this.chosen], any = name => Object.values(this.data.curves).some(c => c[name]);
      const all = [
        any('histogram') && ['histogram', 'Inside and outside', 'How often each activation occurs, inside the concept and outside.', look => f.histogram(curves(), look, 'places')],
        any('roc') && ['roc', 'ROC', 'Hits over false alarms as the threshold falls.', look => f.roc(curves(), look)],
        this.data.over_units && ['over', 'One unit, or several?', 'AUC when the k best units are read together: where one is enough, the curve is flat.', look => Scope.measures.over({ '': this.data.over_units }, look)],
      ].filter(Boolean);
      this.figures = all.map(args => new Scope.Figure(...args));
      byId('figures').append(...this.figures.map(figure => figure.element));
    }

    key(name) {
      if (name === 'ArrowLeft' || name === 'ArrowRight') this.go(this.table.neighbour(this.chosen, name === 'ArrowLeft' ? -1 : 1));
      else if (name === 'ArrowUp' || name === 'ArrowDown') {
        const link = document.querySelector(`.flip a[rel=${name === 'ArrowUp' ? 'prev' : 'next'}]`);
        if (link) link.click();
      } else if (name === '/') byId('filter').focus();
      else if (name === 'o' && this.shots) {
        this.overlay = !this.overlay;
        document.querySelector('[data-key=o]').setAttribute('aria-pressed', String(this.overlay));
        for (const paint of this.shots) paint();
      }
    }
  };

  /* The border of a mask of [rows, columns], light within dark: it is seen on any picture. */
  Scope.outline = function (path, [rows, columns]) {
    const svg = Scope.svg('svg', { class: 'outline', viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    for (const name of ['under', 'above']) svg.append(Scope.svg('path', { class: name, d: path }));
    return svg;
  };

  (Scope.starts = Scope.starts || {}).concept = async function (data) {
    Scope.walker = new Scope.ConceptView(data);
    Scope.walker.open();
  };
})(window.Scope);
