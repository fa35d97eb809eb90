/* acts.mjs - what can be looked up, copied and ordered on the pages: every setting, every kind of object, every order, and who may not. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { browser, copying, HV_ADMIN, HV_CTL, HV_IMAGE, HV_LOGIN, HV_SECRET, HV_TUNNEL, HV_VIEWER, logIn, open, picture, until } from "./shared.mjs";

after(() => browser.close());

const asked = async (path) => (await fetch(HV_ADMIN + path)).json();

test("every setting: its value, where that comes from, and how it is changed", async () => {
        const { page, close } = await open();
        const { settings, file } = await asked("/api/settings");
        await page.goto(`${HV_ADMIN}/settings`);
        const card = page.getByRole("region", { name: "Every setting" });
        await card.locator("tbody tr").first().waitFor();
        assert.deepEqual(await card.locator("tbody [data-row]").allTextContents(), settings.map((one) => one.field));
        const search = card.getByRole("searchbox", { name: "Search in the settings" });
        const row = async (field) => {
                await search.fill(field);
                const found = card.getByRole("row").filter({ has: page.getByRole("button", { name: field, exact: true }) });
                await found.getByRole("button", { name: field, exact: true }).click();
                return found;
        };

        const { where } = settings.find((one) => one.field === "master.heartbeat");
        const heartbeat = await row("master.heartbeat");
        assert.match(where, new RegExp(`^${file}:\\d+$`));
        assert.deepEqual(await heartbeat.locator("td").allTextContents(), ["1s", `file ${where}`]);
        await heartbeat.getByText(`Change it at ${where}, then run hivectl apply`).waitFor();
        await heartbeat.getByText('heartbeat: 1s').waitFor();
        await picture(page, "settings-search");

        const listen = await row("http.listen");
        assert.match(await listen.locator("td").last().textContent(), /^variable FLASK_PORT$/);
        await listen.getByText("Set the variable FLASK_PORT to something else").waitFor();
        const location = await row("node.location");
        assert.deepEqual(await location.locator("td").allTextContents(), ["–", "default"]);
        await location.getByText(`Write it into ${file}`).waitFor();

        await search.fill("");
        await card.getByLabel("Which").selectOption("written");
        assert.equal(await card.locator("tbody tr").count(), settings.filter((one) => one.origin !== "default").length);
        await search.fill("no such word");
        await card.getByText("No such settings.").waitFor();

        /* What the page says is what the agent says to whoever tries to write. */
        const refused = await fetch(`${HV_ADMIN}/api/settings`, {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ "master.heartbeat": "2s" }),
        });
        assert.equal(refused.status, 405);
        assert.ok((await refused.text()).includes(where));
        await close();
});


/* The command is run, and the request is made. */
function works(cli, curl) {
        assert.match(cli, /^hivectl /);
        const said = execFileSync("sh", ["-c", cli.replace("hivectl", HV_CTL)], { encoding: "utf8", stdio: "pipe" });
        const answer = JSON.parse(execFileSync("sh", ["-c", `${curl} --fail`], { encoding: "utf8", stdio: "pipe" }));
        return [said, answer];
}

const DECLARED = [
        ["Service", "web"],
        ["CronTask", "nightly"],
        ["Network", "backend"],
        ["Volume", "data"],
        ["WireGuard", HV_TUNNEL],
        ["Image", HV_IMAGE],
        ["Registry", "team"],
        ["Config", "web-conf"],
        ["Secret", "web-key"],
];

test("each kind of object as a command, as YAML that can be applied, as a request", async () => {
        const { context, page, close } = await open();
        const taken = await copying(context, page);
        const texts = [];
        const check = async (kind, name, within) => {
                const [cli, text, curl] = [await taken(name, "CLI", within), await taken(name, "YAML", within), await taken(name, "curl", within)];
                const [said, answer] = works(cli, curl);
                assert.equal(answer.kind, kind);
                assert.equal(answer.metadata.name, name);
                assert.ok(said.includes(name));
                assert.match(text, new RegExp(`^(# not shown.*\n)?apiVersion: hivelet/v1\nkind: ${kind}\nmetadata:\n {2}name: `));
                assert.ok(![cli, text, curl, said].some((one) => one.includes(HV_SECRET)));
                return text;
        };
        await page.goto(`${HV_ADMIN}/settings`);
        const card = page.getByRole("region", { name: "What the files declare" });
        const hidden = "# not shown, and missing here: spec\napiVersion: hivelet/v1\nkind:";
        for (const [kind, name] of DECLARED) {
                const text = await check(kind, name, card);
                if (kind === "Secret" || kind === "Config") assert.equal(text, `${hidden} ${kind}\nmetadata:\n  name: ${name}\n`);
                else texts.push(text);
        }
        assert.match(texts[0], /^# not shown, and missing here: spec\.env\[0\]\.value\n[^]*\n {6}cpu: 500m\n/); // as it was written

        const revisions = page.getByRole("region", { name: "Revisions" });
        const { items } = await asked("/api/v1/revisions");
        const short = items[0].revision.slice(0, 8);
        const [said, revision] = works(await taken(short, "CLI", revisions), await taken(short, "curl", revisions));
        assert.ok(said.includes(short));
        assert.deepEqual(revision, items[0]);
        assert.ok((await taken(short, "YAML", revisions)).includes(items[0].revision));

        await page.goto(`${HV_ADMIN}/tasks/train-model`);
        await page.getByRole("button", { name: "Copy train-model as YAML" }).waitFor();
        const task = await check("Task", "train-model", page);
        assert.match(task, /^# not shown, and missing here: spec\.env\n[^]*\n {2}command:\n {4}- sh\n[^]*\n {6}memory: 64Mi\n/);
        texts.push(task);
        const judged = spawnSync("sh", ["-c", `${HV_CTL} validate -f -`], { input: texts.join("---\n"), encoding: "utf8" });
        assert.equal(judged.status, 0, judged.stdout);

        await page.goto(`${HV_ADMIN}/monitor`);
        const tunnels = page.getByRole("region", { name: "WireGuard" });
        const [shown, tunnel] = works(await taken("hub", "CLI", tunnels), await taken("hub", "curl", tunnels));
        assert.ok(shown.includes("hub"));
        const text = await taken("hub", "YAML", tunnels);
        assert.ok(text.startsWith("name: hub\n") && text.includes(tunnel.status.peers[0].publicKey));
        assert.match(text, /\nallowedIPs:\n {2}- "[\d.]+\/32"\n/); // an item of `peers`
        await close();
});

test("who only looks sees what was ordered, and nothing to order with", async () => {
        const { context, page, close } = await open({}, [/status of 403/]); // what is tried all the same
        await logIn(page, HV_VIEWER);
        await page.getByRole("region", { name: "By hand" }).getByText("Nobody has asked for anything by hand.").waitFor();
        const none = async (...names) => {
                for (const name of names) assert.equal(await page.getByRole("button", { name }).count(), 0, `${name} is not offered`);
        };
        await none("Cordon", "Drain", "Hold", "Plan in full");
        await page.getByRole("link", { name: "Tasks", exact: true }).first().click();
        await page.getByRole("row", { name: /simulate/ }).waitFor();
        await page.getByRole("region", { name: "By schedule" }).getByRole("row", { name: /^nightly/ }).waitFor();
        await none("New task", /^Stop/, /again/, "Run now", "Suspend");
        await page.goto(`${HV_LOGIN}/tasks/simulate`);
        await page.locator(".timeline li").first().waitFor();
        await none("Stop", "Run again");
        await page.goto(`${HV_LOGIN}/dashboard/web`);
        await page.locator(".three").waitFor();
        await none("Stop", "Start", "Restart", "Hold", "Release", "Signal");
        for (const path of ["/api/v1/services/web/stop", "/api/v1/cordon"]) {
                const status = await page.evaluate(async (to) => {
                        const { csrfToken } = await (await fetch("/api/v1/session")).json();
                        return (await fetch(to, { method: "POST", headers: { "X-CSRF-Token": csrfToken } })).status;
                }, path);
                assert.equal(status, 403);
        }

        /* A request where one has to log in names a variable, and holds nothing of the session. */
        const taken = await copying(context, page);
        const curl = await taken("web", "curl");
        assert.equal(curl, `curl -s -H "Authorization: Bearer $TOKEN" ${HV_LOGIN}/api/v1/services/web`);
        await close();
});

/* Presses the button of an order, fills its dialog, and gives it. */
async function order(page, within, name, fill = async () => {}) {
        await within.getByRole("group", { name: "Orders" }).getByRole("button", { name, exact: true }).click();
        const box = page.getByRole("dialog");
        await fill(box);
        await box.getByRole("button", { name, exact: true }).click();
        return box;
}

test("a service is stopped, started, restarted, held, released and signalled", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard/web`);
        const main = page.locator("main");
        const told = page.locator(".notices");
        const state = (text) => page.locator(".head .state", { hasText: text }).waitFor();
        await state("Running");
        await order(page, main, "Stop", async (box) => {
                await box.getByText("stay so until somebody starts it").waitFor();
                await box.getByLabel("Reason (may be empty)").fill("seen enough of it");
        });
        await told.getByText(/^web: .*seen enough of it/).waitFor();
        await state("Suspended");
        await page.locator(".concern", { hasText: "seen enough of it" }).waitFor();
        assert.equal(await page.getByRole("button", { name: "Restart" }).count(), 0);
        await picture(page, "order-stopped");
        await order(page, main, "Start");
        await state("Running");
        await page.locator(".concern").first().waitFor({ state: "detached" });

        const before = (await asked("/api/v1/services/web")).status.units[0].startedAt;
        await order(page, main, "Restart", (box) => box.getByLabel("all containers at once").check());
        await told.getByText(/^web: /).waitFor();
        await until(page, async (then) => (await (await fetch("/api/v1/services/web")).json()).status.units[0].startedAt > then, before);
        await state("Running");

        await order(page, main, "Hold");
        await page.locator(".concern", { hasText: "Held" }).waitFor();
        assert.ok((await asked("/api/v1/cordon")).services[0].hold);
        await order(page, main, "Release");
        await page.locator(".concern").waitFor({ state: "detached" });
        await order(page, main, "Signal", (box) => box.getByLabel("Signal").selectOption("SIGUSR1"));
        await told.getByText("containers that got the signal: 1").waitFor();
        await close();
});

test("a cron task is run now, suspended and resumed; when it runs next and how it last went", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/tasks`);
        const card = page.getByRole("region", { name: "By schedule" });
        const row = card.getByRole("row", { name: /^nightly/ });
        const { next, schedule } = (await asked("/api/v1/crontasks/nightly")).status;
        await row.getByText(schedule).waitFor();
        await row.getByText("Scheduled").waitFor();
        assert.equal(await row.locator("td").nth(2).locator("time").getAttribute("datetime"), next);
        await row.locator("td").nth(3).getByText("none", { exact: true }).waitFor();
        const orders = row.getByRole("group", { name: "Orders for nightly" });
        const give = async (name, told, reason) => {
                await orders.getByRole("button", { name, exact: true }).click();
                const box = page.getByRole("dialog");
                await box.getByText(told).waitFor();
                if (reason) await box.getByLabel("Reason (may be empty)").fill(reason);
                await box.getByRole("button", { name, exact: true }).click();
                await box.waitFor({ state: "detached" });
        };

        await give("Run now", "whatever the schedule says");
        await page.locator(".notices").getByText(/^nightly-\d{12} is promised$/).waitFor();
        await row.getByRole("link", { name: /^nightly-\d{12}$/ }).waitFor();
        await row.locator("td").nth(3).getByText("Completed").waitFor();
        await give("Suspend", "until somebody resumes it", "the disk moves");
        await page.locator(".notices").getByText(/^nightly: suspended by .+: the disk moves/).waitFor();
        await row.getByText("Suspended").waitFor();
        await row.locator("td").first().getByText(/by .+: the disk moves$/).waitFor();
        const { suspended, suspension } = (await asked("/api/v1/crontasks/nightly")).status;
        assert.equal(suspended, true);
        assert.equal(await row.locator("td").first().locator("time").getAttribute("datetime"), suspension.since);
        await row.locator("td").nth(2).getByText("–").waitFor();
        await picture(page, "cron-suspended");
        await give("Resume", "not made up for");
        await row.getByText("Scheduled").waitFor();
        assert.equal(await row.locator("td").nth(2).locator("time").getAttribute("datetime"), next);
        assert.equal(await orders.getByRole("button", { name: "Resume" }).count(), 0);

        /* From the list of tasks one comes to the run's own page. */
        await row.getByRole("link", { name: /^nightly-/ }).click();
        await page.getByRole("log").getByText("tidied up").waitFor();
        await close();
});

test("the node is cordoned, drained and held, and a refusal is shown where it was asked", async () => {
        const { page, close } = await open({}, [/status of 400/]);
        await page.goto(`${HV_ADMIN}/dashboard`);
        const card = page.getByRole("region", { name: "By hand" });
        const told = page.locator(".notices");
        await order(page, card, "Cordon", (box) => box.getByLabel("Reason (may be empty)").fill("new disks"));
        await told.getByText("The node is cordoned: no task is admitted.").waitFor();
        await card.getByText("new disks").waitFor();
        await order(page, card, "Uncordon");
        await told.getByText("No order stands for this node any more.").waitFor();

        const box = await order(page, card, "Drain", (dialog) => dialog.getByLabel(/^Deadline/).fill("soon"));
        await box.getByRole("alert").getByText("expected a time such as 10m").waitFor();
        await box.getByLabel(/^Deadline/).fill("20m");
        await box.getByRole("button", { name: "Drain", exact: true }).click();
        await told.getByText("The node is drained: no task is admitted, and those that run may end.").waitFor();
        await card.getByText(/until in (19|20) min/).waitFor();
        await order(page, card, "Uncordon");
        await card.getByText("Nobody has asked for anything by hand.").waitFor();

        await order(page, card, "Hold");
        await told.getByText("The node is held: nothing is done to services, and no task is admitted.").waitFor();
        await picture(page, "order-held");
        await order(page, card, "Release");
        await card.getByText("Nobody has asked for anything by hand.").waitFor();
        await close();
});

test("the plan in full, beside what is wished and what is", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/dashboard`);
        const card = page.getByRole("region", { name: "Wished, actual, next" });
        const row = card.getByRole("group", { name: "Objects" }).getByRole("row", { name: /^unpublished/ });
        await row.getByText("1 × registry.invalid/team/unpublished:4").waitFor();
        await row.getByText(/cannot pull/).waitFor();
        await row.getByText(/^pull /).waitFor();
        await card.getByRole("button", { name: "Plan in full" }).click();
        const step = card.getByRole("group", { name: "Plan" }).getByRole("row", { name: /service\/unpublished\/1/ }).first();
        await step.waitFor();
        assert.deepEqual(await step.locator("td, th").allTextContents(), ["create", "service/unpublished/1", "missing"]);
        await picture(page, "plan");
        await close();
});

test("from the list a task is stopped, after a question, and run again", async () => {
        const { page, close } = await open();
        await page.goto(`${HV_ADMIN}/tasks`);
        const row = page.getByRole("row", { name: /train-model/ });
        await row.getByText("exit code 4").waitFor();
        await row.getByRole("button", { name: "Run train-model again" }).click();
        await page.locator(".notices").getByText("train-model runs again").waitFor();
        await until(page, async () => (await (await fetch("/api/v1/tasks/train-model")).json()).status.attempt === 2);
        await row.getByRole("button", { name: "Run train-model again" }).waitFor(); // it ended again
        await page.getByRole("button", { name: "Stop simulate" }).click();
        await page.getByRole("dialog", { name: "Stop simulate?" }).getByRole("button", { name: "Cancel" }).click();
        assert.equal((await asked("/api/v1/tasks/simulate")).status.phase, "Running");
        await close();
});
