/** What may be wrong with a sealed text that a client brings back. */

/** Texts like this one with one thing changed: every character once, and what is left out, added or respelled. */
export function* tampered(sealed: string): Generator<[what: string, text: string]> {
  const [version = '', key = '', body = ''] = sealed.split('.');
  for (let i = 0; i < sealed.length; i++) {
    const other = sealed[i] === 'A' ? 'B' : 'A';
    yield [`character ${i} of ${sealed.length} changed`, sealed.slice(0, i) + other + sealed.slice(i + 1)];
  }
  yield ['nothing', ''];
  yield ['a word', 'state'];
  yield ['the first character missing', sealed.slice(1)];
  yield ['the last character missing', sealed.slice(0, -1)];
  yield ['half of it missing', sealed.slice(0, sealed.length / 2)];
  for (const more of ['A', '=', '==', ' ', '\n', '.', '\0', 'é']) {
    yield [`${JSON.stringify(more)} behind it`, sealed + more];
    yield [`${JSON.stringify(more)} before it`, more + sealed];
  }
  yield ['in upper case', sealed.toUpperCase()];
  yield ['twice', sealed + sealed];
  yield ['no key', `${version}..${body}`];
  yield ['no body', `${version}.${key}.`];
  yield ['another version', `g2.${key}.${body}`];
  yield ['another alphabet', `${version}.${key}.${Buffer.from(body, 'base64url').toString('base64')}=`];
  yield ['bytes swapped', `${version}.${key}.${swapped(body)}`];
}

function swapped(body: string): string {
  const bytes = Buffer.from(body, 'base64url');
  return Buffer.concat([bytes.subarray(bytes.length / 2), bytes.subarray(0, bytes.length / 2)]).toString('base64url');
}
