/* What an atlas of pictures does otherwise: inputs in place of a text, a unit's maps on them, concepts framed. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id), GAP = 1;

  Scope.scenes = {
    stripped: 'on inputs',
    marked: 'framed',
    anchor: '',

    pageOf(unit) { const href = this.unit_pages[unit.k]; return href && `${href}#${Scope.fragment(unit.address)}`; },

    /* Each input with the map of the chosen unit beside it; rows of numbers have no picture. */
    makeSheet() {
      const { grid, names, pictures } = this.sample, [rows, columns] = grid;
      this.view = {};
      this.scenes = names.map((name, k) => {
        const figure = make('figure', 'scene'), map = make('canvas'), caption = make('figcaption');
        map.width = columns;
        map.height = rows;
        caption.append(make('bdi', '', Scope.visible(name)));
        map.setAttribute('role', 'img');
        map.addEventListener('mousemove', event => this.pointAt(k, event));
        map.addEventListener('mouseleave', () => { this.told.textContent = ''; });
        if (pictures.length) {
          const shot = make('span', 'shot'), picture = make('img');
          picture.src = pictures[k];
          picture.alt = Scope.visible(name);
          shot.append(picture);
          figure.append(shot);
        }
        const holder = make('span', 'shot');
        holder.append(map);
        figure.append(holder, caption);
        return { figure, map, shots: [...figure.querySelectorAll('.shot')] };
      });
      byId('pane').classList.add('scenes');
      byId('pane').append(...this.scenes.map(scene => scene.figure));
    },

    colour(unit, reach, marks) {
      const [rows, columns] = this.sample.grid, each = rows * columns;
      this.scenes.forEach(({ map, shots }, k) => {
        this.fill(map.getContext('2d'), unit, k * each, 0, reach);
        map.setAttribute('aria-label', `${Scope.visible(unit.address)} on ${Scope.visible(this.sample.names[k])}`);
        for (const shot of shots) {
          for (const frame of shot.querySelectorAll('svg')) frame.remove();
          if (marks) shot.append(outline(marks.subarray(k * each, (k + 1) * each), rows, columns));
        }
      });
    },

    /* The unit's map on one input as pixels, from column x of a canvas on. */
    fill(context, unit, first, x, reach) {
      const [rows, columns] = this.sample.grid, image = context.createImageData(columns, rows), pixels = new Uint32Array(image.data.buffer), middle = (this.paint.length - 1) / 2;
      for (let i = 0; i < pixels.length; i++) pixels[i] = this.paint[middle + this.level(unit, first + i, reach)];
      context.putImageData(image, x, 0);
    },

    pointAt(k, event) {
      const [rows, columns] = this.sample.grid, box = event.target.getBoundingClientRect(), at = (share, n) => Math.max(0, Math.min(n - 1, Math.floor(share * n)));
      const i = at((event.clientY - box.top) / box.height, rows) * columns + at((event.clientX - box.left) / box.width, columns);
      if (this.chosen) this.told.textContent = `${Scope.visible(this.sample.names[k])} ${Scope.signed(this.value(this.chosen, k * rows * columns + i))}`;
    },

    /* One pixel a place, the inputs side by side. */
    strip(unit) {
      const { grid: [rows, columns], names } = this.sample, canvas = make('canvas', 'strip'), reach = this.reach(unit), context = canvas.getContext('2d');
      canvas.width = Math.max(1, names.length * (columns + GAP) - GAP);
      canvas.height = rows;
      canvas.setAttribute('aria-hidden', 'true');
      names.forEach((_, k) => this.fill(context, unit, k * rows * columns, k * (columns + GAP), reach));
      return canvas;
    },
  };

  /* Where a concept is, as lines between places that have it and places that have it not. */
  function outline(flags, rows, columns) {
    const on = (r, c) => r >= 0 && c >= 0 && r < rows && c < columns && flags[r * columns + c], parts = [];
    for (let r = 0; r <= rows; r++) for (let c = 0; c <= columns; c++) {
      if (c < columns && Boolean(on(r, c)) !== Boolean(on(r - 1, c))) parts.push(`M${c} ${r}h1`);
      if (r < rows && Boolean(on(r, c)) !== Boolean(on(r, c - 1))) parts.push(`M${c} ${r}v1`);
    }
    const svg = Scope.svg('svg', { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    for (const name of ['under', 'over']) svg.append(Scope.svg('path', { d: parts.join(''), class: name, 'vector-effect': 'non-scaling-stroke' }));
    return svg;
  }
})(window.Scope);
