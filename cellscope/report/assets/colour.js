/* The diverging scale of report/colour.py, same numbers: orange below zero, blue above, zero is the paper. */
'use strict';
(function (Scope) {
  const theme = Scope.data.theme, STEPS = theme.steps;
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const display = function (linearPart) {
    const c = Math.min(Math.max(linearPart, 0), 1);
    return Math.floor((c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055) * 255 + 0.5);
  };

  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const contrast = function (one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  function toOklab(colour) {
    const [r, g, b] = colour.map(linear);
    const x = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const y = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const z = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [0.2104542553 * x + 0.793617785 * y - 0.0040720468 * z,
      1.9779984951 * x - 2.428592205 * y + 0.4505937099 * z,
      0.0259040371 * x + 0.7827717662 * y - 0.808675766 * z];
  }

  function fromOklab([l, a, b]) {
    const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
    return [display(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
      display(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
      display(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z)];
  }

  function mix(start, end, part) {
    if (part <= 0) return start;
    if (part >= 1) return end;
    const one = toOklab(start), other = toOklab(end);
    return fromOklab(one.map((v, k) => v + (other[k] - v) * part));
  }

  function ramp(name) {
    const t = theme.colours[name], made = [];
    for (let k = STEPS; k > 0; k--) made.push(mix(t.paper, t.low, k / STEPS));
    for (let k = 0; k <= STEPS; k++) made.push(mix(t.paper, t.high, k / STEPS));
    return made;
  }

  function bestInk(background, name) {
    const { ink, paper } = theme.colours[name];
    return contrast(ink, background) >= contrast(paper, background) ? ink : paper;
  }

  function likely(name) {
    const { none, all } = theme.likely[name], made = [];
    for (let k = 0; k <= STEPS; k++) {
      const background = mix(none, all, k / STEPS);
      made.push([background, bestInk(background, name)]);
    }
    return made;
  }

  const css = colour => `rgb(${colour.join(' ')})`;
  const both = (light, dark) => `light-dark(${css(light)}, ${css(dark)})`;

  /* One class a colour, a0 .. a40 and p0 .. p20, right in both themes. */
  function addStyles() {
    const sheet = new CSSStyleSheet(), rules = [];
    const [light, dark] = [ramp('light'), ramp('dark')];
    light.forEach((colour, k) => rules.push(`.a${k}{background-color:${both(colour, dark[k])}}`));
    const [day, night] = [likely('light'), likely('dark')];
    day.forEach(([b, i], k) => rules.push(`.p${k}{background-color:${both(b, night[k][0])};color:${both(i, night[k][1])}}`));
    sheet.replaceSync(rules.join('\n'));
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  function stored() { try { return localStorage.getItem('cellscope-theme'); } catch { return null; } }
  function apply() {
    const name = stored() || (system.matches ? 'dark' : 'light');
    root.dataset.theme = name;
    const button = document.getElementById('dark');
    if (button) button.setAttribute('aria-pressed', String(name === 'dark'));
    document.dispatchEvent(new CustomEvent('theme'));
  }
  let chosen = null;
  Scope.toggleTheme = function () {
    chosen = root.dataset.theme === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('cellscope-theme', chosen); } catch { /* kept for this page only */ }
    apply();
    root.dataset.theme = chosen;
  };
  system.addEventListener('change', () => { if (!chosen) apply(); });

  Scope.colour = { STEPS, ramp, likely, contrast, css, luminance };
  addStyles();
  apply();
})(window.Scope);
