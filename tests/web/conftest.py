"""Fixtures of the page and the servers: a browser without a screen, signed in; a served memory."""

import os
import shutil
import socket
import threading
from urllib.parse import urlencode

import pytest
import uvicorn
from starlette.testclient import TestClient

from lightmem_integrations import LightMem
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.web.page.app import page
from lightmem_integrations.web.page.session import Session

TOKEN = "token-of-the-tests"
ADDRESS = "http://127.0.0.1:8000"


class Browser(TestClient):
    """Asks as a browser does that shows the page, and sends a form with its proof."""

    def show(self, path, **parameters):
        return self.get(f"{path}?{urlencode(parameters)}" if parameters else path)

    def submit(self, path, *, proof=None, headers=(), **fields):
        given = {"proof": Session(TOKEN).proof if proof is None else proof} | fields
        return self.post(path, data=given, headers={"origin": ADDRESS, **dict(headers)})


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """The memory that a module's tests of a server share; its writer takes "Anne.home = Lisbon"."""
    store = tmp_path_factory.mktemp("served") / "store"
    with LightMem(store, writer=ScriptedWriter()) as memory:
        yield memory


@pytest.fixture(scope="module")
def url(memory):
    """Address of a server over that memory, for Alice and Bob."""
    from served import served  # the page's tests go without its packages

    with served(memory) as url:
        yield url


@pytest.fixture
def browse():
    """Opens the page of a memory, as somebody who has its address unless told otherwise."""

    def browse(memory, *, signed_in=True, read_only=False):
        app = page(memory, token=TOKEN, read_only=read_only)
        browser = Browser(app, base_url=ADDRESS, raise_server_exceptions=False)
        if signed_in:
            assert browser.get("/", params={"token": TOKEN}).status_code == 200
        return browser

    return browse


@pytest.fixture
def page_address():
    """Serves the page of a memory to real browsers; gives its address, without the token."""
    running = []

    def serve(memory):
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(page(memory, token=TOKEN), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running.append((server, thread, listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, thread, listening in running:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def chromium():
    """The Chromium of the distribution; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=as_root)
        yield browser
        browser.close()
