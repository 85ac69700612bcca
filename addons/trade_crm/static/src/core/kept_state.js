/**
 * What a page shows, for when the user comes back to it by the breadcrumb: Odoo keeps the action of a
 * page that is no view, and nothing of its state.
 */
export function getKept(component) {
    return component.props.action?.tradeKept || {};
}

export function keep(component, values) {
    if (component.props.action) {
        component.props.action.tradeKept = { ...getKept(component), ...values };
    }
}
