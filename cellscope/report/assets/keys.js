/* What the reader does on a key; buttons press the same keys. */
'use strict';
(function (Scope) {
  const byId = id => document.getElementById(id);

  Object.assign(Scope.Reader.prototype, {
    async key(name) {
      const press = (key, on) => document.querySelector(`[data-key="${key}"]`).setAttribute('aria-pressed', String(on));
      const step = by => this.go({ row: this.table.neighbour(this.state.row, by) }, 'flip');
      const context = by => {
        const n = this.itemsOf(this.state).length, k = Math.min(Math.max(this.state.context + by, 0), n - 1);
        if (n > 1) this.go({ context: k, at: -1 }, 'flip'); else byId('pane').scrollBy({ top: by * byId('pane').clientHeight * 0.8 });
      };
      if (name === 'ArrowLeft') await step(-1);
      else if (name === 'ArrowRight') await step(1);
      else if (name === 'ArrowUp') context(-1);
      else if (name === 'ArrowDown') context(1);
      else if (name === '[' || name === ']') this.walk(name === ']' ? 1 : -1);
      else if (name === '{' || name === '}') this.jump(name === '}' ? 1 : -1);
      else if (name === 'p' && this.text.predictions) {
        await this.openPredictions();
        this.view.rows.predictions = this.view.rows.predictions ? null : this.predictions;
        press('p', Boolean(this.view.rows.predictions));
        this.view.lay();
      } else if (name === 'n') { this.view.rows.digits = !this.view.rows.digits; press('n', this.view.rows.digits); this.view.lay(); }
      else if (name === 'w') { this.view.spaces = !this.view.spaces; byId('pane').classList.toggle('spaces', this.view.spaces); press('w', this.view.spaces); this.view.lay(); }
      else if (name === 's') { this.own = !this.own; press('s', this.own); this.paintLevels(); this.view.paint(); this.legend(); }
      else if (name >= '1' && name <= '5') { const kind = Scope.TABS[name - 1][0]; if (this.items.some(item => item.kind === kind)) this.go({ tab: kind, context: 0, at: -1 }, 'push'); }
      else if (name === '/') byId('filter').focus();
      else return false;
      return true;
    },

    walk(by) {
      const item = this.itemsOf(this.state)[this.state.context];
      if (!item) return;
      const at = this.state.at < 0 ? item.from + (item.peak || 0) : this.state.at + by;
      if (at >= item.from && at < item.to) this.go({ at }, 'replace');
    },

    jump(by) {
      const marks = this.view.marks, shown = this.itemsOf(this.state), item = shown[this.state.context];
      if (!item) return;
      let i = (this.state.at < 0 ? item.from : this.state.at) + by;
      for (; i >= item.from && i < item.to; i += by) if (marks[i] && (i === item.from || !marks[i - 1])) { this.go({ at: i }, 'replace'); return; }
    },
  });
})(window.Scope);
