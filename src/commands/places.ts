/** Where commands find what they edit. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readPlaces } from '../config/places.ts';
import type { Config } from '../config/schema.ts';
import { stateFolder } from './state-folder.ts';

/** A command cannot do its work; the message is for the person who gave it, and may have several lines. */
export class CommandProblem extends Error {}

const USERS_FILE = 'users.yaml';

export interface Found {
  /** The state folder, absolute; `undefined` when nothing is kept. */
  readonly folder: string | undefined;
  /** The file with the users, absolute; `undefined` when there is nowhere to keep them. */
  readonly users: string | undefined;
  /** The key that secrets are kept with, when the config names one. */
  readonly key: string | undefined;
  /** Ways to sign in that the config names. */
  readonly modes: readonly unknown[];
}

/**
 * @param files the config files, the main one first
 * @throws CommandProblem when it does not say where things are
 */
export function findPlaces(files: readonly string[]): Found {
  const [file = ''] = files;
  const places = readPlaces(files, process.env);
  if (!places.ok) throw new CommandProblem(places.problems.join('\n'));
  const folder = folderOf(places.folder, file);
  return { folder, users: places.users ?? (folder && join(folder, USERS_FILE)), key: places.key, modes: places.modes };
}

/** The file with the users of a gateway that runs with this config. @param folder its state folder */
export function usersFile({ auth }: Config, config: string, folder: string | undefined): string | undefined {
  const { users } = auth.embedded;
  return users === undefined ? folder && join(folder, USERS_FILE) : resolve(dirname(config), users);
}

/** The state folder. @param setting `storage.folder` @throws CommandProblem */
export function folderOf(setting: string | undefined, config: string): string | undefined {
  try {
    return stateFolder(setting, { env: process.env, config, home: homedir });
  } catch {
    throw new CommandProblem('this user has no home folder; set storage.folder in the config to a folder');
  }
}
