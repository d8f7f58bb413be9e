/**
 * A browser, an instance of the project, and a look at each page as people of all kinds see it.
 * @module
 */

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium as launcher, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { freePort, Project } from "../blackbox/project";
import { patient } from "../lib/patience";
import { chromium } from "./chromium";

const SHOTS = fileURLToPath(new URL("../../.screenshots/", import.meta.url));
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const WIDTHS = [PHONE.width, 840, 1_024];

/** What the tests of a file share. */
export interface World {
  base: string;
  key: string;
  browser: Browser;
  /** Calls the API as the operator. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read JSON as it comes
  api(method: string, path: string, body?: unknown): Promise<any>;
}

/** An instance and a browser for the tests of a file. */
export function world(): World {
  const ends: (() => Promise<void>)[] = [];
  const shared = {} as World;
  beforeAll(async () => {
    const project = await Project.copy((end) => ends.push(end));
    const port = await freePort();
    await project.serve(port);
    shared.base = `http://localhost:${port}`;
    shared.key = await project.operatorKey();
    shared.browser = await launcher.launch({ executablePath: chromium() ?? "", args: ["--no-sandbox"] });
    shared.api = async (method, path, body) => {
      const response = await fetch(shared.base + path, {
        method,
        headers: { Authorization: `Bearer ${shared.key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    };
  });
  afterAll(async () => {
    await shared.browser?.close();
    for (const end of ends) await end();
  });
  return shared;
}

/** Somebody at a browser. What goes wrong there unseen is kept: see {@link Person.complaints}. */
export class Person {
  /** Console errors, errors of scripts, and requests to other origins. */
  readonly complaints: string[] = [];
  /** Whether a page that answers an error is meant. */
  expectsErrors = false;

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly base: string,
  ) {
    page.on("console", (message) => {
      const meant = this.expectsErrors && message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !meant) this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`${page.url()}: ${error.message}`));
    page.on("dialog", (dialog) => dialog.accept().catch(() => undefined)); // the page may be closed by then
    context.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== base && protocol !== "data:") this.complaints.push(`${page.url()}: asked ${request.url()}`);
    });
  }

  /** A new one, with a browser profile of their own. */
  static async arrives(
    { browser, base }: World,
    options: { javaScriptEnabled?: boolean; timezoneId?: string } = {},
  ): Promise<Person> {
    const context = await browser.newContext({ viewport: DESK, colorScheme: "light", baseURL: base, ...options });
    context.setDefaultTimeout(patient(60_000));
    return new Person(context, await context.newPage(), base);
  }

  /** Signs in with the operator's key. */
  async signsIn({ key }: World): Promise<void> {
    await this.page.goto("/dashboard/sign-in");
    await this.page.getByLabel("API key").fill(key);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.waitForURL(({ pathname }) => !pathname.endsWith("/sign-in"));
  }

  /** Goes to a page and looks at it. */
  async sees(path: string, name: string): Promise<void> {
    await this.page.goto(path);
    await this.looks(name);
  }

  /** Looks at the page in light, dark and on a phone: nothing is hard to use, and pictures of it are kept. */
  async looks(name: string): Promise<void> {
    const { page } = this;
    mkdirSync(SHOTS, { recursive: true });
    for (const [how, scheme, size] of [
      ["light", "light", DESK],
      ["dark", "dark", DESK],
      ["phone", "light", PHONE],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize(size);
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.screenshot({ path: `${SHOTS}${name}-${how}.png`, fullPage: true, animations: "disabled" });
      expect(await this.barriers(), `${name}, ${how}`).toEqual([]);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await this.fits(name);
  }

  /** The page is no wider than its window, whatever that is. */
  async fits(name: string): Promise<void> {
    for (const width of WIDTHS) {
      await this.page.setViewportSize({ ...DESK, width });
      const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) await this.page.screenshot({ path: `${SHOTS}too-wide.png`, fullPage: true });
      expect(wide, `${name}: wider than a window of ${width}`).toBeLessThanOrEqual(0);
    }
    await this.page.setViewportSize(DESK);
  }

  /** What axe-core finds on the page. */
  async barriers(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import("axe-core") };
      const { violations } = await axe.run(document, { resultTypes: ["violations"] });
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
      );
    });
  }
}
