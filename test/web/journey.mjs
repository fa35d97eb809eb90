/* journey.mjs - what an operator does: sees what fails and why, runs a task, reads its log, stops it, fetches a result; by keyboard too, and
 * while the agent is away. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { browser, HV_ADMIN, HV_CONTROL, HV_IMAGE, HV_LOGIN, HV_PASSWORD, HV_TUNNEL, HV_USER, open, picture } from "./shared.mjs";

const answered = async (coming) => assert.equal((await coming).status, 200);
const document = (name, script) =>
        JSON.stringify({
                apiVersion: "hivelet/v1",
                kind: "Task",
                metadata: { name },
                spec: { image: HV_IMAGE, command: ["sh", "-c", script], resources: { limits: { cpu: "100m", memory: "32Mi" } } },
        });

after(() => browser.close());

test("from the login to the logout, over the address that asks who one is", async () => {
        /* A wrong password is refused, on purpose. */
        const { page, close } = await open({ acceptDownloads: true }, [/status of 401/]);
        await page.goto(`${HV_LOGIN}/tasks`);
        await page.getByLabel("Name", { exact: true }).fill(HV_USER);
        await page.getByLabel("Password").fill(HV_PASSWORD);
        await page.getByRole("button", { name: "Log in" }).click();
        await page.waitForURL("**/dashboard");

        const figures = page.getByRole("region", { name: "Tasks", exact: true });
        await figures.getByText("Success rate").waitFor();
        await figures.locator("dd", { hasText: /^\d+(\.\d)? %$/ }).waitFor();
        await page.getByRole("region", { name: "Why", exact: true }).getByText(/ended with exit code 3/).waitFor();

        await page.getByRole("link", { name: "Tasks", exact: true }).first().click();
        await page.getByRole("row", { name: /train-model/ }).getByText(/exit code 4/).waitFor();
        await page.getByRole("row", { name: /render-frames/ }).getByText("Completed").waitFor();
        await page.getByRole("button", { name: "New task" }).click();
        const box = page.getByRole("dialog");
        await box.getByRole("textbox").fill(document("whole", "mkdir results; echo 7 > results/answer.txt; echo begun; while true; do sleep 0.2; done"));
        await box.getByRole("button", { name: "Submit" }).click();
        await page.waitForURL("**/tasks/whole-*");
        await page.getByRole("log").getByText("begun", { exact: true }).waitFor();
        const stop = async () => {
                await page.getByRole("button", { name: "Stop", exact: true }).click();
                await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
                await page.locator(".head .state", { hasText: "Stopped" }).waitFor();
        };
        await stop();
        await page.getByRole("button", { name: "Run again" }).click();
        await page.locator(".head .state", { hasText: "Running" }).waitFor();
        await page.getByText("attempt 2", { exact: true }).waitFor();
        await page.getByRole("log").getByText("begun", { exact: true }).waitFor();
        await stop();
        const coming = page.waitForEvent("download");
        await page.getByRole("link", { name: "results/answer.txt" }).click();
        assert.equal(readFileSync(await (await coming).path(), "utf8"), "7\n");

        await page.getByRole("link", { name: "Monitor" }).click();
        const links = page.getByRole("region", { name: "Links" });
        await links.getByText(/Docker \d+\./).first().waitFor();
        await links.getByText("Online").waitFor();
        const tunnels = page.getByRole("region", { name: "WireGuard" });
        await tunnels.getByRole("heading", { name: HV_TUNNEL }).waitFor();
        await tunnels.getByRole("row", { name: /hub/ }).getByText(/ago|now/).waitFor();
        await picture(page, "journey-monitor");
        await page.getByRole("button", { name: "Log out" }).click();
        await page.waitForURL("**/login");
        await page.goto(`${HV_LOGIN}/dashboard`);
        await page.getByLabel("Password").waitFor();
        assert.equal(await page.getByText("crashing").count(), 0);
        await page.getByLabel("Name", { exact: true }).fill(HV_USER);
        await page.getByLabel("Password").fill("wrong horse");
        await page.getByRole("button", { name: "Log in" }).click();
        await page.getByRole("alert").waitFor();
        await close();
});

test("GPUs and containers over time, in charts and as tables", async () => {
        const { page, close } = await open();
        await page.route(/usage$/, () => {}); // none comes in: what is shown is what the agent has kept from before
        await page.goto(`${HV_ADMIN}/monitor`);
        const card = page.getByRole("region", { name: "GPUs" });
        await card.getByRole("heading", { name: "GPU 0: NVIDIA A100" }).waitFor();
        const chart = card.locator("figure").first();
        await chart.getByText("40 %", { exact: true }).first().waitFor();
        await chart.getByText("As a table").click();
        await chart.getByRole("row").nth(3).waitFor();
        assert.match(await chart.getByRole("row").nth(1).textContent(), /^\d\d:\d\d:\d\d40 %$/);
        await card.locator("figure", { hasText: "GPU 0: Temperature" }).getByText("61 °C").first().waitFor();
        assert.match(await card.locator("figure", { hasText: "GPU 0: Memory" }).locator("strong").textContent(), /^512 MiB$/);
        await page.getByRole("button", { name: "hive-web" }).click();
        const ofContainer = page.locator("figure", { hasText: "hive-web: Memory" });
        await ofContainer.getByText(/[KM]iB/).first().waitFor();
        assert.ok((await ofContainer.locator("canvas").count()) === 1);
        await page.locator("figure", { hasText: "hive-web: Network" }).waitFor();
        await close();
});

test("which images take the disk, and how trust went", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/monitor`);
        const card = page.getByRole("region", { name: "Disks and images" });
        const row = card.getByRole("group", { name: "Images" }).getByRole("row", { name: HV_IMAGE });
        await row.waitFor();
        assert.match((await row.locator("td").allTextContents()).join("|"), /^\d+(\.\d)? [KM]iB\|[1-9]\d*\|.+$/);
        await card.getByRole("heading", { name: /^\d+ images, / }).waitFor();
        await card.getByRole("group", { name: "Disks" }).getByRole("row", { name: /work/ }).getByText(/\d+ %/).waitFor();
        const trust = page.getByRole("region", { name: "Trust" });
        await trust.locator("figure").waitFor();
        const { score } = await (await fetch(`${HV_ADMIN}/api/v1/trust`)).json();
        assert.equal(await trust.locator("figure strong").textContent(), String(score));
        await trust.getByRole("row", { name: /render-frames/ }).getByText("The program ended well.").waitFor();
        await close();
});

test("a failing service and its reason", async () => {
        const { page, close } = await open();
        await page.goto(HV_ADMIN);
        await page.waitForURL("**/dashboard");
        await page.getByRole("heading", { name: "This node does not run what it should." }).waitFor();
        const why = page.getByRole("region", { name: "Why", exact: true });
        await why.getByText(/ended with exit code 3/).waitFor();
        await why.getByText(/cannot pull/).waitFor();
        await why.getByRole("link", { name: "crashing" }).click();
        await page.getByRole("heading", { name: "crashing", level: 1 }).waitFor();
        await page.getByRole("log").getByText("no configuration given").first().waitFor();
        await close();
});

test("a task from its document to its end", async () => {
        const { page, close } = await open({}, [/status of 422/]); // what is refused first, on purpose
        await page.goto(`${HV_ADMIN}/tasks`);
        await page.getByRole("button", { name: "New task" }).click();
        const box = page.getByRole("dialog");
        await box.getByRole("textbox").fill("kind: Task\nnonsense: 1\n");
        await box.getByRole("button", { name: "Submit" }).click();
        await box.getByRole("alert").first().waitFor();
        const script = "i=0; while true; do i=$((i+1)); echo beat $i; sleep 0.2; done";
        await box.getByRole("textbox").fill(document("journey", script));
        await box.getByRole("button", { name: "Would it fit?" }).click();
        await page.locator(".notices p.good").waitFor();
        await box.getByRole("button", { name: "Submit" }).click();
        await page.waitForURL("**/tasks/journey-*");
        const log = page.getByRole("log");
        await log.getByText("beat 5", { exact: true }).waitFor();
        await picture(page, "journey-log");
        await page.getByRole("button", { name: "Stop", exact: true }).click();
        await page.getByRole("dialog").getByRole("textbox").fill("seen enough");
        await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
        await page.getByText("Somebody stopped it.").waitFor();
        await page.locator(".head .state", { hasText: "Stopped" }).waitFor();
        await page.getByText("seen enough").first().waitFor();
        await close();
});

test("a task that failed says why, and a result is fetched whole", async () => {
        const { page, close } = await open({ acceptDownloads: true });
        await page.goto(`${HV_ADMIN}/tasks?state=Failed%2CTimedOut%2CRejected`);
        await page.getByRole("link", { name: "train-model" }).click();
        await page.getByText("The program ended with an error.").waitFor();
        await page.getByRole("log").getByText("out of data").waitFor();
        await page.goto(`${HV_ADMIN}/tasks/render-frames`);
        const coming = page.waitForEvent("download");
        await page.getByRole("link", { name: "results/frames/2.txt" }).click();
        const got = await coming;
        assert.equal(readFileSync(await got.path(), "utf8"), "2\n");
        await close();
});

test("100,000 lines: few elements, searched, coloured, followed to the end", async () => {
        const { page, close } = await open();
        const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i + 1} \u001b[3${(i % 7) + 1}m${i % 1000 ? "goes well" : "is a thousandth"}\u001b[0m`);
        await page.route("**/logs?*", (route) => route.fulfill({ contentType: "text/plain", body: `${lines.join("\n")}\n` }));
        await page.goto(`${HV_ADMIN}/tasks/long-log`);
        const log = page.getByRole("log");
        await log.getByText("line 100000", { exact: false }).waitFor();
        const count = () => log.locator(".line").count();
        assert.ok((await count()) < 60, "only what is seen has elements");
        await page.getByRole("searchbox", { name: "Search in the log" }).fill("/is a thousand(th)?/");
        await page.getByText("100 lines", { exact: true }).waitFor();
        await page.getByLabel("only these").check();
        await log.getByText("line 99001", { exact: false }).waitFor();
        assert.ok((await count()) < 60);
        assert.ok((await log.locator(".line .ink-red, .line .ink-green, .line .ink-blue").count()) > 0);
        assert.equal(await log.getByText("\u001b").count(), 0);
        await page.getByLabel("only these").uncheck();
        await log.evaluate((box) => box.scrollTo(0, 0));
        await log.getByText("line 2 ", { exact: false }).first().waitFor();
        assert.equal(await page.getByLabel("follow", { exact: true }).isChecked(), false);
        assert.ok((await count()) < 60);
        await close();
});

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

test("copied as a command, as YAML, as a request", async () => {
        const { context, page, close } = await open();
        await context.grantPermissions(["clipboard-read", "clipboard-write"]);
        await page.goto(`${HV_ADMIN}/dashboard/web`);
        const taken = async (form) => {
                await page.getByRole("button", { name: `Copy web as ${form}` }).click();
                await page.getByText("Copied").waitFor();
                return page.evaluate(() => navigator.clipboard.readText());
        };
        assert.equal(await taken("CLI"), "hivectl describe service/web");
        assert.equal(await taken("curl"), `curl -s ${HV_ADMIN}/api/v1/services/web`);
        assert.match(await taken("YAML"), /^apiVersion: hivelet\/v1\nkind: Service\nmetadata:\n {2}name: web\nspec:\n/);
        await close();
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
        await picture(page, "offline");
        await context.setOffline(false);
        await banner.waitFor({ state: "detached" });
        await page.locator(".fresh.good").waitFor();
        await close();
});

test("theme and language are kept", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/settings`);
        const chosen = page.getByRole("region", { name: "This page" }).locator("select");
        await chosen.first().selectOption("dark");
        await chosen.last().selectOption("zh-Hant");
        await page.getByRole("heading", { level: 1, name: "設定" }).waitFor();
        await page.reload();
        await page.getByRole("heading", { level: 1, name: "設定" }).waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
        assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hant");
        await close();
});
