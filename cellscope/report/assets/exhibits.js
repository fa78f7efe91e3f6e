/* Exhibits: their words stand in the page; here come figures, frames with a slider, and tables. */
'use strict';
(function (Scope) {
  const make = Scope.make, PLAY = 450;

  const builder = (figure, fixed) => look => Scope.drawn[figure.kind](figure, look, fixed);

  /* A heat map of many columns is as wide as they need, and scrolls within its figure. */
  function widen(made, figure) { if (figure.kind === 'heatmap') made.plot.style.minWidth = `${150 + 13 * figure.columns.length}px`; }

  function plot(name, figure) {
    const made = new Scope.Figure(name, Scope.visible(figure.title), Scope.visible(figure.caption), builder(figure));
    made.element.classList.add('drawn', 'kind-' + figure.kind);
    widen(made, figure);
    return made.element;
  }

  /* Title, what is shown, caption and its CSV: a figure that plotly does not draw. */
  function plain(name, figure, body, table) {
    const element = make('figure', `${name} kind-${figure.kind}`), words = make('figcaption'), saves = make('span', 'saves'), button = make('button', '', 'CSV');
    button.type = 'button';
    button.setAttribute('aria-label', `save "${Scope.visible(figure.title)}" as CSV`);
    button.addEventListener('click', async () => Scope.saveTable(name, await table()));
    saves.append(button);
    words.append(make('span', '', Scope.visible(figure.caption)), saves);
    element.append(make('h3', '', Scope.visible(figure.title)), body, words);
    return element;
  }

  function samples(name, figure) {
    const body = make('div', 'body');
    Scope.samples(figure).then(box => { body.append(box); box.show(); });
    return plain(name, figure, body, () => Scope.samplesTable(figure));
  }

  /* A slider over frames, a button that plays them; arrows step, space plays. `turn(k)` shows a frame. */
  function controls(figure, turn) {
    const box = make('div', 'stepper'), button = make('button', 'play', 'play'), slider = make('input'), label = make('output'), last = figure.frames.length - 1;
    let at = figure.start, timer = 0;
    const go = k => {
      at = Math.max(0, Math.min(last, k));
      slider.value = at;
      label.textContent = Scope.visible(figure.frames[at].label);
      slider.setAttribute('aria-valuetext', label.textContent);
      turn(at);
    };
    const stop = () => { clearInterval(timer); timer = 0; button.textContent = 'play'; };
    const play = () => {
      if (timer) { stop(); return; }
      if (at === last) go(0);
      button.textContent = 'pause';
      timer = setInterval(() => { if (at < last) go(at + 1); if (at === last) stop(); }, PLAY);
    };
    button.type = 'button';
    Object.assign(slider, { type: 'range', min: 0, max: last, step: 1 });
    slider.setAttribute('aria-label', Scope.visible(figure.what));
    slider.addEventListener('input', () => { stop(); go(Number(slider.value)); });
    button.addEventListener('click', play);
    box.addEventListener('keydown', event => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (event.key === ' ' && event.target === slider) play();
      else if (event.key === 'Home' || event.key === 'End') { stop(); go(event.key === 'Home' ? 0 : last); }
      else if (by) { stop(); go(at + by); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    if (last === 0) button.disabled = slider.disabled = true;
    box.append(button, make('span', 'quiet', Scope.visible(figure.what)), slider, label);
    box.go = go;
    return box;
  }

  function frames(name, figure) {
    const first = figure.frames[0].figure, all = figure.frames.map(f => f.figure);
    let element, box;
    if (first.kind === 'samples') {
      const body = make('div', 'body'), made = new Map();
      let shown = -1;
      element = plain(name, figure, body, async () => Scope.samplesTable(all[shown]));
      box = controls(figure, async k => {
        shown = k;
        if (!made.has(k)) made.set(k, Scope.samples(all[k]));
        const one = await made.get(k);
        if (shown !== k) return;
        body.replaceChildren(one);
        one.show();
      });
      body.after(box);
    } else {
      const fixed = Scope.fixed(all);
      let now = figure.start;
      const made = new Scope.Figure(name, Scope.visible(figure.title), Scope.visible(figure.caption), look => builder(all[now], fixed)(look));
      element = made.element;
      element.classList.add('drawn', 'kind-' + first.kind);
      widen(made, first);
      box = controls(figure, k => { now = k; made.draw(); });
      made.plot.after(box);
    }
    element.classList.add('sequence');
    box.go(figure.start);
    return element;
  }

  const shown = { lines: plot, bars: plot, heatmap: plot, samples, frames };

  /* A table that sorts; `x_low` and `x_high` stand behind `x`, and a long one has a filter. */
  function table({ columns, rows }) {
    const box = make('div', 'tabled'), scroll = make('div', 'scroll wide'), at = new Map(columns.map((c, k) => [c.key, k]));
    const end = key => /_(low|high)$/.test(key) && at.has(key.replace(/_(low|high)$/, '')) && at.has(key.replace(/_(low|high)$/, '_low')) && at.has(key.replace(/_(low|high)$/, '_high'));
    const kept = columns.map((_, k) => k).filter(k => !end(columns[k].key));
    const made = rows.map(cells => ({ key: cells.filter(c => typeof c === 'string').join(' '), full: cells, cells: kept.map(k => cells[k]) }));
    const say = (column, row) => {
      const low = at.get(column.key + '_low'), high = at.get(column.key + '_high'), value = row.full[at.get(column.key)];
      if (low === undefined || high === undefined || ![row.full[low], row.full[high], value].every(Number.isFinite)) return '';
      return `${Scope.written(value, column.form)} (${Scope.written(row.full[low], column.form)}\u2013${Scope.written(row.full[high], column.form)})`;
    };
    scroll.tabIndex = 0;
    const drawn = new Scope.Table(scroll, kept.map(k => columns[k]), made, { heads: [], lead: () => [], say });
    drawn.expand(true);
    if (rows.length > 16) {
      const label = make('label', 'find', 'filter '), input = make('input');
      input.type = 'search';
      input.addEventListener('input', () => drawn.filter(input.value));
      label.append(input);
      box.append(label);
    }
    box.append(scroll);
    return box;
  }

  Scope.openExhibits = function (exhibits) {
    const places = new Map([...document.querySelectorAll('[data-exhibit]')].map(place => [place.dataset.exhibit, place]));
    for (const one of exhibits) {
      const place = places.get(one.key), box = make('div', 'figures');
      one.figures.forEach((figure, k) => box.append(shown[figure.kind](`${one.key}-${k + 1}`, figure)));
      place.classList.toggle('level', one.figures.length === 1 && ['lines', 'bars'].includes(one.figures[0].kind));
      if (one.figures.length) place.append(box);
      if (one.table && one.table.rows.length) place.append(table(one.table));
    }
  };
})(window.Scope);
