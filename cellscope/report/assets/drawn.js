/* Lines with bands, bars with intervals and heat maps of exhibits: data in, traces, axes and a table out. */
'use strict';
(function (Scope) {
  const LONGEST = 40, SHORTEST = 20;

  /* plotly reads its words as marked up: names are handed over escaped, cut, and with what cannot be seen written out. */
  Scope.escaped = function (text, longest = LONGEST) {
    const all = Array.from(Scope.visible(text)), cut = all.length > longest ? [...all.slice(0, longest - 1), '\u2026'] : all;
    return cut.join('').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  };

  const tick = text => Scope.escaped(text, innerWidth < 640 ? SHORTEST : LONGEST);
  const known = v => v !== null && v !== undefined;
  const style = (k, quiet, look) => quiet ? { color: look.quiet, dash: ['dot', 'dashdot'][k % 2] } : { color: [look.high, look.low, look.third, look.ink][k % 4], dash: ['solid', 'dash', 'dashdot', 'longdash'][Math.floor(k / 4 + k) % 4] };

  /* The stretches in which an interval is known, each as a closed area. */
  function bands(s, colour) {
    const made = [];
    let at = [];
    const close = () => {
      if (at.length > 1) made.push({ x: [...at.map(k => s.x[k]), ...at.toReversed().map(k => s.x[k])], y: [...at.map(k => s.high[k]), ...at.toReversed().map(k => s.low[k])],
        type: 'scatter', mode: 'lines', fill: 'toself', fillcolor: colour + '30', line: { width: 0 }, hoverinfo: 'skip', showlegend: false, legendgroup: s.name });
      at = [];
    };
    (s.low || []).forEach((low, k) => { if (known(low) && known(s.high[k]) && known(s.x[k])) at.push(k); else close(); });
    close();
    return made;
  }

  const between = (s, k) => s.low.length && known(s.low[k]) && known(s.high[k]) ? ` (${Scope.short(s.low[k])}\u2013${Scope.short(s.high[k])})` : '';

  function lines(f, look, fixed) {
    const traces = [], table = { series: [], x: [], y: [], low: [], high: [] }, labelled = f.series.some(s => s.labels.length);
    if (labelled) table.label = [];
    let loud = 0, hushed = 0;
    for (const s of f.series) {
      const { color, dash } = style(s.quiet ? hushed++ : loud++, s.quiet, look), name = Scope.escaped(s.name);
      traces.push(...bands(s, color));
      traces.push({ x: s.x, y: s.y, type: 'scatter', mode: s.points ? 'markers' : s.x.length < 40 ? 'lines+markers' : 'lines', line: { color, dash, width: 2 }, marker: { color, size: s.points ? 7 : 5 }, name, legendgroup: s.name,
        text: s.x.map((x, k) => `${name}${s.labels.length ? '<br>' + Scope.escaped(s.labels[k]) : ''}<br>${Scope.short(x)}: ${Scope.short(s.y[k], 3)}${between(s, k)}`), hovertemplate: '%{text}<extra></extra>' });
      s.x.forEach((x, k) => {
        table.series.push(s.name); table.x.push(x); table.y.push(s.y[k]); table.low.push(s.low.length ? s.low[k] : null); table.high.push(s.high.length ? s.high[k] : null);
        if (labelled) table.label.push(s.labels.length ? s.labels[k] : null);
      });
    }
    const adjust = made => {
      if (f.log_x) { made.xaxis.type = 'log'; made.xaxis.dtick = 1; made.xaxis.minor = { showgrid: false }; if (decades(f) < 2) { delete made.xaxis.dtick; if (decades(f) > 0.7) Object.assign(made.xaxis, steps(f)); } }
      if (f.log_y) made.yaxis.type = 'log';
      if (fixed) { made.xaxis.range = fixed.x; made.yaxis.range = fixed.y; }
      made.hovermode = 'closest';
      made.shapes = f.rules.map(([, y]) => ({ type: 'line', xref: 'paper', x0: 0, x1: 1, y0: y, y1: y, line: { color: look.quiet, width: 1, dash: 'dot' } }));
      made.annotations = f.rules.map(([name, y]) => ({ text: Scope.escaped(name), xref: 'paper', x: 1, xanchor: 'right', y: f.log_y ? Math.log10(y) : y, yanchor: 'bottom', showarrow: false, bgcolor: look.page + 'cc', font: { size: 11, color: look.quiet } }));
    };
    return { traces, x: Scope.escaped(f.x), y: Scope.escaped(f.y), plain: f.series.length < 2, height: 290, adjust, table };
  }

  function decades(f) {
    const x = f.series.flatMap(s => s.x).filter(v => known(v) && v > 0);
    return x.length ? Math.log10(Math.max(...x) / Math.min(...x)) : 0;
  }

  /* Over less than two decades 1, 2, 5, 10 ... are written out: Plotly's own ticks call 20 a small 2. */
  function steps(f) {
    const x = f.series.flatMap(s => s.x).filter(v => known(v) && v > 0), tickvals = [];
    for (let e = Math.floor(Math.log10(Math.min(...x))); e <= Math.log10(Math.max(...x)); e += 1) tickvals.push(...[1, 2, 5].map(m => Number((m * 10 ** e).toPrecision(1))));
    return { tickvals, ticktext: tickvals.map(v => v.toLocaleString('en-US', { maximumFractionDigits: 6 })) };
  }

  function bars(f, look, fixed) {
    const n = f.labels.length, places = f.labels.map((_, k) => k), along = f.upright ? 'y' : 'x', across = f.upright ? 'x' : 'y', table = { label: f.labels };
    let loud = 0;
    const traces = f.groups.map(g => {
      const k = g.quiet ? -1 : loud++, color = g.quiet ? look.quiet : [look.high, look.low, look.third, look.ink][k % 4], held = g.low.length > 0, name = Scope.escaped(g.name);
      table[g.name || 'value'] = g.values;
      if (held) { table[`${g.name} low`] = g.low; table[`${g.name} high`] = g.high; }
      const away = (ends, sign) => g.values.map((v, j) => known(v) && known(ends[j]) ? Math.max(0, sign * (ends[j] - v)) : 0);
      return {
        type: 'bar', orientation: f.upright ? 'v' : 'h', [along]: g.values.map(v => known(v) ? v - f.base : null), [across]: places, base: f.base, name,
        marker: { color: color + 'b0', line: { color, width: 1 }, pattern: { shape: k < 1 ? '' : ['/', '.', 'x'][(k - 1) % 3], fillmode: 'overlay', fgcolor: look.paper, size: 6, solidity: 0.22 } },
        ['error_' + along]: held ? { type: 'data', symmetric: false, array: away(g.high, 1), arrayminus: away(g.low, -1), color: look.ink, thickness: 1.2, width: 3 } : undefined,
        text: g.values.map((v, j) => `${Scope.escaped(f.labels[j])}${name ? '<br>' + name : ''}: ${Scope.short(v, 3)}${between(g, j)}`), textposition: 'none', hovertemplate: '%{text}<extra></extra>',
      };
    });
    const adjust = made => {
      const labels = made[across + 'axis'], value = made[along + 'axis'], step = f.upright ? Math.ceil(n / 40) : 1, shown = places.filter(k => k % step === 0);
      made.barmode = 'group';
      made.bargap = 0.3;
      Object.assign(labels, { tickmode: 'array', tickvals: shown, ticktext: shown.map(k => tick(f.labels[k])), range: f.upright ? [-0.6, n - 0.4] : [n - 0.4, -0.6], showgrid: false, zeroline: false });
      if (f.upright && f.labels.some(l => l.length > 4)) labels.tickangle = -40;
      if (fixed) value.range = fixed.value;
      made.hovermode = 'closest';
      if (!f.upright) made.legend.traceorder = 'normal';
      made.shapes = [{ type: 'line', [along + '0']: f.base, [along + '1']: f.base, [across + 'ref']: 'paper', [across + '0']: 0, [across + '1']: 1, line: { color: look.quiet, width: 1 } }];
    };
    const height = f.upright ? 300 : Math.min(1800, 84 + n * (10 + 13 * f.groups.length)), value = Scope.escaped(f.value), label = Scope.escaped(f.label);
    return { traces, x: f.upright ? label : value, y: f.upright ? value : label, plain: f.groups.length < 2, height, adjust, table };
  }

  function heatmap(f, look, fixed) {
    const flat = f.values.flat().filter(known), below = flat.some(v => v < f.centre), above = flat.some(v => v > f.centre);
    const reach = fixed ? fixed.reach : f.reach || Math.max(...flat.map(v => Math.abs(v - f.centre)), 1e-9);
    const signed = fixed ? [fixed.below, fixed.above] : [below, above || !below];
    const ends = [signed[0] ? f.centre - reach : f.centre, signed[1] ? f.centre + reach : f.centre];
    const scale = signed[0] && signed[1] ? [[0, look.low], [0.5, look.paper], [1, look.high]] : signed[0] ? [[0, look.low], [1, look.paper]] : [[0, look.paper], [1, look.high]];
    const rows = f.rows.map(r => Scope.escaped(r)), columns = f.columns.map(c => Scope.escaped(c)), few = rows.length * columns.length < 3000;
    const table = { [f.row || 'row']: f.rows };
    f.columns.forEach((name, k) => { table[name in table ? name + ' ' : name] = f.values.map(row => row[k]); });
    const ticks = (names, most) => { const step = Math.ceil(names.length / most), vals = names.map((_, k) => k).filter(k => k % step === 0); return { tickmode: 'array', tickvals: vals, ticktext: vals.map(k => tick(names[k])), showgrid: false, zeroline: false }; };
    const height = Math.max(220, Math.min(1150, 140 + rows.length * 16)), narrow = innerWidth < 640;
    const adjust = made => {
      Object.assign(made.xaxis, ticks(f.columns, 90), { tickangle: columns.every(c => c.length <= 3) ? 0 : columns.length > (narrow ? 16 : 50) ? -90 : -45 });
      Object.assign(made.yaxis, ticks(f.rows, Math.floor((height - 110) / 14)), { range: [rows.length - 0.5, -0.5] });
    };
    return {
      traces: [{ type: 'heatmap', z: f.values, zmin: ends[0], zmax: ends[1], colorscale: scale, xgap: few ? 1 : 0, ygap: few ? 1 : 0, hoverongaps: false,
        colorbar: { title: { text: Scope.escaped(f.value), side: narrow ? 'top' : 'right' }, thickness: 10, outlinewidth: 0, ...(narrow ? { orientation: 'h', y: 1.01, yanchor: 'bottom', x: 0, xanchor: 'left', lenmode: 'pixels', len: 200 } : {}) },
        text: f.values.map((row, r) => row.map((v, c) => `${rows[r]}<br>${columns[c]}: ${Scope.short(v, 3)}`)), hovertemplate: '%{text}<extra></extra>' }],
      x: Scope.escaped(f.column), y: Scope.escaped(f.row), plain: true, height, adjust, table,
    };
  }

  const padded = (values, log) => {
    const known_ = values.filter(v => known(v) && (!log || v > 0)).map(v => log ? Math.log10(v) : v);
    if (!known_.length) return undefined;
    const low = Math.min(...known_), high = Math.max(...known_), pad = (high - low) * 0.05 || Math.abs(high) * 0.05 || 0.1;
    return [low - pad, high + pad];
  };

  /* Axes and colours that fit all frames of a sequence. */
  Scope.fixed = function (figures) {
    const kind = figures[0].kind;
    if (kind === 'lines') {
      const all = figures.flatMap(f => f.series), rules = figures.flatMap(f => f.rules.map(r => r[1]));
      return { x: padded(all.flatMap(s => s.x), figures[0].log_x), y: padded([...all.flatMap(s => [...s.y, ...s.low, ...s.high]), ...rules], figures[0].log_y) };
    }
    if (kind === 'bars') return { value: padded([...figures.flatMap(f => f.groups.flatMap(g => [...g.values, ...g.low, ...g.high])), ...figures.map(f => f.base)]) };
    if (kind === 'heatmap') {
      const away = figures.flatMap(f => f.values.flat().filter(known).map(v => v - f.centre));
      let reach = 1e-9, below = false, above = false;
      for (const v of away) { reach = Math.max(reach, Math.abs(v)); below ||= v < 0; above ||= v > 0; }
      return { reach: figures[0].reach || reach, below, above: above || !below };
    }
    return null;
  };

  Scope.drawn = { lines, bars, heatmap };
})(window.Scope);
