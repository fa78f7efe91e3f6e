/* The pages that lie beside this one: pages.js lists them, and is written anew with every page, so later ones are known. */
'use strict';
(function (Scope) {
  const there = new Set(window.cellscopePages || []);

  /* Where the page of a unit or a feature lies, or '' where there is none; `state` is what it opens with. */
  Scope.pageOf = function (key, state) {
    const stem = (Scope.data.pages || {})[key];
    if (!stem || !there.has(stem)) return '';
    const part = new URLSearchParams([state]).toString().replaceAll('%3A', ':').replaceAll('%2F', '/');
    return `${stem}.html#${part}`;
  };

  /* A name that chooses a row, and beside it a link to its own page where there is one. */
  Scope.withPage = function (name, key, state) {
    const both = Scope.make('span', 'named'), href = Scope.pageOf(key, state);
    both.append(name);
    if (href) {
      const link = Scope.make('a', 'own');
      link.href = href;
      link.title = 'the page of this one alone';
      link.setAttribute('aria-label', `page of ${Scope.visible(key)}`);
      both.append(link);
    }
    return both;
  };
})(window.Scope);
