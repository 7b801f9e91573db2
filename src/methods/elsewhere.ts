/** What the other workers do for this one, where several serve one port. */
export interface Elsewhere {
  /** When a worker that runs now was started, milliseconds since 1970; `undefined` when it does not run. */
  since(worker: number): number | undefined;
  /**
   * Cancels a task that another worker hosts.
   * @param principal the key of whose it is
   * @returns whether it was there and not over
   */
  cancelTask(worker: number, id: string, principal: string): Promise<boolean>;
}
