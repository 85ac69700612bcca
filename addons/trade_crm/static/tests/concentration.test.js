import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import { animationFrame, queryAllTexts } from "@odoo/hoot-dom";
import { contains, getService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";
import { getChartConfig } from "@trade_crm/concentration/concentration_chart";

defineMailModels();

const DATA = {
    count: 10,
    total: 1000,
    gini: 0.6,
    top_share: 0.75,
    top_count: 2,
    curve: [
        [0, 0],
        [0.5, 0.1],
        [1, 1],
    ],
    classes: [
        { top: 0.2, first: 1, last: 2, count: 2, amount: 750, share: 0.75, cumulated: 0.75, least: 300 },
        { top: 1, first: 3, last: 10, count: 8, amount: 250, share: 0.25, cumulated: 1, least: 1 },
    ],
    others: { count: 1, amount: -30 },
    company: "Harbour Foods",
    currency_id: 1,
    start: "2025-04-01",
    end: "2026-03-31",
};

async function open(values = {}) {
    onRpc("trade.sales.fact", "get_concentration", ({ kwargs }) => {
        expect.step(`load ${kwargs.period} ${kwargs.group_by}`);
        return { ...DATA, ...values };
    });
    onRpc("trade.sales.fact", "action_view_ranks", ({ args }) => {
        expect.step(`open ${JSON.stringify(args)}`);
        return { type: "ir.actions.act_window_close" };
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "trade_crm.concentration",
        name: "Concentration",
    });
    await animationFrame();
    expect.verifySteps(["load months customer"]);
}

test("figures and classes", async () => {
    await open();
    expect(".o_trade_finding").toHaveText("The top 20 % of the customers (2) bring 75% of the revenue.");
    expect(".o_trade_gini").toHaveText("0.60");
    expect(queryAllTexts(".o_trade_class")).toEqual(["Top 20%", "20% to 100%"]);
    expect(queryAllTexts("[data-top='1'] td:nth-child(2), [data-top='1'] td:nth-child(4)")).toEqual(["8", "25%"]);
    expect(".o_trade_others").toHaveText(/^1 more got back/);
});

test("a class opens its customers", async () => {
    await open();
    await contains("[data-top='1'] .o_trade_class").click();
    expect.verifySteps(['open ["months","customer",3,10,"20% to 100%"]']);
});

test("period and what is ranked are asked for", async () => {
    await open();
    await contains(".o_trade_period").select("all");
    expect.verifySteps(["load all customer"]);
    await contains(".o_trade_group").select("product");
    expect.verifySteps(["load all product"]);
    expect(".o_trade_finding").toHaveText(/of the products/);
});

test("says what is missing in an empty company", async () => {
    await open({ count: 0, curve: [], classes: [], gini: null, top_share: null });
    expect(".o_trade_classes").toHaveCount(0);
    expect(".o_nocontent_help").toHaveText(/Nothing was sold in this period/);
});

test("a point of the curve opens who is beyond it", () => {
    const selected = [];
    const style = { lineColor: "#336699", textColor: "#000", gridColor: "#ccc" };
    const { options, data } = getChartConfig(DATA.curve, style, { x: "x", y: "y" }, (share) => selected.push(share));
    expect(data.datasets[0].data).toEqual([
        { x: 0, y: 0 },
        { x: 0.5, y: 0.1 },
        { x: 1, y: 1 },
    ]);
    options.onClick(null, [{ datasetIndex: 1, index: 0 }]);
    options.onClick(null, [
        { datasetIndex: 1, index: 1 },
        { datasetIndex: 0, index: 1 },
    ]);
    options.onClick(null, [{ datasetIndex: 0, index: 2 }]);
    expect(selected).toEqual([0.5]);
});
