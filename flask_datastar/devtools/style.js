export default `
:host { all: initial; color-scheme: light dark; }
* { box-sizing: border-box; }
.open, .panel {
  --text: #1d2733; --dim: #52606d; --back: #ffffff; --raised: #eef2f6; --line: #c3ccd6; --link: #0b57a4; --bad: #a3211a;
  --good: #17663a; --mark: #6b3fa0;
  font: 13px/1.45 ui-sans-serif, system-ui, sans-serif; color: var(--text);
}
@media (prefers-color-scheme: dark) {
  .open, .panel {
    --text: #e4e9ef; --dim: #a5b1bf; --back: #171c22; --raised: #242c35; --line: #465260; --link: #8cc4ff; --bad: #ff9d94;
    --good: #7fdca4; --mark: #cdb0f7;
  }
}
.open {
  position: fixed; right: 12px; bottom: 12px; z-index: 2147483646; padding: 4px 10px; border: 1px solid var(--line);
  border-radius: 999px; background: var(--back); font-weight: 600; cursor: pointer; opacity: 0.9;
}
.open:hover, .open:focus-visible { opacity: 1; }
.panel {
  position: fixed; inset: auto 0 0 0; height: min(50vh, 480px); z-index: 2147483646; display: flex; flex-direction: column;
  background: var(--back); border-top: 2px solid var(--link); text-align: left;
}
dialog { all: unset; }
dialog:not([open]) { display: none; }
dialog::backdrop { display: none; }
.panel.full { inset: 0; height: auto; border: 0; }
.panel[hidden], .open[hidden] { display: none; }
header { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 6px 10px; background: var(--raised); }
h1 { margin: 0 6px 0 0; font-size: 14px; }
header input { flex: 1 1 110px; min-width: 80px; }
button, input, select, textarea {
  font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 4px; padding: 3px 8px;
}
button { cursor: pointer; }
button[aria-pressed=true] { background: var(--link); color: var(--back); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.status { margin: 0; padding: 0 10px; color: var(--dim); }
.status:not(:empty) { padding-block: 4px; }
ol { flex: 1; overflow: auto; margin: 0; padding: 0; list-style: none; }
li { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: 4px 10px; overflow-wrap: anywhere; }
summary:hover { background: var(--raised); }
.entry > summary { display: flex; flex-wrap: wrap; gap: 2px 8px; }
.entry > summary::before { content: "▸"; color: var(--dim); }
.entry[open] > summary::before { content: "▾"; }
time, .dim { color: var(--dim); font-variant-numeric: tabular-nums; }
.kind { font-weight: 700; color: var(--link); }
.kind.stream { color: var(--good); }
.kind.render { color: var(--mark); }
.bad { color: var(--bad); font-weight: 600; }
.body { padding: 2px 10px 10px 24px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 12px; margin: 4px 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
h2 { margin: 8px 0 2px; font-size: 13px; }
pre, textarea, code { font: 12px/1.45 ui-monospace, monospace; }
pre { margin: 0; padding: 6px 8px; max-height: 300px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--raised); }
.events summary { padding-left: 0; }
textarea { display: block; width: 100%; height: 180px; margin-top: 6px; white-space: pre; }
@media (max-width: 480px) {
  .panel { height: 60vh; }
  dl { grid-template-columns: minmax(0, 1fr); }
  .body { padding-left: 10px; }
}
`
