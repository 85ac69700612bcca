import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import { animationFrame, queryAllTexts } from "@odoo/hoot-dom";
import {
    contains,
    defineModels,
    fields,
    getService,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

class PolicyDraft extends models.Model {
    _name = "trade.tier.policy.draft";

    name = fields.Char();
    state = fields.Char();
    write_date = fields.Datetime();

    _records = [{ id: 1, name: "Change", state: "draft", write_date: "2026-03-31 04:00:00" }];
}

defineMailModels();
defineModels([PolicyDraft]);

const CORE = { key: 4, name: "Core", color: 10 };
const LOST = { key: 5, name: "Lost", color: 1 };
const NEW = { key: -1, name: "Key accounts", color: 3 };
const MOVES = {
    rows: [CORE, LOST],
    columns: [NEW, LOST],
    cells: [
        { origin: 4, target: -1, customers: 3, revenue: 900 },
        { origin: 4, target: 5, customers: 1, revenue: 100 },
        { origin: 5, target: 5, customers: 6, revenue: 0 },
    ],
    total: { customers: 10, revenue: 1000 },
    moved: { customers: 4, revenue: 1000 },
    currency_id: 1,
};
const NOBODY = { ...MOVES, cells: [], total: { customers: 0, revenue: 0 }, moved: { customers: 0, revenue: 0 } };

async function openMigration(values = {}) {
    onRpc("trade.tier.history", "get_migration", ({ args }) => {
        expect.step(`load ${args.join(" ")}`);
        return {
            ...MOVES,
            first_date: "2025-01-01",
            date_from: args[0] || "2025-12-31",
            date_to: args[1] || "2026-03-31",
            ...values,
        };
    });
    onRpc("trade.tier.history", "action_view_migration", ({ args }) => {
        expect.step(`open ${JSON.stringify(args)}`);
        return { type: "ir.actions.act_window_close" };
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "trade_crm.tier_migration",
        name: "Tier migration",
    });
    await animationFrame();
    expect.verifySteps(["load false false"]);
}

async function openPreview(values = MOVES) {
    onRpc("trade.tier.policy.draft", "get_preview", () => {
        expect.step("preview");
        return values;
    });
    onRpc("trade.tier.policy.draft", "action_view_move", ({ args }) => {
        expect.step(`open ${JSON.stringify(args)}`);
        return { type: "ir.actions.act_window_close" };
    });
    await mountView({
        type: "form",
        resModel: "trade.tier.policy.draft",
        resId: 1,
        arch: `<form><field name="name"/><widget name="trade_policy_preview"/></form>`,
    });
    expect.verifySteps(["preview"]);
}

test("rows, columns and totals of the table", async () => {
    await openMigration();
    expect(queryAllTexts(".o_trade_tier_matrix tbody tr:first-child td")).toEqual(["3", "1", "4"]);
    expect(queryAllTexts(".o_trade_tier_matrix tbody tr:last-child td")).toEqual(["", "6", "6"]);
    expect(queryAllTexts(".o_trade_tier_matrix tfoot td")).toEqual(["3", "7", "10"]);
    expect(".o_trade_summary").toHaveText(/^4 of 10 customers change tier/);
    await contains("[data-measure=revenue]").click();
    expect(queryAllTexts(".o_trade_tier_matrix tfoot td")).toEqual(["$ 900.00", "$ 100.00", "$ 1.00k"]);
});

test("each number opens its customers", async () => {
    await openMigration();
    await contains("[data-cell='4:5'] button").click();
    await contains(".o_trade_tier_matrix tfoot td:nth-child(2) button").click();
    expect.verifySteps([
        'open ["2025-12-31","2026-03-31",4,5,["Core","Lost"]]',
        'open ["2025-12-31","2026-03-31",null,-1,["","Key accounts"]]',
    ]);
});

test("a first day after the second one moves the second one", async () => {
    await openMigration();
    await contains(".o_trade_date_from input").edit("04/15/2026");
    expect.verifySteps(["load 2026-04-15 2026-04-15"]);
});

test("says since when tiers are known", async () => {
    await openMigration({ first_date: "2026-01-15" });
    expect(".alert").toHaveText(/recorded since Jan 15, 2026|recorded since 01\/15\/2026/);
});

test("says what is missing in an empty company", async () => {
    await openMigration({ ...NOBODY, first_date: false });
    expect(".o_trade_tier_matrix").toHaveCount(0);
    expect(".o_nocontent_help").toHaveText(/No customers yet/);
});

test("the preview is of what is saved", async () => {
    await openPreview();
    expect(".o_trade_summary").toHaveText(/^4 of 10 customers change tier/);
    await contains("[name=name] input").edit("Other");
    expect.verifySteps([]);
    await contains(".o_trade_policy_preview .o_trade_refresh").click();
    await animationFrame();
    expect.verifySteps(["preview"]);
});

test("the preview opens its customers", async () => {
    await openPreview();
    await contains("[data-cell='4:-1'] button").click();
    expect.verifySteps(['open [1,4,-1,["Core","Key accounts"]]']);
});

test("nobody to move", async () => {
    await openPreview(NOBODY);
    expect(".o_trade_policy_preview").toHaveText(/nobody moves/);
});
