/* The figures of a run of pictures: data in, traces and a table out, as in figures.js. */
'use strict';
(function (Scope) {
  const DASHES = ['solid', 'dash', 'dot', 'dashdot'], SYMBOLS = ['circle', 'diamond', 'square', 'triangle-up', 'cross', 'x'];
  const measures = {};

  /* Lines by name, told apart by colour, dash and symbol at once; `styles` may fix colour and dash of each. */
  function lines(series, look, styles) {
    const colours = [look.high, look.low, look.third, look.quiet, look.ink], traces = [];
    series.forEach(([name, line], k) => {
      const [c, d] = styles ? styles(k) : [k, Math.floor(k / 5) + k], colour = colours[c % 5];
      if (line.low && line.low.length && series.length <= 6) {
        traces.push({
          x: [...line.x, ...[...line.x].reverse()], y: [...line.high, ...[...line.low].reverse()], type: 'scatter', mode: 'lines', fill: 'toself',
          fillcolor: colour + '22', line: { width: 0 }, hoverinfo: 'skip', showlegend: false,
        });
      }
      traces.push({
        x: line.x, y: line.y, type: 'scatter', mode: 'lines+markers', name: Scope.visible(name), connectgaps: true,
        line: { color: colour, width: 2, dash: DASHES[d % 4] }, marker: { symbol: SYMBOLS[d % 6], size: 6 },
      });
    });
    return traces;
  }

  /* One row a point: the name of the line, x, y and its interval. */
  function tableOf(series, x, y) {
    const table = { series: [], [x]: [], [y]: [], low: [], high: [] };
    for (const [name, line] of series) {
      line.x.forEach((value, k) => {
        table.series.push(name); table[x].push(value); table[y].push(line.y[k]);
        table.low.push(line.low && line.low.length ? line.low[k] : null);
        table.high.push(line.high && line.high.length ? line.high[k] : null);
      });
    }
    return table;
  }

  const level = (value, look, name) => ({ type: 'line', xref: 'paper', x0: 0, x1: 1, y0: value, y1: value, line: { color: look.quiet, width: 1, dash: 'dot' }, label: { text: name, textposition: 'start', yanchor: 'bottom', font: { size: 11, color: look.quiet } } });

  measures.over = function (curves, look) {
    const series = Object.entries(curves);
    if (!series.length) return null;
    const x = [...new Set(series.flatMap(([, line]) => line.x))].sort((a, b) => a - b);
    return {
      traces: lines(series, look), x: 'best units read together', y: 'AUC', plain: series.length < 2, table: tableOf(series, 'units', 'auc'),
      adjust: made => { Object.assign(made.xaxis, { type: 'log', tickvals: x, ticktext: x.map(String) }); },
    };
  };

  measures.losses = function (losses, look, accuracy) {
    const key = 'epoch' in losses ? 'epoch' : 'step', names = Object.keys(losses).filter(n => n !== key && /accuracy/i.test(n) === accuracy);
    if (!names.length) return null;
    const series = names.map(name => [name, { x: losses[key], y: losses[name] }]), table = { [key]: losses[key] };
    names.forEach(name => { table[name] = losses[name]; });
    return { traces: lines(series, look).map(t => ({ ...t, mode: 'lines' })), x: key, y: accuracy ? 'accuracy' : 'loss', table };
  };

  measures.confusion = function (confusion, look) {
    const names = confusion.classes.map(Scope.visible), n = names.length, table = { true_class: confusion.classes };
    confusion.classes.forEach((name, k) => { table['guessed ' + name] = confusion.counts.map(row => row[k]); });
    const shares = confusion.counts.map(row => { const sum = row.reduce((a, b) => a + b, 0); return row.map(v => sum ? v / sum : 0); });
    return {
      traces: [{
        z: shares, x: names, y: names, customdata: confusion.counts, type: 'heatmap', colorscale: [[0, look.paper], [1, look.high]], zmin: 0, zmax: 1, xgap: 1, ygap: 1,
        text: confusion.counts.map(row => row.map(v => v.toLocaleString('en-US'))), texttemplate: n <= 12 ? '%{text}' : '', hovertemplate: 'true %{y}, guessed %{x}: %{customdata}<extra></extra>', showscale: n > 12,
        colorbar: { title: { text: 'share' }, thickness: 10, outlinewidth: 0 },
      }],
      x: 'guessed', y: 'true', plain: true, height: Math.max(300, Math.min(760, 110 + n * 30)), table,
      adjust: made => { Object.assign(made.xaxis, { type: 'category', showgrid: false }); Object.assign(made.yaxis, { type: 'category', autorange: 'reversed', showgrid: false }); },
    };
  };

  measures.classes = function (confusion, look) {
    const share = confusion.counts.map((row, k) => { const sum = row.reduce((a, b) => a + b, 0); return sum ? row[k] / sum : null; });
    const order = share.map((_, k) => k).sort((a, b) => share[a] - share[b]);
    return {
      traces: [{ x: order.map(k => share[k]), y: order.map(k => Scope.visible(confusion.classes[k])), type: 'scatter', mode: 'markers', marker: { color: look.high, size: 8 }, name: 'accuracy' }],
      x: 'share of the class that is guessed right', y: '', category: true, plain: true, height: Math.max(260, Math.min(760, 80 + order.length * 18)), xrange: [-0.02, 1.02],
      table: { class: order.map(k => confusion.classes[k]), accuracy: order.map(k => share[k]) },
    };
  };

  /* Best first in blue, at random in orange; zero solid, mean dashed. */
  measures.damage = function (curves, chance, look) {
    const series = curves.map(c => [`${c.order}, ${c.fill}`, c.line]);
    return {
      traces: lines(series, look, k => [/random/i.test(curves[k].order) ? 1 : 0, curves[k].fill === 'zero' ? 0 : 1]), x: 'share of the layer\u2019s units removed', y: 'accuracy', xrange: [-0.02, 1.02],
      table: tableOf(series, 'share_removed', 'accuracy'),
      adjust: made => { if (chance !== null) made.shapes = [level(chance, look, 'guessing')]; },
    };
  };

  measures.invariance = function (curves, look) {
    const series = curves.map(c => [c.layer, c.line]), { amount, measure } = curves[0];
    return { traces: lines(series, look), x: amount ? Scope.visible(amount) : 'amount', y: Scope.visible(measure), table: tableOf(series, 'amount', measure) };
  };

  /* What is answered under a change: the shares told right and told as before. */
  measures.answers = function ({ right, same, amount }, look) {
    const series = [...(right ? [['told right', right]] : []), ['told as before', same]];
    return { traces: lines(series, look), x: amount ? Scope.visible(amount) : 'amount', y: 'share of pictures', table: tableOf(series, 'amount', 'share') };
  };

  measures.lesions = function (lesions, look) {
    const flat = lesions.values.flat().filter(v => v !== null), size = Math.max(...flat.map(Math.abs), 0.01) * 100, table = { unit: lesions.units };
    lesions.classes.forEach((name, k) => { table[name === 'unit' ? 'class unit' : name] = lesions.values.map(row => row[k]); });
    return {
      traces: [{
        z: lesions.values.map(row => row.map(v => v === null ? null : v * 100)), x: lesions.classes.map(Scope.visible), y: lesions.units.map(Scope.visible), type: 'heatmap', zmin: -size, zmax: size, xgap: 1, ygap: 1,
        colorscale: [[0, look.low], [0.5, look.paper], [1, look.high]], colorbar: { title: { text: 'points' }, thickness: 10, outlinewidth: 0 }, hovertemplate: '%{y}<br>%{x}: %{z:+.1f} points<extra></extra>',
      }],
      x: '', y: '', units: true, plain: true, height: Math.max(320, Math.min(860, 100 + lesions.units.length * 13)), table,
    };
  };

  measures.probes = function (probes, look) {
    const names = probes.layers.map(Scope.visible), between = probes.low.length > 0;
    const error = between ? { type: 'data', symmetric: false, array: probes.high.map((v, k) => v - probes.accuracy[k]), arrayminus: probes.low.map((v, k) => probes.accuracy[k] - v), color: look.quiet, thickness: 1 } : undefined;
    return {
      traces: [{ x: names, y: probes.accuracy, error_y: error, type: 'scatter', mode: 'lines+markers', line: { color: look.high, width: 2 }, marker: { size: 8 }, name: 'probe' }],
      x: '', y: 'accuracy of a linear probe', plain: true, table: { layer: probes.layers, accuracy: probes.accuracy, ...(between ? { low: probes.low, high: probes.high } : {}) },
      adjust: made => { made.xaxis.type = 'category'; if (probes.network !== null) made.shapes = [level(probes.network, look, 'the network')]; },
    };
  };

  Scope.measures = measures;
})(window.Scope);
