/** The tasks that are hosted here: found by their principal, kept for their time, and known after a restart. */
import { Fault } from '../errors.ts';
import type { Principal } from '../protocol/call.ts';
import type { Database } from '../storage/database.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { HostedTask, TaskRecord } from './hosted-task.ts';

/** Longest result that outlives the process, in characters. */
const LONGEST_KEPT = 1024 * 1024;
const LOST = {
  kind: 'error',
  json: '{"code":-32603,"message":"The gateway was restarted while the task ran; what it did so far may have taken effect"}',
  isError: false,
} as const;

/** One of several workers. */
export interface Among {
  readonly worker: number;
  readonly elsewhere: Elsewhere;
}

export class HostedTasks {
  readonly #limit: number;
  readonly #database: Database | undefined;
  readonly #changed: (task: HostedTask) => void;
  readonly #among: Among | undefined;
  readonly #tasks = new Map<string, HostedTask>();

  /**
   * @param limit tasks of one principal that may be there at once
   * @param changed told of every change of a task
   * @param among the number of this worker and the others, where there are several on the same database
   */
  constructor(
    limit: number,
    database: Database | undefined,
    changed: (task: HostedTask) => void = () => undefined,
    among?: Among,
  ) {
    this.#limit = limit;
    this.#changed = changed;
    this.#database = database;
    this.#among = among;
    // what ran when the process before this one ended is not known to have ended in any other way
    database?.attempt((db) => db.prepare('DELETE FROM tasks WHERE until < ?').run(Date.now()));
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
    const rows = this.#database?.attempt((db) =>
      db
        .prepare('SELECT id FROM tasks WHERE principal = ? AND until >= ? ORDER BY until')
        .all(principal.key, Date.now()),
    );
    const ids = new Set([...(rows ?? []).map(({ id }) => String(id)), ...this.#of(principal).map(({ id }) => id)]);
    const tasks = [...ids].flatMap((id) => this.get(id, principal) ?? []);
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
      for (const key of principals) forget.run(key);
    });
  }

  #of({ key }: Principal): HostedTask[] {
    return [...this.#tasks.values()].filter(({ principal }) => principal.key === key);
  }

  #keep({ id, status, statusMessage, createdAt, updatedAt, ttl, end, profile, principal, worker }: HostedTask): void {
    const record: TaskRecord = { id, status, statusMessage, createdAt, updatedAt, ttl, end, profile, worker };
    const small = (end?.json.length ?? 0) > LONGEST_KEPT ? { ...record, status: 'failed' as const, end: LOST } : record;
    this.#database?.attempt((db) =>
      db
        .prepare('INSERT OR REPLACE INTO tasks (id, principal, record, until) VALUES (?, ?, ?, ?)')
        .run(id, principal.key, JSON.stringify(small), createdAt + ttl),
    );
  }

  /** Whether another worker has it, as far as is known. */
  #runsElsewhere({ worker, updatedAt }: TaskRecord): boolean {
    const { worker: own, elsewhere } = this.#among ?? {};
    if (!elsewhere || worker === undefined || worker === own) return false;
    return updatedAt >= (elsewhere.since(worker) ?? Number.POSITIVE_INFINITY);
  }

  #kept(id: string, { key }: Principal): TaskRecord | undefined {
    const row = this.#database?.attempt((db) =>
      db.prepare('SELECT record FROM tasks WHERE id = ? AND principal = ? AND until >= ?').get(id, key, Date.now()),
    );
    if (!row) return undefined;
    const record = JSON.parse(String(row.record)) as TaskRecord;
    return record.end || this.#runsElsewhere(record) ? record : { ...record, status: 'failed', end: LOST };
  }
}
