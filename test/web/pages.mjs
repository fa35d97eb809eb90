/* pages.mjs - every page in both themes, three widths and every language: axe-core finds nothing, nothing is wider than the window, no text is
 * left out of the catalogs. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import axe from "axe-core";
import { browser, HV_ADMIN, open, picture } from "./shared.mjs";

const WIDTHS = [360, 768, 1280];
/* A page, and all that is there once it has its data. */
const PAGES = [
        ["/dashboard", "[aria-labelledby=h-objects] tbody tr"],
        ["/dashboard/crashing", ".three"],
        ["/tasks", "tbody tr [data-row]", "[aria-labelledby=h-crons] tbody tr"],
        ["/tasks/train-model", ".timeline li"],
        ["/tasks/render-frames", "a[href*='/results/results']"],
        ["/monitor", ".events li", "#h-gpus"],
        ["/settings", "[aria-labelledby=h-declared] tbody tr"],
        ["/login", "input[name=password]"],
];
const name = (path) => path.slice(1).replaceAll("/", "-");

async function see(page, [path, ...signs], query) {
        await page.goto(`${HV_ADMIN}${path}?${query}`);
        for (const sign of signs) await page.waitForSelector(sign);
}

async function fitsTheWindow(page) {
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(over, 0, "the page is wider than the window");
}

/* Nor does any table scroll sideways by itself: on a phone its rows are blocks. */
async function tablesFit(page) {
        const wide = await page.$$eval(".scroll", (all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-label")));
        assert.deepEqual(wide, []);
}

/* No text is cut, and none sticks out of its card; what scrolls by itself may hold more, and a name that was given may be shortened. */
async function nothingIsCut(page) {
        const cut = await page.evaluate(() => {
                const words = "h1, h2, h3, p, dt, dd, label, legend, button, summary, figcaption, th, td, nav span, .brand span, .state, .tag, .button, a";
                const found = [];
                for (const one of document.querySelectorAll(words)) {
                        if (!one.checkVisibility() || one.closest(".sr, .skip") || !one.textContent.trim()) continue;
                        const style = getComputedStyle(one);
                        const said = `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`;
                        if (style.overflowX !== "visible" && style.overflowX !== "auto" && one.scrollWidth > one.clientWidth + 1) found.push(`cut: ${said}`);
                        const frame = one.closest(".scroll, .lines, .events, pre, .card, .verdict, dialog, .bar, main");
                        if (frame?.matches(".scroll, .lines, .events, pre") || !frame) continue;
                        const box = one.getBoundingClientRect();
                        const around = frame.getBoundingClientRect();
                        if (box.right > around.right + 1 || box.left < around.left - 1) found.push(`sticks out: ${said}`);
                }
                return found;
        });
        assert.deepEqual(cut, []);
}

after(() => browser.close());

for (const theme of ["light", "dark"]) {
        describe(theme, () => {
                for (const width of WIDTHS) {
                        test(`${width} px`, async (t) => {
                                const { page, close } = await open({ viewport: { width, height: 800 } });
                                for (const one of PAGES) {
                                        const [path] = one;
                                        await t.test(path, async () => {
                                                await see(page, one, `theme=${theme}&lang=en`);
                                                await fitsTheWindow(page);
                                                await nothingIsCut(page);
                                                if (width !== 768) await tablesFit(page);
                                                assert.equal(await page.locator("h1").count(), 1);
                                                await page.evaluate(axe.source);
                                                const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
                                                const said = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.html} ${n.any.map((a) => a.message)}`).join("; ")}`);
                                                assert.deepEqual(said, []);
                                                await picture(page, `${name(path)}-${theme}-${width}`);
                                        });
                                }
                                await close();
                        });
                }
        });
}

test("zoomed to 200 %", async () => {
        const { page, close } = await open({ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
        for (const one of PAGES) {
                await see(page, one, "lang=en");
                await fitsTheWindow(page);
                await nothingIsCut(page);
                await picture(page, `${name(one[0])}-zoomed`);
        }
        await close();
});

for (const lang of ["zh-Hant", "pseudo"]) {
        test(`in ${lang}`, async (t) => {
                const { page, close } = await open({ viewport: { width: 360, height: 800 } });
                for (const one of PAGES) {
                        const [path] = one;
                        await t.test(path, async () => {
                                await see(page, one, `lang=${lang}`);
                                await fitsTheWindow(page);
                                await nothingIsCut(page);
                                const texts = await page.$$eval("nav span, h2, h3, button, label, dt, thead th, legend", (all) =>
                                        all.filter((one) => one.checkVisibility() && !one.closest("[translate=no]")).map((one) => one.textContent.trim()),
                                );
                                const plain = lang === "pseudo" ? /^(\[.*|)$/s : /[\u4e00-\u9fff]|^$/;
                                const names = /^(CLI|YAML|curl|SHA-256|GPU|Docker|WireGuard|CPU|English|\?|(hive|task)-[a-z-]+|\W*)$/;
                                const left = texts.filter((text) => !plain.test(text) && !names.test(text));
                                assert.deepEqual(left, []);
                                await picture(page, `${name(path)}-${lang}`);
                        });
                }
                await close();
        });
}
