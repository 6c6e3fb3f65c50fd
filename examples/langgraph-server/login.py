"""Who asks: the user of a signed token, as in the example of FastAPI."""

import os

import jwt
from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def signed_user(authorization: str | None) -> str:
    """The user whom the token of the header Authorization names."""
    kind, _, token = (authorization or "").partition(" ")
    secret, required = os.environ["JWT_SECRET"], {"require": ["sub", "exp"]}
    try:
        token = token if kind.lower() == "bearer" else ""
        claims = jwt.decode(token, secret, algorithms=["HS256"], options=required)
    except jwt.InvalidTokenError as error:
        raise Auth.exceptions.HTTPException(401, "A valid token is needed.") from error
    return str(claims["sub"])


@auth.on
async def own(ctx: Auth.types.AuthContext, value: dict) -> dict:
    """Threads, runs and their like belong to who made them."""
    owner = {"owner": ctx.user.identity}
    value.setdefault("metadata", {}).update(owner)
    return owner


@auth.on.store
async def own_items(ctx: Auth.types.AuthContext, value: dict) -> None:
    """Items lie under their user, in hexadecimal: a label may hold no dot, an address does."""
    mine = ctx.user.identity.encode().hex()
    value["namespace"] = ("users", mine, *(value.get("namespace") or ()))
