/* Packed data of the page, back to typed arrays. Everything hangs off one global, Scope. */
'use strict';
window.Scope = {};
(function (Scope) {
  Scope.data = JSON.parse(document.getElementById('data').textContent);

  function bytesOf(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const raw = atob(base64), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  /* base64 of a zlib stream -> Promise of its bytes */
  Scope.inflate = async function (base64) {
    const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  Scope.inflateText = async base64 => new TextDecoder('utf-8', { ignoreBOM: true }).decode(await Scope.inflate(base64));

  /* Text as code points, one number a position: a position is never half of a surrogate pair. */
  Scope.codePoints = function (text, length) {
    const codes = new Uint32Array(length);
    let k = 0;
    for (const symbol of text) codes[k++] = symbol.codePointAt(0);
    return codes;
  };

  Scope.flags = async function (base64, length) {
    const bits = await Scope.inflate(base64), out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = (bits[i >> 3] >> (7 - (i & 7))) & 1;
    return out;
  };

  /* {scale, data} -> {scale, q: Int8Array} */
  Scope.numbers = async packed => ({ scale: packed.scale, q: new Int8Array((await Scope.inflate(packed.data)).buffer) });

  /* The units' activations: a block is inflated when one of its units is first asked for. */
  Scope.Activations = class {
    constructor(text) {
      this.length = text.length;
      this.place = new Map();
      this.blocks = text.blocks;
      this.ready = new Array(text.blocks.length).fill(null);
      text.blocks.forEach((block, b) => block.columns.forEach((column, k) => this.place.set(text.columns[column], [b, k])));
    }

    has(address) { return this.place.has(address); }

    open(b) {
      if (!this.ready[b]) this.ready[b] = this.inflateBlock(b);
      return this.ready[b];
    }

    async inflateBlock(b) {
      const block = this.blocks[b], q = new Int8Array((await Scope.inflate(block.data)).buffer), n = this.length;
      if (block.delta) {
        for (let k = 0; k < block.columns.length; k++) {
          let value = 0;
          for (let i = k * n, end = i + n; i < end; i++) q[i] = value = (value + q[i]) << 24 >> 24;
        }
      }
      block.data = '';
      block.q = q;
      return block;
    }

    /* {scale, q: Int8Array [position], top} where value = q * scale; null where the unit is not on the page.
       A plain value, not a promise, once the block is open: flipping through units then waits for nothing. */
    unit(address) {
      const place = this.place.get(address);
      if (!place) return null;
      const take = block => {
        const q = block.q.subarray(place[1] * this.length, (place[1] + 1) * this.length);
        return { scale: block.scales[place[1]], q };
      };
      const block = this.blocks[place[0]];
      return block.q ? take(block) : this.open(place[0]).then(take);
    }

    async openAll() {
      for (let b = 0; b < this.blocks.length; b++) {
        if (this.blocks[b].q) continue;
        await new Promise(done => (window.requestIdleCallback || (f => setTimeout(f, 20)))(done));
        await this.open(b);
      }
    }
  };
})(window.Scope);
