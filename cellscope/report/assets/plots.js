/* Drawing figures: plotly is fetched when the first one comes into view, so that the text never waits for it. */
'use strict';
(function (Scope) {
  const make = Scope.make, script = document.currentScript, nonce = script && script.nonce;
  let loading = null;

  function load() {
    if (!loading) {
      loading = (async () => {
        await Scope.opened;
        await new Promise(done => (window.requestIdleCallback || (f => setTimeout(f, 50)))(done, { timeout: 1500 }));
        const tag = document.createElement('script'), packed = document.getElementById('plotly-packed');
        tag.nonce = nonce;
        if (packed) {
          tag.textContent = await Scope.inflateText(packed.textContent);
          document.head.append(tag);
        } else {
          tag.src = document.body.dataset.assets + '/plotly.min.js';
          await new Promise((done, failed) => { tag.onload = done; tag.onerror = failed; document.head.append(tag); });
        }
        return window.Plotly;
      })();
    }
    return loading;
  }

  function hex(name) {
    const probe = make('span');
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    probe.remove();
    return '#' + parts.map(v => Math.round(v).toString(16).padStart(2, '0')).join('');
  }

  Scope.look = () => Object.fromEntries(['ink', 'page', 'paper', 'quiet', 'rule', 'high', 'low', 'third'].map(name => [name, hex(name)]));

  function layout(figure, look, width) {
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: look.ink };
    const axis = title => ({ title: { text: title, standoff: 8 }, gridcolor: look.rule, zerolinecolor: look.rule, linecolor: look.rule, automargin: true });
    const made = {
      font, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', margin: { l: 48, r: 12, t: 8, b: 40 }, height: figure.height || 270,
      xaxis: axis(figure.x), yaxis: axis(figure.y), showlegend: !figure.plain, legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0 }, hoverlabel: { font },
    };
    if (figure.xrange) made.xaxis.range = figure.xrange;
    if (figure.yrange) made.yaxis.range = figure.yrange;
    if (figure.log) made.yaxis.type = 'log';
    if (figure.category) { made.yaxis.type = 'category'; made.yaxis.dtick = 1; }
    if (figure.chance !== undefined) made.shapes = [{ type: 'line', x0: figure.chance, x1: figure.chance, yref: 'paper', y0: 0, y1: 1, line: { color: look.quiet, width: 1, dash: 'dot' } }];
    if (figure.zero) made.shapes = [{ type: 'line', x0: 0, x1: 0, yref: 'paper', y0: 0, y1: 1, line: { color: look.quiet, width: 1, dash: 'dot' } }];
    if (figure.bits) { made.yaxis2 = { ...axis('bits per character'), overlaying: 'y', side: 'right', range: figure.bits, showgrid: false, tickmode: 'auto', nticks: 6 }; made.margin.r = 56; }
    if (figure.units) { made.yaxis.type = 'category'; made.yaxis.autorange = 'reversed'; made.xaxis.tickangle = -40; made.xaxis.type = 'category'; made.yaxis.nticks = 24; }
    if (figure.panels) panels(made, figure, look, axis, width);
    if (figure.adjust) figure.adjust(made);
    return made;
  }

  /* One panel a gate, side by side or one below the other, each with the anti-diagonal. */
  function panels(made, figure, look, axis, width) {
    const n = figure.panels.length, stacked = width < 640;
    made.shapes = []; made.annotations = [];
    made.grid = stacked ? { rows: n, columns: 1, pattern: 'independent', ygap: 0.28 } : { rows: 1, columns: n, pattern: 'independent', xgap: 0.14 };
    made.height = stacked ? 280 * n : 340;
    figure.panels.forEach((name, k) => {
      const id = k ? String(k + 1) : '';
      made['xaxis' + id] = { ...axis(stacked && k < n - 1 ? '' : figure.x), range: [-0.03, 1.03] };
      made['yaxis' + id] = { ...axis(stacked || k === 0 ? figure.y : ''), range: [-0.03, 1.03] };
      made.shapes.push({ type: 'line', xref: 'x' + id, yref: 'y' + id, x0: 0, y0: 1, x1: 1, y1: 0, line: { color: look.quiet, width: 1, dash: 'dot' } });
      made.annotations.push({ text: name, xref: `x${id} domain`, yref: `y${id} domain`, x: 0.98, y: 0.98, xanchor: 'right', yanchor: 'top', showarrow: false, font: { size: 13 } });
    });
    made.legend.y = stacked ? 1.03 : 1.06;
  }

  function csvOf(table) {
    const names = Object.keys(table), length = Math.max(0, ...names.map(n => table[n].length));
    const cell = value => {
      if (value === null || value === undefined) return '';
      if (typeof value === 'number') return String(value);
      const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [names.map(cell).join(',')];
    for (let k = 0; k < length; k++) lines.push(names.map(n => cell(table[n][k])).join(','));
    return lines.join('\n') + '\n';
  }

  function save(name, text) {
    const link = make('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
    link.download = name + '.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
  }

  Scope.saveTable = (name, table) => save(name, csvOf(table));

  /* A figure: title, plot, a line of words, links to save it. `build(look)` may give null: then the place says so. */
  Scope.Figure = class {
    constructor(name, title, caption, build) {
      Object.assign(this, { name, build, seen: false, wait: 0 });
      this.element = make('figure', name);
      this.plot = make('div', 'plot');
      const words = make('figcaption'), saves = make('span', 'saves');
      for (const kind of ['SVG', 'PNG', 'CSV']) {
        const button = make('button', '', kind);
        button.type = 'button';
        button.setAttribute('aria-label', `save "${title}" as ${kind}`);
        button.addEventListener('click', () => this.save(kind.toLowerCase()));
        saves.append(button);
      }
      words.append(make('span', '', caption), saves);
      this.element.append(make('h3', '', title), this.plot, words);
      new IntersectionObserver((entries, self) => {
        if (entries.some(e => e.isIntersecting)) { self.disconnect(); this.seen = true; this.draw(); }
      }, { rootMargin: '40px' }).observe(this.element);
      document.addEventListener('theme', () => this.soon());
    }

    soon() { clearTimeout(this.wait); this.wait = setTimeout(() => this.draw(), 120); }

    async draw() {
      if (!this.seen) return;
      const figure = this.build(Scope.look());
      this.element.classList.toggle('empty', !figure);
      if (!figure) { if (window.Plotly) window.Plotly.purge(this.plot); this.plot.textContent = 'not drawn for this one'; return; }
      try {
        const Plotly = await load(), look = Scope.look();
        if (!this.plot._fullLayout) this.plot.textContent = '';
        const config = { responsive: true, displayModeBar: false, displaylogo: false };
        await Plotly.react(this.plot, figure.traces, layout(figure, look, this.plot.clientWidth), config);
        this.element.dataset.drawn = 'yes';
      } catch (error) {
        this.plot.textContent = 'The figure cannot be drawn (is assets/ beside the pages?); its numbers are under CSV.';
      }
    }

    save(kind) {
      const figure = this.build(Scope.look());
      if (!figure) return;
      const name = `${document.title.split(' ·')[0]}-${this.name}`.replace(/[^\w.-]+/g, '-');
      if (kind === 'csv') save(name, csvOf(figure.table));
      else if (window.Plotly && this.plot._fullLayout) window.Plotly.downloadImage(this.plot, { format: kind, filename: name, scale: kind === 'png' ? 2 : 1, width: this.plot.clientWidth, height: this.plot.clientHeight });
    }
  };
})(window.Scope);
