/* Small pictures out of a page's sheets: a file is fetched when one of its pictures is first drawn, and never read
   back (a page opened from a folder may not), only drawn. A strip is [file, left, top, width, height, count, columns]. */
'use strict';
(function (Scope) {
  const make = Scope.make, sources = Scope.data.sheets || [], opened = new Map();

  Scope.sheet = function (file) {
    if (!opened.has(file)) {
      const image = new Image();
      image.src = sources[file];
      opened.set(file, image.decode().then(() => image));
    }
    return opened.get(file);
  };

  /* Where picture k of a strip lies in its file. */
  Scope.place = ([, left, top, width, height, , columns], k) => [left + (k % columns) * width, top + Math.floor(k / columns) * height, width, height];

  /* The part of a picture that a box [top, left, bottom, right] covers, and where that part lies in a target. `size` is
     [rows, columns] in which the box is said; without a box it is all of it. */
  function windowed([x, y, w, h], box, size, width, height) {
    if (!box) return { from: [x, y, w, h], to: [0, 0, width, height] };
    const [rows, columns] = size, [top, left, bottom, right] = box;
    const up = Math.max(top, 0), down = Math.min(bottom, rows), west = Math.max(left, 0), east = Math.min(right, columns);
    if (down <= up || east <= west) return null;
    const sx = w / columns, sy = h / rows, tx = width / (right - left), ty = height / (bottom - top);
    return {
      from: [x + west * sx, y + up * sy, (east - west) * sx, (down - up) * sy],
      to: [(west - left) * tx, (up - top) * ty, (east - west) * tx, (down - up) * ty],
    };
  }

  /* Grey and pale, so that a map's colours over it mean the map alone. */
  function quieten(context, to) {
    context.globalCompositeOperation = 'saturation';
    context.fillStyle = '#808080';
    context.fillRect(...to);
    context.globalCompositeOperation = 'destination-in';
    context.fillStyle = 'rgb(0 0 0 / .72)';
    context.fillRect(...to);
    context.globalCompositeOperation = 'source-over';
  }

  /* A picture where a map is above zero, in its own colours; what is under it was drawn dim. */
  function lit(context, layer, images, canvas) {
    const over = make('canvas');
    over.width = canvas.width;
    over.height = canvas.height;
    const inner = over.getContext('2d'), draw = (image, { strip, k, box, size }, alpha) => {
      const part = windowed(Scope.place(strip, k || 0), box, size, over.width, over.height);
      inner.globalAlpha = alpha;
      if (part) inner.drawImage(image, ...part.from, ...part.to);
    };
    draw(images[1], layer, layer.alpha);
    inner.globalCompositeOperation = 'source-in';
    inner.imageSmoothingEnabled = false;
    draw(images[0], layer.lit, 1);
    context.drawImage(over, 0, 0);
  }

  /* A box drawn as a frame, light within dark, so that it is seen on anything. */
  function framed(context, { frame: [top, left, bottom, right], size: [rows, columns] }, width, height, dense) {
    const sharp = (value, scale) => Math.round(value * scale) + (dense % 2) / 2;
    const [x, y] = [sharp(left, width / columns), sharp(top, height / rows)];
    const at = [x, y, sharp(right, width / columns) - x, sharp(bottom, height / rows) - y];
    for (const [colour, line] of [['#000', 3], ['#fff', 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * dense;
      context.strokeRect(...at);
    }
  }

  /* Layers onto a canvas of width x height: [{strip, k, box, size, alpha, smooth, quiet, dim}], or [{frame, size}]. */
  Scope.paint = async function (canvas, width, height, layers) {
    const turn = canvas.turn = (canvas.turn || 0) + 1;
    let images;
    try {
      images = await Promise.all(layers.map(layer => layer.frame ? null : Scope.sheet(layer.strip[0])));
    } catch {
      canvas.replaceWith(make('span', 'lost', 'the file of this picture is not beside the page'));
      return;
    }
    if (canvas.turn !== turn) return;
    const dense = Math.min(3, Math.max(1, Math.ceil(window.devicePixelRatio || 1)));
    canvas.width = Math.max(1, Math.round(width * dense));
    canvas.height = Math.max(1, Math.round(height * dense));
    const context = canvas.getContext('2d');
    layers.forEach((layer, k) => {
      if (layer.frame) { framed(context, layer, canvas.width, canvas.height, dense); return; }
      if (layer.lit) { lit(context, layer, [images[k - 1], images[k]], canvas); return; }
      const part = windowed(Scope.place(layer.strip, layer.k || 0), layer.box, layer.size, canvas.width, canvas.height);
      if (!part) return;
      if (layer.dim) { context.fillStyle = '#000'; context.fillRect(...part.to); }
      context.globalAlpha = layer.dim || (layer.alpha === undefined ? 1 : layer.alpha);
      context.imageSmoothingEnabled = Boolean(layer.smooth);
      context.imageSmoothingQuality = 'high';
      context.drawImage(images[k], ...part.from, ...part.to);
      context.globalAlpha = 1;
      if (layer.quiet) quieten(context, part.to);
    });
    canvas.dataset.drawn = 'yes';
  };

  /* Many pictures of one strip as tiles in reading order; `alphas` pale each by its share of a common scale. */
  Scope.tiles = async function (canvas, { strip, count, columns, width, height, gap, alphas }) {
    const turn = canvas.turn = (canvas.turn || 0) + 1, rows = Math.ceil(count / columns), dense = Math.min(3, Math.max(1, Math.ceil(window.devicePixelRatio || 1)));
    const wide = columns * (width + gap) - gap, high = rows * (height + gap) - gap;
    canvas.style.width = wide + 'px';
    canvas.style.height = high + 'px';
    let image;
    try { image = await Scope.sheet(strip[0]); } catch { canvas.replaceWith(make('span', 'lost', 'the file of these pictures is not beside the page')); return; }
    if (canvas.turn !== turn) return;
    canvas.width = wide * dense;
    canvas.height = high * dense;
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.strokeStyle = 'rgb(128 128 128 / .4)';
    for (let k = 0; k < count; k++) {
      const x = (k % columns) * (width + gap) * dense, y = Math.floor(k / columns) * (height + gap) * dense;
      context.globalAlpha = alphas ? alphas[k] : 1;
      context.drawImage(image, ...Scope.place(strip, k), x, y, width * dense, height * dense);
      context.globalAlpha = 1;
      context.strokeRect(x - 0.5, y - 0.5, width * dense + 1, height * dense + 1);
    }
    canvas.dataset.drawn = 'yes';
  };

  /* A canvas with a name for those who cannot see it. */
  Scope.canvas = function (className, words, width, height) {
    const made = make('canvas', className);
    made.setAttribute('role', 'img');
    made.setAttribute('aria-label', words);
    if (width) { made.style.width = width + 'px'; made.style.height = height + 'px'; }
    return made;
  };

  /* One picture of a strip, `side` pixels at its longer side, whole multiples of its own where that is possible. */
  Scope.picture = function (strip, k, side, words, more = {}) {
    const [, , , w, h] = strip, wide = Math.max(w, h);
    const by = side >= wide ? Math.max(1, Math.floor(side / wide)) : side / wide, canvas = Scope.canvas(more.clear ? 'picture clear' : 'picture', words, w * by, h * by);
    Scope.seen(canvas, () => Scope.paint(canvas, w * by, h * by, [{ strip, k, ...more }]));
    return canvas;
  };

  /* The greatest size of each map of {low, high}, for a common or an own scale. */
  Scope.sizes = maps => maps.low.map((low, k) => Math.max(Math.abs(low), Math.abs(maps.high[k])));

  /* What the colours of a range stand for, in words and as a bar: signed ranges are symmetric. */
  Scope.scaleBar = function (low, high, note) {
    const box = make('span', 'scalebox'), bar = make('span', 'clearscale'), size = Math.max(Math.abs(low), Math.abs(high)), signed = low < 0;
    bar.classList.toggle('signed', signed);
    bar.setAttribute('aria-hidden', 'true');
    box.append(make('span', '', signed ? Scope.signed(-size) : '0'), bar, make('span', '', Scope.signed(size)));
    if (note) box.append(make('span', 'quiet', note));
    return box;
  };

  const watchers = new WeakMap(), observer = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      observer.unobserve(entry.target);
      const call = watchers.get(entry.target);
      watchers.delete(entry.target);
      if (call) call();
    }
  }, { rootMargin: '200px' });

  /* Call back once an element comes near the view: what is never looked at is never drawn. */
  Scope.seen = function (element, call) { watchers.set(element, call); observer.observe(element); };
  addEventListener('beforeprint', () => document.querySelectorAll('canvas').forEach(c => { const call = watchers.get(c); if (call) call(); }));
})(window.Scope);
