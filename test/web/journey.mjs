/* journey.mjs - what an operator does: sees what fails and why, runs a task, reads its log, stops it, fetches a result. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { browser, copying, HV_ADMIN, HV_IMAGE, HV_LOGIN, HV_PASSWORD, HV_TUNNEL, HV_USER, open, picture, taskOf } from "./shared.mjs";

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
        await figures.getByText("Mean time").waitFor();
        await figures.locator("dd", { hasText: /^\d+(\.\d)? (s|min)/ }).waitFor();
        await page.getByRole("region", { name: "Why", exact: true }).getByText(/ended with exit code 3/).waitFor();

        await page.getByRole("link", { name: "Tasks", exact: true }).first().click();
        await page.getByRole("row", { name: /train-model/ }).getByText(/exit code 4/).waitFor();
        await page.getByRole("row", { name: /render-frames/ }).getByText("Completed").waitFor();
        await page.getByRole("button", { name: "New task" }).click();
        const box = page.getByRole("dialog");
        await box.getByRole("textbox").fill(taskOf("whole", "mkdir results; echo 7 > results/answer.txt; echo begun; while true; do sleep 0.2; done"));
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

test("which images take the disk, and how trust went", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/monitor`);
        const card = page.getByRole("region", { name: "Disks and images" });
        const row = card.getByRole("group", { name: "Images" }).getByRole("row", { name: HV_IMAGE });
        await row.waitFor();
        assert.match((await row.locator("td").allTextContents()).join("|"), /^\d+(\.\d)? [KM]iB\|[1-9]\d*\|.+$/);
        await card.getByRole("heading", { name: /^images: \d+, / }).waitFor();
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
        const next = page.getByRole("region", { name: "What happens next" }).getByRole("listitem");
        await next.filter({ hasText: /^in \d+ (s|min|h).*start hive-crashing$/ }).waitFor();
        await next.filter({ hasText: /^in 1[12] h.*run nightly$/ }).waitFor();
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
        await box.getByRole("textbox").fill(taskOf("journey", script));
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
        const steps = await page.locator(".timeline li").allTextContents();
        for (const [i, what] of [/acceptedfrom API$/, /attempt 1$/, /started$/, /program endedexit code 4$/, /result kept/].entries()) assert.match(steps[i], what);
        assert.match(steps.at(-1), /Failed.*exit code 4/); // it may have been run again meanwhile
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
        await page.getByText("100 of 100000 lines", { exact: true }).waitFor();
        await page.getByRole("button", { name: "next hit" }).click();
        await page.getByRole("button", { name: "next hit" }).click();
        await log.locator(".line.here", { hasText: "line 2001 is" }).waitFor();
        await page.getByRole("button", { name: "previous hit" }).click();
        await log.locator(".line.here", { hasText: "line 1001 is" }).waitFor();
        await page.getByLabel("follow", { exact: true }).check();
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

test("long lines are wrapped to what there is room for, wherever one is; what is no regular expression is told", async () => {
        const { page, close } = await open();
        /* Of all lengths, so that some end just behind the end of a row. */
        const words = (i) => `line ${i} \u001b[32m${"0123456789".repeat(40).slice(0, (i * 7) % 400)}\u001b[0m 日本語\tend of ${i}`;
        await page.route("**/logs?*", (route) => route.fulfill({ contentType: "text/plain", body: Array.from({ length: 5000 }, (_, i) => `${words(i + 1)}\n`).join("") }));
        await page.goto(`${HV_ADMIN}/tasks/long-log`);
        const log = page.getByRole("log");
        const isWider = () => log.evaluate((box) => box.scrollWidth > box.clientWidth + 1);
        await log.getByText("line 5000", { exact: false }).waitFor();
        await page.getByLabel("wrap", { exact: true }).check();
        await page.waitForFunction(() => !document.querySelector("[role=log]").scrollTop || document.querySelectorAll("[role=log] .line").length < 60);
        /* Put together, the pieces are the line, and none sticks out. */
        const pieces = () =>
                log.locator(".line").evaluateAll((rows) => {
                        const found = {};
                        let number = "";
                        for (const row of rows) {
                                number = row.querySelector(".number").textContent || number;
                                found[number] = (found[number] ?? "") + row.textContent.slice(row.querySelector(".number").textContent.length);
                        }
                        return found;
                });
        const whole = (i) => words(i).replace(/\u001b\[\d+m/g, "").replace("\t", " ".repeat(8));
        await page.waitForFunction(() => document.querySelectorAll("[role=log] .line .number:empty").length > 3);
        const last = Object.entries(await pieces()).slice(1); // the first may have begun above
        assert.ok(last.length > 5);
        for (const [number, text] of last) assert.equal(text, whole(Number(number)));
        await page.getByRole("searchbox", { name: "Search in the log" }).fill("/^line 2359 /");
        await page.getByRole("button", { name: "next hit" }).click();
        await log.locator(".line.here").first().waitFor();
        assert.equal((await pieces())[2359], whole(2359));
        assert.ok((await log.locator(".line.here").count()) > 1);
        assert.equal(await isWider(), false);
        await page.getByLabel("wrap", { exact: true }).uncheck();
        await log.locator(".line.here").waitFor(); // it stays where one was
        await page.getByRole("searchbox", { name: "Search in the log" }).fill("/line (/");
        await page.locator(".log").getByRole("alert").getByText(/regular expression/i).waitFor();
        await page.reload();
        await log.locator(".line").first().waitFor();
        assert.equal(await page.getByLabel("wrap", { exact: true }).isChecked(), false);
        assert.equal(await page.getByLabel("times", { exact: true }).count(), 0); // of what has ended the agent tells none
        await close();
});

test("when each line was written, while a log is followed", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard/web`);
        const line = page.getByRole("log").locator(".line", { hasText: "request 2 answered" });
        await page.getByLabel("times", { exact: true }).check();
        await page.getByRole("log").evaluate((box) => box.scrollTo(0, 0));
        await line.waitFor();
        const at = await line.getAttribute("title");
        assert.match(at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
        const [, ms] = /\.(\d{3})/.exec(at);
        assert.match(await line.locator(".stamp").textContent(), new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.${ms}$`));
        await close();
});

test("objects and tasks are searched by a part of their names, and the address says what for", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard`);
        const card = page.getByRole("region", { name: "Wished, actual, next" });
        const names = () => card.getByRole("group", { name: "Objects" }).locator("tbody th a").allTextContents();
        await card.getByRole("row", { name: /^crashing/ }).waitFor();
        await page.keyboard.press("/");
        await page.keyboard.type("unpblsh");
        await card.getByRole("row", { name: /^crashing/ }).waitFor({ state: "detached" });
        assert.deepEqual(await names(), ["unpublished"]);
        await page.waitForURL("**/dashboard?search=unpblsh");
        await page.goto(`${HV_ADMIN}/dashboard?state=off`);
        await card.getByRole("row", { name: /^crashing/ }).waitFor();
        assert.equal(await card.getByLabel("only what is not as wished").isChecked(), true);
        assert.deepEqual(await names(), ["crashing", "unpublished"]);
        await card.getByRole("searchbox").fill("no such object");
        await card.getByText("No such objects.").waitFor();

        await page.goto(`${HV_ADMIN}/dashboard`);
        await card.getByRole("link", { name: "nightly" }).click();
        await page.waitForURL("**/tasks");
        const runs = page.getByRole("region", { name: "Runs, newest first" });
        await runs.getByRole("row", { name: /^train-model/ }).waitFor();
        await runs.getByRole("searchbox", { name: "Search in the tasks" }).fill("FRAMES");
        await runs.getByRole("row", { name: /^train-model/ }).waitFor({ state: "detached" });
        await runs.getByRole("row", { name: /^render-frames/ }).waitFor();
        await page.waitForURL("**/tasks?search=FRAMES");
        await close();
});

test("copied as a command, as YAML, as a request", async () => {
        const { context, page, close } = await open();
        const taken = await copying(context, page);
        await page.goto(`${HV_ADMIN}/dashboard/web`);
        assert.equal(await taken("web", "CLI"), "hivectl describe service/web");
        assert.equal(await taken("web", "curl"), `curl -s ${HV_ADMIN}/api/v1/services/web`);
        assert.match(await taken("web", "YAML"), /\napiVersion: hivelet\/v1\nkind: Service\nmetadata:\n {2}name: web\nspec:\n/);
        await page.getByText("Copied").waitFor();
        await close();
});

test("events are searched, and only what is wrong is shown", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/monitor`);
        const list = page.getByRole("region", { name: "Events" });
        const said = list.locator(".events li");
        await said.nth(5).waitFor();
        await list.getByRole("searchbox").fill("crashing");
        await said.filter({ hasNotText: "crashing" }).first().waitFor({ state: "detached" });
        assert.ok((await said.count()) > 0);
        await list.getByLabel("only warnings and errors").check();
        await said.locator(".icon-idle").first().waitFor({ state: "detached" });
        /* At one look: services that fail go on telling. */
        assert.ok(await said.evaluateAll((all) => all.every((one) => one.querySelector(".icon-warn, .icon-bad"))));
        await said.getByRole("link", { name: "crashing" }).first().waitFor();
        await list.getByRole("searchbox").fill("no such word");
        await list.getByText("No events.").waitFor();
        await close();
});

test("dark and light as the system is, until somebody chooses", async () => {
        const { page, close } = await open({ colorScheme: "dark" });
        await page.goto(`${HV_ADMIN}/dashboard`);
        const paper = (colour) => page.waitForFunction((wanted) => getComputedStyle(document.body).backgroundColor === wanted, colour);
        const [light, dark] = ["rgb(246, 245, 242)", "rgb(20, 22, 26)"];
        await paper(dark);
        await page.emulateMedia({ colorScheme: "light" });
        await paper(light);
        await page.getByRole("button", { name: "Theme: as the system" }).click();
        await page.emulateMedia({ colorScheme: "dark" });
        await paper(light);
        await page.getByRole("button", { name: "Theme: light" }).click();
        await paper(dark);
        await page.getByRole("button", { name: "Theme: dark" }).click();
        await page.getByRole("button", { name: "Theme: as the system" }).waitFor();
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
