/* The network over its training: a slider over the snapshots, and what each of them was like. */
'use strict';
(function (Scope) {
  const make = Scope.make;

  Scope.Training = class {
    constructor(snapshots) {
      this.snapshots = snapshots;
      this.element = make('div', 'over-training');
      const label = make('label', 'slider', 'step ');
      this.slider = make('input');
      Object.assign(this.slider, { type: 'range', min: 0, max: snapshots.length - 1, step: 1, value: snapshots.length - 1 });
      this.step = make('output');
      label.append(this.slider, this.step);
      this.canvas = Scope.canvas('', 'the filters of the first layer');
      this.filters = make('figure');
      this.words = make('figcaption');
      this.filters.append(this.canvas, this.words);
      this.facts = make('div', 'snapshot');
      this.element.append(label, this.filters, this.facts);
      this.filters.hidden = !snapshots.some(s => s.filters);
      this.slider.addEventListener('input', () => this.show());
      Scope.seen(this.element, () => this.show());
      this.show(false);
    }

    show(draw = true) {
      const one = this.snapshots[Number(this.slider.value)], { filters } = one, says = `step ${Scope.count(one.step)}`;
      this.step.textContent = Scope.count(one.step);
      this.slider.setAttribute('aria-valuetext', says);
      const facts = make('dl', 'numbers');
      for (const [name, value] of [['accuracy', one.accuracy], ['loss', one.loss]]) {
        if (value === null) continue;
        const fact = make('div');
        fact.append(make('dt', '', name), make('dd', '', Scope.short(value)));
        facts.append(fact);
      }
      this.facts.replaceChildren(facts, ...this.layers(one), ...this.concepts(one));
      if (!filters || !draw) return;
      const count = filters.strip[5], columns = Math.ceil(Math.sqrt(count)), sizes = Scope.sizes(filters), most = Math.max(...sizes), width = Math.max(10, Math.min(56, Math.floor(340 / columns) - 3));
      this.canvas.className = filters.colour ? '' : 'clear';
      Scope.tiles(this.canvas, { strip: filters.strip, count, columns, width, height: Math.round(width * filters.strip[4] / filters.strip[3]), gap: 3, alphas: filters.colour ? null : sizes.map(v => most ? v / most : 0) });
      this.words.textContent = `filters of the first layer at ${says}, ${filters.colour ? `each over its own range (up to \u00b1${Scope.short(most)}), middle grey is 0` : `\u00b1${Scope.short(most)}, clear is 0`}`;
    }

    layers({ dead, sparsity, locality }) {
      const names = [...new Set([dead, sparsity, locality].flatMap(Object.keys))];
      if (!names.length) return [];
      const table = make('table', 'rows'), head = make('tr'), body = make('tbody'), top = make('thead'), kinds = [['dead units', dead, v => String(v)], ['share at zero', sparsity, Scope.short], ['locality', locality, Scope.short]].filter(([, values]) => Object.keys(values).length);
      head.append(make('th', '', 'layer'), ...kinds.map(([name]) => make('th', 'number', name)));
      for (const name of names) {
        const line = make('tr');
        line.append(make('td', 'name', Scope.visible(name)), ...kinds.map(([, values, say]) => make('td', 'number', name in values ? say(values[name]) : '\u2013')));
        body.append(line);
      }
      top.append(head);
      table.append(top, body);
      return [table];
    }

    concepts({ concepts }) {
      const pairs = Object.entries(concepts);
      if (!pairs.length) return [];
      const table = make('table', 'bars'), body = make('tbody');
      for (const [name, auc] of pairs) {
        const line = make('tr'), cell = make('td', 'stick half'), fill = make('i', 'plus');
        fill.style.width = 100 * Math.min(1, Math.max(0, auc - 0.5) / 0.5) + '%';
        cell.append(fill);
        line.append(make('th', '', Scope.visible(name)), cell, make('td', 'number', Scope.short(auc)));
        body.append(line);
      }
      table.append(body);
      return [Scope.panel('scores', 'Best unit of each concept: AUC, from .5 to 1', [table])];
    }
  };
})(window.Scope);
