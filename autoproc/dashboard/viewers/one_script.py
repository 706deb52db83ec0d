"""The modules of a viewer as one script: a browser that fetches thirty of them waits for each, six at a time.

The modules stay as they are written, each in a function of its own, in an order in which each stands behind those that
it imports. What they may import and export is no more than ours do, and anything else is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autoproc.dashboard.viewers.image_request import FOR_EVER, packed

FOLDERS = ("image", "lattice")
"""Of static/: each has a main.js, with which its page begins."""
IMPORT = re.compile(r'^import \{ ([^}]+) \} from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
OTHERS = re.compile(r"^(?:import|export)\b.*|\bimport\(.*|\bimport\.meta\b.*", re.MULTILINE)


class NoSuchModule(ValueError):
    """A module imports or exports in another way, or modules import each other in a circle."""


def one_script(folder: Traversable) -> str:
    """What main.js in a folder begins, with all that it imports. Raises NoSuchModule."""
    written: dict[str, str] = {}
    _write(folder, "main", written, ())
    return "".join(written.values())


def _write(folder: Traversable, name: str, written: dict[str, str], above: tuple[str, ...]) -> None:
    """Write a module behind those that it imports; above : those that import it."""
    if name in above:
        raise NoSuchModule(f"modules import each other: {' '.join((*above, name))}")
    if name in written:
        return
    text = folder.joinpath(f"{name}.js").read_text()
    for module in IMPORT.finditer(text):
        _write(folder, module[2], written, (*above, name))
    exported = EXPORT.findall(text)
    body = EXPORT.sub("", IMPORT.sub(_taken, text))
    if other := OTHERS.search(body):
        raise NoSuchModule(f"{name}.js: {other[0]}")
    written[name] = f"const in_{name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def _taken(module: re.Match[str]) -> str:
    return f"const {{ {module[1].replace(' as ', ': ')} }} = in_{module[2]};"


@lru_cache(maxsize=len(FOLDERS))
def _script(name: str) -> bytes:
    return one_script(files("autoproc.dashboard").joinpath("static", name)).encode()


def script_address(name: str) -> str:
    """Where browsers get the script of one of FOLDERS; another where the script is another, so that they keep it."""
    return f"/static/{name}.js?v={hashlib.blake2b(_script(name), digest_size=6).hexdigest()}"


def _answering(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return packed(request, _script(name), "text/javascript", FOR_EVER)

    return answer


routes = [Route(f"/static/{name}.js", _answering(name)) for name in FOLDERS]
