/* shared.mjs - a browser that holds a page to the rules that no page may break: nothing on the console, no request to another host, no
 * report of the content security policy. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

/* Set by test_web.py: where the agent answers as to an admin, where it asks for a login and whose it takes, what ends and starts it, its hivectl, what
 * no page may show, and where pictures go. */
export const { HV_ADMIN, HV_CONTROL, HV_CTL, HV_IMAGE, HV_LOGIN, HV_OUT, HV_PASSWORD, HV_SECRET, HV_TUNNEL, HV_USER, HV_VIEWER } = process.env;
mkdirSync(HV_OUT, { recursive: true });

export const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });

const LIMIT_MS = Number(process.env.HV_WEB_LIMIT_MS ?? 90_000);

export async function open(options = {}, expected = []) {
        const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
        const faults = [];
        context.on("console", (message) => {
                const text = message.text();
                if (message.type() === "error" && !expected.some((one) => one.test(text))) faults.push(`console: ${text}`);
        });
        context.on("weberror", (error) => faults.push(`error: ${error.error().message}`));
        context.on("request", (request) => {
                const { protocol, hostname } = new URL(request.url());
                if (protocol !== "data:" && protocol !== "blob:" && hostname !== "127.0.0.1") faults.push(`foreign: ${request.url()}`);
        });
        /* On the console, too, but with no word that one can be sure of. */
        await context.exposeFunction("hvReport", (text) => void faults.push(`policy: ${text}`));
        await context.addInitScript(() =>
                addEventListener("securitypolicyviolation", (report) => window.hvReport(`${report.violatedDirective} ${report.blockedURI} ${report.sourceFile}`)),
        );
        const page = await context.newPage();
        page.setDefaultTimeout(LIMIT_MS);
        const close = async () => {
                await context.close();
                assert.deepEqual(faults, []);
        };
        return { context, page, close };
}

/* Of a task that runs a script. */
export const taskOf = (name, script) =>
        JSON.stringify({
                apiVersion: "hivelet/v1",
                kind: "Task",
                metadata: { name },
                spec: { image: HV_IMAGE, command: ["sh", "-c", script], resources: { limits: { cpu: "100m", memory: "32Mi" } } },
        });

export async function logIn(page, name) {
        await page.goto(`${HV_LOGIN}/login`);
        await page.getByLabel("Name", { exact: true }).fill(name);
        await page.getByLabel("Password").fill(HV_PASSWORD);
        await page.getByRole("button", { name: "Log in" }).click();
        await page.waitForURL("**/dashboard");
}

/* What the page answers as soon as that is anything. Of an async function waitForFunction() takes the promise itself for an answer. */
export async function until(page, asked, arg) {
        const end = Date.now() + LIMIT_MS;
        for (;;) {
                const found = await page.evaluate(asked, arg);
                if (found) return found;
                assert.ok(Date.now() < end, `not within ${LIMIT_MS} ms: ${asked}`);
                await page.evaluate(() => new Promise(requestAnimationFrame));
        }
}

/* What a button of an object copies, and nothing of before. */
export async function copying(context, page) {
        const empty = "nothing was copied";
        await context.grantPermissions(["clipboard-read", "clipboard-write"]);
        return async (name, form, within = page) => {
                await page.evaluate((text) => navigator.clipboard.writeText(text), empty);
                await until(page, async (text) => (await navigator.clipboard.readText()) === text, empty);
                await within.getByRole("button", { name: `Copy ${name} as ${form}`, exact: true }).click();
                return until(
                        page,
                        async (before) => {
                                const text = await navigator.clipboard.readText();
                                return text !== before && text;
                        },
                        empty,
                );
        };
}

export const picture = (page, name) => page.screenshot({ path: join(HV_OUT, `${name}.png`), fullPage: true });
