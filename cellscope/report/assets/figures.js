/* What each figure shows: data in, traces, axes and a table out. Nothing here draws. */
'use strict';
(function (Scope) {
  const BLUE = 'high', ORANGE = 'low';

  function band(line, colour, name) {
    if (!line.low || !line.low.length) return [];
    return [{
      x: [...line.x, ...[...line.x].reverse()], y: [...line.high, ...[...line.low].reverse()], type: 'scatter', mode: 'lines',
      fill: 'toself', fillcolor: colour + '33', line: { width: 0 }, hoverinfo: 'skip', showlegend: false, name,
    }];
  }

  const share = counts => { const sum = counts.reduce((a, b) => a + b, 0) || 1; return counts.map(c => c / sum); };

  const figures = {};

  figures.histogram = function (curves, look, what = 'characters') {
    const h = curves && curves.histogram;
    if (!h) return null;
    const mid = h.inside.map((_, k) => (h.edges[k] + h.edges[k + 1]) / 2), inside = share(h.inside), outside = share(h.outside);
    return {
      traces: [
        { x: mid, y: outside, type: 'scatter', mode: 'lines', line: { shape: 'hvh', color: look.quiet, width: 1.5, dash: 'dot' }, name: 'outside' },
        { x: mid, y: inside, type: 'scatter', mode: 'lines', line: { shape: 'hvh', color: look[BLUE], width: 2 }, fill: 'tozeroy', fillcolor: look[BLUE] + '40', name: 'inside' },
      ],
      x: 'activation', y: 'share of ' + what,
      table: { activation_from: h.edges.slice(0, -1), activation_to: h.edges.slice(1), inside: h.inside, outside: h.outside },
    };
  };

  figures.borders = function (curves, look) {
    const { start, end } = curves || {};
    if (!start && !end) return null;
    const traces = [];
    if (start) traces.push(...band(start, look[BLUE]), { x: start.x, y: start.y, type: 'scatter', mode: 'lines', line: { color: look[BLUE], width: 2 }, name: 'around the start' });
    if (end) traces.push(...band(end, look[ORANGE]), { x: end.x, y: end.y, type: 'scatter', mode: 'lines', line: { color: look[ORANGE], width: 2, dash: 'dash' }, name: 'around the end' });
    const one = (line, key) => line ? (line[key] && line[key].length ? line[key] : line.x.map(() => null)) : [];
    const table = {};
    for (const [name, line] of [['start', start], ['end', end]]) {
      if (!line) continue;
      table[name + '_offset'] = line.x;
      for (const [key, label] of [['y', 'mean'], ['low', 'low'], ['high', 'high']]) table[`${name}_${label}`] = one(line, key);
    }
    return { traces, x: 'characters from the border', y: 'mean activation', zero: true, table };
  };

  figures.roc = function (curves, look) {
    const roc = curves && curves.roc;
    if (!roc) return null;
    return {
      traces: [
        { x: [0, 1], y: [0, 1], type: 'scatter', mode: 'lines', line: { color: look.quiet, width: 1, dash: 'dot' }, name: 'chance' },
        { x: roc.x, y: roc.y, type: 'scatter', mode: 'lines', line: { color: look[BLUE], width: 2 }, name: 'this unit' },
      ],
      x: 'false positive rate', y: 'true positive rate', xrange: [-0.02, 1.02], yrange: [-0.02, 1.02],
      table: { false_positive_rate: roc.x, true_positive_rate: roc.y },
    };
  };

  figures.value = function (curves, look) {
    const v = curves && curves.value;
    if (!v) return null;
    return {
      traces: [...band(v, look[BLUE]), { x: v.x, y: v.y, type: 'scatter', mode: 'lines+markers', line: { color: look[BLUE], width: 2 }, name: 'mean' }],
      x: 'value of the feature', y: 'mean activation', table: { value: v.x, mean: v.y, low: v.low, high: v.high }, plain: true,
    };
  };

  /* An AUC or a rank correlation on one scale: 0 says nothing, 1 says all. */
  const told = (score, numeric) => numeric ? score : 2 * score - 1;

  /* The AUCs below, the rank correlations above, so that AUC .5 is over r 0 and AUC 1 over r 1. */
  figures.others = function ({ features, numeric }, scores, chosen, look) {
    if (!scores) return null;
    const known = features.map((_, k) => k).filter(k => scores[k] !== null).sort((a, b) => told(scores[a], numeric[a]) - told(scores[b], numeric[b]));
    const order = known.slice(-40), words = k => Scope.visible(features[k]), low = Math.min(-0.04, ...order.map(k => told(scores[k], numeric[k]))) - 0.02;
    const trace = (of, name, axis, symbol) => ({
      x: of.map(k => scores[k]), y: of.map(words), type: 'scatter', mode: 'markers', name, xaxis: axis,
      marker: { size: of.map(k => features[k] === chosen ? 11 : 7), symbol, color: of.map(k => features[k] === chosen ? look[BLUE] : look.quiet) },
      hovertemplate: `%{y}: ${name} %{x:.3f}<extra></extra>`,
    });
    const spans = order.filter(k => !numeric[k]), counts = order.filter(k => numeric[k]), traces = [];
    if (spans.length || !counts.length) traces.push(trace(spans, 'AUC', 'x', 'circle'));
    if (counts.length) traces.push(trace(counts, 'rank r', spans.length ? 'x2' : 'x', 'square'));
    const both = traces.length > 1, range = both || spans.length ? [(1 + low) / 2, 1.02] : [low, 1.04];
    return {
      traces, x: traces[0].name, y: '', category: true, xrange: range, height: Math.max(260, (both ? 100 : 60) + order.length * 17), plain: true, chance: spans.length ? 0.5 : 0,
      table: { feature: known.map(k => features[k]), score: known.map(k => numeric[k] ? 'rank r' : 'AUC'), value: known.map(k => scores[k]) },
      adjust: made => {
        Object.assign(made.yaxis, { categoryorder: 'array', categoryarray: order.map(words) });
        if (!both) return;
        made.xaxis2 = { ...made.xaxis, title: { text: 'rank r (squares)', standoff: 8 }, overlaying: 'x', side: 'top', range: range.map(v => 2 * v - 1), showgrid: false };
        made.xaxis.title.text = 'AUC (circles)';
      },
    };
  };

  figures.losses = function (run, look) {
    const losses = run.losses;
    if (!losses) return null;
    const x = losses.characters, dashes = ['solid', 'dash', 'dot'], colours = [look.quiet, look[BLUE], look[ORANGE]];
    const names = Object.keys(losses).filter(n => n !== 'characters');
    const traces = names.map((name, k) => ({ x, y: losses[name], type: 'scatter', mode: 'lines', connectgaps: true, line: { color: colours[k % 3], width: 2, dash: dashes[k % 3] }, name }));
    const all = names.flatMap(n => losses[n]).filter(v => v !== null), first = x[0], last = x[x.length - 1];
    if (run.xz) {
      all.push(run.xz * Math.LN2);
      traces.push({ x: [first, last], y: [run.xz * Math.LN2, run.xz * Math.LN2], type: 'scatter', mode: 'lines', line: { color: look.ink, width: 1, dash: 'longdash' }, name: `xz ${Scope.short(run.xz)} bits` });
    }
    const sorted = [...all].sort((a, b) => a - b), low = sorted[0], high = sorted[sorted.length - 1], pad = (high - low) * 0.06 || 0.1;
    const range = [low - pad, high + pad];
    traces.push({ x: [first], y: [low / Math.LN2], yaxis: 'y2', type: 'scatter', mode: 'markers', marker: { opacity: 0 }, showlegend: false, hoverinfo: 'skip' });
    return { traces, x: 'characters read', y: 'nats per character', yrange: range, bits: range.map(v => v / Math.LN2), table: losses };
  };

  figures.heat = function (run, look) {
    const heat = run.heat;
    if (!heat) return null;
    const numeric = heat.numeric, some = numeric.some(n => n), all = numeric.every(n => n), names = heat.features.map((name, k) => Scope.visible(name) + (some && !all && numeric[k] ? ' (r)' : ''));
    const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1], plain = v => Scope.short(v, 1), label = t => all ? plain(t) : plain((1 + t) / 2) + (some ? ` | ${plain(t)}` : '');
    const table = { unit: heat.units };
    heat.features.forEach((name, k) => { table[name === 'unit' ? 'feature unit' : name] = heat.values.map(row => row[k]); });
    const size = heat.values.map(row => row.map((v, k) => v === null ? null : Math.abs(told(v, numeric[k]))));
    const said = heat.values.map(row => row.map((v, k) => v === null ? '' : numeric[k] ? `rank r ${Scope.short(Math.abs(v), 3)}` : `AUC ${Scope.short(Math.max(v, 1 - v), 3)}`));
    const bar = { title: { text: all ? 'rank r' : some ? 'AUC | rank r' : 'AUC' }, thickness: 10, outlinewidth: 0, tickvals: ticks, ticktext: ticks.map(label) };
    return {
      traces: [{ z: size, x: names, y: heat.units, text: said, type: 'heatmap', colorscale: [[0, look.paper], [1, look[BLUE]]], zmin: 0, zmax: 1, colorbar: bar, hovertemplate: '%{y}<br>%{x}: %{text}<extra></extra>' }],
      x: '', y: '', units: true, height: Math.max(380, Math.min(820, 90 + heat.units.length * 4)), table, plain: true,
    };
  };

  figures.saturation = function (run, look) {
    const s = run.saturation;
    if (!s) return null;
    const colours = [look[BLUE], look[ORANGE], look.third, look.quiet], symbols = ['circle-open', 'diamond-open', 'square-open', 'triangle-up-open'];
    const table = { layer: [], gate: [], unit: [], right: [], left: [] }, traces = [];
    s.gates.forEach((gate, g) => s.layers.forEach((layer, l) => {
      const points = s.points[gate][layer], axis = g ? String(g + 1) : '';
      for (const [unit, right, left] of points) { table.layer.push(layer); table.gate.push(gate); table.unit.push(unit); table.right.push(right); table.left.push(left); }
      traces.push({
        x: points.map(p => p[1]), y: points.map(p => p[2]), text: points.map(p => `${layer}/${p[0]}`), type: 'scatter', mode: 'markers', xaxis: 'x' + axis, yaxis: 'y' + axis,
        marker: { color: colours[l % 4], symbol: symbols[l % 4], size: 7, opacity: 0.8, line: { width: 1.3 } }, name: layer, legendgroup: layer, showlegend: g === 0,
        hovertemplate: '%{text}<br>open %{x:.2f}, closed %{y:.2f}<extra></extra>',
      });
    }));
    return { traces, x: 'fraction of the text open (> .9)', y: 'fraction closed (< .1)', panels: s.gates.map(Scope.visible), table };
  };

  figures.timescales = function (run, look) {
    const t = run.timescales;
    if (!t) return null;
    const order = t.values.map((_, k) => k).sort((a, b) => t.values[b] - t.values[a]);
    return {
      traces: [{ x: order.map((_, k) => k + 1), y: order.map(k => t.values[k]), text: order.map(k => t.units[k]), type: 'scatter', mode: 'markers', marker: { color: look[BLUE], size: 5 }, hovertemplate: '%{text}: %{y:.1f} characters<extra></extra>', name: 'units' }],
      x: 'units, longest first', y: 'characters', log: true, plain: true, table: { unit: order.map(k => t.units[k]), characters: order.map(k => t.values[k]) },
    };
  };

  Scope.figures = figures;
})(window.Scope);
