/** What checks tokens of one kind. */
import type { Principal } from '../protocol/call.ts';

/** What a good token says. */
export interface Verified {
  readonly principal: Principal;
  /** Until when it may be believed without being checked again, milliseconds since 1970. */
  readonly until: number;
  /** Thumbprint of the key that its bearer must prove to have (RFC 9449 §6.1, RFC 7638). */
  readonly jkt?: string | undefined;
}

export interface TokenVerifier {
  /** Whether a token that looks like this is for it to judge. */
  takes(token: string): boolean;
  /**
   * Checks everything that can be checked of a token by itself.
   * @param isAudience whether a value of `aud` stands for the endpoint that was called
   * @throws Fault `invalidToken`, or `authUnavailable` when it cannot tell
   */
  verify(token: string, isAudience: (audience: string) => boolean): Promise<Verified>;
}
