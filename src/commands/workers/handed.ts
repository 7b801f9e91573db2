/**
 * Connections that are on their way to a worker. Under `node:cluster` the first process keeps its copy of each until the
 * worker says whether it took it, which one that dies before never says: the copy would stay open, and its client wait
 * for ever.
 */
import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:cluster';

/** What is of interest in the messages that carry connections, and in what is said of them. */
interface Note {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

interface Closable {
  close(): void;
}

/**
 * Sees to the connections that a worker has not taken when it is gone.
 * @param others whether another worker can take them; otherwise they are closed
 */
export function keepFromLoss(worker: Worker, others: () => boolean): void {
  const child = worker.process;
  const handed = new Map<number, Closable>();
  const send = child.send as (...parts: unknown[]) => boolean;
  child.send = ((...parts: unknown[]) => {
    const [{ act, seq }, handle] = parts as [Note, Closable | undefined];
    if (act === 'newconn' && seq !== undefined && handle) handed.set(seq, handle);
    return send.apply(child, parts);
  }) as ChildProcess['send'];
  child.on('internalMessage', ({ ack }: Note) => ack !== undefined && handed.delete(ack));
  // with a connection under way, Node does not say that the conversation is over, and cluster goes on to count with it
  child.once('close', () => {
    child.emit('disconnect');
    for (const [ack, handle] of [...handed]) {
      // as one replies that shuts down: the connection goes to the next one
      if (others()) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: false });
      else handle.close();
    }
    handed.clear();
  });
}
