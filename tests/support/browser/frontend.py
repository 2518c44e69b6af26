"""ComfyUI's real frontend in a real browser, driven as a person would."""

from __future__ import annotations

import base64
import mimetypes
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, TimeoutError, sync_playwright
from steer.tests.support.browser.layout import LACKS_MODEL

READY = "window.app && window.app.graph && window.app.extensionManager"
# The pictures of a node lie in n.imgs, or, where nodes are elements of the page (Nodes 2.0), in its element.
LOADED = """() => app.graph._nodes.filter(n => !n.flags.collapsed && (app.nodeOutputs[n.id]?.images || []).length)
    .every(n => {
        const element = document.querySelector(`[data-node-id="${n.id}"]`);
        const pictures = element ? [...element.querySelectorAll('img')] : n.imgs || [];
        return pictures.length && pictures.every(i => i.complete); })"""
TOAST = ".p-toast-message, [data-testid=toast]"  # the second in newer frontends
# Toasts go away by themselves: whatever appears is noted.
WATCH_TOASTS = """selector => { window.steerToasts = [];
    new MutationObserver(records => {
        for (const node of records.flatMap(r => [...r.addedNodes]).filter(n => n.nodeType === 1))
            for (const toast of [node, ...node.querySelectorAll(selector)])
                if (toast.matches(selector)) window.steerToasts.push(toast);
    }).observe(document.body, {childList: true, subtree: true}); }"""
CLOSE_TOASTS = """() => { const toast = app.extensionManager.toast;
    toast.removeAll ? toast.removeAll() : toast.dismissAll(); }"""
# Nodes that reach over the edge of the group whose inside they begin in, by more than some pixels.
OVERFLOWING = """() => app.graph._groups.flatMap(group => app.graph._nodes.filter(node => {
    const [left, top] = group.pos, [width, height] = group.size, [x, y] = node.pos;
    if (node.flags.collapsed || x < left || x > left + width || y < top || y > top + height) return false;
    return x + node.size[0] > left + width + 4 || y + node.size[1] > top + height + 4;
}).map(node => `${node.title} in ${group.title}`))"""
OPEN = """async graph => {
    Math.random = () => 0;
    const options = {showMissingNodesDialog: false, showMissingModelsDialog: false};
    try { await app.loadGraphData(graph, true, false, null, options); } catch (error) { return String(error); }
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return ""; }"""
DRAW = """async () => { for (const _ of [0, 1]) {
    app.canvas.setDirty(true, true);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); } }"""
UNKNOWN = (
    f"() => {{ {LACKS_MODEL}"
    + """
    return app.graph._nodes.filter(n => n.has_errors && !lacksModel(n) || !n.constructor.nodeData
        && !['MarkdownNote', 'Note'].includes(n.type)).map(n => n.type); }"""
)
# A Sweep Graph puts jobs into the queue, each before the one before it has ended.
IDLE = """async () => {
    const {queue_running, queue_pending} = await (await app.api.fetchApi('/queue')).json();
    return !queue_running.length && !queue_pending.length; }"""
SHOWN = "id => Object.fromEntries(app.graph.getNodeById(id).widgets.map(widget => [widget.name, widget.value]))"
# Downloads go nowhere, and their addresses are noted.
CATCH_DOWNLOADS = """() => { window.steerDownloads = [];
    window.open = url => { window.steerDownloads.push(String(url)); return null; };
    HTMLAnchorElement.prototype.click = function () { window.steerDownloads.push(this.href); }; }"""
# The background flags keep the browser from calling its maker's hosts; a test reaches this machine only.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SEARCH_BOX = ".comfy-vue-node-search-container input, input[role=combobox]"
DOUBLE_CLICKS = 4
SCROLLS = 50  # of a page, in steps of 1000 pixels


@contextmanager
def browser_page(executable: str, width: int = 1280, height: int = 800) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=ARGUMENTS)
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()


class Frontend:
    """One ComfyUI tab. `said` collects every alert, toast and dialog that appeared on the way."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("dialog", self._alert)
        page.goto(url)
        page.wait_for_function(READY, timeout=60_000)
        page.evaluate(WATCH_TOASTS, TOAST)

    def _alert(self, dialog: Any) -> None:
        self.said.append(f"alert: {dialog.message}")
        dialog.dismiss()

    def open_template(self, pack: str, name: str, others: Collection[str] = ()) -> None:
        """Pick `name` from the pack's page of the template browser and wait until its graph is there.

        others: names that the page must show too. The browser draws more of them only as one scrolls down.

        Raises:
            LookupError: the page ends before it has shown a name.
        """
        self.page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
        dialog = self.page.get_by_role("dialog").filter(has=self.page.get_by_text(pack, exact=True)).first
        category = dialog.get_by_text(pack, exact=True).first
        category.scroll_into_view_if_needed()
        category.click()
        dialog.hover()  # the wheel turns what lies below the mouse
        for _ in range(SCROLLS):
            missing = {name, *others} - {*dialog.inner_text().split("\n")}
            if not missing:
                break
            self.page.mouse.wheel(0, 1000)
            self.page.wait_for_timeout(100)
        else:
            raise LookupError(f"the page of {pack} lacks {', '.join(sorted(missing))}")
        dialog.get_by_text(name, exact=True).first.click()
        dialog.wait_for(state="hidden", timeout=30_000)
        self._settle()

    def open_file(self, path: Path) -> None:
        """Open a workflow file as if it was dropped into the window."""
        self.drop(path.name, path.read_bytes())
        self._settle()

    @property
    def version(self) -> str:
        """Of the frontend, such as "1.32.9"."""
        return str(self.page.evaluate("window.__COMFYUI_FRONTEND_VERSION__"))

    @property
    def is_older(self) -> bool:
        """Whether this is a frontend before the search box was made anew (1.45 has the new one)."""
        return self.page.locator(".comfy-vue-node-search-container input").count() > 0

    def clear(self) -> None:
        """Empty the canvas of a new tab, once the workflow that ComfyUI opens by itself is there: it may come late."""
        self.page.wait_for_function("app.graph._nodes.length > 0")
        self.page.evaluate("app.graph.clear()")

    def add_by_search(self, words: str) -> None:
        """Add the first hit of the search box to an empty canvas."""
        self.clear()
        self.page.evaluate("app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
        self._take_first_hit(words)
        self._listen()

    def add_by_double_click(self, words: str) -> None:
        """Double click an empty place, as a person does, and add the first hit."""
        box = self.page.locator(SEARCH_BOX).first
        for _ in range(DOUBLE_CLICKS):  # a tab that has just been opened may not listen yet
            self.page.mouse.dblclick(640, 420)
            try:
                box.wait_for(timeout=5_000)
                break
            except TimeoutError:
                continue
        self._take_first_hit(words)

    def _take_first_hit(self, words: str) -> None:
        """Type into the search box that opens, and put its first hit on the canvas."""
        number = self.page.evaluate("app.graph._nodes.length")
        self.page.locator(SEARCH_BOX).first.wait_for()
        hangs_on_the_cursor = not self.is_older
        self.page.wait_for_timeout(700 if hangs_on_the_cursor else 300)  # it comes in without the keyboard
        self.page.keyboard.type(words)
        self.page.wait_for_timeout(900)  # it waits for a pause
        if hangs_on_the_cursor:
            self.page.get_by_test_id("result-item").first.wait_for()
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(f"app.graph._nodes.length === {number + 1}")
        if hangs_on_the_cursor:
            self.page.wait_for_timeout(1000)
            self.page.mouse.click(600, 500)
            self.page.wait_for_timeout(500)

    def _settle(self) -> None:
        self.page.wait_for_function("app.graph && app.graph._nodes.length > 0", timeout=30_000)
        self.page.wait_for_timeout(500)  # the view is fitted and late toasts appear
        self._listen()

    def _listen(self) -> None:
        toasts = self.page.evaluate("window.steerToasts.splice(0).map(toast => toast.textContent)")
        self.said += [f"toast: {text}" for text in toasts]
        self.said += [f"dialog: {text[:300]}" for text in self.page.get_by_role("dialog").all_inner_texts()]

    def forget_toasts(self) -> None:
        """Close the toasts that are there and forget what was said. They take a moment to go."""
        self.page.evaluate(CLOSE_TOASTS)
        self.page.locator(TOAST).first.wait_for(state="detached")
        self.page.wait_for_timeout(300)
        self.page.evaluate("window.steerToasts.length = 0")
        self.said.clear()

    def missing_models(self) -> list[tuple[str, str]]:
        """What the missing-model dialog offers to download, as ("folder / file", address); closes the dialog.

        Newer frontends have a panel in its place.
        """
        dialog = self.page.get_by_role("dialog").filter(has_text="Missing Models")
        panel = self.page.get_by_text(re.compile("Show missing models|View details"))
        dialog.or_(panel).first.wait_for(timeout=30_000)
        if panel.is_visible():
            panel.click()
            return self._offers_of_panel()
        offers = dialog.locator("button[title^=http]")
        self.page.wait_for_timeout(200)
        assert all(button.is_enabled() for button in offers.all()), dialog.inner_text()
        entries = dialog.locator("span[title^=http]").all()
        found = [(entry.inner_text(), entry.get_attribute("title") or "") for entry in entries]
        assert [url for _, url in found] == [button.get_attribute("title") for button in offers.all()]
        self.page.keyboard.press("Escape")
        dialog.wait_for(state="hidden", timeout=30_000)
        return found

    def _offers_of_panel(self) -> list[tuple[str, str]]:
        section = self.page.get_by_test_id("error-group-missing-model")
        section.wait_for()
        self.page.evaluate(CATCH_DOWNLOADS)
        found = []
        lines = section.inner_text().split("\n")
        for button in section.get_by_test_id("missing-model-download").all():
            button.click()
            name = (button.get_attribute("aria-label") or "").removeprefix("Download ")
            # The folder follows the name, or stands over all names of that folder.
            place = next(number for number, line in enumerate(lines) if line.startswith(name))
            above = [line.split(" (")[0] for line in lines[:place] if re.fullmatch(r"\w+ \(\d+\)", line)]
            folder = above[-1] if above else lines[place + 1]
            found.append((f"{folder} / {name}", self.page.evaluate("window.steerDownloads.pop()")))
        return found

    def open(self, graph: dict[str, Any]) -> str:
        """Open a workflow as if it was loaded from a file; returns what went wrong, or nothing."""
        return self.page.evaluate(OPEN, graph)

    def fit_view(self) -> None:
        """Show the whole graph: what is out of sight is not drawn."""
        self.page.evaluate(DRAW)  # a node that was moved says its new place only once it is drawn
        self.page.evaluate("app.extensionManager.command.execute('Comfy.Canvas.FitView')")
        self.page.wait_for_timeout(500)

    def prompt_or_fault(self) -> dict[str, Any] | str:
        """The API prompt that Run would send, or why there is none."""
        return self.page.evaluate("app.graphToPrompt().then(p => p.output, error => String(error))")

    def graph(self) -> dict[str, Any]:
        """The graph as the frontend would save it."""
        return self.page.evaluate("app.graph.serialize()")

    def shown_values(self, node: int) -> dict[str, Any]:
        """What the widgets of a node show, by name."""
        return self.page.evaluate(SHOWN, node)

    def prompt(self) -> dict[str, Any]:
        """The API prompt that Run would send, but for the packs of nodes, which newer frontends note."""
        prompt = self.page.evaluate("app.graphToPrompt().then(p => p.output)")
        return {i: {**node, "_meta": {"title": node["_meta"]["title"]}} for i, node in prompt.items()}

    def drop(self, name: str, content: bytes) -> None:
        """Open a picture or a workflow as if it was dropped into the window."""
        self.page.evaluate(
            """([name, text, type]) => { const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
                return app.handleFile(new File([bytes], name, {type})); }""",
            [name, base64.b64encode(content).decode(), mimetypes.guess_type(name)[0]],
        )
        self.page.wait_for_timeout(300)

    def overflowing(self) -> list[str]:
        """Nodes that have grown out of their group."""
        return self.page.evaluate(OVERFLOWING)

    def unknown_nodes(self) -> list[str]:
        """Nodes that are not known, or red, but for loaders whose model is not there.

        Newer frontends make the subgraph around such a loader red, too.
        """
        return self.page.evaluate(UNKNOWN)

    def run(self, timeout_s: float = 300) -> list[dict[str, Any]]:
        """Press Run and wait for the end, also of the jobs that follow; returns the pictures that the nodes show."""
        self.page.evaluate(
            """() => { window.steerEnds = [];
                for (const kind of ['execution_success', 'execution_error', 'execution_interrupted'])
                    app.api.addEventListener(kind, event => { window.steerEnds.push([kind, event.detail]); }); }"""
        )
        self.page.get_by_role("button", name="Run", exact=True).first.click()
        self.page.wait_for_function("window.steerEnds.length > 0", timeout=timeout_s * 1000)
        end = time.monotonic() + timeout_s
        while not self.page.evaluate(IDLE):  # wait_for_function takes the promise of an async function for true
            assert time.monotonic() < end, f"jobs still wait after {timeout_s:.0f} s"
            self.page.wait_for_timeout(250)
        self.page.wait_for_function(LOADED, timeout=30_000)
        self.page.wait_for_timeout(1000)  # pictures are drawn, late toasts appear
        self._listen()
        for kind, detail in self.page.evaluate("window.steerEnds"):
            assert kind == "execution_success", detail
        return self.page.evaluate("Object.values(app.nodeOutputs).flatMap(o => o.images || [])")

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
