/* A run's page: the network as layers in order, the concepts, and every measurement; each only where there is one. */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id), THUMB = 132, SURVIVES = 0.5;
  const COLUMNS = [
    ['unit', 'best unit', 'the unit of all layers that tells it best', 'words'],
    ['auc', 'AUC', 'area under the ROC curve, on pictures the unit was not chosen on, with its 95 % interval', 'number'],
    ['iou', 'IoU', 'overlap of where the unit is on with where the concept is, beside the most that a concept of that size allows', 'number'],
    ['colour', 'colour alone', 'AUC of the best prediction from the colours of the picture alone', 'number'],
    ['untrained', 'untrained', 'AUC of the best unit of the same network before training', 'number'],
    ['p', 'p', 'chance of a score this good for the best of all units, by masks of other pictures', 'p'],
    ['q', 'q', 'p, corrected over concepts', 'p'],
    ['answer', 'finding', 'yes; plain: true, but no feat; no', 'words'],
    ['reason', 'remark', '', 'words'],
  ];

  function section(id, title, nodes, words) {
    const box = byId(id);
    box.hidden = false;
    box.append(make('h2', '', title), ...nodes);
    box.append(...[words].flat().filter(Boolean).map(text => make('p', 'words', text)));
  }

  const grouped = (items, key) => { const made = new Map(); for (const one of items) made.set(one[key], [...(made.get(one[key]) || []), one]); return made; };

  function figures(id, title, list, words) {
    const box = make('div', 'figures');
    box.append(...list.map(args => new Scope.Figure(...args).element));
    section(id, title, [box], words);
  }

  function card(head, lines, thumb, href) {
    const made = make('li', 'card'), name = make(href ? 'a' : 'b', 'name', head);
    if (href) name.href = href;
    made.append(thumb, name, ...lines.filter(Boolean).map(text => make('small', '', text)));
    return made;
  }

  function layerCard({ site, kind, shape, note, href, maps }) {
    const box = make(href ? 'a' : 'span', 'thumbnail');
    if (href) { box.href = href; box.tabIndex = -1; }
    let range = '';
    if (maps) {
      const [, , , w, h, count] = maps.strip, columns = Math.ceil(Math.sqrt(count)), gap = count > 100 ? 1 : 2, sizes = Scope.sizes(maps), most = Math.max(...sizes), low = Math.min(...maps.low);
      const width = Math.min(40, Math.max(1, (THUMB - gap * (columns - 1)) / columns)), canvas = Scope.canvas('clear', `the activations of ${Scope.visible(site)} on the picture`);
      Scope.seen(canvas, () => Scope.tiles(canvas, { strip: maps.strip, count, columns, width, height: width * h / w, gap, alphas: sizes.map(v => most ? v / most : 0) }));
      box.append(canvas);
      range = `${low < 0 ? Scope.signed(-most) : '0'} to ${Scope.short(most)}`;
    }
    const size = shape.length === 3 ? `${shape[0]} \u00d7 ${shape[1]} \u00d7 ${shape[2]}` : `${shape[0]} units`;
    return card(Scope.visible(site), [Scope.visible(kind), size, range, Scope.visible(note)], box, href);
  }

  function drawNetwork(net) {
    const { picture, cards } = net.layers;
    if (!cards.length) return;
    const list = make('ol', 'net');
    if (picture) {
      const box = make('span', 'thumbnail');
      box.append(Scope.picture(picture, 0, THUMB, 'the picture'));
      list.append(card('the picture', [], box, ''));
    }
    list.append(...cards.map(layerCard));
    section('net', 'The network', [list], 'Each layer on one picture, in the order in which they answer; a tile is a unit, its range is the layer\u2019s own, 0 is the paper, blue above and orange below it. A name leads to the layer.');
  }

  function drawConcepts(net) {
    const rows = net.concepts;
    if (!rows.length) return;
    const shown = COLUMNS.filter(([key]) => rows.some(row => row[key] !== null && row[key] !== '')), box = make('div', 'scroll wide');
    box.tabIndex = -1;
    const made = rows.map(row => ({
      key: row.concept, row, cells: shown.map(([key]) => row[key]), interval: [row.auc_low, row.auc_high],
      hrefs: shown.map(([key]) => key === 'unit' && row.unit && net.pages[row.layer] ? `${net.pages[row.layer]}#${Scope.fragment(row.unit)}` : ''),
    }));
    const lead = ({ key, row }) => {
      const name = make(net.links[key] ? 'a' : 'span', 'address'), mark = Scope.answerMark(row.answer);
      if (net.links[key]) name.href = net.links[key];
      name.append(make('bdi', '', Scope.visible(key)));
      name.dataset.cell = 'name'; mark.dataset.cell = 'first';
      return [mark, name];
    };
    const say = (column, { row }) => column.key === 'iou' && row.iou !== null && row.iou_most !== null ? `${Scope.short(row.iou)} of ${Scope.short(row.iou_most)}` : null;
    new Scope.Table(box, shown.map(([key, label, hint, form]) => ({ key, label, hint, form })), made, { heads: ['', 'concept'], lead, say }).expand(true);
    section('concepts', 'Concepts', [box]);
  }

  function drawAttributions(net) {
    const rows = net.attributions;
    if (!rows.length) return;
    const methods = rows[0].maps.map(m => m.method), grid = make('div', 'maps');
    grid.style.setProperty('--count', methods.length);
    grid.append(make('span', 'rowhead', 'picture'), ...methods.map(name => make('span', 'rowhead', Scope.visible(name))));
    for (const row of rows) {
      const cell = make('span', 'shot'), says = [row.number === null ? '' : `picture ${Scope.count(row.number)}`, row.label ? Scope.visible(row.label) : ''].filter(Boolean).join(', ');
      cell.append(fitted(row.picture, says || 'picture', false), make('small', '', says), make('small', '', `explained: ${Scope.visible(row.target)}`));
      grid.append(cell);
      for (const one of row.maps) {
        const shot = make('span', 'shot'), { low, high, strip } = one.map, most = Math.max(Math.abs(low[0]), Math.abs(high[0]));
        shot.append(fitted(strip, `${one.method} for ${row.target}`, true), make('small', '', low[0] < 0 ? `\u00b1${Scope.short(most)}` : `0 to ${Scope.short(most)}`));
        if (one.survival !== null) {
          const kept = make('small', one.survival > SURVIVES ? 'survives' : '', `survives ${Scope.short(one.survival)}${one.survival > SURVIVES ? ' !' : ''}`);
          if (one.survival > SURVIVES) kept.title = 'the map hardly depends on what the top layer learnt';
          shot.append(kept);
        }
        if (one.note) shot.title = Scope.visible(one.note);
        grid.append(shot);
      }
    }
    const notes = [...new Map(rows.flatMap(row => row.maps).filter(m => m.note).map(m => [m.method, `${Scope.visible(m.method)}: ${Scope.visible(m.note)}.`])).values()];
    section('attributions', 'What the decision rests on', [grid], 'Blue speaks for the class, orange against it, clear is 0; the range is under each map. \u201cSurvives\u201d is the rank correlation of the map with the same map after the top layer was randomised: '
      + 'near 0 the map depends on what the network learnt there, above .5 (marked !) hardly, and then it shows the picture more than the network. ' + notes.join(' '));
  }

  /* A picture as wide as its column. */
  function fitted(strip, words, clear) {
    const canvas = Scope.canvas(clear ? 'picture clear' : 'picture', words), [, , , w, h] = strip;
    canvas.style.aspectRatio = `${w} / ${h}`;
    Scope.seen(canvas, () => { const width = canvas.clientWidth || 120; Scope.paint(canvas, width, width * h / w, [{ strip, k: 0 }]); });
    return canvas;
  }

  function drawReadable(net) {
    const model = net.readable;
    if (!model) return;
    const box = make('div', 'made');
    model.classes.forEach((name, k) => {
      const figure = make('figure');
      if (model.pictures) {
        const size = Math.max(Math.abs(model.pictures.low[k]), Math.abs(model.pictures.high[k]));
        figure.append(Scope.picture(model.pictures.strip, k, 128, `weights of ${name}`, { clear: !model.pictures.colour }), make('figcaption', '', `${Scope.visible(name)}, \u00b1${Scope.short(size)}`));
      } else {
        const pairs = model.columns.map((column, c) => [column, model.weights[k][c]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 12);
        figure.className = 'broad';
        figure.append(make('h3', '', Scope.visible(name)), Scope.signedBars(pairs, Scope.signed));
      }
      box.append(figure);
    });
    const what = model.pictures ? `pixels; each class\u2019s weights as a picture, ${model.pictures.colour ? 'middle grey' : 'clear'} is 0` : 'columns; the 12 greatest weights of each class';
    section('readable', 'The simplest model that can be read', [box], `A logistic regression on the ${what}. It gets ${Scope.short(model.accuracy)} right, the network ${Scope.short(model.network)}. ${Scope.visible(model.note)}`);
  }

  function drawBackquery(net) {
    const b = net.backquery;
    if (!b) return;
    const box = make('div', 'made');
    b.labels.forEach((name, k) => {
      const figure = make('figure'), best = b.answers[k].indexOf(Math.max(...b.answers[k]));
      const words = best === k ? `\u2713 the network says ${Scope.visible(name)}` : `\u2717 the network says ${Scope.visible(b.labels[best])}`;
      figure.append(Scope.picture(b.strip, k, 112, `backquery of ${name}`), make('figcaption', '', `${Scope.visible(name)}: ${words} (${Scope.short(b.answers[k][best])})`));
      box.append(figure);
    });
    section('backquery', 'Labels run backwards', [box], `Each label through the network from its end to its beginning, black ${Scope.short(b.low)} to white ${Scope.short(b.high)}; below, what the network answers when it is shown that picture.`);
  }

  function drawFigures(net) {
    const m = Scope.measures, { losses, confusion, damage, lesions, invariance, probes, chance } = net, curves = net.over_units;
    const training = losses ? [
      ['losses', 'Loss', 'By ' + ('epoch' in losses ? 'epoch' : 'step') + ' of training.', look => m.losses(losses, look, false)],
      ['accuracies', 'Accuracy', 'By ' + ('epoch' in losses ? 'epoch' : 'step') + ' of training.', look => m.losses(losses, look, true)],
    ].filter(([, , , build]) => build(Scope.look())) : [];
    if (training.length) figures('training', 'Training', training);
    if (Object.keys(curves).length) figures('over', 'One unit, or several?', [['over', 'AUC over the best units', 'Where one unit is enough, its curve is flat from the start.', look => m.over(curves, look)]]);
    if (confusion) figures('confusion', 'What is taken for what', [
      ['confusion', 'Confusion', 'Held-out pictures: each row is a true class.', look => m.confusion(confusion, look)],
      ['classes', 'By class', 'How much of each class is guessed right.', look => m.classes(confusion, look)],
    ]);
    if (damage.length) figures('damage', 'Damage', [...grouped(damage, 'layer')].map(([layer, own]) => ['damage', Scope.visible(layer), 'Blue: best units first; orange: at random, with 95 % intervals. Solid: zero in their place; dashed: their mean.', look => m.damage(own, chance, look)]),
      'Accuracy as a layer loses its units. Zero and mean fill are two experiments: zero takes away what a unit says and what the next layer counts on.');
    if (lesions.length) figures('lesions', 'Which class hangs on which unit', lesions.map(one => ['heat', `Change of accuracy in points, ${Scope.visible(one.fill)} in its place`, `Each row is a network without that unit (${one.fill} fill); orange is a loss.` + (one.left_out ? ` ${one.left_out} units on which less hangs are not drawn.` : ''), look => m.lesions(one, look)]));
    if (invariance) figures('invariance', 'What changes when the picture does', [
      ...[...grouped([...invariance.curves, ...invariance.answers], 'change')].flatMap(([change, both]) => {
        const layers = both.filter(c => c.layer !== undefined), answers = both.filter(c => c.same);
        return [
          ...(layers.length ? [['invariance', Scope.visible(change), `How like itself each layer stays (${Scope.visible(layers[0].measure)}, 1 is the same).`, look => m.invariance(layers, look)]] : []),
          ...answers.map(own => ['answers', `${Scope.visible(change)}: the answers`, own.right ? 'How many pictures are told right, and how many as before.' : 'How many pictures are told as before.', look => m.answers(own, look)]),
        ];
      }),
    ], invariance.pooling.length ? [...invariance.pooling.map(Scope.visible), 'The change is the distance from the unchanged picture, over that between different pictures.'] : '');
    if (probes) figures('probes', 'What is already decided where', [['probes', 'Linear probes', 'Accuracy of a linear model on each layer\u2019s activations, on held-out pictures.', look => m.probes(probes, look)]]);
  }

  (Scope.starts = Scope.starts || {}).network = async function ({ network }) {
    network.pages = Object.fromEntries(network.layers.cards.filter(c => c.href).map(c => [c.site, c.href]));
    drawNetwork(network);
    drawConcepts(network);
    drawAttributions(network);
    drawReadable(network);
    drawBackquery(network);
    if (network.snapshots.length) section('snapshots', 'Over training', [new Scope.Training(network.snapshots).element]);
    drawFigures(network);
  };
})(window.Scope);
