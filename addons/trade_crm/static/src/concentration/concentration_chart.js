import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { hexToRGBA } from "@web/core/colors/colors";
import { _t } from "@web/core/l10n/translation";
import { formatPercentage } from "@web/views/fields/formatters";

export function formatShare(share) {
    return share === null ? "–" : formatPercentage(share, { digits: [16, 1] });
}

/**
 * @param {number[][]} curve pairs of shares as `get_concentration` returns them
 * @param {Object} style
 * @param {string} style.lineColor `#rrggbb`
 * @param {string} style.textColor
 * @param {string} style.gridColor
 * @param {Object} axes names of both axes
 * @param {(share: number) => void} onSelect called with the share of customers that is clicked
 */
export function getChartConfig(curve, { lineColor, textColor, gridColor }, axes, onSelect) {
    const getAxis = (text) => ({
        type: "linear",
        min: 0,
        max: 1,
        title: { display: true, text, color: textColor },
        grid: { color: gridColor },
        ticks: { color: textColor, stepSize: 0.2, callback: (share) => formatPercentage(share) },
    });
    return {
        type: "line",
        data: {
            datasets: [
                {
                    label: _t("Lorenz curve"),
                    data: curve.map(([x, y]) => ({ x, y })),
                    borderColor: lineColor,
                    backgroundColor: hexToRGBA(lineColor, 0.15),
                    borderWidth: 2,
                    fill: true,
                    pointRadius: 0,
                    pointHitRadius: 12,
                },
                {
                    label: _t("If all were equal"),
                    data: [
                        { x: 0, y: 0 },
                        { x: 1, y: 1 },
                    ],
                    borderColor: gridColor,
                    borderDash: [6, 4],
                    borderWidth: 2,
                    pointRadius: 0,
                    pointHitRadius: 0,
                },
            ],
        },
        options: {
            animation: false,
            maintainAspectRatio: false,
            interaction: { mode: "nearest", axis: "x", intersect: false },
            onClick: (_ev, elements) => {
                const point = elements.find(({ datasetIndex }) => datasetIndex === 0);
                if (point && curve[point.index][0] < 1) {
                    onSelect(curve[point.index][0]);
                }
            },
            onHover: (ev, elements) => {
                ev.native.target.style.cursor = elements.length ? "pointer" : "";
            },
            plugins: {
                legend: { display: false },
                tooltip: {
                    filter: ({ datasetIndex }) => datasetIndex === 0,
                    callbacks: {
                        title: () => "",
                        label: ({ parsed }) =>
                            _t("The smallest %(count)s have %(share)s of the revenue, the others %(rest)s.", {
                                count: formatShare(parsed.x),
                                share: formatShare(parsed.y),
                                rest: formatShare(1 - parsed.y),
                            }),
                    },
                },
            },
            scales: { x: getAxis(axes.x), y: getAxis(axes.y) },
        },
    };
}

/** Share of the revenue over the share of customers, from the smallest one on. */
export class ConcentrationChart extends Component {
    static template = "trade_crm.ConcentrationChart";
    static props = { curve: Array, axes: Object, onSelect: Function };

    setup() {
        this.canvasRef = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            (canvas, curve) => {
                const { axes, onSelect } = this.props;
                const chart = new Chart(canvas, getChartConfig(curve, this.getStyle(canvas), axes, onSelect));
                return () => chart.destroy();
            },
            () => [this.canvasRef.el, this.props.curve],
        );
    }

    /** A canvas knows no CSS: take the colours of the page, dark or bright. */
    getStyle(canvas) {
        const style = getComputedStyle(canvas);
        return {
            lineColor: style.getPropertyValue("--trade-concentration-color").trim(),
            gridColor: style.getPropertyValue("--trade-concentration-grid-color").trim(),
            textColor: style.color,
        };
    }
}
