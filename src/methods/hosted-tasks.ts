/** The tasks that are hosted here: found by their principal, kept for their time, and known after a restart. */
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Database } from '../storage/database.ts';
import type { Vault } from '../storage/vault.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { HostedTask, TaskRecord } from './hosted-task.ts';

/** Longest result that outlives the process, in characters. */
const LONGEST_KEPT = 1024 * 1024;
const LOST = {
  kind: 'error',
  json: '{"code":-32603,"message":"The gateway was restarted while the task ran; what it did so far may have taken effect"}',
  isError: false,
} as const;

/** Where tasks outlive the process: sealed, and found by keyed hashes. */
export interface TaskStore {
  readonly database: Database;
  readonly vault: Vault;
}

/** One of several workers. */
export interface Among {
  readonly worker: number;
  readonly elsewhere: Elsewhere;
}

export class HostedTasks {
  readonly #limit: number;
  readonly #database: Database | undefined;
  readonly #vault: Vault | undefined;
  readonly #changed: (task: HostedTask) => void;
  readonly #among: Among | undefined;
  readonly #tasks = new Map<string, HostedTask>();

  /**
   * @param limit tasks of one principal that may be there at once
   * @param store where they outlive the process
   * @param changed told of every change of a task
   * @param among the number of this worker and the others, where there are several on the same database
   */
  constructor(
    limit: number,
    store: TaskStore | undefined,
    changed: (task: HostedTask) => void = () => undefined,
    among?: Among,
  ) {
    this.#limit = limit;
    this.#changed = changed;
    this.#database = store?.database;
    this.#vault = store?.vault;
    this.#among = among;
    // what ran when the process before this one ended is not known to have ended in any other way
    this.#database?.attempt((db) => db.prepare('DELETE FROM tasks WHERE until < ?').run(Date.now()));
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Takes a task in; it is known from now on, whatever happens. @throws Fault `tooManyTasks` */
  add(task: HostedTask): void {
    const own = this.#of(task.principal);
    if (own.length >= this.#limit) {
      const oldest = own.find(({ ended }) => ended);
      if (!oldest) throw new Fault('tooManyTasks', { limit: this.#limit });
      this.#tasks.delete(oldest.id);
    }
    this.#tasks.set(task.id, task);
    this.#keep(task);
    task.onchange = () => {
      // other workers tell of it, too
      if (task.ended || this.#among) this.#keep(task);
      this.#changed(task);
    };
    setTimeout(() => {
      task.cancel('its time is over');
      this.#tasks.delete(task.id);
    }, task.ttl).unref();
  }

  /** A task that runs in this process. */
  running(id: string, principal: Pick<Principal, 'key'>): HostedTask | undefined {
    const task = this.#tasks.get(id);
    return task?.principal.key === principal.key ? task : undefined;
  }

  get(id: string, principal: Principal): TaskRecord | undefined {
    return this.running(id, principal) ?? this.#kept(id, principal);
  }

  /** The tasks that a principal has begun at a profile, the oldest first. */
  list(principal: Principal, profile: string): TaskRecord[] {
    const own = this.#of(principal);
    const rows = this.#database?.attempt((db) =>
      db
        .prepare('SELECT id, record FROM tasks WHERE principal = ? AND until >= ? ORDER BY until')
        .all(this.#hashed('principal', principal.key), Date.now()),
    );
    const kept = (rows ?? []).flatMap((row) => this.#read(row, principal.key) ?? []);
    const tasks = [...own, ...kept.filter(({ id }) => !own.some((task) => task.id === id))];
    return tasks.filter((task) => task.profile === profile).sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Ends and forgets all tasks of these principals, and what was kept of them. @param principals their keys */
  drop(principals: ReadonlySet<string>): void {
    for (const task of [...this.#tasks.values()]) {
      if (!principals.has(task.principal.key)) continue;
      this.#tasks.delete(task.id);
      task.cancel('its credentials were taken back');
    }
    this.#database?.attempt((db) => {
      const forget = db.prepare('DELETE FROM tasks WHERE principal = ?');
      for (const key of principals) forget.run(this.#hashed('principal', key));
    });
  }

  #of({ key }: Principal): HostedTask[] {
    return [...this.#tasks.values()].filter(({ principal }) => principal.key === key);
  }

  #keep({ id, status, statusMessage, createdAt, updatedAt, ttl, end, profile, principal, worker }: HostedTask): void {
    const record: TaskRecord = { id, status, statusMessage, createdAt, updatedAt, ttl, end, profile, worker };
    const small = (end?.json.length ?? 0) > LONGEST_KEPT ? { ...record, status: 'failed' as const, end: LOST } : record;
    if (!this.#database || !this.#vault) return;
    const hashed = this.#hashed('task', id);
    const sealed = this.#vault.seal(JSON.stringify(small), boundTo(hashed, principal.key));
    this.#database.attempt((db) =>
      db
        .prepare('INSERT OR REPLACE INTO tasks (id, principal, record, until) VALUES (?, ?, ?, ?)')
        .run(hashed, this.#hashed('principal', principal.key), sealed, createdAt + ttl),
    );
  }

  #hashed(kind: 'task' | 'principal', text: string): string {
    return this.#vault?.index(`${kind}\0${text}`) ?? text;
  }

  /** Whether another worker has it, as far as is known. */
  #runsElsewhere({ worker, updatedAt }: TaskRecord): boolean {
    const { worker: own, elsewhere } = this.#among ?? {};
    if (!elsewhere || worker === undefined || worker === own) return false;
    return updatedAt >= (elsewhere.since(worker) ?? Number.POSITIVE_INFINITY);
  }

  #kept(id: string, { key }: Principal): TaskRecord | undefined {
    const row = this.#database?.attempt((db) =>
      db.prepare('SELECT id, record FROM tasks WHERE id = ? AND until >= ?').get(this.#hashed('task', id), Date.now()),
    );
    return row && this.#read(row, key);
  }

  /** @returns nothing where it was sealed for another principal, or with another key */
  #read({ id, record: sealed }: Record<string, unknown>, key: string): TaskRecord | undefined {
    const text = this.#vault?.open(String(sealed), boundTo(String(id), key));
    if (text === undefined) return undefined;
    const record = JSON.parse(text) as TaskRecord;
    return record.end || this.#runsElsewhere(record) ? record : { ...record, status: 'failed', end: LOST };
  }
}

/** What a record is sealed for. */
const boundTo = (hashedId: string, principal: string): string => `task\0${hashedId}\0${principal}`;
