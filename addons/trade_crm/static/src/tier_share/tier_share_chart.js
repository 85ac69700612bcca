import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { hexToRGBA } from "@web/core/colors/colors";
import { _t } from "@web/core/l10n/translation";
import { formatPercentage } from "@web/views/fields/formatters";

const TIER_HEIGHT = 52;
const AXIS_HEIGHT = 40;
const LABEL_WIDTH = 52;

export function formatShare(share) {
    return share === null ? "–" : formatPercentage(share, { digits: [16, 1], trailingZeros: true });
}

/** Writes its share at the end of each bar, so that nobody has to hover to read it. */
const shareLabels = {
    id: "tradeShareLabels",
    afterDatasetsDraw(chart) {
        const { ctx } = chart;
        ctx.save();
        ctx.fillStyle = chart.options.color;
        ctx.font = Chart.helpers.toFont(chart.options.font).string;
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        chart.data.datasets.forEach(({ data }, index) => {
            chart.getDatasetMeta(index).data.forEach((bar, row) => {
                if (data[row] !== null) {
                    ctx.fillText(formatShare(data[row]), Math.max(bar.x, bar.base) + 6, bar.y);
                }
            });
        });
        ctx.restore();
    },
};

/**
 * @param {Object[]} tiers as `get_tier_share` returns them
 * @param {Object} style
 * @param {string[]} style.colors one `#rrggbb` per tier
 * @param {string} style.textColor
 * @param {string} style.gridColor
 * @param {string} style.fontFamily
 * @param {(tier: Object) => void} onSelect called with the tier that is clicked
 */
export function getChartConfig(tiers, { colors, textColor, gridColor, fontFamily }, onSelect) {
    const bars = { borderRadius: 3, barPercentage: 0.9, categoryPercentage: 0.75 };
    return {
        type: "bar",
        data: {
            labels: tiers.map((tier) => tier.name),
            datasets: [
                {
                    ...bars,
                    label: _t("Share of customers"),
                    data: tiers.map((tier) => tier.customer_share),
                    backgroundColor: colors.map((color) => hexToRGBA(color, 0.4)),
                },
                {
                    ...bars,
                    label: _t("Share of revenue"),
                    data: tiers.map((tier) => tier.revenue_share),
                    backgroundColor: colors,
                },
            ],
        },
        options: {
            indexAxis: "y",
            animation: false,
            maintainAspectRatio: false,
            color: textColor,
            font: { family: fontFamily, size: 12 },
            interaction: { mode: "index", axis: "y", intersect: false },
            layout: { padding: { right: LABEL_WIDTH } },
            onClick: (_ev, elements) => elements.length && onSelect(tiers[elements[0].index]),
            onHover: (ev, elements) => {
                ev.native.target.style.cursor = elements.length ? "pointer" : "";
            },
            plugins: {
                legend: { display: false },
                tooltip: {
                    callbacks: {
                        label: ({ dataset, raw }) => `${dataset.label}: ${formatShare(raw)}`,
                        footer: ([{ dataIndex }]) => tiers[dataIndex].condition,
                    },
                },
            },
            scales: {
                x: {
                    grid: { color: gridColor },
                    ticks: { color: textColor, callback: (share) => formatPercentage(share) },
                },
                y: { grid: { display: false }, ticks: { color: textColor, font: { size: 13 } } },
            },
        },
        plugins: [shareLabels],
    };
}

/** Share of customers beside share of revenue, a pair of bars per tier. */
export class TierShareChart extends Component {
    static template = "trade_crm.TierShareChart";
    static props = { tiers: Array, onSelect: Function };

    setup() {
        this.canvasRef = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            (canvas, tiers) => {
                const config = getChartConfig(tiers, this.getStyle(canvas), this.props.onSelect);
                const chart = new Chart(canvas, config);
                return () => chart.destroy();
            },
            () => [this.canvasRef.el, this.props.tiers],
        );
    }

    get height() {
        return AXIS_HEIGHT + TIER_HEIGHT * this.props.tiers.length;
    }

    /** A canvas knows no CSS: take the colours of the page, dark or bright. */
    getStyle(canvas) {
        const style = getComputedStyle(canvas);
        const getVariable = (name) => style.getPropertyValue(name).trim();
        return {
            colors: this.props.tiers.map((tier) => getVariable(`--trade-tier-color-${tier.color}`)),
            textColor: style.color,
            gridColor: getVariable("--trade-tier-grid-color"),
            fontFamily: style.fontFamily,
        };
    }
}
