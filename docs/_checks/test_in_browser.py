"""The built site in a real browser, at the widths of a telephone and of a screen: `make docs-check`.

Without Chromium and its driver all of it is skipped. SITE is the folder, SCREENSHOTS one for pictures of what was seen.
"""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
SITE = Path(os.environ.get("SITE", Path(__file__).parents[1] / "_build" / "html"))
SCREENSHOTS = os.environ.get("SCREENSHOTS")
CHROMIUM, DRIVER = which("chromium") or which("chromium-browser"), which("chromedriver")
PAGES = {
    "start": "index.html",
    "choose": "choose.html",
    "gallery": "auto_gallery/index.html",
    "example": "auto_gallery/plot_2_best_split.html",
    "api": "api.html",
    "name": "reference/RectifiedMeanEstimator.html",
    "guide": "how_many_labels.html",
    "measured": "benchmarks.html",
}
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --disable-dev-shm-usage"
)
# Also what is cut off; what stands in a box of its own that scrolls is not.
WIDER_THAN_THE_PAGE = """
const width = document.documentElement.clientWidth;
const scrolls = e => e && !e.matches("article, header, body")
  && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
const end = e => e.getBoundingClientRect().right;
const beyond = e => end(e) > width + 1 || (e.matches("code, a") && end(e) > end(e.parentElement.closest("p, li, dd, body")) + 1);
const inside = "article *, header *, body > p, body > p *";
const wide = [...document.querySelectorAll(inside)].filter(e => e.checkVisibility() && beyond(e) && !scrolls(e));
const seen = wide.slice(0, 8).map(e => `${e.tagName}.${e.className}: ${(e.textContent || "").trim().slice(0, 40)}`);
return document.documentElement.scrollWidth > width ? ["the page scrolls", ...seen] : seen;
"""
IMAGES_WITHOUT_PIXELS = """
return [...document.images].filter(e => !(e.complete && e.naturalWidth > 0)).map(e => e.src);
"""
LOADED_FROM_ELSEWHERE = """
return performance.getEntriesByType("resource").map(e => e.name).filter(e => !e.startsWith(location.origin));
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Nothing is printed."""


@pytest.fixture(scope="module")
def address():
    if not (SITE / "index.html").exists():
        pytest.skip(f"{SITE} has no site; `make docs` builds it")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        pytest.skip(
            "Chromium and chromedriver are not here (Debian: apt-get install chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in OPTIONS.split():
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def show(browser, address, width, height=900):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(address)


def keep_picture(browser, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(SCREENSHOTS) / f"{name}.png"))


def errors_told(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def load_all_images(browser):
    """Those as well that load when they come into sight."""
    browser.execute_script("document.querySelectorAll('img').forEach(e => e.loading = 'eager')")
    wait_until(browser, lambda: not browser.execute_script(IMAGES_WITHOUT_PIXELS))


def wait_until(browser, holds):
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.ui import WebDriverWait

    try:
        return WebDriverWait(browser, 20).until(lambda _: holds())
    except TimeoutException:
        return None


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_and_their_figures_load(browser, address, page, width):
    show(browser, f"{address}/{PAGES[page]}", width)
    load_all_images(browser)
    keep_picture(browser, f"{page}-{width}")
    assert browser.execute_script(WIDER_THAN_THE_PAGE) == []
    assert browser.execute_script(IMAGES_WITHOUT_PIXELS) == []
    assert browser.execute_script(LOADED_FROM_ELSEWHERE) == []
    assert errors_told(browser) == []


@pytest.mark.parametrize("page", ["start", "example"])
def test_pages_that_should_show_figures_do(browser, address, page):
    show(browser, f"{address}/{PAGES[page]}", 1280)
    shown = (
        "return [...document.querySelectorAll('article img')].filter(e => e.clientWidth > 200).length"
    )
    assert wait_until(browser, lambda: browser.execute_script(shown)) >= 1


@pytest.mark.parametrize("width", [390, 1280])
def test_search_finds_a_name(browser, address, width):
    show(browser, f"{address}/search.html?q=rectify_mean", width)
    found = (
        "return [...document.querySelectorAll('#search-results a')].map(e => e.getAttribute('href'))"
    )
    addresses = wait_until(browser, lambda: browser.execute_script(found))
    keep_picture(browser, f"search-{width}")
    assert any("reference/rectify_mean.html" in address for address in addresses)
    assert browser.execute_script(WIDER_THAN_THE_PAGE) == []


def test_the_checks_can_fail(browser, tmp_path):
    """On a page that is too wide and has a figure that is not there."""
    page = tmp_path / "wide.html"
    page.write_text(
        "<meta name=viewport content='width=device-width'><p style='width:2000px'>wide<img src=none.png>"
    )
    show(browser, page.as_uri(), 390)
    assert browser.execute_script(WIDER_THAN_THE_PAGE)
    assert browser.execute_script(IMAGES_WITHOUT_PIXELS)
