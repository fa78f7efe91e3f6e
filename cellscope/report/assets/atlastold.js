/* What the atlas says of one unit: its words, its colours on the text, its thumbnail (of pictures: atlasscenes.js). */
'use strict';
(function (Scope) {
  const make = Scope.make, byId = id => document.getElementById(id), STEPS = Scope.colour.STEPS, MARKS = Scope.Atlas.MARKS;

  Object.assign(Scope.Atlas.prototype, {
    stripped: 'text',

    makeSheet() {
      this.view = new Scope.TextView(byId('pane'), this.codes, { hover: i => this.point(i), pick: () => {}, context: () => {} });
      const lay = this.view.lay.bind(this.view);
      this.view.lay = () => { lay(); requestAnimationFrame(() => { byId('pane').style.height = Math.min(innerHeight * (innerWidth > 1000 ? 0.5 : 0.2), this.view.tops[this.view.lines.length] + 20) + 'px'; }); };
      this.view.show([{ from: 0, to: this.codes.length, start: this.sample.start, title: '', peak: null, k: 0 }]);
    },

    value(unit, i) { return this.q[unit.k * this.sample.length + i] * this.sample.scales[unit.k]; },

    reach(unit) {
      if (this.shared) return this.sample.range;
      let top = 0;
      for (let i = 0; i < this.sample.length; i++) top = Math.max(top, Math.abs(this.value(unit, i)));
      return top || 1;
    },

    point(i) {
      const unit = this.chosen;
      this.told.textContent = i < 0 || !unit ? '' : `\u2018${Scope.nameOf(this.codes[i])}\u2019 ${Scope.signed(this.value(unit, i))}`;
    },

    /* What is said of a unit, and its colours on the text. */
    tell(unit) {
      const box = byId('chosen'), legend = byId('legend'), parts = [];
      this.told = make('span', 'told');
      if (!unit) { box.replaceChildren(make('p', 'quiet', 'No unit fits these filters.')); legend.replaceChildren(); return; }
      const name = make('p', 'name'), href = this.pageOf(unit), feature = this.features[unit.feature];
      name.append(make('span', 'mark', MARKS[unit.answer] + ' '), make('bdi', '', Scope.visible(unit.address)));
      parts.push(name, this.sentence(unit));
      if (unit.also.length) {
        const also = make('p', 'also', 'tracks too: ');
        unit.also.forEach(([f, score], k) => also.append(k ? ', ' : '', this.link(this.features[f], unit), ` ${Scope.short(score)}`));
        parts.push(also);
      }
      const facts = this.columns.map((c, k) => [c.label, unit.more[k], c.form]).filter(([, v]) => v !== null && v !== undefined);
      if (facts.length) parts.push(make('p', 'also', facts.map(([label, v, form]) => `${label} ${Scope.written(v, form)}`).join(', ')));
      const more = make('p', 'also page');
      if (href) { const link = make('a', '', 'the unit\u2019s page'); link.href = href; more.append(link); }
      else if (this.command) more.append('for its page: ', make('code', '', Scope.visible(this.command.replace('UNIT', unit.address))));
      parts.push(more);
      box.replaceChildren(...parts);
      const reach = this.reach(unit), marks = this.marks[feature];
      this.colour(unit, reach, marks);
      legend.replaceChildren(Scope.scaleOf(reach), make('span', 'quiet', this.shared ? 'one range for all units' : 'each unit\u2019s own range'));
      if (marks) legend.append(make('span', 'mark', `${this.marked}: ${Scope.visible(feature)}`));
      legend.append(this.told);
    },

    marked: 'underlined',

    /* The unit's colours on the text. */
    colour(unit, reach, marks) {
      const { levels } = this.view;
      for (let i = 0; i < levels.length; i++) levels[i] = this.level(unit, i, reach);
      if (marks) this.view.marks.set(marks); else this.view.marks.fill(0);
      this.view.paint();
    },

    level(unit, i, reach) { return Math.max(-STEPS, Math.min(STEPS, Math.round(this.value(unit, i) / reach * STEPS))); },

    sentence(unit) {
      const said = make('p', 'says'), feature = this.features[unit.feature], score = `${unit.measure} ${this.scored(unit)}`;
      if (!feature) { said.append('Nothing found.'); return said; }
      if (unit.answer === 2) said.append('Nothing found. The nearest is ', this.link(feature, unit), `: ${score}${unit.why ? '; ' + Scope.visible(unit.why).replace(/\b0\./g, '.') : ''}.`);
      else said.append(unit.sign < 0 ? 'Low with ' : 'High with ', this.link(feature, unit), `: ${score}${unit.why ? '; ' + Scope.visible(unit.why).replace(/\b0\./g, '.') : ''}.`);
      return said;
    },

    scored(unit) {
      const between = Number.isFinite(unit.low) && Number.isFinite(unit.high) ? ` (${Scope.score(unit.low)}\u2013${Scope.score(unit.high)})` : '';
      return Scope.score(unit.score) + between;
    },

    link(feature, unit) {
      const href = this.feature_pages[feature], made = make(href ? 'a' : 'span', 'feature');
      made.append(make('bdi', '', Scope.visible(feature)));
      if (href) made.href = `${href}#${this.anchor}${Scope.fragment(unit.address)}`;
      return made;
    },

    anchor: 'unit=',

    pageOf(unit) { return this.unit_pages[unit.k]; },

    /* One pixel a character, stretched by the style. */
    strip(unit) {
      const canvas = make('canvas', 'strip'), n = this.sample.length, reach = this.reach(unit), scale = this.sample.scales[unit.k] / reach * STEPS;
      canvas.width = n || 1;
      canvas.height = 1;
      canvas.setAttribute('aria-hidden', 'true');
      const context = canvas.getContext('2d'), image = context.createImageData(n || 1, 1), pixels = new Uint32Array(image.data.buffer), at = unit.k * n;
      for (let i = 0; i < n; i++) pixels[i] = this.paint[STEPS + Math.max(-STEPS, Math.min(STEPS, Math.round(this.q[at + i] * scale)))];
      context.putImageData(image, 0, 0);
      return canvas;
    },

    palette() {
      const theme = document.documentElement.dataset.theme, bytes = new Uint8Array(4 * (2 * STEPS + 1));
      Scope.colour.ramp(theme).forEach(([r, g, b], k) => bytes.set([r, g, b, 255], 4 * k));
      return new Uint32Array(bytes.buffer);
    },
  });
})(window.Scope);
