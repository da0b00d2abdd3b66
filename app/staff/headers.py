"""What browsers are told about our pages. Nothing comes from elsewhere, nothing frames us."""

import secrets

from flask import Response, g

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For our own pages. Scripts are files of ours; nothing that came in with data runs."""

_DASHBOARD = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""RQ's dashboard compiles its templates in the browser, which is what unsafe-eval is for. Its one
inline script carries the nonce; a script or event handler that came in with data does not run."""


def nonce() -> str:
    """The secret of this answer that marks its own inline script."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def protect(response: Response, *, policy: str, https: bool, is_static: bool) -> Response:
    """Put our headers on an answer; only files that are the same for everyone may be kept."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    # Not no-referrer: the check against forged forms wants to see our own address over HTTPS.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, max-age=3600" if is_static else "no-store"
    if https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def dashboard_policy() -> str:
    """The policy for RQ's dashboard, with this answer's nonce."""
    return _DASHBOARD.format(nonce=nonce())
