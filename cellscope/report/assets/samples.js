/* Coloured texts side by side: what a unit did on each character, the feature underlined, one scale for all. */
'use strict';
(function (Scope) {
  const make = Scope.make, STEPS = Scope.colour.STEPS, TALLEST = 330;

  /* The scale under a text: from minus to plus one range. */
  Scope.scaleOf = function (range) {
    const plain = value => Number(value.toPrecision(3)).toLocaleString('en-US').replace(/^0\./, '.'), box = make('span', 'scalebox'), bar = make('span', 'scale');
    for (let k = 0; k <= 2 * STEPS; k += 2) bar.append(make('i', 'a' + k));
    box.append(make('span', 'end', '\u2212' + plain(range)), bar, make('span', 'end', '+' + plain(range)));
    return box;
  };

  async function unpack(sample) {
    const codes = Scope.codePoints(await Scope.inflateText(sample.text), sample.length);
    return { codes, values: sample.values ? await Scope.numbers(sample.values) : null, marks: sample.marks ? await Scope.flags(sample.marks, sample.length) : null };
  }

  /* One text in its pane; pointing at a character tells its value through `say`. */
  async function sheet(sample, reach, say) {
    const { codes, values, marks } = await unpack(sample), box = make('div', 'sample'), pane = make('div', 'pane');
    pane.tabIndex = 0;
    pane.setAttribute('role', 'region');
    pane.setAttribute('aria-label', Scope.visible(sample.title) || 'coloured text');
    const words = make('p', 'of');
    words.append(make('b', '', Scope.visible(sample.title)));
    if (sample.note) words.append(make('span', 'quiet', Scope.visible(sample.note)));
    box.append(words, pane);
    const view = new Scope.TextView(pane, codes, {
      hover: i => say(i < 0 ? '' : `\u2018${Scope.nameOf(codes[i])}\u2019 ${values ? Scope.signed(values.q[i] * values.scale) : ''}${marks ? (marks[i] ? ' inside' : ' outside') : ''}`),
      pick: () => {}, context: () => {},
    });
    if (values) for (let i = 0; i < codes.length; i++) view.levels[i] = Math.max(-STEPS, Math.min(STEPS, Math.round(values.q[i] * values.scale / reach * STEPS)));
    if (marks) view.marks.set(marks);
    const lay = view.lay.bind(view);
    view.lay = () => { lay(); requestAnimationFrame(() => { pane.style.height = Math.min(TALLEST, view.tops[view.lines.length] + 20) + 'px'; }); };
    box.view = view;
    box.show = () => { view.measure(); view.show([{ from: 0, to: codes.length, start: 0, title: '', peak: null, k: 0 }]); };
    addEventListener('beforeprint', () => { if (pane.clientWidth) { view.whole = true; pane.style.height = 'auto'; view.draw(); } });
    addEventListener('afterprint', () => { view.whole = false; view.lay(); });
    return box;
  }

  /* All samples of a figure, without its title. */
  Scope.samples = async function (figure) {
    const box = make('div', 'sampled'), row = make('div', 'samples'), legend = make('div', 'legend'), told = make('span', 'told'), coloured = figure.samples.some(s => s.values);
    const say = text => { told.textContent = text; };
    const sheets = await Promise.all(figure.samples.map(sample => sheet(sample, figure.reach, say)));
    row.append(...sheets);
    if (coloured) legend.append(Scope.scaleOf(figure.reach));
    if (figure.samples.some(s => s.marks)) legend.append(make('span', 'mark', figure.marked ? `underlined: ${Scope.visible(figure.marked)}` : 'underlined'));
    legend.append(told);
    box.append(row, legend);
    box.show = () => sheets.forEach(one => one.show());
    return box;
  };

  Scope.samplesTable = async function (figure) {
    const table = { sample: [], position: [], character: [], value: [], marked: [] };
    for (const sample of figure.samples) {
      const { codes, values, marks } = await unpack(sample);
      codes.forEach((code, i) => {
        table.sample.push(sample.title); table.position.push(i); table.character.push(String.fromCodePoint(code));
        table.value.push(values ? values.q[i] * values.scale : null); table.marked.push(marks ? marks[i] : null);
      });
    }
    return table;
  };
})(window.Scope);
