import { describe, expect, test } from 'vitest';
import { WireFault } from '../../src/upstreams/wire.ts';
import { Failure, initialized, openScripted, type ScriptedWire } from './scripted-wire.ts';

describe('opening', () => {
  test('says what the client can, and that it is ready once the answer is there', async () => {
    const { link, wire } = await openScripted({ declared: { roots: {} } });
    expect(wire.sent).toMatchObject([
      {
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: { roots: {} },
          clientInfo: { name: 'patchbay', version: '0' },
        },
      },
      { method: 'notifications/initialized' },
    ]);
    expect(wire.readyFor).toBe('2025-11-25');
    expect(link.server).toEqual({
      era: 'legacy',
      version: '2025-11-25',
      capabilities: { tools: {} },
      info: { name: 'scripted', version: '1' },
      instructions: undefined,
    });
  });

  test.each(['2024-11-05', '2025-03-26', '2025-06-18'])('takes an older version, %s', async (version) => {
    const { link, wire } = await openScripted({ script: () => initialized({}, version) });
    expect([link.server.version, wire.readyFor]).toEqual([version, version]);
  });

  test.each<[string, object, string]>([
    ['an error', new Failure(-32600, 'go away'), 'it refused the handshake: go away'],
    [
      'a modern version',
      initialized({}, '2026-07-28'),
      'it speaks protocol version "2026-07-28", which has no handshake',
    ],
    ['no version', { capabilities: {} }, 'it speaks protocol version undefined, which has no handshake'],
  ])('fails on %s, and closes the transport', async (_, answer, text) => {
    let wire: ScriptedWire | undefined;
    const opening = openScripted({ script: () => answer, wired: (w) => (wire = w) });
    await expect(opening).rejects.toThrow(expect.objectContaining({ message: text, unsent: true }));
    await expect(opening).rejects.toBeInstanceOf(WireFault);
    expect(wire?.closed).toBe(true);
  });

  test('fails when there is no answer in time, naming the knob', async () => {
    let wire: ScriptedWire | undefined;
    const opening = openScripted({ script: () => null, openTimeout: 20, wired: (w) => (wire = w) });
    await expect(opening).rejects.toThrow('within 20 ms (timeouts.open)');
    expect(wire?.closed).toBe(true);
    // a client must not cancel its own initialize (2025-11-25, cancellation)
    expect(wire?.sent.map((sent) => sent.method)).toEqual(['initialize']);
  });

  test('is given up on a signal', async () => {
    const closing = new AbortController();
    let wire: ScriptedWire | undefined;
    const opening = openScripted({ script: () => null, signal: closing.signal, wired: (w) => (wire = w) });
    closing.abort();
    await expect(opening).rejects.toThrow('it is being closed');
    expect(wire?.closed).toBe(true);
    await expect(openScripted({ signal: closing.signal })).rejects.toThrow('it is being closed');
  });

  test('survives the transport\u2019s end during the handshake', async () => {
    const opening = openScripted({
      script: () => null,
      wired: (wire) => setImmediate(() => wire.listener.closed(new WireFault('the process exited with code 1'))),
    });
    await expect(opening).rejects.toThrow('the process exited with code 1');
  });
});
