/* live.mjs - pages that are open: they show what others do, go on when the agent is back, and say so when the node is mended. Whatever else is tested
 * comes before: at the end nothing fails any more. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { browser, HV_ADMIN, HV_CONTROL, HV_LOGIN, HV_USER, HV_VIEWER, logIn, open, picture } from "./shared.mjs";

const answered = async (coming) => assert.equal((await coming).status, 200);

after(() => browser.close());

test("two users at once: each sees what the other does, and only who leaves is logged out", async () => {
        const ada = await open();
        const eve = await open();
        await logIn(ada.page, HV_USER);
        await logIn(eve.page, HV_VIEWER);
        await Promise.all([ada, eve].map(({ page }) => page.getByRole("region", { name: "Wished, actual, next" }).getByRole("link", { name: "web", exact: true }).click()));
        const order = async (name) => {
                await ada.page.getByRole("group", { name: "Orders" }).getByRole("button", { name, exact: true }).click();
                await ada.page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
        };
        await order("Hold");
        const held = eve.page.locator(".concern", { hasText: `Held by ${HV_USER}` });
        await held.waitFor();
        assert.equal(await eve.page.getByRole("button", { name: "Release" }).count(), 0);
        await eve.page.getByRole("button", { name: "Log out" }).click();
        await eve.page.waitForURL("**/login");
        await order("Release");
        await ada.page.locator(".concern").waitFor({ state: "detached" });
        await ada.page.reload();
        await ada.page.getByRole("heading", { name: "web", level: 1 }).waitFor();
        await ada.page.getByRole("button", { name: "Log out" }).waitFor();
        await eve.close();
        await ada.close();
});

test("the agent is started again while pages are open: nothing of a log is lost or doubled, events go on", async () => {
        const { context, page, close } = await open({}, [/ERR_/, /status of (404|503)/]);
        await page.goto(`${HV_ADMIN}/tasks/simulate`);
        const log = page.getByRole("log");
        await log.getByText(/^step \d+$/).nth(2).waitFor();
        const monitor = await context.newPage();
        await monitor.goto(`${HV_ADMIN}/monitor`);
        await monitor.locator(".events li").first().waitFor();
        const asked = [];
        monitor.on("request", (request) => {
                if (request.url().includes("/api/v1/events?")) asked.push([request.url(), request.headers()["last-event-id"]]);
        });
        await answered(fetch(`${HV_CONTROL}/end`, { method: "POST" }));
        const banner = page.getByRole("alert").filter({ hasText: "The agent does not answer." });
        await banner.waitFor();
        await page.getByText(/The log was cut off/).waitFor();
        await answered(fetch(`${HV_CONTROL}/start`, { method: "POST" }));
        await banner.getByRole("button", { name: "Try now" }).click({ timeout: 3000 }).catch(() => {}); /* it may have tried by itself */
        await banner.waitFor({ state: "detached" });
        await page.locator(".fresh.good").waitFor();
        const last = async () => Number((await log.locator(".line").last().textContent()).match(/step (\d+)$/)[1]);
        const before = await last();
        await log.getByText(`step ${before + 3}`, { exact: true }).waitFor();
        const coming = page.waitForEvent("download");
        await page.getByRole("button", { name: "Save" }).click();
        const steps = readFileSync(await (await coming).path(), "utf8").trim().split("\n");
        assert.deepEqual(steps, Array.from(steps, (_, i) => `step ${i + 1}`));

        await monitor.locator(".fresh.good").waitFor();
        await monitor.locator(".events").getByText(/AgentStarted|Started/).first().waitFor();
        const ids = asked.filter(([, id]) => id);
        assert.ok(ids.length > 0, "it goes on behind the last event that it has");
        for (const [url] of ids) assert.doesNotMatch(url, /tail=/);
        await close();
});

test("while the agent is away a banner tells how old everything is, and goes by itself", async () => {
        const { context, page, close } = await open({}, [/ERR_INTERNET_DISCONNECTED/]);
        await page.goto(`${HV_ADMIN}/dashboard`);
        await page.locator(".fresh.good").waitFor();
        await context.setOffline(true);
        const banner = page.getByRole("alert").getByText("The agent does not answer.");
        await banner.waitFor();
        await page.getByText(/What you see is as it was [1-9]\d* s ago/).waitFor();
        await page.locator(".fresh.bad", { hasText: /^[1-9]\d* s old$/ }).waitFor();
        await picture(page, "offline");
        await context.setOffline(false);
        await banner.waitFor({ state: "detached" });
        await page.locator(".fresh.good").waitFor();
        await close();
});

test("the node is mended: the page that is open says so by itself", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard`);
        await page.getByRole("heading", { name: "This node does not run what it should." }).waitFor();
        await page.evaluate(() => (window.hvSame = true));
        await answered(fetch(`${HV_CONTROL}/mend`, { method: "POST" }));
        await page.getByRole("heading", { name: "This node runs what it should." }).waitFor();
        await page.getByRole("region", { name: "Why", exact: true }).getByText("Nothing stands in the way.").waitFor();
        const objects = page.getByRole("group", { name: "Objects" });
        await objects.getByRole("row", { name: /^unpublished/ }).getByText("Running").waitFor();
        assert.ok(await page.evaluate(() => window.hvSame), "nothing was loaded anew");
        await picture(page, "converged");
        await close();
});
