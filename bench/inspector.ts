/** What a process says of its heap and its event loop, by the protocol of its inspector. */
export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  #last = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: object };
      const waiting = this.#waiting.get(id ?? 0);
      this.#waiting.delete(id ?? 0);
      if (error) waiting?.reject(new Error(`the inspector says ${JSON.stringify(error)}`));
      else waiting?.resolve(result);
    });
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the inspector has closed the connection'));
      this.#waiting.clear();
    });
  }

  /** @param url as the process prints it, `ws://…` */
  static async connect(url: string | undefined): Promise<Inspector> {
    if (url === undefined) throw new Error('the process has not said where its inspector listens');
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)));
    });
    return new Inspector(socket);
  }

  /** What is still needed, in bytes: garbage is collected first. */
  async heapUsed(): Promise<number> {
    await this.#send('HeapProfiler.collectGarbage');
    await this.#send('HeapProfiler.collectGarbage');
    return ((await this.#send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize;
  }

  /** Begins to look every millisecond how late the event loop is. */
  async watchDelay(): Promise<void> {
    const monitor = `process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 })`;
    await this.#number(`(globalThis.benchDelay = ${monitor}).enable() ? 1 : 0`);
  }

  /** The 99th percentile of how late the event loop was since then, in ms, beyond the millisecond between two looks. */
  async delayP99(): Promise<number> {
    return Math.max(0, (await this.#number('globalThis.benchDelay.percentile(99)')) / 1e6 - 1);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #number(expression: string): Promise<number> {
    const { result } = (await this.#send('Runtime.evaluate', { expression })) as { result: { value?: unknown } };
    if (typeof result.value !== 'number') throw new Error(`no number came of ${expression}: ${JSON.stringify(result)}`);
    return result.value;
  }

  #send(method: string, params: object = {}): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    const id = ++this.#last;
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return waiting.promise;
  }
}
