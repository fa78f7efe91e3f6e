/* The atlas at a glance: a tile a unit, layer by layer; filled where it was found, a frame where plain, else a dot. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id), MANY = 4096, GAP = 1;

  Object.assign(Scope.Atlas.prototype, {
    makeMap() {
      this.maps = this.sites.map((site, s) => {
        const own = this.units.filter(u => u.site === s).sort((a, b) => a.index - b.index), found = own.filter(u => u.answer === 0).length;
        const box = make('div', 'tiles'), words = make('p', 'quiet'), canvas = make('canvas');
        words.append(make('bdi', '', Scope.visible(site)), ` ${Scope.count(found)} of ${Scope.count(own.length)}`);
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', `${Scope.visible(site)}: ${found} of ${own.length} units found`);
        box.append(words, canvas);
        byId('map').append(box);
        const map = { own, canvas };
        canvas.addEventListener('click', event => { const unit = this.tileAt(map, event); if (unit) this.pick(unit); });
        canvas.addEventListener('mousemove', event => { const unit = this.tileAt(map, event); canvas.title = unit ? Scope.visible(unit.address) : ''; canvas.style.cursor = unit ? 'pointer' : ''; });
        return map;
      });
      new ResizeObserver(() => requestAnimationFrame(() => this.drawMap())).observe(byId('map'));
    },

    /* A unit that the filters leave out is shown by letting all units in again. */
    pick(unit) { this.go(this.shown.includes(unit) ? { unit: unit.address } : { q: '', site: '', evidence: '', feature: '', kind: '', unit: unit.address }); },

    tileAt(map, event) {
      const box = map.canvas.getBoundingClientRect(), column = Math.floor((event.clientX - box.left) / map.step), row = Math.floor((event.clientY - box.top) / map.step);
      return column < map.columns ? map.own[row * map.columns + column] : undefined;
    },

    drawMap() {
      const look = Scope.look(), left = new Set(this.shown || this.units), width = byId('map').clientWidth, tile = this.units.length > MANY ? 5 : 8, dense = Math.ceil(devicePixelRatio || 1);
      for (const map of this.maps) {
        map.step = tile + GAP;
        map.columns = Math.max(1, Math.min(64, Math.floor(width / map.step)));
        const rows = Math.ceil(map.own.length / map.columns), { canvas } = map;
        canvas.width = map.columns * map.step * dense;
        canvas.height = Math.max(1, rows * map.step * dense);
        canvas.style.width = map.columns * map.step + 'px';
        canvas.style.height = rows * map.step + 'px';
        const context = canvas.getContext('2d');
        context.scale(dense, dense);
        map.own.forEach((unit, k) => this.drawTile(context, unit, (k % map.columns) * map.step, Math.floor(k / map.columns) * map.step, tile, look, left.has(unit)));
      }
    },

    drawTile(context, unit, x, y, tile, look, left) {
      context.globalAlpha = left ? 1 : 0.25;
      context.fillStyle = context.strokeStyle = unit.answer === 2 ? look.quiet : look.high;
      if (unit.answer === 0) context.fillRect(x, y, tile, tile);
      else if (unit.answer === 1) context.strokeRect(x + 1, y + 1, tile - 2, tile - 2);
      else context.fillRect(x + tile / 2 - 1, y + tile / 2 - 1, 2, 2);
      context.globalAlpha = 1;
      if (unit !== this.chosen) return;
      context.strokeStyle = look.ink;
      context.lineWidth = 2;
      context.strokeRect(x, y, tile, tile);
      context.lineWidth = 1;
    },
  });
})(window.Scope);
