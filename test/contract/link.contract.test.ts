/** One suite for all transports: what a link is, whatever carries it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerText, resultOf, toolCall } from '../upstreams/calls.ts';
import { children, isAlive } from '../upstreams/processes.ts';
import { httpSpec } from '../upstreams/specs.ts';
import { cases, faultOf } from './cases.ts';
import { type Opened, openLink, type Peer, transports, whoami } from './transports.ts';

const PEER_ENV = { INSTRUCTIONS: 'Zuerst „echo“ rufen.', PLAY: '1' };

describe.each(transports)('$name', (transport) => {
  const { name } = transport;
  let peer: Peer;
  let shared: Opened;

  beforeAll(async () => {
    peer = await transport.peer(PEER_ENV);
    shared = await openLink(peer.spec());
  });

  afterAll(async () => {
    await shared.close();
    await peer.stop();
    expect(children()).toEqual([]);
  });

  test.for(cases)('$name', async ({ skip, run }, { skip: leaveOut }) => {
    if (skip?.[name]) leaveOut(skip[name]);
    await run(shared, transport);
    expect(shared.link.inFlight).toBe(0);
  });

  describe('the end', () => {
    test('closing fails what is in flight, and leaves nothing behind', async () => {
      const opened = await openLink(peer.spec());
      const { pid, sessionId } = await whoami(opened);
      const sleep = opened.send(toolCall('sleep', '{"ms":60000}'));
      await opened.close();
      expect(await faultOf(sleep)).toMatchObject({ fault: 'upstreamLost' });
      expect(opened.link).toMatchObject({ closed: true, inFlight: 0 });
      expect(opened.heard.closed).toEqual([undefined]);
      if (name === 'stdio') expect(isAlive(pid)).toBe(false);
      else await expect.poll(() => sessionStatus(peer, sessionId!)).toBe(404);
    });

    test('a call after it fails at once, as one that was never sent', async () => {
      const opened = await openLink(peer.spec());
      await opened.close();
      const late = opened.send(toolCall('echo'));
      expect(await late.done).toMatchObject({ kind: 'error', unsent: true, error: { fault: 'upstreamUnavailable' } });
    });

    test('an upstream that ends in mid-call fails its calls, and no others', async () => {
      // a stream with event ids is resumed a few times before it is given up
      const doomed = await transport.peer({ RETRY: '20' });
      const opened = await openLink(doomed.spec());
      const before = shared.send(toolCall('sleep', '{"ms":400}'));
      const sleep = opened.send(toolCall('sleep', '{"ms":60000}', '1'));
      await expect.poll(() => sleep.progress.length).toBeGreaterThan(0);
      const exit = opened.send(toolCall('exit', '{"code":3}'));
      for (const call of [sleep, exit]) {
        const fault = await faultOf(call);
        expect(fault).toMatchObject({ fault: 'upstreamLost', message: expect.stringContaining('tools/call') });
        if (name === 'stdio') expect(fault.message).toContain('the process exited with code 3');
      }
      const next = await opened.send(toolCall('echo')).done;
      expect(next).toMatchObject({ kind: 'error', unsent: true, error: { fault: 'upstreamUnavailable' } });
      expect(await resultOf(before)).toMatchObject({ content: [{ text: 'slept 400 ms' }] });
      await opened.close();
      await doomed.stop().catch(() => undefined);
    });

    test('an upstream that is not there: the error says why', async () => {
      const gone = await transport.peer();
      const spec = gone.spec({ open: 2_000 });
      await gone.stop();
      const nowhere = name === 'stdio' ? { ...spec, process: { ...spec.process!, command: 'no-such-command' } } : spec;
      const opening = openLink(nowhere);
      await expect(opening).rejects.toThrow(name === 'stdio' ? 'no such command on PATH' : 'nobody listens');
      await expect(opening).rejects.toMatchObject({ name: 'WireFault', unsent: true });
    });
  });

  describe('answers that are not what they should be', () => {
    let odd: Peer;
    let opened: Opened;
    const deadline = { idle: 120, total: 120, knob: 'timeouts.call' };

    beforeAll(async () => {
      odd = await transport.odd();
      opened = await openLink(odd.spec());
    });

    afterAll(async () => {
      await opened.close();
      await odd.stop();
    });

    /** The link still works: what was odd cost its own call only. */
    const works = async (): Promise<void> => {
      expect(await resultOf(opened.send(toolCall('fine')))).toHaveProperty('content');
      expect(opened.link).toMatchObject({ closed: false, inFlight: 0 });
    };

    test.each([
      ['result_is_array', '"result" is no object'],
      ['result_is_null', '"result" is no object'],
      ['error_is_text', '"error" is no object'],
    ])('%s: the call fails, naming what is wrong', async (tool, detail) => {
      const fault = await faultOf(opened.send(toolCall(tool)));
      expect(fault).toMatchObject({ fault: 'upstreamMalformed', message: expect.stringContaining(detail) });
      await works();
    });

    test.each(['result_and_error', 'neither', 'version_1'])(
      '%s: the call fails, for its id can be read',
      async (tool) => {
        const fault = await faultOf(opened.send(toolCall(tool, '{}', undefined, deadline)));
        expect(fault.fault).toBe('upstreamMalformed');
        await works();
      },
    );

    // On a shared stream nothing says which call such a text was meant for, so that the time of its call runs out.
    test.each(['no_json', 'not_utf8', 'other_id', 'null_id'])(
      `%s: ${transport.separate ? 'the call fails' : 'the time of the call runs out'}`,
      async (tool) => {
        const fault = await faultOf(opened.send(toolCall(tool, '{}', undefined, deadline)));
        expect(fault.fault).toBe(transport.separate ? 'upstreamMalformed' : 'upstreamTimeout');
        await works();
      },
    );

    test.each(['twice', 'string_id', 'in_array', 'among_noise'])('%s: the answer is found', async (tool) => {
      const call = opened.send(toolCall(tool));
      expect(await resultOf(call)).toHaveProperty('content', []);
      await works();
      expect(call.told.filter((told) => told === 'done')).toHaveLength(1);
      expect(await answerText(call)).not.toContain('"n":2');
    });

    test('requests go out with every byte that Patchbay does not own', async () => {
      const args = '{ "n" : 1.0, "big":12345678901234567890, "s":"\\u0041\\/é" ,"e":1E+2}';
      const result = await opened.call<{ content: { text: string }[] }>('raw', args);
      expect(result.content[0]?.text).toContain(`"arguments":${args}`);
    });

    test('a message larger than maxMessageSize fails its call, and the gateway keeps none of it', async () => {
      const small = await openLink(peer.spec({}, 20_000));
      const call = small.send(toolCall('big', '{"bytes":200000}'));
      const fault = await faultOf(call);
      // over HTTP+SSE the one stream of all calls ends with it
      expect(fault.fault).toBe(transport.name === 'sse' ? 'upstreamLost' : 'upstreamMalformed');
      expect(fault.message).toContain('20000 bytes');
      await small.close();
    });
  });
});

describe('transport auto', () => {
  test.each(['http', 'sse'] as const)('finds out by itself that a server speaks %s', async (name) => {
    const peer = await transports.find((t) => t.name === name)!.peer();
    const { http } = peer.spec();
    const opened = await openLink(httpSpec(http!.url, 'auto'));
    try {
      expect(await opened.call('add', '{"a":2,"b":3}')).toMatchObject({ content: [{ text: '5' }] });
      const fellBack = opened.lines.some((line) => line.msg === 'no Streamable HTTP there, trying HTTP+SSE');
      expect(fellBack).toBe(name === 'sse');
    } finally {
      await opened.close();
      await peer.stop();
    }
  });

  test('does not fall back when it was told which one to use', async () => {
    const peer = await transports.find((t) => t.name === 'sse')!.peer();
    const { http } = peer.spec();
    await expect(openLink(httpSpec(http!.url, 'streamable-http'))).rejects.toThrow('HTTP 404');
    await peer.stop();
  });
});

/** What the upstream says to a request in a session: 404 when it knows none of that id. */
async function sessionStatus(peer: Peer, session: string): Promise<number> {
  const { url, transport } = peer.spec().http!;
  const address = transport === 'sse' ? new URL(`/messages?sessionId=${session}`, url) : url;
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session,
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  await response.body?.cancel();
  return response.status;
}
