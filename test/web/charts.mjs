/* charts.mjs - what the machine, its containers and its GPUs use over time: a chart and its table say what the agent has measured. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, HV_ADMIN, open, picture } from "./shared.mjs";

after(() => browser.close());

const percent = (n) => `${n.toFixed(n < 10 ? 1 : 0)} %`;

/* The page, with what the agent has kept from before; nothing newer comes in. */
async function monitor() {
        const { page, close } = await open();
        await page.route(/usage$/, () => {});
        const coming = page.waitForResponse(/usage\?history=1$/);
        await page.goto(`${HV_ADMIN}/monitor`);
        const usage = await (await coming).json();
        return { page, close, usage };
}

/* A chart that is drawn, says the newest value, and has the newest twelve as a table. */
async function shows(figure, columns) {
        await figure.locator("canvas").waitFor();
        assert.deepEqual(await figure.locator("strong").allTextContents(), columns.map((values) => values.at(-1)));
        await figure.getByText("As a table").click();
        for (const [i, values] of columns.entries())
                assert.deepEqual(await figure.locator(`tbody td:nth-child(${i + 2})`).allTextContents(), values.slice(-12).reverse());
        const inked = await figure.locator("canvas").evaluate((canvas) => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return new Set(data.filter((_, at) => at % 4 === 3)).size > 1;
        });
        assert.ok(inked, "something is drawn");
}

test("the machine: CPU, memory, disk and network", async () => {
        const { page, close, usage } = await monitor();
        const { history } = usage.host;
        const card = page.getByRole("region", { name: "This machine" });
        const chart = (title) => card.locator("figure").filter({ has: page.locator(".chart-title", { hasText: new RegExp(`^${title}$`) }) });
        assert.ok(history.length > 1);
        await shows(chart("CPU"), [history.map((point) => percent(point.cpuPercent))]);
        await shows(chart("Fullest disk"), [history.map((point) => percent(point.diskPercent))]);
        const fullest = Math.max(...usage.host.disks.map((disk) => disk.percent));
        assert.ok(Math.abs(history.at(-1).diskPercent - fullest) < 5, "it is the fullest disk");
        assert.equal(await chart("Memory").locator("strong").count(), 1);
        assert.match(await chart("Memory").locator("strong").textContent(), /^\d+(\.\d)? [MG]iB$/);
        await chart("Memory").getByText(/^of \d+(\.\d)? GiB$/).waitFor();
        assert.match((await chart("Network").locator("strong").allTextContents()).join(), /^\d+(\.\d)? [KM]?i?B\/s,\d+(\.\d)? [KM]?i?B\/s$/);
        await page.goto(`${HV_ADMIN}/dashboard`);
        await page.getByRole("region", { name: "Resources" }).locator("figure", { hasText: "Disk" }).locator("canvas").waitFor();
        await close();
});

test("GPUs", async () => {
        const { page, close } = await monitor();
        const card = page.getByRole("region", { name: "GPUs" });
        await card.getByRole("heading", { name: "GPU 0: NVIDIA A100" }).waitFor();
        const chart = card.locator("figure").first();
        await chart.getByText("40 %", { exact: true }).first().waitFor();
        await chart.getByText("As a table").click();
        await chart.getByRole("row").nth(3).waitFor();
        assert.match(await chart.getByRole("row").nth(1).textContent(), /^\d\d:\d\d:\d\d40 %$/);
        await card.locator("figure", { hasText: "GPU 0: Temperature" }).getByText("61 °C").first().waitFor();
        assert.match(await card.locator("figure", { hasText: "GPU 0: Memory" }).locator("strong").textContent(), /^512 MiB$/);
        await card.locator(".gpu").first().getByText("processes: 1").waitFor();
        await card.locator(".gpu").last().getByText("processes: 0").waitFor();
        await close();
});

test("a container: CPU, memory, disk, network and its GPUs; one without has none", async () => {
        const { page, close, usage } = await monitor();
        const card = page.getByRole("region", { name: "Containers" });
        const web = usage.containers.find((one) => one.container === "hive-web");
        const row = card.getByRole("row", { name: /^hive-web/ });
        await row.waitFor();
        assert.deepEqual((await row.locator("td").allTextContents()).slice(-2), ["25 %", "300 MiB"]);
        const other = card.getByRole("row", { name: /^task-simulate/ });
        assert.deepEqual((await other.locator("td").allTextContents()).slice(-2), ["–", "–"]);

        await row.getByRole("button", { name: "hive-web" }).click();
        const chart = (title) => card.locator("figure").filter({ has: page.locator(".chart-title", { hasText: new RegExp(`^hive-web: ${title}$`) }) });
        const known = (value, show) => (value === null ? "–" : show(value));
        await shows(chart("CPU"), [web.history.map((point) => percent(point.cpuPercent))]);
        await shows(chart("GPU"), [web.history.map((point) => known(point.gpuPercent ?? null, percent))]);
        assert.equal(web.history.at(-1).gpuPercent, 25);
        await chart("Memory").locator("strong").getByText(/[KM]iB$/).waitFor();
        await chart("Memory").getByText("of 64 MiB").waitFor();
        assert.equal(await chart("GPU memory").locator("strong").textContent(), "300 MiB");
        for (const title of ["Network", "Disk"]) assert.equal(await chart(title).locator("strong").count(), 2);
        await picture(page, "container-gpu");

        await card.getByRole("button", { name: /^task-simulate/ }).click();
        await card.locator("figure", { hasText: "task-simulate" }).first().waitFor();
        assert.equal(await card.locator("figure", { hasText: "GPU" }).count(), 0);
        await close();
});
