// A journey over pages, in every screen of SCREENS. Scripts are off and only keys are pressed, since the pages promise to
// work so. Of each page it is judged:
//
// - axe-core finds no fault by WCAG 2.2 A and AA and by its best practices, and leaves no contrast undecided
// - the document says its language and a title, and has one heading of the first level
// - nothing is wider than the screen: at 320 CSS pixels too, which is a desktop at 400 % (WCAG 1.4.10)
// - whatever can be operated is reached by Tab, and shows where the keyboard is
// - nothing is loaded from elsewhere, nothing fails to load, and the browser has no complaint (its content policy's too)
//
// A journey is a module whose default export takes a `Visitor`, once for each screen.
//
//   node pages.mjs JOURNEY URL LOCAL_JSON

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [journeyFile, url, localFile] = process.argv.slice(2);
const { CHROMIUM, MODULES, SHOTS } = process.env;
const require = createRequire(pathToFileURL(resolve(MODULES, "node_modules", "x.js")));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SCREENS = [
  { name: "phone", viewport: { width: 320, height: 640 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  { name: "desktop", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "desktop-dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const MOST_TABS = 60;

let passed = 0;
let failed = 0;
const journeyName = basename(journeyFile, ".mjs");

function note(ok, what) {
  if (ok) {
    passed += 1;
  } else {
    failed += 1;
    console.log(`FAILED ${journeyName}: ${what}`);
  }
}

/** What is wrong with the page that is shown, as sentences. */
async function faultsOf(page) {
  const faults = [];
  const document = await page.evaluate(() => ({
    language: document.documentElement.lang,
    title: document.title.trim(),
    headings: document.querySelectorAll("h1").length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  if (!document.language) faults.push("the document says no language");
  if (!document.title) faults.push("the document has no title");
  if (document.headings !== 1) faults.push(`${document.headings} headings of the first level, not one`);
  if (document.wide > 0) faults.push(`${document.wide} pixels wider than the screen`);
  const axe = await page.withScripts(async () => {
    await page.evaluate(AXE);
    return page.evaluate((rules) => axe.run(document, { runOnly: rules }), RULES);
  });
  const places = (finding) => finding.nodes.map((node) => node.target.join(" ")).join(", ");
  for (const finding of axe.violations) faults.push(`axe: ${finding.id}: ${finding.help}: ${places(finding)}`);
  for (const finding of axe.incomplete.filter((finding) => finding.id === "color-contrast")) {
    faults.push(`axe: ${finding.id} cannot be decided: ${places(finding)}`);
  }
  if (axe.passes.length === 0) faults.push("axe: nothing was judged");
  return faults;
}

/** A page whose scripts are off. They are switched by a session of our own, since the judge's run in the page too. */
async function pageWithoutScripts(context) {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const scripts = (on) => session.send("Emulation.setScriptExecutionDisabled", { value: !on });
  await scripts(false);
  page.withScripts = async (work) => {
    await scripts(true);
    const done = await work();
    await scripts(false);
    return done;
  };
  return page;
}

/** Walks over everything that Tab reaches; what is wrong on the way, as sentences. */
async function keyboardFaults(page) {
  const faults = [];
  const wanted = await page.evaluate(() => {
    const operable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
    const all = [...document.querySelectorAll(operable)].filter((element) => element.checkVisibility() && !element.disabled);
    all.forEach((element, at) => element.setAttribute("data-judged", String(at)));
    // Of a group of radio buttons, the keyboard reaches one.
    const group = (element) => (element.type === "radio" ? `radio ${element.name}` : element.dataset.judged);
    return [...new Set(all.map(group))];
  });
  const reached = new Set();
  for (let tabs = 0; tabs < MOST_TABS && reached.size < wanted.length; tabs += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      const seen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
      const box = element.getBoundingClientRect();
      const onScreen = box.bottom > 0 && box.top < innerHeight;
      const group = element.type === "radio" ? `radio ${element.name}` : element.dataset.judged;
      return { group, seen, onScreen, what: element.outerHTML.slice(0, 80) };
    });
    if (!focused || reached.has(focused.group)) continue;
    reached.add(focused.group);
    if (!focused.seen) faults.push(`the keyboard cannot be seen at ${focused.what}`);
    if (!focused.onScreen) faults.push(`the keyboard is outside of the screen at ${focused.what}`);
  }
  if (reached.size < wanted.length) faults.push(`Tab reaches ${reached.size} of ${wanted.length}`);
  return faults;
}

/** Somebody with a browser and a keyboard. */
export class Visitor {
  #page;
  #complaints = [];

  /** `screen` is one of SCREENS; `service` is the address of the service, `local` what it wrote into local.json. */
  constructor(page, screen) {
    this.#page = page;
    this.screen = screen;
    this.service = url;
    this.local = JSON.parse(readFileSync(localFile, "utf8"));
    // Chromium says of every page with a status of failure that it failed to load.
    page.on("console", (message) => {
      const own = message.location().url === page.url() && /Failed to load resource/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !own) this.#complaints.push(message.text());
    });
    page.on("requestfailed", (request) => this.#complaints.push(`${request.url()} cannot be loaded`));
    page.on("response", (answer) => {
      const navigation = answer.request().isNavigationRequest();
      if (!navigation && answer.status() >= 400) this.#complaints.push(`${answer.url()} answers ${answer.status()}`);
    });
    page.on("request", (request) => {
      if (request.url() !== "about:blank" && new URL(request.url()).origin !== url) this.#complaints.push(`${request.url()} is somebody else's`);
    });
  }

  /** Opens an address and judges the page. */
  async open(name, path, { status = 200 } = {}) {
    const answer = await this.#page.goto(new URL(path, url).href);
    return this.#arrived(name, answer, status);
  }

  /** Presses a button or follows a link by keys alone, and judges the page that comes. */
  async press(name, label, { status = 200 } = {}) {
    await this.#tabTo(label);
    const [answer] = await Promise.all([
      this.#page.waitForNavigation({ waitUntil: "load" }),
      this.#page.keyboard.press("Enter"),
    ]);
    return this.#arrived(name, answer, status);
  }

  /** Writes into the field of this label, over what is there. */
  async fill(label, text) {
    await this.#tabTo(label);
    await this.#page.keyboard.press("Control+a");
    await this.#page.keyboard.type(text);
  }

  /** Ticks the box of this label, or takes the tick away. */
  async tick(label) {
    await this.#tabTo(label);
    await this.#page.keyboard.press("Space");
  }

  /** Judges a document that is no page of the service, such as that of a mail. */
  async read(name, html) {
    // Not under the content policy of the page before.
    await this.#page.goto("about:blank");
    await this.#page.setContent(html);
    await this.#judge(name);
  }

  /** The text of the page. */
  text() {
    return this.#page.locator("body").innerText();
  }

  /** What must be so for the journey to be a journey. */
  expect(ok, what) {
    note(ok, `${this.screen.name}: ${what}`);
  }

  /** Calls the service as a program does, to get somewhere. */
  async call(path, body, headers = {}) {
    const answer = await fetch(new URL(path, url), {
      method: body === undefined ? "GET" : "POST",
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  #at(name) {
    return `${name}, ${this.screen.name}`;
  }

  async #arrived(name, answer, status) {
    note(answer?.status() === status, `${this.#at(name)}: answers ${answer?.status()}, not ${status}`);
    await this.#judge(name);
    return this;
  }

  async #judge(name) {
    const page = this.#page;
    await page.screenshot({ path: `${SHOTS}/${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${this.screen.name}.png`, fullPage: true });
    const faults = [...(await faultsOf(page)), ...(await keyboardFaults(page)), ...new Set(this.#complaints.splice(0))];
    note(faults.length === 0, `${this.#at(name)}:\n  ${faults.join("\n  ")}`);
    // Back to where a new page begins, for whoever goes on by keys.
    await page.evaluate(() => document.activeElement?.blur());
  }

  /** Tabs to what a screen reader would call so. */
  async #tabTo(label) {
    for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
      await this.#page.keyboard.press("Tab");
      const found = await this.#page.evaluate((label) => {
        const element = document.activeElement;
        const names = [element?.getAttribute("aria-label"), ...[...(element?.labels ?? [])].map((one) => one.innerText)];
        if (element?.matches("a, button, summary")) names.push(element.innerText);
        return names.some((name) => name?.trim().startsWith(label));
      }, label);
      if (found) return;
    }
    throw new Error(`Tab does not reach ${JSON.stringify(label)} at ${this.#page.url()}`);
  }
}

/** A page with one fault of each kind: a judge that finds none of them judges nothing. */
const FAULTY = `<!doctype html><title></title><style>
  :focus { outline: none } a { color: #ddd; background: #fff } p { width: 3000px }</style>
  <h1>One</h1><h1>Two</h1><p><a href="/">faint</a><img src="data:,"><input></p>`;
const MUST_BE_FOUND = [
  "the document says no language",
  "the document has no title",
  "2 headings of the first level",
  "pixels wider than the screen",
  "axe: image-alt",
  "axe: color-contrast",
  "axe: label",
  "the keyboard cannot be seen at <a",
];

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
try {
  const { default: journey } = await import(pathToFileURL(resolve(journeyFile)).href);
  for (const { name, ...screen } of SCREENS) {
    const context = await browser.newContext({ ...screen, locale: "en-GB" });
    context.setDefaultTimeout(20_000);
    const page = await pageWithoutScripts(context);
    await page.setContent(FAULTY);
    const found = [...(await faultsOf(page)), ...(await keyboardFaults(page))].join("\n");
    for (const fault of MUST_BE_FOUND) note(found.includes(fault), `the judge does not see that ${fault}: ${found}`);
    try {
      await journey(new Visitor(await pageWithoutScripts(context), { name, ...screen }));
    } catch (error) {
      note(false, `${name}: ended: ${error.message}`);
    }
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(`${journeyName}, screenshots in ${SHOTS}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
