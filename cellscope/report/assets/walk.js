/* A layer's page: the tiles of all units are the map on which one walks; the address in the bar says what is shown. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id), MOST_TILE = 100, GAP = 3, EDGE = 10, ROOM = 40;

  /* An address as it stands in a link: the separators stay readable. */
  const plain = text => { try { return decodeURIComponent(text); } catch { return text; } };

  Scope.Walk = class {
    constructor(data) {
      this.layer = data.layer;
      this.units = data.layer.units;
      this.grid = data.layer.grid;
      this.bank = new Scope.Bank(data.layer.bank);
      this.view = new Scope.UnitView(byId('unit'), data.layer, this.bank);
      this.keys = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', '[', ']', 's', 'o', 'c', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
      this.single = Boolean(this.grid) && this.grid.maps[0].strip[3] * this.grid.maps[0].strip[4] === 1;
      this.state = { unit: this.first(), picture: 0, own: false, overlay: true, whole: false };
    }

    /* The unit that an address without one means: the first that tracks something, else the first that lives. */
    first() {
      const tracking = this.units.findIndex(unit => unit.tracks), living = this.units.findIndex(unit => !unit.dead);
      return Math.max(0, tracking >= 0 ? tracking : living);
    }

    open() {
      this.makeMap();
      this.makeTools();
      this.restore();
      addEventListener('popstate', () => this.restore());
      addEventListener('hashchange', () => this.restore());
      return this.draw();
    }

    read() {
      const [address, ...rest] = location.hash.slice(1).split('&'), more = new URLSearchParams(rest.join('&'));
      const [, site, index] = plain(address).match(/^(?:([^]*)\/)?(\d+)$/) || [], at = site === undefined || site === this.layer.site ? this.units.findIndex(u => String(u.index) === index) : -1;
      const picture = Number(more.get('picture')), pictures = this.grid ? this.grid.inputs.length : 1;
      return {
        unit: at >= 0 ? at : this.first(), picture: Number.isInteger(picture) && picture >= 0 && picture < pictures ? picture : 0,
        own: more.get('scale') === 'own', overlay: more.get('overlay') !== 'off', whole: more.get('view') === 'whole',
      };
    }

    address(state) {
      const parts = [Scope.fragment(`${this.layer.site}/${this.units[state.unit].index}`)];
      if (state.picture) parts.push('picture=' + state.picture);
      if (state.own) parts.push('scale=own');
      if (!state.overlay) parts.push('overlay=off');
      if (state.whole) parts.push('view=whole');
      return '#' + parts.join('&');
    }

    restore() { this.state = this.read(); this.show(); }

    go(change, how = 'push') {
      const next = { ...this.state, ...change };
      if (JSON.stringify(next) === JSON.stringify(this.state)) return;
      const grid = ['picture', 'own'].some(key => next[key] !== this.state[key]);
      this.state = next;
      history[how + 'State'](null, '', this.address(next));
      this.show(grid);
    }

    show(grid = true) {
      const unit = this.units[this.state.unit];
      this.links.forEach((link, k) => {
        const here = k === this.state.unit;
        link.tabIndex = here ? 0 : -1;
        if (here) link.setAttribute('aria-current', 'true'); else link.removeAttribute('aria-current');
      });
      this.thumbs.forEach((thumb, k) => thumb.setAttribute('aria-pressed', String(k === this.state.picture)));
      for (const [key, on] of [['s', this.state.own], ['o', this.state.overlay], ['c', this.state.whole]]) {
        const button = document.querySelector(`[data-key=${key}]`);
        if (button) button.setAttribute('aria-pressed', String(on));
      }
      document.title = `${Scope.visible(this.layer.site)}/${unit.index}` + document.title.slice(document.title.indexOf(' \u00b7'));
      this.view.show(unit, this.state);
      this.legend();
      this.large();
      if (grid) this.drawn = this.draw();
    }

    makeMap() {
      const box = byId('map'), n = this.units.length, columns = Math.ceil(Math.sqrt(n));
      this.links = this.units.map((unit, k) => {
        const link = make('a', unit.dead ? 'tile dead' : unit.tracks ? 'tile tracks' : 'tile'), says = [`unit ${unit.index}`];
        if (unit.tracks) says.push('tracks ' + Scope.visible(unit.tracks));
        if (unit.remark) says.push(Scope.visible(unit.remark));
        link.href = '#' + Scope.fragment(`${this.layer.site}/${unit.index}`);
        link.title = says.join(', ');
        link.setAttribute('aria-label', link.title);
        if (unit.dead || unit.tracks) link.append(make('span', '', unit.dead ? '\u00d7' : '\u25cf'));
        link.addEventListener('click', event => { event.preventDefault(); this.go({ unit: k }); });
        return link;
      });
      this.canvas = make('canvas', 'clear');
      this.canvas.setAttribute('aria-hidden', 'true');
      this.canvas.hidden = !this.grid;
      const over = make('div', 'tilelinks');
      over.append(...this.links);
      box.append(this.canvas, over);
      Object.assign(this, { over, columns });
      new ResizeObserver(() => { if (Math.abs(box.clientWidth - this.width) > 1) this.draw(); }).observe(box);
    }

    /* Tiles as large as the place allows, at most MOST_TILE. */
    measure() {
      const { columns } = this;
      this.width = byId('map').clientWidth;
      const [, , , w, h] = this.grid ? this.grid.maps[0].strip : [0, 0, 0, 1, 1];
      const wide = Math.max(6, Math.min(MOST_TILE, Math.floor((this.width - 2 * EDGE - GAP * (columns - 1)) / columns))), high = Math.max(6, Math.round(wide * h / w));
      this.over.style.gridTemplateColumns = `repeat(${columns}, ${wide}px)`;
      this.over.style.gridAutoRows = high + 'px';
      this.over.style.gap = GAP + 'px';
      this.over.style.setProperty('--mark', Math.max(6, Math.min(14, Math.round(wide / 4))) + 'px');
      return [wide, high];
    }

    draw() {
      const [width, height] = this.measure();
      if (!this.grid) return Promise.resolve();
      const maps = this.grid.maps[this.state.picture], sizes = Scope.sizes(maps), all = Math.max(...sizes);
      const alphas = this.state.own ? sizes.map(v => v > 0 ? 1 : 0) : sizes.map(v => all > 0 ? v / all : 0);
      this.label(maps, width);
      return Scope.tiles(this.canvas, { strip: maps.strip, count: this.units.length, columns: this.columns, width, height, gap: GAP, alphas });
    }

    /* A unit without places is one colour, which says nothing to everyone: its value stands on it where there is room. */
    label(maps, width) {
      if (!this.single || width < ROOM) return;
      this.links.forEach((link, k) => {
        const value = link.querySelector('small') || link.appendChild(make('small'));
        value.textContent = Scope.short(maps.low[k]);
      });
    }

    legend() {
      const box = byId('legend'), { grid, state } = this;
      if (!grid) { box.replaceChildren(); return; }
      const maps = grid.maps[state.picture], low = maps.low[state.unit], high = maps.high[state.unit], unit = this.units[state.unit], what = this.bank.flat ? 'row' : 'picture';
      const scale = state.own ? make('span', 'quiet', 'each unit over its own range, 0 is the paper') : Scope.scaleBar(Math.min(...maps.low), Math.max(...maps.high), `one range for all units on this ${what}`);
      const here = make('span');
      here.append(make('b', '', `unit ${unit.index}`), ` on this ${what}: ${low === high ? Scope.short(low) : Scope.range(low, high)}`);
      box.replaceChildren(scale, here);
    }

    /* The chosen input, and the chosen unit on it, large. */
    large() {
      const box = byId('large'), { grid, state, bank } = this;
      if (!grid || bank.flat) { box.replaceChildren(); return; }
      const i = grid.inputs[state.picture], maps = grid.maps[state.picture], k = state.unit, [rows, columns] = bank.size;
      const low = Math.min(maps.low[k], 0), high = Math.max(maps.high[k], 0), map = low < 0 || high > 0 ? { strip: maps.strip, k, alpha: 1 } : null;
      const says = map ? `unit ${this.units[k].index} on it, its own range: ${low < 0 ? `\u2212${Scope.short(Math.max(-low, high))} to ` : '0 to '}${Scope.short(Math.max(-low, high))}` : `unit ${this.units[k].index} is 0 everywhere on it`;
      const whole = [bank.layers(i), bank.name(i)], made = (this.single ? [whole] : [whole, [bank.layers(i, { map, quiet: true }), says]]).map(([layers, words]) => {
        const figure = make('figure'), canvas = Scope.canvas('picture', words);
        canvas.style.aspectRatio = `${columns} / ${rows}`;
        figure.append(canvas, make('figcaption', '', words));
        Scope.seen(canvas, () => Scope.paint(canvas, canvas.clientWidth || 150, (canvas.clientWidth || 150) * rows / columns, layers));
        return figure;
      });
      box.replaceChildren(...made);
    }

    makeTools() {
      const box = byId('inputs'), { grid, bank } = this;
      this.thumbs = (grid ? grid.inputs : []).map((i, k) => {
        const button = make('button', 'thumb');
        button.type = 'button';
        button.title = `${bank.name(i)} (${k + 1})`;
        button.setAttribute('aria-label', button.title);
        if (bank.flat) button.textContent = bank.numbers[i];
        else button.append(Scope.picture(bank.at(i).strip, bank.at(i).k, 40, bank.name(i)));
        button.addEventListener('click', () => this.go({ picture: k }));
        return button;
      });
      box.append(...this.thumbs);
      document.querySelectorAll('.tools [data-key]').forEach(b => b.addEventListener('click', () => this.key(b.dataset.key)));
      if (bank.flat) document.querySelectorAll('[data-key=o], [data-key=c]').forEach(b => { b.hidden = true; });
      if (this.single) document.querySelector('[data-key=o]').hidden = true;
      if (!grid) document.querySelector('[data-key=s]').hidden = true;
    }

    step(by) {
      const unit = Math.min(Math.max(this.state.unit + by, 0), this.units.length - 1), held = this.over.contains(document.activeElement);
      this.go({ unit });
      if (held) this.links[unit].focus({ preventScroll: true });
    }

    key(name) {
      if (name === 'ArrowLeft') this.step(-1);
      else if (name === 'ArrowRight') this.step(1);
      else if (name === '[') this.step(-this.columns);
      else if (name === ']') this.step(this.columns);
      else if (name === 'ArrowUp' && this.layer.previous) location.href = this.layer.previous;
      else if (name === 'ArrowDown' && this.layer.next) location.href = this.layer.next;
      else if (name === 's') this.go({ own: !this.state.own });
      else if (name === 'o') this.go({ overlay: !this.state.overlay });
      else if (name === 'c') this.go({ whole: !this.state.whole });
      else if (name >= '1' && name <= '9' && Number(name) <= this.thumbs.length) this.go({ picture: Number(name) - 1 });
    }
  };

  (Scope.starts = Scope.starts || {}).layer = async function (data) {
    Scope.walker = new Scope.Walk(data);
    await Scope.walker.open();
  };
})(window.Scope);
