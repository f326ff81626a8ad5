"""For a package index: whole addresses for links and pictures of README.md, URLs for pyproject.

    python tools/addresses.py URL REF

URL is that of the repository, as https://host/owner/name; REF a tag or a branch. It changes the two
files in place: for a checkout that is built and thrown away.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^)\s]+)\)")


def with_addresses(text: str, url: str, ref: str) -> str:
    """Links that are relative become those of files at `ref`, pictures those of their bytes."""

    def whole(link: re.Match[str]) -> str:
        picture, words, path = link.groups()
        return f"{picture}[{words}]({url}/{'raw' if picture else 'blob'}/{ref}/{path})"

    return LINK.sub(whole, text)


def with_urls(text: str, url: str, ref: str) -> str:
    """pyproject.toml with its [project.urls]."""
    urls = {
        "Repository": url,
        "Documentation": f"{url}/blob/{ref}/docs/guide.md",
        "Changelog": f"{url}/blob/{ref}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }
    rows = "".join(f'{name} = "{address}"\n' for name, address in urls.items())
    return text.rstrip("\n") + f"\n\n[project.urls]\n{rows}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or not re.fullmatch(r"https://[\w.-]+(/[\w.~-]+)+", arguments[0]):
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    for name, change in (("README.md", with_addresses), ("pyproject.toml", with_urls)):
        path = ROOT / name
        path.write_text(change(path.read_text(encoding="utf-8"), *arguments), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
