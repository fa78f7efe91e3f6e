/* How one character is shown in one cell. Nothing in the corpus may join, hide or turn round its neighbours. */
'use strict';
(function (Scope) {
  const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
  const MARK = /\p{M}/u, HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u200b\u2060\ufeff\u115f\u1160\u3164\uffa0]/u, SPACE = /\p{Zs}/u;
  const known = new Map();
  const TAB = 4;

  function kindOf(code) {
    if (code < 32) return { glyph: String.fromCharCode(0x2400 + code), width: 1, flag: 'odd' };
    if (code < 127) return { glyph: String.fromCharCode(code), width: 1, flag: '' };
    if (code === 127) return { glyph: '\u2421', width: 1, flag: 'odd' };
    if (code < 160) return { glyph: '\u25ab', width: 1, flag: 'odd' };
    const symbol = String.fromCodePoint(code);
    if (MARK.test(symbol)) return { glyph: '\u25cc' + symbol, width: 1, flag: 'box' };
    if (HIDDEN.test(symbol)) return { glyph: '\u25ab', width: 1, flag: 'odd' };
    if (SPACE.test(symbol)) return { glyph: ' ', width: code === 0x3000 ? 2 : 1, flag: 'box' };
    return WIDE.test(symbol) ? { glyph: symbol, width: 2, flag: 'box' } : { glyph: symbol, width: 1, flag: code < 0x250 ? '' : 'box' };
  }

  Scope.glyph = function (code) {
    let kind = known.get(code);
    if (!kind) known.set(code, kind = kindOf(code));
    return kind;
  };

  Scope.TAB = TAB;
  Scope.widthAt = (code, column) => code === 9 ? TAB - column % TAB : code < 127 ? 1 : Scope.glyph(code).width;

  /* A character named in words, for the line that describes it. */
  Scope.nameOf = function (code) {
    const names = { 9: 'tab', 10: 'line end', 13: 'return', 32: 'space', 0: 'NUL' };
    if (names[code]) return names[code];
    const kind = Scope.glyph(code);
    return kind.flag === 'odd' || MARK.test(String.fromCodePoint(code)) ? Scope.codeName(code) : String.fromCodePoint(code);
  };

  /* Where lines begin: at line ends, else before the word that would cross `columns`, else at `columns`. */
  Scope.wrap = function (codes, from, to, columns, starts) {
    let column = 0, begin = from, space = -1;
    starts.push(from);
    for (let i = from; i < to; i++) {
      const code = codes[i];
      if (code === 10) {
        if (i + 1 < to) starts.push(i + 1);
        begin = i + 1; column = 0; space = -1;
        continue;
      }
      const width = Scope.widthAt(code, column);
      if (column + width > columns && i > begin) {
        const cut = space - begin > columns / 2 ? space : i;
        starts.push(cut);
        begin = cut; column = 0; space = -1;
        for (let k = cut; k < i; k++) column += Scope.widthAt(codes[k], column);
      }
      column += Scope.widthAt(code, column);
      if (code === 32 || code === 9) space = i + 1;
    }
    return starts;
  };
})(window.Scope);
