import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import { animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { download } from "@web/core/network/download";
import { session } from "@web/session";

class Order extends models.Model {
    _name = "test.order";

    name = fields.Char();

    _records = [
        { id: 1, name: "S00001" },
        { id: 2, name: "S00002" },
    ];
}

class Exports extends models.Model {
    _name = "ir.exports";

    name = fields.Char();
    resource = fields.Char();
}

defineMailModels();
defineModels([Order, Exports]);

/** Open a list of orders, whose export is limited as Settings say. */
async function openList(control, viewType = "list") {
    patchWithCleanup(session, { trade_export_control: control });
    patchWithCleanup(download, {
        _download: ({ url, data }) => {
            const { context, ids, fields: exported } = JSON.parse(data.data);
            expect.step([url, context.trade_export_reason, ids, exported.map(({ name }) => name)]);
            return Promise.resolve();
        },
    });
    onRpc("has_group", () => true);
    onRpc("/web/export/formats", () => [{ tag: "xlsx", label: "XLSX" }]);
    onRpc("/web/export/get_fields", () => [
        { id: "name", value: "name", string: "Name", field_type: "char", children: false, required: false },
    ]);
    await mountView({
        type: viewType,
        resModel: "test.order",
        arch:
            viewType === "list"
                ? `<list><field name="name"/></list>`
                : `<kanban><templates><t t-name="card"><field name="name"/></t></templates></kanban>`,
        loadActionMenus: true,
    });
}

async function selectFirst() {
    await contains(".o_data_row:first .o_list_record_selector input").click();
    await contains(".o_cp_action_menus .dropdown-toggle:last").click();
}

async function openCogMenu() {
    await contains(".o_cp_action_menus .dropdown-toggle").click();
}

const CONTROL = { allowed: true, min_length: 5, models: ["test.order"] };

test("a reason is needed, and travels in the context of this download only", async () => {
    await openList(CONTROL);
    await selectFirst();
    await contains(".o-dropdown--menu .dropdown-item:contains(Export)").click();
    await animationFrame();
    expect("#o_trade_export_reason").toBeFocused();
    await contains(".o_select_button").click();
    expect.verifySteps([]);
    expect("#o_trade_export_reason").toHaveClass("is-invalid");
    expect(".o_notification").toHaveText(/at least 5 characters/);
    await contains("#o_trade_export_reason").edit("    a   ");
    await contains(".o_select_button").click();
    expect.verifySteps([]);
    await contains("#o_trade_export_reason").edit(" Spring catalogue ");
    expect("#o_trade_export_reason").not.toHaveClass("is-invalid");
    await contains(".o_select_button").click();
    expect.verifySteps([["/web/export/xlsx", "Spring catalogue", [1], ["name"]]]);
    await contains("#o_trade_export_reason").edit("");
    await contains(".o_select_button").click();
    expect.verifySteps([]);
});

for (const viewType of ["list", "kanban"]) {
    test(`"Export All" of a ${viewType} asks for the reason`, async () => {
        await openList(CONTROL, viewType);
        await openCogMenu();
        await contains(".o_export_all_menu").click();
        await animationFrame();
        await contains("#o_trade_export_reason").edit("Spring catalogue");
        if (viewType === "kanban") {
            await contains(".o_export_tree_item:contains(Name)").dblclick();
        }
        await contains(".o_select_button").click();
        expect.verifySteps([["/web/export/xlsx", "Spring catalogue", false, ["name"]]]);
    });
}

for (const [name, control] of [
    ["without control", false],
    ["of other records", { ...CONTROL, models: ["test.customer"] }],
]) {
    test(`an export ${name} is as ever`, async () => {
        await openList(control);
        await openCogMenu();
        await contains(".o_export_all_menu").click();
        await animationFrame();
        expect(".o_export_data_dialog").toHaveCount(0);
        expect.verifySteps([["/web/export/xlsx", undefined, false, ["name"]]]);
        await selectFirst();
        await contains(".o-dropdown--menu .dropdown-item:contains(Export)").click();
        await animationFrame();
        expect("#o_trade_export_reason").toHaveCount(0);
        await contains(".o_select_button").click();
        expect.verifySteps([["/web/export/xlsx", undefined, [1], ["name"]]]);
    });
}

test("who may not export is not offered it", async () => {
    await openList({ ...CONTROL, allowed: false });
    expect(".o_export_all_menu").toHaveCount(0);
    await selectFirst();
    expect(".o-dropdown--menu .dropdown-item:contains(Duplicate)").toHaveCount(1);
    expect(".o-dropdown--menu .dropdown-item:contains(Export)").toHaveCount(0);
});
