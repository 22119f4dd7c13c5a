"""A real JupyterLab and a real Chromium, for the tests and for the latency benchmark."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map((p) => p.textContent)"
# Resolves when a change of the page below `selector` has been painted.
WATCH = """
(selector) => {
  const target = document.querySelector(selector);
  window.pressed = 0;
  window.answers = [];
  let last = null;
  window.addEventListener('keydown', (event) => { window.pressed = event.timeStamp; }, true);
  const painted = (from) => requestAnimationFrame(() => {
    const channel = new MessageChannel();  // its message comes after the frame was painted
    channel.port1.onmessage = () => window.answers.push(performance.now() - from);
    channel.port2.postMessage(0);
  });
  new MutationObserver(() => {
    if (!window.pressed) return;
    const image = target.querySelector('.jp-OutputArea-output img');
    if (target.matches('.jp-Cell') && (!image || image === last)) return;
    last = image;
    const from = window.pressed;
    window.pressed = 0;
    if (image) image.decode().then(() => painted(from), () => painted(from));
    else painted(from);
  }).observe(target, {subtree: true, childList: true, attributes: true, characterData: true});
}
"""


@contextlib.contextmanager
def jupyterlab(folder, scratch, dark=False):
    """JupyterLab of this Python over `folder`, with settings of its own below `scratch`.

    Yields
    ------
    callable
        Turns a notebook's name into the address that opens it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = scratch / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    with open(scratch / "jupyterlab.log", "w") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait_for(f"{base}/api", server, scratch / "jupyterlab.log")
        yield lambda name: f"{base}/doc/tree/{name}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it waits for a kernel that was still starting
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_for(address, server, log):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(address, timeout=5),
        ):
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def chromium(**page_options):
    """A page of a headless Chromium with a fresh profile; ``page.problems`` are its errors."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield lambda **options: new_page(browser, **page_options, **options)
        browser.close()


def new_page(browser, **options):
    page = browser.new_page(**{"viewport": {"width": 1400, "height": 1000}, **options})
    page.problems = []
    page.sent = []  # what goes to the kernel
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "console",
        lambda message: message.type == "error" and page.problems.append(message.text),
    )
    page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: page.sent.append(frame)),
    )
    return page


def run_notebook(page, address):
    """Open a notebook, run all its cells and wait until the last has run."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    for _ in range(6):  # on a busy machine, JupyterLab may forget what it sent to a new kernel
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(1000)
        page.wait_for_function(f"() => !{PROMPTS}.includes('[*]:')", timeout=120_000)
        prompts = page.evaluate(f"() => {PROMPTS}")
        if prompts and "[ ]:" not in prompts:
            return
    raise RuntimeError(f"not all cells have run: {prompts}")


def write_notebook(path, *cells):
    """A notebook of code cells."""
    import nbformat

    v4 = nbformat.v4
    notebook = v4.new_notebook(
        cells=[v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
    )
    nbformat.write(notebook, path)
    return path


def run_and_convert(path, to):
    """What the README says: nbconvert runs a notebook and writes it as HTML (or as a notebook)."""
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", to]
    command += ["--ExecutePreprocessor.store_widget_state=False", str(path)]
    command += ["--inplace"] if to == "notebook" else []
    subprocess.run(command, check=True, capture_output=True)


def answer_times(page, focus, watch, presses):
    """Milliseconds from each key press to the painted picture that answers it."""
    page.evaluate(WATCH, watch)
    page.focus(focus)
    for i in range(presses):
        page.keyboard.press("ArrowRight" if i // 5 % 2 == 0 else "ArrowLeft")
        page.wait_for_function(f"() => window.answers.length >= {i + 1}", timeout=20_000)
        page.wait_for_timeout(60)
    return page.evaluate("() => window.answers")
