/** Ends with 0 as soon as Patchbay accepts traffic, and with 1 when it does not within a minute. PORT is where, else 8080. */
const url = `http://127.0.0.1:${process.env.PORT ?? 8080}/readyz`;
const until = Date.now() + 60_000;

while (!(await isReady())) {
  if (Date.now() > until) {
    process.stderr.write(`${url} does not say that Patchbay is ready; its own lines in the journal say why\n`);
    process.exit(1);
  }
  await new Promise((done) => setTimeout(done, 100));
}

async function isReady() {
  const answer = await fetch(url).catch(() => undefined);
  return answer?.ok === true;
}
