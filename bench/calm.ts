/**
 * What else runs on the machine: figures are good only where nothing does. Read from Linux `/proc/stat`, while no target of a
 * benchmark runs.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { TICK_US } from './measure.ts';

/** Cores that may be busy with something else: what a machine does by itself stays below. */
export const CALM = 0.15;

const LOOK_MS = 1_000;

/** Cores that are busy now, such as 0.05: the mean over a second. */
export async function busyCores(ms = LOOK_MS): Promise<number> {
  const began = performance.now();
  const before = busyTicks();
  await delay(ms);
  const cores = ((busyTicks() - before) * TICK_US) / 1_000 / (performance.now() - began);
  return Number(cores.toFixed(2));
}

/**
 * Waits until the machine is calm, and says so once when it is not.
 * @param seconds how long at most
 * @returns the cores that were busy at last
 */
export async function untilCalm(seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 1_000;
  let told = false;
  for (;;) {
    const busy = await busyCores();
    if (busy <= CALM || performance.now() > deadline) return busy;
    if (!told) console.error(`waiting up to ${seconds} s until the machine is calm: ${busy} cores are busy`);
    told = true;
    await delay(LOOK_MS);
  }
}

/** All but idle and waiting for disks (proc_stat(5)): user, nice, system, interrupts, and what a host took away. */
function busyTicks(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!;
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  return [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}
