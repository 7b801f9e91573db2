/** Rules for the text values in a config file: one function a rule, each saying what is wrong and how to mend it. */
import { isIP } from 'node:net';
import type { Finding } from './finding.ts';
import { isLoopback } from './loopback.ts';
import { fillPort } from './port.ts';
import { parseRate } from './units.ts';

/** RFC 9110 §5.6.2 `token`. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Headers that belong to the connection or to MCP itself: Patchbay writes them anew for every request. */
const OWN_HEADERS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function upstreamName(name: string): Finding | undefined {
  if (name === '') return { message: 'is not a name', mend: 'give the upstream a name' };
  if (name.length > 64) return { message: 'is longer than 64 characters', mend: 'choose a shorter name' };
  if (CONTROL.test(name)) return { message: 'has a control character', mend: 'use printable characters only' };
  return undefined;
}

/** Where the gateway listens: a name or an address, without scheme or port. */
export function listenHost(host: string): Finding | undefined {
  if (/^[\w.-]+$/.test(host) || /^\[?[0-9A-Fa-f:.]+(%\w+)?\]?$/.test(host)) return undefined;
  return { message: 'is not a host', mend: 'write a name or an address, such as 127.0.0.1 or 0.0.0.0' };
}

/** A name of a `Host` header; the port in that header does not matter. */
export function hostHeader(host: string): Finding | undefined {
  if (/^[\w.-]+$/.test(host) || /^\[[0-9A-Fa-f:.]+\]$/.test(host)) return undefined;
  const bare = /^(?:\w+:\/\/)?([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?(?:\/.*)?$/.exec(host)?.[1];
  return {
    message: 'is not a host name',
    mend: bare === undefined ? 'write a name such as mcp.example.com' : `write "${bare}", without scheme and port`,
  };
}

/** RFC 6454 §6.2: the serialisation of an origin, which is what an `Origin` header holds. */
export function exactOrigin(origin: string): Finding | undefined {
  if (origin === 'null' || /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(origin)) return undefined;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url?.origin === origin && origin !== 'null') return undefined;
  const known = url !== undefined && url.origin !== 'null';
  return {
    message: 'is not an origin',
    mend: known ? `write "${url.origin}"` : 'write scheme, host and port, such as https://app.example.com',
  };
}

/** The address clients use: http(s), to which paths such as `/mcp` are added. */
export function publicUrl(value: string): Finding | undefined {
  const found = httpUrl(value, 'https://mcp.example.com');
  if (found !== undefined) return found;
  if (/[?#]/.test(value)) return { message: 'has a query or a fragment', mend: 'end the URL with its path' };
  return undefined;
}

/** The address of an upstream; it may have `${port}` in it. */
export function upstreamUrl(value: string): Finding | undefined {
  const found = httpUrl(fillPort(value, 1), 'https://mcp.example.com/mcp');
  if (found !== undefined) return found;
  if (value.includes('#')) return { message: 'has a fragment', mend: 'delete the part from # on' };
  return undefined;
}

function httpUrl(value: string, example: string): Finding | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { message: 'is not an http or https URL', mend: `write one such as ${example}` };
  }
  if (url.username !== '' || url.password !== '') {
    return { message: 'has a user name or password in it', mend: 'move them to an Authorization header' };
  }
  return undefined;
}

/** An HTTP header name that is the admin's to set. */
export function headerName(name: string): Finding | undefined {
  if (!TOKEN.test(name)) return { message: 'is not a header name', mend: 'write one such as Authorization' };
  if (!OWN_HEADERS.has(name.toLowerCase())) return undefined;
  return { message: 'is a header that Patchbay writes itself', mend: 'delete it' };
}

/** RFC 9110 §5.5: no line breaks or other control characters but the tab; above Latin-1 nothing can be sent. */
export function headerValue(value: string): Finding | undefined {
  if (!CONTROL.test(value.replaceAll('\t', '')) && !/[\u0100-\uffff]/.test(value)) return undefined;
  return { message: 'cannot be sent as a header', mend: 'use one line of printable Latin-1 text' };
}

/** A name of an environment variable. */
export function envName(name: string): Finding | undefined {
  if (/^[^=\0]+$/.test(name)) return undefined;
  return { message: 'is not the name of an environment variable', mend: 'write one such as API_TOKEN, without "="' };
}

/** A process takes neither arguments nor variables with a NUL in them. */
export function processText(value: string): Finding | undefined {
  if (!value.includes('\0')) return undefined;
  return { message: 'has a NUL character', mend: 'delete that character' };
}

/** A program to start. */
export function command(value: string): Finding | undefined {
  if (value.trim() === '') return { message: 'is not a command', mend: 'write the program to start, such as npx' };
  return processText(value);
}

/** A folder of Patchbay's own. No shell reads it, so `~` would be the name of a folder. */
export function folder(value: string): Finding | undefined {
  if (value.trim() === '') return { message: 'is not a folder', mend: 'write a path, or `none` for no folder' };
  if (/^~[^/]*(\/|$)/.test(value)) {
    return { message: 'starts with "~", which means nothing here', mend: `write it as \${env:HOME}/…` };
  }
  return processText(value);
}

/** What others are derived from: long enough that nobody can guess it. */
export function storageKey(value: string): Finding | undefined {
  if (value.length >= 32) return undefined;
  return { message: 'is too short', mend: 'write at least 32 characters, such as those of `openssl rand -base64 32`' };
}

/** The text between upstream and upstream name. */
export function separator(value: string): Finding | undefined {
  if (/^[A-Za-z0-9_-]{1,8}$/.test(value)) return undefined;
  return { message: 'is not a separator', mend: 'write 1 to 8 letters, digits, "_" or "-"' };
}

/** RFC 6749 §3.3 `scope-token`. */
export function scope(value: string): Finding | undefined {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(value)) return undefined;
  return { message: 'is not a scope', mend: 'write a name without blanks, such as tools:read' };
}

/** What fits names: `*` stands for any text. */
export function glob(value: string): Finding | undefined {
  if (value !== '' && !CONTROL.test(value)) return undefined;
  return { message: 'fits nothing', mend: 'write a name, with * for any text' };
}

/** An upstream, or `upstream/item`. */
export function itemGlob(value: string): Finding | undefined {
  const [upstream] = value.split('/', 1);
  if (upstream !== '' && !value.endsWith('/') && !CONTROL.test(value)) return undefined;
  return { message: 'names no item', mend: 'write upstream/item, with * for any text, such as docs/* or */search' };
}

/** What follows /mcp/ in the URL of a profile. */
export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A part of a URL, without anything that would be escaped there. */
export function profileName(name: string): Finding | undefined {
  if (PROFILE_NAME.test(name)) return undefined;
  return {
    message: 'cannot be a part of a URL',
    mend: 'use up to 64 letters, digits, _ and -, the first of them a letter or a digit',
  };
}

/** What a token may be meant for: a URL or any other name. */
export function audience(value: string): Finding | undefined {
  if (value.trim() !== '' && !CONTROL.test(value)) return undefined;
  return {
    message: 'is not an audience',
    mend: 'write what the issuer puts into `aud`, such as https://mcp.example.com/mcp',
  };
}

/** RFC 8414 §2: an issuer is an https URL without query and fragment; on this machine http will do. */
export function issuerUrl(value: string): Finding | undefined {
  const found = httpUrl(value, 'https://login.example.com');
  if (found !== undefined) return found;
  const { protocol, hostname } = new URL(value);
  if (protocol === 'http:' && !isLoopback(hostname)) return { message: 'is not https', mend: 'write an https URL' };
  if (value.includes('#')) return { message: 'has a fragment', mend: 'delete the part from # on' };
  return undefined;
}

/** An address, or a network in CIDR notation (RFC 4632). */
export function network(value: string): Finding | undefined {
  const [, address = '', bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address);
  if (family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128)) return undefined;
  return { message: 'is not an address or a network', mend: 'write one such as 10.1.2.3 or 10.1.0.0/16' };
}

/** What names of tools and prompts consist of. */
export const ITEM_NAME = /^[A-Za-z0-9_-]{1,128}$/;

/** A name that a tool or a prompt is given here. */
export function itemName(name: string): Finding | undefined {
  if (ITEM_NAME.test(name)) return undefined;
  return { message: 'is not a name that hosts take', mend: 'use 1 to 128 of the characters A-Z a-z 0-9 _ -' };
}

/** How often something may happen. */
export function rate(value: string): Finding | undefined {
  if (parseRate(value)) return undefined;
  return { message: 'is not a rate', mend: 'write calls per time, such as 10/1m' };
}

/** What names of servers in hosts consist of. */
export const SERVER_NAME = /^[A-Za-z0-9_-]{1,32}$/;

/** A name that users give Patchbay in their hosts. */
export function serverName(name: string): Finding | undefined {
  if (SERVER_NAME.test(name)) return undefined;
  return { message: 'is not a name of a server', mend: 'use 1 to 32 of the characters A-Z a-z 0-9 _ -' };
}

/** A path of a file. */
export function file(value: string): Finding | undefined {
  return value.trim() === '' ? { message: 'is not a file', mend: 'write a path, or delete the key' } : folder(value);
}
