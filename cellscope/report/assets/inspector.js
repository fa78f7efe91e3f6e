/* What the reader says in words: one character's numbers, and the scale under the text. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id);

  Object.assign(Scope.Reader.prototype, {
    inspect(i) {
      const box = byId('inspector'), parts = [];
      const say = (name, value, className) => { const one = make('span', className || '', name ? name + ' ' : ''); one.append(make('b', '', value)); parts.push(one); };
      if (i < 0 || i >= this.codes.length) {
        parts.push(make('span', 'hint', this.unit ? 'Point at a character for its value; ← → another unit, ↑ ↓ another context, ? all keys.'
          : 'The activations of this unit were not kept on this page: its scores stand in the table, its colours do not.'));
      } else {
        const item = this.itemOf(i);
        say('', `\u2018${Scope.nameOf(this.codes[i])}\u2019`, 'symbol');
        if (this.unit) {
          const error = this.unit.scale / 2, value = this.unit.q[i] * this.unit.scale;
          say('', Scope.signed(value) + (error > 0.011 ? ` \u00b1${Scope.short(error)}` : ''), 'value');
        }
        const gated = this.text.gates, count = Object.keys(gated).length;
        if (gated[this.address()]) for (const [name, gate] of (this.gates && this.gates[this.address()]) || []) say(name, Scope.short(gate.q[i] * gate.scale));
        else if (count) say('gates:', count === 1 ? 'for the best unit' : `for the ${count} best units`, 'quiet');
        const spans = this.spans[this.isUnit ? this.state.row : ''];
        if (spans) say('', spans[i] ? 'inside' : 'outside');
        if (this.numbers) say('feature', Scope.short(this.numbers[i]));
        if (this.predictions) {
          const n = this.codes.length, guesses = make('span', 'next', 'next ');
          for (let rank = 0; rank < Math.min(3, this.predictions.ranks); rank++) {
            const at = rank * n + i, symbol = this.predictions.symbols[this.predictions.ids[at]];
            guesses.append(make('b', '', symbol ? Scope.nameOf(symbol.codePointAt(0)) : 'other'), ` ${Scope.short((this.predictions.roots[at] / 255) ** 2)} `);
          }
          parts.push(guesses);
        }
        if (this.loss) say('loss', Scope.short(this.loss.q[i] * this.loss.scale) + ' nats');
        say('at', Scope.count(item.start + i - item.from), 'place');
      }
      box.replaceChildren(...parts);
    },

    legend() {
      const plain = value => Number(value.toPrecision(3)).toLocaleString('en-US').replace(/^0\./, '.');
      const box = byId('legend'), range = this.range(), bar = make('span', 'scale'), STEPS = Scope.colour.STEPS;
      for (let k = 0; k <= 2 * STEPS; k += 2) bar.append(make('i', 'a' + k));
      const unit = make('b');
      unit.append(make('bdi', '', Scope.visible(this.address())));
      const row = this.rows.get(this.state.row);
      const words = this.isUnit ? `underlined: ${Scope.visible(this.state.row)}` : this.data.feature.kind === 'span' ? `underlined: ${this.data.feature.name}` : `thicker line: larger ${this.data.feature.name}`;
      const low = make('span', 'end', '\u2212' + plain(range)), high = make('span', 'end', '+' + plain(range));
      const scale = make('span', 'scalebox');
      scale.append(low, bar, high);
      box.replaceChildren(unit, scale, make('span', 'quiet', this.own ? 'this unit\u2019s own range' : 'same range for all units'), make('span', 'mark', words));
      if (!this.isUnit && row && this.data.ranking.columns[0]) box.insertBefore(make('span', 'quiet', `rank ${row.rank}, ${this.data.ranking.columns[0].label} ${Scope.written(row.cells[0], this.data.ranking.columns[0].form)}`), scale);
    },
  });
})(window.Scope);
