/** The steps that a person takes: sign in, allow or deny. Each belongs to one browser and one request of a client. */

import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import type { Vault } from '../../storage/vault.ts';
import type { Audit } from '../../telemetry/audit.ts';
import type { Users } from '../users.ts';
import type { Accounts, Person } from './accounts.ts';
import { ofFile } from './accounts.ts';
import { askedFor } from './asked-for.ts';
import { type Federation, FederationRefused } from './federation.ts';
import { consentPage } from './pages/consent.ts';
import type { ClientView } from './pages/model.ts';
import { signInPage } from './pages/sign-in.ts';
import { inWords } from './pages/wait.ts';
import { INTERACTION, redirectView } from './provider.ts';
import { wordsFor } from './scope-words.ts';
import { later, page, type Step, StepOver } from './steps.ts';

export interface InteractionOptions {
  readonly provider: Provider;
  /** The path part of the public URL. */
  readonly path: string;
  readonly vault: Vault;
  readonly accounts: Accounts;
  /** Those with passwords; `undefined` when a provider alone signs users in. */
  readonly users: Users | undefined;
  /** The provider that signs users in. */
  readonly federation: Federation | undefined;
  readonly audit: Audit;
}

export type Form = Readonly<Record<string, unknown>>;

export class Interactions {
  readonly #options: InteractionOptions;

  constructor(options: InteractionOptions) {
    this.#options = options;
  }

  /** The page of the step that is next. @throws StepOver */
  async show(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Step> {
    const step = await this.#step(request, response, uid);
    if (step.prompt.name === 'login') return this.#signIn(step);
    const person = this.#options.accounts.find(step.session?.accountId ?? '');
    if (person) return this.#consent(step, person);
    // whoever was signed in to this browser is not there any more
    await this.#signOut(step);
    return this.#signIn(step);
  }

  /** Somebody typed name and password. @throws StepOver */
  async signIn(
    request: IncomingMessage,
    response: ServerResponse,
    uid: string,
    form: Form,
    address: string,
  ): Promise<Step> {
    const step = await this.#checked(request, response, uid, form);
    const { users, audit } = this.#options;
    const login = String(form.login ?? '').trim();
    const client = String(step.params.client_id);
    if (!users || step.prompt.name !== 'login') throw new StepOver();
    const found = await users.check(login, String(form.password ?? ''), address);
    if (found === 'wrong' || 'retryInSeconds' in found) {
      const wait = found === 'wrong' ? undefined : found.retryInSeconds;
      audit('sign-in failed', {
        user: login,
        client,
        address,
        reason: wait === undefined ? 'wrong name or password' : 'too many attempts',
      });
      const problem =
        wait === undefined
          ? 'The user name or the password is wrong.'
          : `Too many attempts. Try again ${inWords(wait)}.`;
      const again = this.#signIn(
        step,
        { user: login, problem, early: wait !== undefined },
        wait === undefined ? 401 : 429,
      );
      return wait === undefined ? again : later(await again, wait);
    }
    return this.#signedIn(request, response, step, ofFile(found), { client, address });
  }

  /** Somebody goes to the provider to sign in. @throws StepOver, FederationRefused */
  async leave(
    request: IncomingMessage,
    response: ServerResponse,
    uid: string,
    form: Form,
    address: string,
  ): Promise<URL> {
    const step = await this.#checked(request, response, uid, form);
    const { federation } = this.#options;
    if (!federation || step.prompt.name !== 'login') throw new StepOver();
    try {
      return await federation.begin(uid);
    } catch (error) {
      if (error instanceof FederationRefused) this.#refused(error, { client: String(step.params.client_id), address });
      throw error;
    }
  }

  /** The person is told in general, the admin what it was. */
  #refused({ message, cause }: FederationRefused, facts: object): void {
    this.#options.audit('sign-in failed', { ...facts, reason: message, cause: whyOf(cause) });
  }

  /** Somebody comes back from there. @throws StepOver, FederationRefused */
  async returned(
    request: IncomingMessage,
    response: ServerResponse,
    uid: string,
    query: URLSearchParams,
    address: string,
  ): Promise<Step> {
    const step = await this.#step(request, response, uid);
    const { federation } = this.#options;
    if (!federation || step.prompt.name !== 'login') throw new StepOver();
    const client = String(step.params.client_id);
    try {
      const person = await federation.finish(query, uid);
      return await this.#signedIn(request, response, step, person, { client, address });
    } catch (error) {
      if (error instanceof FederationRefused) this.#refused(error, { client, address });
      throw error;
    }
  }

  /** Somebody was found to be who they say. */
  async #signedIn(
    request: IncomingMessage,
    response: ServerResponse,
    step: Interaction,
    person: Person,
    { client, address }: { readonly client: string; readonly address: string },
  ): Promise<Step> {
    // whoever was signed in here before goes first: nobody is two at once
    if (step.session?.accountId !== undefined && step.session.accountId !== person.id) await this.#forget(step);
    this.#options.audit('sign-in', { user: person.id, client, address });
    await this.#options.provider.interactionFinished(
      request,
      response,
      { login: { accountId: person.id, remember: true } },
      { mergeWithLastSubmission: false },
    );
    return { kind: 'sent' };
  }

  /** Somebody decided. @throws StepOver */
  async decide(
    request: IncomingMessage,
    response: ServerResponse,
    uid: string,
    form: Form,
    address: string,
  ): Promise<Step> {
    const step = await this.#checked(request, response, uid, form);
    if (step.prompt.name !== 'consent') throw new StepOver();
    const { provider, audit } = this.#options;
    const account = step.session?.accountId;
    const facts = { user: account, client: step.params.client_id, address };
    if (form.decision === 'other') {
      await this.#signOut(step);
      audit('sign-out', facts);
      return this.#signIn(step);
    }
    if (form.decision !== 'allow') {
      audit('consent denied', facts);
      const denied = { error: 'access_denied', error_description: 'The user did not allow it.' };
      await provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false });
      return { kind: 'sent' };
    }
    const consent = { grantId: await this.#grant(step, account!) };
    audit('consent', { ...facts, scopes: step.params.scope, resource: step.params.resource });
    await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    return { kind: 'sent' };
  }

  /** The step stays, and begins again with a sign-in. */
  async #signOut(step: Interaction): Promise<void> {
    step.prompt = { name: 'login', reasons: ['other_account'], details: {} } as Interaction['prompt'];
    await this.#forget(step);
  }

  /** This browser is nobody any more. */
  async #forget(step: Interaction): Promise<void> {
    const session = step.session && (await this.#options.provider.Session.findByUid(step.session.uid));
    if (session) {
      Object.assign(session, { accountId: undefined, loginTs: undefined, authorizations: {} });
      await session.persist();
    }
    if (step.session) Object.assign(step.session, { accountId: undefined });
    await step.persist();
  }

  /** A step for which a form was sent by its own page. @throws StepOver */
  async #checked(request: IncomingMessage, response: ServerResponse, uid: string, form: Form): Promise<Interaction> {
    const step = await this.#step(request, response, uid);
    const [given, due] = [Buffer.from(String(form.csrf ?? '')), Buffer.from(this.#csrf(uid))];
    if (given.length !== due.length || !timingSafeEqual(given, due))
      throw new StepOver('the form did not come with its token');
    return step;
  }

  /** The step with this id. Only the browser that began it has the cookie. @throws StepOver */
  async #step(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Interaction> {
    const step = await this.#options.provider.interactionDetails(request, response).catch(() => undefined);
    if (step?.uid !== uid) throw new StepOver('the step is over, or of another browser');
    return step;
  }

  /** The grant for what was asked and is not granted yet. */
  async #grant(step: Interaction, accountId: string): Promise<string> {
    const { provider } = this.#options;
    const existing = step.grantId === undefined ? undefined : await provider.Grant.find(step.grantId);
    const grant = existing ?? new provider.Grant({ accountId, clientId: String(step.params.client_id) });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = step.prompt.details as {
      missingOIDCScope?: string[];
      missingOIDCClaims?: string[];
      missingResourceScopes?: Record<string, string[]>;
    };
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {}))
      grant.addResourceScope(resource, scopes.join(' '));
    return grant.save();
  }

  async #signIn(
    step: Interaction,
    typed: { user?: string; problem?: string; early?: boolean } = {},
    status = 200,
  ): Promise<Step> {
    const { federation, users } = this.#options;
    const action = this.#action(step, 'login');
    const html = signInPage({
      action,
      csrf: this.#csrf(step.uid),
      client: await this.#client(step),
      passwords: users !== undefined,
      ...typed,
      ...(federation && { federation: { name: federation.name, action: this.#action(step, 'provider') } }),
    });
    return page(html, { redirectUri: String(step.params.redirect_uri), provider: federation?.origin }, status);
  }

  async #consent(step: Interaction, person: Person): Promise<Step> {
    const { provider } = this.#options;
    const grant = step.grantId === undefined ? undefined : await provider.Grant.find(step.grantId);
    const { resource, scopes } = askedFor(step, grant);
    const redirectUri = String(step.params.redirect_uri);
    const html = consentPage({
      action: this.#action(step, 'consent'),
      csrf: this.#csrf(step.uid),
      client: await this.#client(step),
      user: person.label,
      scopes: scopes.map((name) => ({ name, text: wordsFor(name) })),
      redirect: redirectView(redirectUri),
      resource: resource === '' ? provider.issuer : resource,
    });
    return page(html, { redirectUri });
  }

  async #client(step: Interaction): Promise<ClientView> {
    const id = String(step.params.client_id);
    const client = await this.#options.provider.Client.find(id);
    const verified = /^https:\/\//i.test(id);
    return {
      name: client?.clientName ?? 'An app without a name',
      host: verified ? URL.parse(id)?.host : redirectView(String(step.params.redirect_uri)).host || undefined,
      uri: client?.clientUri,
      verified,
    };
  }

  #action = (step: Interaction, what: string): string => `${this.#options.path}${INTERACTION}/${step.uid}/${what}`;

  /** Good for one step, which one browser alone can take. */
  #csrf = (uid: string): string => this.#options.vault.index(`csrf\0${uid}`);
}

/** What led to it, the last of it first said. */
function whyOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const deeper = whyOf(cause.cause);
  return deeper === undefined ? cause.message : `${cause.message}: ${deeper}`;
}
