/* All that is known of one unit, as panels; each is drawn only where there is something to draw. */
'use strict';
(function (Scope) {
  const make = Scope.make, LOW_AUC = 0.5;
  /* A field that holds the whole picture is no crop of it. */
  const covers = ([top, left, bottom, right], [rows, columns]) => top <= 0 && left <= 0 && bottom >= rows && right >= columns;
  /* A map of one place says where nothing. */
  const placed = examples => Boolean(examples && examples.maps && examples.maps.strip[3] * examples.maps.strip[4] > 1);
  const plainly = value => value === 0 ? '0' : Scope.short(value);

  Scope.range = (low, high) => `${plainly(low)} to ${plainly(high)}`;

  /* A panel: title, what is in it, a line of words. */
  Scope.panel = function (name, title, nodes, words) {
    const made = make('section', `panel panel-${name}`);
    made.append(make('h3', '', title), ...nodes.filter(Boolean));
    if (words) made.append(make('p', 'words', words));
    return made;
  };

  /* A small curve with its first and last value in words. */
  Scope.curve = function ({ x, y }, width, height, words) {
    const box = make('span', 'curve'), known = y.filter(Number.isFinite), low = Math.min(...known), high = Math.max(...known);
    const svg = Scope.svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': words });
    const px = v => 1 + (v - x[0]) / (x[x.length - 1] - x[0] || 1) * (width - 2), py = v => height - 2 - (v - low) / (high - low || 1) * (height - 4);
    let path = '';
    x.forEach((v, k) => { if (Number.isFinite(y[k])) path += `${path ? 'L' : 'M'}${px(v).toFixed(1)} ${py(y[k]).toFixed(1)}`; });
    svg.append(Scope.svg('path', { d: path }));
    box.append(svg, make('span', 'quiet', `${words}: ${Scope.short(known[0])} \u2192 ${Scope.short(known[known.length - 1])}`));
    return box;
  };

  /* Bars about zero: [[name, value], ...], widest as wide as the greatest size. */
  Scope.signedBars = function (pairs, written) {
    const most = Math.max(...pairs.map(([, v]) => Math.abs(v)), 1e-9), table = make('table', 'bars'), body = make('tbody');
    for (const [name, value] of pairs) {
      const line = make('tr'), cell = make('td', 'stick'), bar = make('i', value < 0 ? 'minus' : 'plus');
      bar.style.width = 50 * Math.abs(value) / most + '%';
      cell.append(bar);
      line.append(make('th', '', Scope.visible(name)), cell, make('td', 'number', written(value)));
      line.firstChild.scope = 'row';
      body.append(line);
    }
    table.append(body);
    return table;
  };

  Scope.points = value => value === null ? '\u2013' : Scope.signed(value * 100);

  Scope.UnitView = class {
    constructor(box, layer, bank) { Object.assign(this, { box, layer, bank }); }

    /* options: {overlay, whole} */
    show(unit, options) {
      Object.assign(this, { unit, options });
      const parts = [this.head(), this.examples(), this.optimised(), this.filter(), this.columns(), this.concepts(), this.lesion()];
      this.box.replaceChildren(...parts.flat().filter(Boolean));
    }

    head() {
      const { unit } = this, head = make('header', 'unithead'), name = make('h2', 'address'), facts = make('dl', 'facts');
      name.append(make('bdi', '', Scope.visible(`${this.layer.site}/${unit.index}`)));
      head.append(name);
      if (unit.tracks) {
        const link = make('a', '', Scope.visible(unit.tracks)), says = make('p', 'state');
        link.href = this.layer.links[unit.tracks] || '';
        says.append(Scope.answerMark('yes'), ' tracks ', link.getAttribute('href') ? link : make('b', '', Scope.visible(unit.tracks)));
        head.append(says);
      }
      if (unit.remark) head.append(make('p', unit.dead ? 'state dead' : 'state', (unit.dead ? '\u00d7 ' : '') + Scope.visible(unit.remark)));
      for (const [label, value] of unit.numbers || []) {
        const fact = make('div');
        fact.append(make('dt', '', Scope.visible(label)), make('dd', '', Scope.visible(value)));
        facts.append(fact);
      }
      if (facts.childElementCount) head.append(facts);
      return head;
    }

    /* The greatest size of the unit over all its examples: one scale for its overlays. */
    scale() {
      const all = ['top', 'bottom', 'random'].map(name => this.unit[name]).filter(placed).flatMap(e => Scope.sizes(e.maps));
      return Math.max(...all, 0);
    }

    examples() {
      const { unit, bank } = this;
      if (bank.flat) return this.rowExamples();
      const scale = this.scale(), made = [];
      if (unit.top) made.push(Scope.panel('top', `Top ${unit.top.inputs.length}`, [this.wall(unit.top, scale, true)], this.wallWords(unit.top, scale)));
      const lesser = [['bottom', 'Bottom'], ['random', 'Random']].filter(([name]) => unit[name]);
      for (const [name, title] of lesser) made.push(Scope.panel(name, `${title} ${unit[name].inputs.length}`, [this.wall(unit[name], scale, false)]));
      return made;
    }

    wallWords(examples, scale) {
      const parts = ['The number is what the unit did there.'];
      if (examples.boxes && !examples.boxes.every(box => covers(box, this.bank.size))) parts.push(this.options.whole ? 'The frame is the unit\u2019s receptive field.' : 'Cropped to the unit\u2019s receptive field.');
      else if (examples.boxes) parts.push('The unit sees the whole picture.');
      if (placed(examples) && this.options.overlay) parts.push(`Activation: ${this.lowest() < 0 ? '\u2212' + Scope.short(scale) + ' (orange) to ' : '0 (clear) to '}${Scope.short(scale)} (blue), one range for all pictures of the unit.`);
      for (const one of this.unit.backward || []) {
        const words = [`${Scope.visible(one.method)}: ${one.maps.colour ? 'middle grey' : 'clear'} is 0`];
        if (one.seed) words.push(`started from ${Scope.visible(one.seed)}`);
        if (one.survival !== null) words.push(`${Scope.short(one.survival)} of it survives when the layer is drawn anew` + (one.checked > 1 ? ` (mean of ${one.checked} units)` : ''));
        parts.push(words.join(', ') + '.');
      }
      return parts.join(' ');
    }

    lowest() { return Math.min(...['top', 'bottom', 'random'].map(n => this.unit[n]).filter(placed).flatMap(e => e.maps.low), 0); }

    /* Rows of pictures under one another: the same nine in each row. */
    wall(examples, scale, full) {
      const { bank, options } = this, count = examples.inputs.length, box = make('div', 'wall'), sizes = examples.maps ? Scope.sizes(examples.maps) : [];
      box.style.setProperty('--count', count);
      const mapOf = k => examples.maps && scale > 0 ? { strip: examples.maps.strip, k, alpha: sizes[k] / scale } : null;
      const part = k => examples.boxes && !covers(examples.boxes[k], bank.size) ? examples.boxes[k] : null;
      const boxOf = k => options.whole ? null : part(k), frame = k => options.whole ? part(k) : null;
      const row = (title, cell) => {
        box.append(make('span', 'rowhead', title));
        for (let k = 0; k < count; k++) box.append(cell(k));
      };
      const sizeOf = k => { const b = boxOf(k); return b ? [b[2] - b[0], b[3] - b[1]] : bank.size; };
      const shown = (k, map, words) => this.cell(words, bank.layers(examples.inputs[k], { box: boxOf(k), map, quiet: true }), sizeOf(k), frame(k));
      const named = k => bank.name(examples.inputs[k]);
      if (full || !options.overlay) row('picture', k => this.valued(examples, k, shown(k, null, named(k))));
      if (options.overlay && placed(examples)) {
        row('activation', k => full ? shown(k, mapOf(k), 'activation on ' + named(k)) : this.valued(examples, k, shown(k, mapOf(k), 'activation on ' + named(k))));
      } else if (!full && options.overlay) row('picture', k => this.valued(examples, k, shown(k, null, named(k))));
      if (full) {
        for (const one of this.unit.backward || []) {
          row(Scope.visible(one.method), k => {
            const size = Math.max(Math.abs(one.maps.low[k]), Math.abs(one.maps.high[k]));
            const cell = this.cell(`${one.method}, ${named(k)}, \u00b1${Scope.short(size)}`, [{ strip: one.maps.strip, k }], [one.maps.strip[4], one.maps.strip[3]]);
            cell.append(make('small', '', '\u00b1' + Scope.short(size)));
            return cell;
          });
        }
      }
      return box;
    }

    /* One picture of a wall, as wide as its column. */
    cell(words, layers, [rows, columns], frame) {
      const cell = make('span', 'shot'), canvas = Scope.canvas('picture', words);
      canvas.style.aspectRatio = `${columns} / ${rows}`;
      cell.title = words;
      cell.append(canvas);
      Scope.seen(canvas, () => {
        const width = canvas.clientWidth || 72;
        Scope.paint(canvas, width, width * rows / columns, frame ? [...layers, { frame, size: this.bank.size }] : layers);
      });
      return cell;
    }

    valued(examples, k, cell) {
      const label = this.bank.label(examples.inputs[k]);
      cell.append(make('small', '', Scope.short(examples.values[k]) + (label ? ' ' + label : '')));
      return cell;
    }

    rowExamples() {
      const { unit, bank } = this, order = bank.columns.map((_, c) => c);
      if (unit.weights) order.sort((a, b) => Math.abs(unit.weights[b]) - Math.abs(unit.weights[a]));
      return [['top', 'Top'], ['bottom', 'Bottom'], ['random', 'Random']].filter(([name]) => unit[name]).map(([name, title], n) => {
        const scroll = make('div', 'scroll flatrows');
        scroll.append(bank.table(unit[name].inputs, unit[name].values, order));
        const words = n === 0 ? `Rows of the data, by what the unit did.${unit.weights ? ' Columns with the greatest weight stand first.' : ''}` : '';
        return Scope.panel(name, `${title} ${unit[name].inputs.length} rows`, [scroll], words);
      });
    }

    optimised() {
      const made = this.unit.optimised;
      if (!made) return null;
      const box = make('div', 'made');
      made.forEach(one => {
        const figure = make('figure'), words = make('figcaption'), label = Scope.visible(one.label);
        figure.append(Scope.picture(one.strip, 0, 132, `optimised: ${label}`));
        words.append(make('span', '', label + (one.value === null ? '' : `; ${Scope.short(one.value)}`)));
        if (one.objective) words.append(Scope.curve(one.objective, 132, 34, 'objective'));
        figure.append(words);
        box.append(figure);
      });
      const note = 'An optimum is no typical sample: it shows what drives the unit furthest, not what the unit meets. The real pictures above show that.';
      return Scope.panel('optimised', 'Made to drive it', [box], (this.unit.agreement ? Scope.visible(this.unit.agreement) + '. ' : '') + note);
    }

    filter() {
      const f = this.unit.filter;
      if (!f) return null;
      const sizes = Scope.sizes(f.maps), size = Math.max(...sizes), box = make('div', 'filter');
      const figure = (canvas, ...words) => { const made = make('figure'), text = make('figcaption'); words.forEach(w => text.append(make('span', '', w))); made.append(canvas, text); box.append(made); };
      if (f.picture) {
        figure(Scope.picture(f.maps.strip, 0, 120, 'the filter', { clear: !f.maps.colour }), `filter, \u00b1${Scope.short(size)}`, f.maps.colour ? 'middle grey is 0' : 'clear is 0');
        if (f.response) {
          const where = f.response_input === null ? '' : ' on ' + this.bank.name(f.response_input);
          figure(Scope.picture(f.response.strip, 0, 120, 'its response' + where, { clear: true }), 'response' + where, Scope.range(f.response.low[0], f.response.high[0]));
        }
        if (f.patches) {
          const best = make('div', 'patches');
          for (let k = 0; k < f.patches[5]; k++) best.append(Scope.picture(f.patches, k, 40, `patch ${k + 1}` + (f.patch_values.length ? `: ${Scope.short(f.patch_values[k])}` : '')));
          figure(best, `the real patches it answers to most${f.patch_values.length ? `: ${Scope.short(f.patch_values[0])} to ${Scope.short(f.patch_values[f.patch_values.length - 1])}` : ''}`);
        }
      } else {
        const canvas = Scope.canvas('slices clear', `weights of ${f.channels.length} input channels`), n = f.channels.length, columns = Math.min(n, 16);
        const side = Math.max(f.size[0], f.size[1]) > 7 ? 40 : 26, high = Math.round(side * f.size[0] / f.size[1]);
        Scope.tiles(canvas, { strip: f.maps.strip, count: n, columns, width: side, height: high, gap: 3, alphas: sizes.map(v => size ? v / size : 0) });
        const left = f.of - n, kept = left ? `${n} of ${f.of} input channels, the strongest, in order; ${left} weaker ones are not drawn` : `its ${n} input channels in order, from 0`;
        figure(canvas, kept, `\u2212${Scope.short(size)} (orange) to +${Scope.short(size)} (blue), clear is 0`);
        canvas.dataset.channels = f.channels.join(' ');
        if (f.inputs.length) canvas.title = f.inputs.map(Scope.visible).join(', ');
      }
      const facts = [];
      if (f.gabor !== null) facts.push(`A Gabor function explains ${Math.round(f.gabor * 100)} % of it.`);
      facts.push(f.picture && f.patches ? 'The patch that maximises a filter is not the filter\u2019s picture: both are shown.' : '');
      const panel = Scope.panel('filters', 'Weights', [box], facts.filter(Boolean).join(' '));
      if (f.rotations.length) {
        const turned = make('p', 'words', 'Turned copies of it: ');
        f.rotations.forEach((index, k) => {
          const link = make('a', '', `${index}`);
          link.href = '#' + Scope.fragment(`${this.layer.site}/${index}`);
          turned.append(k ? ', ' : '', link);
        });
        panel.append(turned);
      }
      return panel;
    }

    columns() {
      const { weights } = this.unit;
      if (!weights) return null;
      const pairs = this.bank.columns.map((name, k) => [name, weights[k]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
      return Scope.panel('columns', 'Weights of the columns', [Scope.signedBars(pairs.slice(0, 40), Scope.signed)], pairs.length > 40 ? `The 40 greatest of ${pairs.length}.` : '');
    }

    concepts() {
      const rows = this.unit.concepts;
      if (!rows) return null;
      const table = make('table', 'bars concepts'), head = make('tr'), body = make('tbody'), top = make('thead');
      for (const [text, kind] of [['', ''], ['concept', ''], ['AUC, .5 to 1', ''], ['', ''], ['IoU', 'number'], ['at most', 'number']]) head.append(make('th', kind, text));
      for (const [name, auc, low, high, iou, most, sign, answer] of rows) {
        const line = make('tr'), bar = make('td', 'stick half'), fill = make('i', sign < 0 ? 'minus' : 'plus'), named = make('td', 'name'), text = make('bdi', '', Scope.visible(name));
        if (auc !== null) {
          fill.style.width = 100 * Math.max(0, auc - LOW_AUC) / (1 - LOW_AUC) + '%';
          bar.append(fill);
          if (low !== null && high !== null) {
            const whisker = make('u');
            whisker.style.left = 100 * Math.max(0, low - LOW_AUC) / (1 - LOW_AUC) + '%';
            whisker.style.width = 100 * Math.max(0, high - Math.max(low, LOW_AUC)) / (1 - LOW_AUC) + '%';
            bar.append(whisker);
          }
        }
        const link = make('a');
        link.href = this.layer.links[name] || '';
        if (link.getAttribute('href')) { link.append(text); named.append(link); } else named.append(text);
        if (sign < 0) { const minus = make('span', 'sign', ' \u2212'); minus.title = 'the unit is low where the concept is'; named.append(minus); }
        const mark = make('td', 'first');
        mark.append(Scope.answerMark(answer));
        const between = low === null || high === null ? '' : ` (${Scope.short(low)}\u2013${Scope.short(high)})`;
        line.append(mark, named, bar, make('td', 'number', Scope.short(auc) + between), make('td', 'number', Scope.short(iou)), make('td', 'number quiet', Scope.short(most)));
        body.append(line);
      }
      top.append(head);
      table.append(top, body);
      const scroll = make('div', 'barscroll');
      scroll.append(table);
      return Scope.panel('scores', 'Concepts', [scroll], `AUC on ${this.bank.flat ? 'rows' : 'pictures'} the unit was not chosen on, with its interval; a minus: the unit is low there. IoU beside the most that a concept of that size allows.`);
    }

    lesion() {
      const lesions = this.unit.lesions;
      if (!lesions) return null;
      const fill = l => l.fill === 'zero' ? 'zero' : 'its ' + Scope.visible(l.fill), nodes = [];
      for (const l of lesions) {
        if (lesions.length > 1) nodes.push(make('h4', '', `${fill(l)} in its place: overall ${Scope.points(l.overall)}`));
        if (l.by_class.length) nodes.push(Scope.signedBars(l.by_class, Scope.points));
      }
      const words = lesions.length > 1 ? 'Change of accuracy in points. Zero also takes away what the next layer counts on; the mean takes away only what the unit says of the single picture.'
        : `Change of accuracy in points when the unit is replaced by ${fill(lesions[0])}; overall ${Scope.points(lesions[0].overall)}.`;
      return Scope.panel('lesion', 'Without it', nodes, words);
    }
  };
})(window.Scope);
