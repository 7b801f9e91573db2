/**
 * The least that sending a list can cost: Fastify, and one buffer that is there already. Not even the id is that of the
 * request.
 *
 * Run: `node bench/static.ts FILE`, where the file holds the text of a result; it prints the listening line (announce.ts) and
 * serves until SIGTERM. A handshake is answered, so that the same load generator can ask.
 */
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import { announce } from './announce.ts';
import { Answers, readMessage } from './upstream-answers.ts';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node bench/static.ts FILE');
const reply = Buffer.from(`{"jsonrpc":"2.0","id":0,"result":${readFileSync(file, 'utf8')}}`);
const answers = new Answers(false);
const app = fastify({ logger: false, bodyLimit: 16 * 1024 * 1024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/mcp', async (request, answer) => {
  const message = readMessage(String(request.body))!;
  answer.header('content-type', 'application/json');
  if (message.method === 'tools/list') return answer.send(reply);
  if (message.method === 'initialize') answer.header('mcp-session-id', 'static');
  const { status, body } = answers.of(message);
  return answer.code(status).send(body);
});
app.delete('/mcp', async () => '');

await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server.address(), '/mcp');
process.once('SIGTERM', () => process.exit(0));
