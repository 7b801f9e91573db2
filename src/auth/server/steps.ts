/** What comes of a step of a person: a page, or another address. */
import type { FederationRefused } from './federation.ts';
import { pageHeaders } from './pages/csp.ts';
import { errorPage } from './pages/error.ts';

/** When it is worth another try at what was away, seconds. */
const AWAY = 30;

/** A page, or where to go on. */
export type Step =
  | { readonly kind: 'page'; readonly status: number; readonly headers: Record<string, string>; readonly html: string }
  | { readonly kind: 'redirect'; readonly url: string }
  /** The response was sent already. */
  | { readonly kind: 'sent' };

/** A request for a step that is none any more, or not of this browser. The message is for the audit trail. */
export class StepOver extends Error {
  constructor(message = 'it is no step that can be taken now') {
    super(message);
  }
}

/** A page with forms. @param leads where they lead to */
export function page(html: string, leads: Parameters<typeof pageHeaders>[0], status = 200): Step {
  return { kind: 'page', status, headers: pageHeaders(leads), html };
}

/** The same, to be tried again. @param seconds RFC 9110 §10.2.3 */
export const later = (step: Step, seconds: number): Step =>
  step.kind === 'page' ? { ...step, headers: { ...step.headers, 'retry-after': String(seconds) } } : step;

/** What is shown for a step that cannot be taken. */
export const overPage = (): Step => ({
  kind: 'page',
  status: 400,
  headers: pageHeaders(),
  html: errorPage({
    title: 'This sign-in is over',
    text: 'It was finished, took longer than ten minutes, or was begun in another browser.',
    mend: 'Go back to your app and connect again.',
  }),
});

/**
 * What is shown while nothing can be kept.
 * @param back the path of the step, at which it can be tried again
 */
export const awayPage = (back: string): Step =>
  later(
    {
      kind: 'page',
      status: 503,
      headers: pageHeaders(),
      html: errorPage({
        title: 'This does not work just now',
        text: 'What you do here cannot be kept at the moment. Nothing is lost.',
        mend: 'Try again in a moment. If it stays so, tell those who run this server.',
        way: { label: 'Try again', href: back },
      }),
    },
    AWAY,
  );

/**
 * What is shown to somebody whom the provider did not sign in.
 * @param back the path of the step, at which the sign-in can be tried again
 */
export function refusedPage({ message, status }: FederationRefused, back: string): Step {
  const away = status === 503;
  const html = errorPage({
    title: 'You are not signed in',
    text: message,
    mend: away
      ? 'Try again in a moment. If it stays so, tell those who run this server.'
      : 'Try it with another account, or ask those who run this server.',
    way: { label: 'Back to the sign-in', href: back },
  });
  const step: Step = { kind: 'page', status, headers: pageHeaders(), html };
  return away ? later(step, AWAY) : step;
}
