import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import {
    animationFrame,
    manuallyDispatchProgrammaticEvent,
    queryAllAttributes,
    queryAllTexts,
    queryOne,
} from "@odoo/hoot-dom";
import { contains, getService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

defineMailModels();

const ENDED = {
    total: { count: 10, money: 1000, share: 1 },
    open: { count: 5, money: 500, share: 0.5 },
    lost: { count: 3, money: 300, share: 0.3 },
    won: { count: 2, money: 200, share: 0.2 },
};
const DATA = {
    company: "Harbour Foods",
    company_id: 1,
    companies: [{ id: 1, name: "Harbour Foods" }],
    currency_id: 1,
    start: "2025-04-01",
    end: "2026-03-31",
    progress: 1,
    narrowest: 1,
    ...ENDED,
    steps: [
        {
            position: 0,
            stage_id: 1,
            name: "New",
            reached: 10,
            reached_money: 1000,
            from_before: null,
            from_start: 1,
            here: 4,
            here_money: 400,
            lost: 1,
            lost_money: 100,
            median_days: 2.5,
            mean_days: 3,
            left: 6,
        },
        {
            position: 1,
            stage_id: 2,
            name: "Offer",
            reached: 5,
            reached_money: 500,
            from_before: 0.5,
            from_start: 0.5,
            here: 1,
            here_money: 100,
            lost: 2,
            lost_money: 200,
            median_days: null,
            mean_days: null,
            left: 0,
        },
    ],
    segments: [
        { value: 7, name: "Fair", reached: [6, 4], ...ENDED },
        { value: false, name: "None", reached: [4, 1], ...ENDED },
        { value: null, name: "Others", reached: [0, 0], ...ENDED },
    ],
    reasons: [
        {
            value: 3,
            name: "Too dear",
            count: 2,
            money: 200,
            share: 2 / 3,
            stages: [
                { position: 0, count: 1, money: 100 },
                { position: 1, count: 1, money: 100 },
            ],
        },
        {
            value: false,
            name: "Not said",
            count: 1,
            money: 100,
            share: 1 / 3,
            stages: [{ position: 1, count: 1, money: 100 }],
        },
    ],
    targets: [],
};

async function open(values = {}) {
    onRpc("trade.pipeline", "get_funnel", ({ kwargs }) => {
        expect.step(`load ${kwargs.period} ${kwargs.group_by} ${JSON.stringify(kwargs.value)}`);
        return { ...DATA, ...values };
    });
    onRpc("trade.pipeline", "action_view_leads", ({ args, kwargs }) => {
        expect.step(`open ${JSON.stringify(args)} ${JSON.stringify(kwargs.reason)}`);
        return { type: "ir.actions.act_window_close" };
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "trade_crm.lead_funnel",
        name: "Sales funnel",
    });
    await animationFrame();
    expect.verifySteps(["load months source null"]);
}

test("stages, and what to look at first", async () => {
    await open();
    expect(".o_trade_finding").toHaveText(/2 of 10 leads \(20%\) are won.*only 50% go on from New to Offer/);
    expect(queryAllTexts(".o_trade_steps tbody th")).toEqual(["New", "Offer", "Won"]);
    expect(queryAllTexts(".o_trade_from_before")).toEqual(["–", "50%"]);
    expect(".o_trade_narrowest").toHaveAttribute("data-stage", "Offer");
    expect(queryAllAttributes(".o_trade_stage_fill", "style")).toEqual(["width: 100%", "width: 50%", "width: 20%"]);
});

test("every number opens its leads", async () => {
    await open();
    await contains("[data-stage='Offer'] .o_trade_stage_bar").click();
    await contains("[data-stage='New'] .o_trade_here").click();
    await contains("[data-stage='Offer'] .o_trade_lost").click();
    await contains(".o_trade_won .o_trade_stage_bar").click();
    expect.verifySteps([
        'open ["reached",1] undefined',
        'open ["here",0] undefined',
        'open ["lost",1] undefined',
        'open ["won",null] undefined',
    ]);
});

test("why leads were lost", async () => {
    await open();
    expect(queryAllTexts("[data-reason] th")).toEqual(["Too dear", "Not said"]);
    await contains("[data-reason='Too dear'] .o_trade_reason_part:last-child").click();
    await contains("[data-reason='Not said'] .o_trade_reason_count").click();
    expect.verifySteps(['open ["lost",1] 3', 'open ["lost",null] false']);
});

test("a segment limits the funnel, and once more frees it", async () => {
    await open();
    await contains(".o_trade_segments tr:contains(None)").click();
    expect.verifySteps(["load months source false"]);
    await contains(".o_trade_clear").click();
    expect.verifySteps(["load months source null"]);
    await contains(".o_trade_segments tr:contains(Others)").click();
    await contains(".o_trade_group").select("salesperson");
    expect.verifySteps(["load months salesperson null"]);
});

test("a period from … to … waits for its days", async () => {
    await open();
    await contains(".o_trade_period").select("custom");
    expect.verifySteps([]);
    const input = queryOne(".o_trade_date_from");
    input.value = "2026-01-01";
    await manuallyDispatchProgrammaticEvent(input, "change");
    await animationFrame();
    expect.verifySteps(["load custom source null"]);
});

test("targets of this month", async () => {
    await open({
        targets: [
            {
                id: 5,
                name: "New leads",
                territory: "",
                currency_id: false,
                amount: 40,
                achieved: 10,
                expected: 20,
                gap: -30,
                percent: 0.25,
                status: "under",
            },
        ],
    });
    expect(".o_trade_target .o_trade_gap").toHaveText("30 to go");
    expect(".o_trade_target .badge").toHaveText("25%");
    expect(".o_trade_target_bar i").toHaveAttribute("style", "left: 50%");
});

test("says what to do where there is no lead", async () => {
    await open({ total: { count: 0, money: 0, share: null }, segments: [], reasons: [], progress: 0.4 });
    expect(".o_trade_steps").toHaveCount(0);
    expect(".o_nocontent_help").toHaveText(/No lead was created in this selection/);
    expect(".o_trade_progress").toHaveText(/40%/);
});
