import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import { animationFrame, press, queryAllTexts, queryFirst } from "@odoo/hoot-dom";
import { contains, getService, mountWithCleanup, onRpc, patchWithCleanup } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";
import { getChartConfig } from "@trade_crm/tier_share/tier_share_chart";

defineMailModels();

const CORE = {
    id: 4,
    name: "Core",
    color: 10,
    condition: "revenue of 12 months from 500,000",
    customers: 1,
    customer_share: 0.25,
    revenue: 600000,
    revenue_share: 0.75,
    orders: 2,
    average_order_value: 300000,
};
const WITHOUT = {
    id: false,
    name: "No tier",
    color: 0,
    condition: "no tier of the policy fits",
    customers: 3,
    customer_share: 0.75,
    revenue: 200000,
    revenue_share: 0.25,
    orders: 0,
    average_order_value: null,
};
const SHARE = {
    as_of: "2026-03-31",
    company: "Trade China",
    currency_id: 1,
    policy: { id: 1, name: "Customer tiers", window_months: 12 },
    may_configure: false,
    tiers: [CORE, WITHOUT],
    total: { customers: 4, revenue: 800000, orders: 2, average_order_value: 400000 },
};

async function openTierShare(values = {}) {
    onRpc("trade.customer.profile", "get_tier_share", () => {
        expect.step("load");
        return { ...SHARE, ...values };
    });
    onRpc("trade.customer.profile", "action_view_tier_partners", ({ args }) => {
        expect.step(`customers of ${args[0]}`);
        return { type: "ir.actions.act_window_close" };
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "trade_crm.tier_share",
        name: "Tiers",
    });
    await animationFrame();
    expect.verifySteps(["load"]);
}

test("the table holds the numbers of each tier and the total", async () => {
    await openTierShare();
    expect("canvas").toHaveCount(1);
    expect(queryAllTexts(".o_trade_tier_table tbody th")).toEqual(["Core", "No tier"]);
    expect(".o_trade_tier_table tr[data-tier=Core]").toHaveText(/75.0%/);
    expect(".o_trade_tier_table tfoot").toHaveText(/800,000.00/);
    expect(".o_trade_edit_policy").toHaveCount(0);
});

test("a row opens its customers, by mouse and by keyboard", async () => {
    await openTierShare();
    await contains(".o_trade_tier_table tr[data-tier=Core]").click();
    expect.verifySteps(["customers of 4"]);
    queryFirst(".o_trade_tier_table tr[data-tier='No tier'] button").focus();
    await press("Enter");
    await animationFrame();
    expect.verifySteps(["customers of false"]);
});

test("a bar opens its customers", async () => {
    const selected = [];
    const style = { colors: ["#61c36e", "#a2a2a2"], textColor: "#000", gridColor: "#ccc" };
    const { data, options } = getChartConfig(SHARE.tiers, style, (tier) => selected.push(tier.id));
    expect(data.labels).toEqual(["Core", "No tier"]);
    expect(data.datasets.map((dataset) => dataset.data)).toEqual([
        [0.25, 0.75],
        [0.75, 0.25],
    ]);
    options.onClick({}, [{ index: 1 }]);
    options.onClick({}, []);
    expect(selected).toEqual([false]);
});

test("refresh reads the numbers again", async () => {
    await openTierShare();
    await contains(".o_trade_refresh").click();
    expect.verifySteps(["load"]);
});

test("a manager reaches the policy", async () => {
    await openTierShare({ may_configure: true });
    patchWithCleanup(getService("action"), {
        doAction: (action) => expect.step(`${action.res_model} ${action.res_id}`),
    });
    await contains(".o_trade_edit_policy").click();
    expect.verifySteps(["trade.tier.policy 1"]);
});

test("without customers it says what is missing", async () => {
    await openTierShare({ total: { ...SHARE.total, customers: 0 } });
    expect(".o_view_nocontent_smiling_face").toHaveText("No customer yet");
    expect(".o_trade_create").toHaveCount(1);
    expect("canvas").toHaveCount(0);
});

test("without a policy only a manager is offered to create one", async () => {
    await openTierShare({ policy: false });
    expect(".o_view_nocontent_smiling_face").toHaveText("This company has no tier policy");
    expect(".o_view_nocontent button").toHaveCount(0);
});

test("without revenue only customers are shared out", async () => {
    await openTierShare({
        tiers: [{ ...CORE, revenue: 0, revenue_share: null, average_order_value: null }],
        total: { ...SHARE.total, revenue: 0 },
    });
    expect("[role=status]").toHaveCount(1);
    expect(".o_trade_tier_table tr[data-tier=Core]").toHaveText(/–/);
});
