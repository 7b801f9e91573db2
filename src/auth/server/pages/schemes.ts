/** What the scheme of a redirect URI says of where it leads. */

const WEB = new Set(['http:', 'https:']);
const RUNNABLE = new Set(['javascript:', 'data:', 'blob:', 'vbscript:', 'file:', 'about:', 'view-source:']);

/** Schemes that no answer is sent to and no link leads to, whatever a client registered. @param protocol with its colon */
export const isRunnable = (protocol: string): boolean => RUNNABLE.has(protocol);

/** Whether the browser hands an address over to an app and itself stays on the page (RFC 8252 §7.1). */
export function opensApp(uri: string): boolean {
  const { protocol } = URL.parse(uri) ?? {};
  return protocol !== undefined && !WEB.has(protocol) && !RUNNABLE.has(protocol);
}
