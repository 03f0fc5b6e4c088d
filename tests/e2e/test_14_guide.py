"""README and guide lead somewhere: every link names a file and a heading that there are, and every page is named by another."""

import glob
import os
import re

import pytest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PAGES = [os.path.join(TOP, "README.md"), *sorted(glob.glob(os.path.join(TOP, "deploy/guide/*.md")))]
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def without_code(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^```.*?^```", "", file.read(), flags=re.MULTILINE | re.DOTALL)
    return text


def anchors_of(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(path):
    for link in LINK.findall(without_code(path)):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            yield link, os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path, anchor


@pytest.mark.parametrize("page", PAGES, ids=os.path.basename)
def test_every_link_leads_somewhere(page):
    for link, target, anchor in links_of(page):
        assert os.path.exists(target), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_named_by_another():
    named = {target for page in PAGES for _, target, _ in links_of(page) if target != page}

    assert set(PAGES[1:]) <= named
