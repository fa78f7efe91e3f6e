/* The inputs of a page, pictures or rows of numbers, and how one of them is named and drawn. */
'use strict';
(function (Scope) {
  const make = Scope.make;

  Scope.Bank = class {
    constructor(bank) {
      Object.assign(this, bank);
      this.flat = Boolean(bank.rows);
      this.each = bank.strips && bank.strips.length ? bank.strips[0][5] : 1;
    }

    /* The strip and the place in it of picture i. */
    at(i) { return { strip: this.strips[Math.floor(i / this.each)], k: i % this.each }; }

    label(i) { return this.labels.length ? Scope.visible(this.labels[i]) : ''; }

    /* `picture 107, circle, scene-7.png` */
    name(i) {
      const what = this.flat ? 'row' : 'picture', parts = [`${what} ${Scope.count(this.numbers[i])}`];
      if (this.labels.length) parts.push(this.label(i));
      if (this.names.length) parts.push(Scope.visible(this.names[i]));
      return parts.join(', ');
    }

    /* What is drawn of picture i: all of it, or a box; a unit's map over it where one is given, its colours on grey
       (quiet) or the picture itself lit by it and dim elsewhere (lit). */
    layers(i, { box, map, quiet, lit } = {}) {
      const size = this.size, made = [{ ...this.at(i), box, size, quiet: Boolean(map && quiet && !lit), dim: lit ? 0.28 : 0 }];
      if (map && lit) made.push({ strip: map.strip, k: map.k, box, size, alpha: map.alpha, lit: { ...this.at(i), box, size } });
      else if (map) made.push({ strip: map.strip, k: map.k, box, size, alpha: map.alpha, smooth: true });
      return made;
    }

    /* Rows of numbers as a small table; `values` are what the unit did on each. */
    table(inputs, values, order) {
      const table = make('table', 'rows'), head = make('tr'), body = make('tbody'), top = make('thead');
      for (const text of ['row', 'unit', ...(this.labels.length ? ['label'] : [])]) head.append(make('th', text === 'label' ? '' : 'number', text));
      for (const c of order) head.append(make('th', 'number', Scope.visible(this.columns[c])));
      inputs.forEach((i, k) => {
        const line = make('tr');
        line.append(make('td', 'number', Scope.count(this.numbers[i])), make('td', 'number strong', Scope.short(values[k])));
        if (this.labels.length) line.append(make('td', '', this.label(i)));
        for (const c of order) line.append(make('td', 'number', Scope.short(this.rows[i][c])));
        body.append(line);
      });
      top.append(head);
      table.append(top, body);
      return table;
    }
  };
})(window.Scope);
