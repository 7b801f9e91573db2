/** The one style sheet of all pages. Its colours have a contrast of 4.5 at least for text and 3 for edges of controls. */

const PALETTE_LIGHT = `
  --ground: #f3f5f8; --card: #ffffff; --sunken: #f6f8fa; --line: #dde2e9; --edge: #7b8694;
  --text: #161b22; --muted: #515c69; --accent: #1f52b8; --accent-over: #17418f; --on-accent: #ffffff;
  --note: #fff7e3; --note-line: #c98a00; --bad: #fdeeee; --bad-line: #c5303a; --bad-text: #9a1d27; --good: #17724a;
  --shadow: 0 1px 2px rgb(22 27 34 / 6%), 0 12px 32px rgb(22 27 34 / 8%);`;

const PALETTE_DARK = `
  --ground: #0e1116; --card: #171b22; --sunken: #1e242d; --line: #2e3641; --edge: #758192;
  --text: #e9edf2; --muted: #a6b1be; --accent: #8ab4ff; --accent-over: #aecbff; --on-accent: #0b1a33;
  --note: #2b2413; --note-line: #d9a521; --bad: #331a1d; --bad-line: #ef6a72; --bad-text: #ffb3b8; --good: #6fd0a0;
  --shadow: none;`;

const GROUND = `
:root { color-scheme: light dark; ${PALETTE_LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${PALETTE_DARK} } }
*, ::before, ::after { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; align-content: start;
  justify-items: center; padding: 1.25rem 1rem; background: var(--ground); color: var(--text);
  overflow-wrap: anywhere; }
body > * { width: 100%; max-width: 27rem; min-width: 0; }
main { padding: 1.5rem 1.25rem; border: 1px solid var(--line); border-radius: 1rem;
  background: var(--card); box-shadow: var(--shadow); }
@media (min-width: 30rem) { main { padding: 2rem; } }
@media (min-height: 44rem) { body { align-content: safe center; } }
body > header { display: flex; align-items: center; gap: .5rem; padding: 0 .25rem 1rem; font-weight: 600; }
body > footer { padding: 1rem .25rem 0; color: var(--muted); font-size: .875rem; }
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; text-wrap: balance; }
h2 { font-size: 1rem; line-height: 1.375; font-weight: 600; }
svg { flex: none; width: 1.25rem; height: 1.25rem; }
p { text-wrap: pretty; }
.lead { margin-top: .5rem; color: var(--muted); }
.lead b { color: var(--text); font-weight: 600; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

const PARTS = `
.client { margin-top: 1.25rem; padding: 1rem; border: 1px solid var(--line); border-radius: .75rem;
  background: var(--sunken); }
.client .name { font-size: 1.125rem; line-height: 1.375; font-weight: 650; }
.client .row { display: flex; gap: .5rem; margin-top: .375rem; }
.client .row svg { margin-top: .125rem; color: var(--muted); }
.client .place { min-width: 0; font-weight: 600; }
.client .claim { color: var(--muted); font-size: .875rem; }
.client .said { margin-top: .375rem; color: var(--muted); font-size: .875rem; }
.note, .problem { display: flex; gap: .625rem; margin-top: 1rem; padding: .75rem .875rem; border-radius: .625rem;
  font-size: .9375rem; }
.note { border: 1px solid var(--note-line); background: var(--note); }
.note svg { margin-top: .0625rem; color: var(--note-line); }
.problem { border: 1px solid var(--bad-line); background: var(--bad); color: var(--bad-text); font-weight: 500; }
.problem svg { margin-top: .0625rem; }
.note > :last-child, .problem > :last-child { min-width: 0; }
.able { margin-top: 1.5rem; }
.able ul { margin-top: .625rem; list-style: none; }
.able li { display: flex; gap: .625rem; padding: .25rem 0; }
.able li svg { margin-top: .125rem; color: var(--good); }
.able li span { min-width: 0; }
.account { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .25rem 1rem;
  margin-top: 1.25rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9375rem; }
.account p { min-width: 0; }
.fine { margin-top: .875rem; color: var(--muted); font-size: .875rem; }
details { margin: .75rem 0 -.375rem; font-size: .875rem; }
summary { padding: .375rem 0; color: var(--muted); cursor: pointer; border-radius: .25rem; }
dl { padding-top: .25rem; }
dt { margin-top: .5rem; color: var(--muted); }
dd { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .8125rem; }
`;

const CONTROLS = `
form { margin: 0; }
.sign-in { margin-top: 1.25rem; }
.or + .sign-in { margin-top: 0; }
.sign-in > button:not(:nth-child(2)) { margin-top: 1.5rem; }
.mend { margin-top: 1rem; }
.way { margin-top: 1.5rem; }
label { margin-top: 1rem; display: block; margin-bottom: .375rem; font-weight: 600; font-size: .9375rem; }
input { display: block; width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--edge);
  border-radius: .625rem; background: var(--card); color: var(--text); font: inherit; }
input[aria-invalid] { border-color: var(--bad-line); }
button { min-height: 2.75rem; padding: .5rem 1rem; border: 1px solid transparent; border-radius: .625rem; font: inherit;
  font-weight: 600; cursor: pointer; }
.main { width: 100%; background: var(--accent); color: var(--on-accent); }
a.main { display: block; min-height: 2.75rem; padding: .625rem 1rem; border-radius: .625rem; font-weight: 600;
  text-align: center; text-decoration: none; }
.main:hover { background: var(--accent-over); }
.other { width: 100%; border-color: var(--edge); background: var(--card); color: var(--text); }
.other:hover { background: var(--sunken); }
.link { min-height: 2rem; padding: .125rem 0; border-radius: .375rem; background: none;
  color: var(--accent); font-weight: 500; text-decoration: underline; text-underline-offset: .2em; }
.decide { display: grid; gap: .75rem; margin-top: 1.25rem; }
@media (min-width: 26rem) { .decide { grid-template-columns: 1fr 1fr; } }
.or { display: flex; align-items: center; gap: .75rem; margin: 1.25rem 0; color: var(--muted); font-size: .875rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
`;

/** As it stands in each page, byte by byte. */
export const STYLE = (GROUND + PARTS + CONTROLS).replace(/\s*\n\s*/g, '\n').trim();
