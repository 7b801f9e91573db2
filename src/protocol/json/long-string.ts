/**
 * The inside of long JSON strings, at sixteen bytes a step: what is large in MCP is text, and to look at each byte of it in
 * JavaScript took longer than everything else that is done with it. long-string.wat is the source of the WebAssembly below
 * (docs/decisions/0015-long-strings-in-webassembly.md).
 */

/** Made of long-string.wat by `npm run wasm`. */
export const MODULE =
  'AGFzbQEAAAABBwFgAn9/AX8DAgEABQMBAAEHEQIGbWVtb3J5AgAEc2NhbgAACvYCAfMCAgF7A38DQCAAQRBqIAFNBEAgAP0AAAAhAiAC/QwiIiIiIiIiIiIiIiIiIiIi/SMgAv0MXFxcXFxcXFxcXFxcXFxcXP0j/VAgAv0MICAgICAgICAgICAgICAgIP0m/VD9ZCEDIANFBEAgAEEQaiEADAILIAAgA2hqIQAFIAAgAU8EQCABDwsgAC0AACEEIARBIE8gBEEiRyAEQdwAR3FxBEAgAEEBaiEADAILCyAALQAAQdwARwRAIAAPCyAAQQFqIAFPBEAgAA8LIAAtAAEhBCAEQSJGIARB3ABGciAEQS9GIARB4gBGcnIgBEHmAEYgBEHuAEZyIARB8gBGIARB9ABGcnJyBEAgAEECaiEADAELIARB9QBHBEAgAA8LIABBBmogAUsEQCAADwtBAiEFA0AgACAFai0AACEEIARBMGtBCk8EQCAEQSByQeEAa0EGTwRAIAAPCwsgBUEBaiEFIAVBBkkNAAsgAEEGaiEADAALAAs=';

const PAGE = 65_536;
const FIRST = 2_048;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  scan(from: number, to: number): number;
}

/** As much of it as is used; the types of Node.js leave it to those of browsers. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Assembly }).WebAssembly;
const { memory, scan } = new Instance(new Module(Buffer.from(MODULE, 'base64'))).exports as Exports;
const window = new Uint8Array(memory.buffer);

/**
 * Passes over plain text and valid escapes.
 * @param i an offset inside a string, where no escape is going on
 * @returns the offset of the first byte that is a quote, a control character or a backslash, which may be that of a valid
 *   escape; or the length of `b`
 */
export function skipText(b: Uint8Array, i: number): number {
  // most strings end soon
  for (let size = FIRST; i < b.length; size = Math.min(size * 8, PAGE)) {
    const length = Math.min(size, b.length - i);
    window.set(b.subarray(i, i + length));
    const stop = scan(0, length);
    i += stop;
    if (stop < length) return i;
  }
  return b.length;
}
