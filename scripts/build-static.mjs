// Copy what pages are dressed in from node_modules into the program's own folder: style sheets, htmx, and the icons
// that are named in src/leadkeeper/doors/portal/icons.txt. Nothing of it is in git, nothing is fetched at run time.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const from = "node_modules";
const to = "src/leadkeeper/doors/static";
mkdirSync(to, { recursive: true });

const copies = {
  "@picocss/pico/css/pico.min.css": "pico.min.css",
  "@picocss/pico/LICENSE.md": "LICENSE.md",
  "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
  "@tabler/icons/LICENSE": "LICENSE.tabler-icons",
  "htmx.org/dist/htmx.min.js": "htmx.min.js",
  "htmx.org/LICENSE": "LICENSE.htmx",
  "htmx-ext-sse/dist/sse.min.js": "sse.min.js",
  "htmx-ext-sse/LICENSE": "LICENSE.htmx-ext-sse",
  "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
  "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
  "swagger-ui-dist/LICENSE": "LICENSE.swagger-ui",
  "swagger-ui-dist/NOTICE": "NOTICE.swagger-ui",
};
for (const [source, name] of Object.entries(copies)) copyFileSync(`${from}/${source}`, `${to}/${name}`);

// Tabler is dark where an attribute says so. For readers who have not chosen, the same rules follow the system's theme:
// without a script, and without a flash of the other one.
const css = readFileSync(`${to}/tabler.min.css`, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
// (Rules within @media, such as those for print, say another thing and stay as they are.)
const flat = css.replace(/@[a-z-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, "");
const dark = [...flat.matchAll(/([^{}]*\[data-bs-theme=dark\][^{}]*)\{([^{}]*)\}/g)]
  .filter(([, selector]) => !selector.includes(":not("))
  .map(([, selector, rules]) => `${selector.replaceAll("[data-bs-theme=dark]", "[data-bs-theme=auto]")}{${rules}}`);
if (dark.length < 5) throw new Error("The dark rules of @tabler/core were not found: has it changed how it is dark?");
writeFileSync(`${to}/tabler-auto.css`, `@media (prefers-color-scheme:dark){${dark.join("")}}\n`);

const names = readFileSync("src/leadkeeper/doors/portal/icons.txt", "utf8").split("\n").filter(Boolean);
const symbols = names.map((name) => {
  const svg = readFileSync(`${from}/@tabler/icons/icons/outline/${name}.svg`, "utf8");
  const paths = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const drawn = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${drawn}>${paths.replace(/\s+/g, " ").trim()}</symbol>`;
});
writeFileSync(`${to}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
