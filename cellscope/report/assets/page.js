/* Start: every page has the theme, a page with text a reader, a run its figures. */
'use strict';
(function (Scope) {
  const data = Scope.data, make = Scope.make, byId = id => document.getElementById(id);
  const help = byId('help');
  byId('dark').addEventListener('click', () => Scope.toggleTheme());
  if (byId('ask')) byId('ask').addEventListener('click', () => help.showModal());

  function heatWords(heat) {
    if (!heat) return '';
    const some = heat.numeric.some(n => n), all = heat.numeric.every(n => n), score = all ? 'rank correlation (r)' : 'AUC';
    return `How well each unit tells each feature, up or down: ${score}`
      + (some && !all ? ', and of numeric features, marked (r), the rank correlation. AUC .5 and r 0 say nothing and have the same colour, AUC 1 and r 1 say all.' : '.')
      + (heat.left_out ? ` The ${heat.units.length} best units are drawn, ${heat.left_out} are left out.` : '');
  }

  function openRun() {
    const { columns, rows } = data.table, at = key => columns.findIndex(c => c.key === key);
    const name = at('feature'), finding = at('finding'), unit = at('unit'), low = at('auc_low'), high = at('auc_high');
    const shown = columns.map((_, k) => k).filter(k => ![name, finding, low, high].includes(k));
    for (const k of shown) if (rows.some(cells => typeof cells[k] === 'string')) columns[k].form = 'words';
    const made = rows.map(cells => ({
      key: String(cells[name] ?? ''), answer: cells[finding], hrefs: shown.map(k => k === unit ? Scope.pageOf(cells[k], ['feature', cells[name]]) : ''), cells: shown.map(k => cells[k]), interval: low < 0 || high < 0 ? null : [cells[low], cells[high]],
    }));
    const lead = row => {
      const link = make('a', 'address'), mark = Scope.answerMark(row.answer);
      link.href = data.links[row.key] + '.html';
      link.append(make('bdi', '', Scope.visible(row.key)));
      link.dataset.cell = 'name'; mark.dataset.cell = 'first';
      return finding < 0 ? [link] : [mark, link];
    };
    new Scope.Table(byId('found'), shown.map(k => columns[k]), made, { heads: finding < 0 ? ['feature'] : ['', 'feature'], lead }).expand(true);
    const f = Scope.figures, run = data.run;
    const figures = [
      ['losses', 'Loss', 'Training and validation loss; on the right in bits per character, beside what xz needs for the same text.', look => f.losses(run, look)],
      ['timescales', 'Time scales', 'How many characters a unit remembers.', look => f.timescales(run, look)],
      ['heat', 'Units and features', heatWords(run.heat), look => f.heat(run, look)],
      ['saturation', 'Gates', 'Each circle is a unit: how much of the text its gate spends open (right) and closed (left); on the dotted line it is always one or the other.' + (run.saturated_on ? ` Counted over ${Scope.visible(run.saturated_on)}.` : ''), look => f.saturation(run, look)],
    ].filter(([name]) => run[name]);
    for (const args of figures) byId('figures').append(new Scope.Figure(...args).element);
  }

  document.addEventListener('keydown', async event => {
    if (event.ctrlKey || event.metaKey || event.altKey || (help && help.open) || event.target.closest('input, select, textarea')) {
      if (event.key === 'Escape' && event.target.blur) event.target.blur();
      return;
    }
    if (event.key === 'd') Scope.toggleTheme();
    else if (event.key === '?' && help) help.showModal();
    else if (Scope.walker && Scope.walker.keys.has(event.key)) { event.preventDefault(); Scope.walker.key(event.key); }
    else if (Scope.reader && KEYS.has(event.key)) { event.preventDefault(); Scope.reader.key(event.key); }
  });
  const KEYS = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', '[', ']', '{', '}', 'p', 'n', 'w', 's', '/', '1', '2', '3', '4', '5']);

  addEventListener('beforeprint', () => { if (Scope.reader) { Scope.reader.view.whole = true; Scope.reader.view.draw(); } });
  addEventListener('afterprint', () => { if (Scope.reader) { Scope.reader.view.whole = false; Scope.reader.view.lay(); } });

  if (Scope.openExhibits) Scope.openExhibits(data.exhibits || []);
  const start = (Scope.starts || {})[data.kind], ready = () => { performance.mark('ready'); document.body.dataset.ready = 'yes'; };
  if (data.kind === 'run') openRun();
  if (data.kind === 'feature' || data.kind === 'unit') {
    const reader = new Scope.Reader(data);
    Scope.opened = reader.open().then(() => { Scope.reader = reader; ready(); });
  } else if (start) Scope.opened = start(data).then(ready);
  else ready();
})(window.Scope);
