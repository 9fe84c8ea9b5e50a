"""From a visitor's send to the operator's page in Chromium: until the message is in its document."""

import asyncio
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace

from playwright.async_api import async_playwright

from tests.bench.center import center, main
from tests.bench.report import Figure, middle, percentile
from tests.bench.scene import Scene, Sent, desks, make_scene, pages, steady

CHATS, OPERATORS, PER_S = 100, 10, 20
# Each tenth message goes to the talk that the page shows.
SHOWN = CHATS // 9
RUNS, SECONDS, WARM_S = 3, 25, 5
# The page notes itself when a message came: its clock is this machine's.
NOTE = """
    window.cxSeen = {};
    const look = (node) => {
        if (node.nodeType !== 1) return;
        for (const el of [node, ...node.querySelectorAll("[data-key]")]) if (el.dataset.key) cxSeen[el.dataset.key] ??= Date.now();
    };
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(look)))
        .observe(document, { childList: true, subtree: true });
"""


def measure() -> Iterable[Figure]:
    with center() as stack:
        runs = asyncio.run(several(make_scene(stack.url, operators=OPERATORS, chats=CHATS)))
    lost = sum(run[1] for run in runs)
    note = f"{RUNS} runs of {SECONDS} s" + (f"; {lost} never came" if lost else "")
    yield Figure("first.deliver_page_p95_ms", middle(run[0] for run in runs), None, note)


async def several(scene: Scene) -> list[tuple[float, int]]:
    shown = scene.chats[0]
    others = replace(scene, cookies={pk: value for pk, value in scene.cookies.items() if pk != shown.operator})
    busy = replace(scene, chats=[*scene.chats, *[shown] * (SHOWN - 1)])
    name, _sep, value = scene.cookies[shown.operator].partition("=")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright, desks(others, lambda _said: None), pages(scene):
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = await browser.new_context(viewport={"width": 1366, "height": 768})
        await context.add_cookies([{"name": name, "value": value, "url": scene.url}])
        page = await context.new_page()
        await page.add_init_script(NOTE)
        await page.goto(f"{scene.url}/desk/s/{shown.session}/")
        await page.get_by_role("log").wait_for()
        runs = []
        for number, seconds in enumerate((WARM_S, *[SECONDS] * RUNS)):
            sent: dict[str, float] = {}

            def note(message: Sent, sent: dict[str, float] = sent) -> None:
                if message.chat is shown:
                    sent[message.key] = time.time() * 1000

            await steady(busy, per_s=PER_S, seconds=seconds, sent=note, seed=number)
            await asyncio.sleep(2)
            seen = await page.evaluate("cxSeen")
            took = [seen[key] - at for key, at in sent.items() if key in seen]
            runs.append((percentile(took, 95), len(sent) - len(took)))
        await browser.close()
    return runs[1:]


if __name__ == "__main__":
    main(measure)
