/* keyboard.mjs - without a pointer: everything is reached, what has the focus is seen, dialogs keep it and give it back. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, HV_ADMIN, open, taskOf } from "./shared.mjs";

after(() => browser.close());

test("by keyboard alone", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard`);
        await page.locator("[data-row]").first().waitFor();
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keys" }).waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
        await page.keyboard.press("g");
        await page.keyboard.press("t");
        await page.waitForURL("**/tasks");
        await page.locator("tbody [data-row]").first().waitFor();
        await page.keyboard.press("j");
        const wanted = await page.evaluate(() => document.activeElement.textContent.trim());
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: wanted }).waitFor();
        await page.getByRole("searchbox").first().waitFor();
        await page.keyboard.press("/");
        assert.equal(await page.evaluate(() => document.activeElement.type), "search");
        await close();
});

/* A page, and what is there once it has its data. */
const PAGES = [
        ["/dashboard", "[aria-labelledby=h-objects] tbody tr"],
        ["/dashboard/web", "[role=log] .line"],
        ["/tasks", "[aria-labelledby=h-crons] tbody tr"],
        ["/tasks/render-frames", "a[href*='/results/results']"],
        ["/monitor", "[aria-labelledby=h-gpus] figure"],
        ["/settings", "[aria-labelledby=h-declared] tbody tr"],
        ["/login", "input[name=password]"],
];
const PRESSES = 25;
const ROUNDS_MAX = 20;

/* What Tab has not come to yet. */
const missed = (page) =>
        page.evaluate(() => {
                const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
                return all.filter((one) => !one.disabled && one.checkVisibility() && !window.hvReached.has(one)).map((one) => one.outerHTML.slice(0, 120));
        });

test("Tab goes to everything that can be pressed or filled in, and one sees where it is", async (t) => {
        const { page, close } = await open();
        await page.addInitScript(() => {
                window.hvReached = new WeakSet();
                window.hvUnseen = new Set();
                addEventListener("focusin", ({ target }) => {
                        const { outlineStyle, outlineWidth } = getComputedStyle(target);
                        window.hvReached.add(target);
                        if (outlineStyle === "none" || Number.parseFloat(outlineWidth) < 2) window.hvUnseen.add(target.outerHTML.slice(0, 120));
                });
        });
        for (const [path, sign] of PAGES) {
                await t.test(path, async () => {
                        await page.goto(`${HV_ADMIN}${path}`);
                        await page.waitForSelector(sign);
                        let left = await missed(page);
                        assert.ok(left.length > 3);
                        for (let rounds = 0; rounds < ROUNDS_MAX && left.length > 0; rounds++) {
                                await Promise.all(Array.from({ length: PRESSES }, () => page.keyboard.press("Tab")));
                                left = await missed(page);
                        }
                        assert.deepEqual(left, [], "Tab does not come to these");
                        assert.deepEqual(await page.evaluate(() => [...window.hvUnseen]), [], "these do not show that they have the focus");
                });
        }
        await close();
});

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim());
const has = (page, name) =>
        page.waitForFunction((wanted) => (document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim()) === wanted, name);

test("a dialog keeps the focus, and gives it back to what opened it", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/tasks`);
        const dialog = page.getByRole("dialog");
        const opens = async (name) => {
                await page.getByRole("button", { name, exact: true }).focus();
                await page.keyboard.press("Enter");
                await dialog.waitFor();
        };
        const gone = async (name) => {
                await dialog.waitFor({ state: "detached" });
                await has(page, name);
        };

        await opens("New task");
        const inside = new Set();
        for (let presses = 0; presses < 12; presses++) {
                await page.keyboard.press(presses < 6 ? "Tab" : "Shift+Tab");
                inside.add(await focused(page));
                /* Between its last element and its first the browser's own frame has its turn. */
                assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog")), "the page behind it has the focus");
        }
        for (const name of ["Submit", "Would it fit?", "Cancel"]) assert.ok(inside.has(name), `${name} is reached`);
        await page.keyboard.press("Escape");
        await gone("New task");

        await opens("Stop simulate");
        await dialog.getByRole("button", { name: "Cancel" }).press("Enter");
        await gone("Stop simulate");
        await opens("Keys");
        await dialog.getByRole("button", { name: "Close" }).press("Enter");
        await gone("Keys");
        await close();
});

test("the focus is never lost: what takes the place of what was pressed has it, or the page that comes", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard/web`);
        const dialog = page.getByRole("dialog");
        for (const [name, instead] of [["Hold", "Release"], ["Release", "Hold"]]) {
                await page.getByRole("button", { name, exact: true }).press("Enter");
                await dialog.getByRole("button", { name, exact: true }).press("Enter");
                await dialog.waitFor({ state: "detached" });
                await has(page, instead);
        }

        await page.goto(`${HV_ADMIN}/tasks`);
        await page.getByRole("button", { name: "New task" }).press("Enter");
        await dialog.getByRole("textbox").fill(taskOf("short", "true"));
        await dialog.getByRole("button", { name: "Submit" }).press("Enter");
        await page.waitForURL("**/tasks/short-*");
        await has(page, new URL(page.url()).pathname.split("/").at(-1));
        await close();
});
