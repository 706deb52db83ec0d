"""The modules of a viewer are one script, each behind those that it imports, and nothing is left out."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from autoproc.dashboard.viewers.one_script import FOLDERS, NoSuchModule, one_script, script_address


@pytest.fixture
def folder(tmp_path):
    """A function that writes modules by name."""

    def written(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text)
        return tmp_path

    return written


def test_a_module_stands_behind_what_it_imports_and_once(folder):
    script = one_script(
        folder(
            main='import { twice, thrice as three } from "./numbers.js";\nimport { one } from "./one.js";\n',
            numbers='import { one } from "./one.js";\nexport const twice = (x) => x;\nexport function thrice() {}\n',
            one="export class one {}\nconst own = 1;\n",
        )
    )
    assert re.findall(r"const in_(\w+) = ", script) == ["one", "numbers", "main"]
    assert "const { twice, thrice: three } = in_numbers;" in script
    assert "return { twice, thrice };" in script
    assert "return { one };" in script


@pytest.mark.parametrize(
    "text",
    [
        'import other from "./one.js";',
        'import { one } from "../elsewhere/one.js";',
        'import { one } from "https://elsewhere.example/one.js";',
        'const later = await import("./one.js");',
        "export default 1;",
        "export let changing = 1;",
        'import { main } from "./main.js";',
    ],
)
def test_what_cannot_be_in_one_script_is_refused(folder, text):
    with pytest.raises(NoSuchModule):
        one_script(folder(main=f"{text}\n", one="export const one = 1;\n"))


@pytest.mark.parametrize("name", FOLDERS)
def test_every_module_of_a_viewer_is_there(name):
    folder = files("autoproc.dashboard").joinpath("static", name)
    written = {one.name.removesuffix(".js") for one in folder.iterdir() if one.name.endswith(".js")}
    assert set(re.findall(r"^const in_(\w+) = ", one_script(folder), re.MULTILINE)) == written


def test_the_address_is_another_where_the_script_is():
    assert len({script_address(name).partition("=")[2] for name in FOLDERS}) == len(FOLDERS)
