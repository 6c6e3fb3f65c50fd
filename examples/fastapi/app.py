"""A chat server whose users each have a memory, in as many processes as wanted.

See README.md beside this file for how to start it.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, Field

from lightmem_integrations import LightMem
from lightmem_integrations.errors import InvalidRequestError, LightMemError, ScopeError
from lightmem_integrations.langchain import LightMemMiddleware
from lightmem_integrations.testing import ExtractiveChatModel

DATABASE_URL = os.environ["DATABASE_URL"]
JWT_SECRET = os.environ["JWT_SECRET"]
CONVERSATION_TOKENS = 2_000  # of this session that the model is shown, besides what is recalled


@dataclass
class Asker:
    """Whose run it is: the memory reads its user from here."""

    user_id: str


class Message(BaseModel):
    """What a user says, and in which of their conversations."""

    session_id: str = Field(default="default", min_length=1, max_length=100)
    text: str = Field(min_length=1, max_length=20_000)


def chat_model() -> BaseChatModel:
    """The model of CHAT_MODEL, such as openai:gpt-4.1-mini; without one, a stand-in that quotes."""
    name = os.environ.get("CHAT_MODEL")
    return init_chat_model(name) if name else ExtractiveChatModel()


@asynccontextmanager
async def lifespan(server: FastAPI) -> AsyncIterator[None]:
    """Opens the memory of this process, and closes it when the process is told to end."""
    async with await asyncio.to_thread(LightMem, DATABASE_URL) as memory:
        await memory.awarm_up()
        server.state.memory = memory
        server.state.agent = create_agent(
            chat_model(),
            tools=[],
            middleware=[LightMemMiddleware(memory)],
            context_schema=Asker,
        )
        yield


app = FastAPI(title="Chat with a memory", lifespan=lifespan)


def signed_user(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> str:
    """The user whom the token names. Nothing else in a request says whose memory it is about."""
    try:
        token = bearer.credentials if bearer else ""
        required = {"require": ["sub", "exp"]}
        return str(jwt.decode(token, JWT_SECRET, algorithms=["HS256"], options=required)["sub"])
    except jwt.InvalidTokenError as error:
        challenge = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "A valid token is needed.", headers=challenge) from error


def memory_of(request: Request) -> LightMem:
    """The memory of this process."""
    memory: LightMem = request.app.state.memory
    return memory


User = Annotated[str, Depends(signed_user)]
Memory = Annotated[LightMem, Depends(memory_of)]


@app.post("/chat")
async def chat(said: Message, user: User, memory: Memory, request: Request) -> dict[str, str]:
    """Answer with what this session and, from all other ones, the memory knows."""
    recent = list(
        await memory.ashort_term(
            user_id=user, session_id=said.session_id, max_tokens=CONVERSATION_TOKENS
        )
    )
    while recent and recent[-1].role == "user":  # the answer to it failed
        recent.pop()
    conversation = [(turn.role, turn.text) for turn in recent if turn.role != "tool"]
    state = await request.app.state.agent.ainvoke(
        {"messages": [*conversation, ("user", said.text)]},
        {"configurable": {"thread_id": said.session_id}},
        context=Asker(user),
    )
    return {"answer": state["messages"][-1].text}


@app.get("/memory")
async def remembered(user: User, memory: Memory) -> dict[str, Any]:
    """What is remembered of the user: sessions, and the facts that were made of them."""
    sessions = await memory.asessions(user_id=user)
    facts = await memory.afacts(user_id=user)
    known = [
        {"id": fact.id, "statement": fact.statement, "since": fact.valid_from} for fact in facts
    ]
    return {"sessions": sessions, "facts": known}


@app.delete("/memory")
async def forget(user: User, memory: Memory, session_id: str | None = None) -> dict[str, Any]:
    """Erase a session, or all of the user's memory; what was erased, and what remains where."""
    # To purge as well would write the database's tables anew, while everybody else waits.
    return asdict(await memory.aforget(user_id=user, session_id=session_id, purge=False))


@app.get("/health")
async def health(memory: Memory) -> dict[str, str | int]:
    """Whether this process reaches the database."""
    await memory.asessions(user_id="nobody")
    return {"status": "ok", "process": os.getpid()}


@app.exception_handler(LightMemError)
async def refuse(_: Request, error: LightMemError) -> JSONResponse:
    """A request that makes no sense is the caller's fault, all else is worth another try."""
    status = 422 if isinstance(error, (ScopeError, InvalidRequestError)) else 503
    return JSONResponse({"detail": str(error)}, status)
