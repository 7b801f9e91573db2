/** What scopes let a client do, in words for the consent page. */
import { EVERYTHING } from './shaping.ts';

const WORDS: Readonly<Record<string, string>> = {
  [EVERYTHING]: 'use the tools, prompts and resources that you may use here',
  openid: 'know who you are',
  profile: 'see your name and your groups',
  email: 'see your e-mail address',
  offline_access: 'stay connected while you are away',
};

/** @returns what follows "It will be able to" */
export const wordsFor = (scope: string): string => WORDS[scope] ?? `do what the scope “${scope}” stands for`;
