/** What the pages are given to show. They look nothing up, and what a client says of itself is shown as its claim. */

/** Who asks to be let in. */
export interface ClientView {
  /** As the client calls itself; anything may be in it. */
  readonly name: string;
  /** The host of its metadata document, else that of its redirect URI. */
  readonly host: string | undefined;
  /** Its web page, as it says. */
  readonly uri: string | undefined;
  /** Whether the host is known to stand behind the client, which is so for metadata documents alone. */
  readonly verified: boolean;
  /** Pictures of clients are never shown: anyone can send any picture. */
  readonly logo?: never;
}

export interface SignInModel {
  /** Where the form goes, with `csrf`, `login` and `password`. */
  readonly action: string;
  readonly csrf: string;
  readonly client: ClientView;
  /** What was typed before. */
  readonly user?: string | undefined;
  /** Why signing in failed, as a sentence. */
  readonly problem?: string | undefined;
  /** Whether nothing was wrong with what was typed: it was too early for another try. */
  readonly early?: boolean | undefined;
  /** A provider that can sign the user in: its name, and where the form goes, with `csrf`. */
  readonly federation?: { readonly name: string; readonly action: string } | undefined;
  /** Whether there are users with passwords. */
  readonly passwords: boolean;
}

export interface ConsentModel {
  /** Where the forms go, with `csrf` and `decision`: `allow`, `deny`, or `other` for another account. */
  readonly action: string;
  readonly csrf: string;
  readonly client: ClientView;
  /** Who is signed in. */
  readonly user: string;
  readonly scopes: readonly { readonly name: string /** What it lets the client do. */; readonly text: string }[];
  /** Where the answer goes. */
  readonly redirect: { readonly host: string; readonly loopback: boolean; readonly uri: string };
  /** URL of the endpoint that the client wants to use. */
  readonly resource: string;
}

export interface ErrorModel {
  readonly title: string;
  readonly text: string;
  /** What to do about it. */
  readonly mend?: string | undefined;
  /** Where that can be done: a path of this server, and what leads there is called. */
  readonly way?: { readonly label: string; readonly href: string } | undefined;
}

export interface DoneModel {
  readonly title: string;
  readonly text: string;
}

export interface LeaveModel {
  /** The redirect URI of an app, with the answer. */
  readonly uri: string;
}
