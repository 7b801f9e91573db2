/** Keeps the process that it is loaded into busy for four fifths of the time, as code that has become slow would. */
const BUSY_MS = 8;
const EVERY_MS = 10;

setInterval(() => {
  const end = performance.now() + BUSY_MS;
  while (performance.now() < end);
}, EVERY_MS).unref();
