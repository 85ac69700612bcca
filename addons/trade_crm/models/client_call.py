"""Which method a client has called, from the web client or through an external API."""

from odoo.http import request
from odoo.service.server import thread_local


def get_client_call():
    """Model and method of the call that is being served, None outside of one.

    Only what a client asks for is an access by a person. The same methods are called by business
    code, crons and pages, which must not fill the log; they differ in nothing but this.

    XML-RPC hides the request and leaves the call in ``thread_local``; call_kw does so only when it
    is not in the address, and JSON-2 never. Theirs is among the parameters of the request.

    :return: tuple of two str, or None
    """
    if thread_local.rpc_model_method:
        model, _dot, method = thread_local.rpc_model_method.rpartition(".")
        return model, method
    if not request:
        return None
    path, params = request.httprequest.path, request.params
    if path.startswith("/web/dataset/call_"):
        return params.get("model"), params.get("method")
    if path.startswith("/json/2/"):
        return params.get("__model__"), params.get("__method__")
    return None
