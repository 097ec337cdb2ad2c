"""The image of the lab's hosts is keyed by its recipes and built at most once."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.labs import container_image
from harness.labs.container_image import INPUTS, RECIPES, ensure, image_name, inputs_hash
from harness.labs.docker_cleanup import connect


@pytest.fixture
def client(require_lab: Callable[[str], None]) -> Iterator[Any]:
    require_lab("containers")
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RECIPES, tmp_path / "images"))


@pytest.mark.parametrize("changed", INPUTS)
def test_any_change_of_a_recipe_makes_another_image(recipes: Path, changed: str) -> None:
    before = inputs_hash(recipes=recipes)
    (recipes / changed).write_bytes((recipes / changed).read_bytes() + b"\n")
    assert inputs_hash(recipes=recipes) != before


def test_what_is_not_an_input_changes_nothing(recipes: Path) -> None:
    before = inputs_hash(recipes=recipes)
    (recipes / "notes").write_text("x")
    assert inputs_hash(recipes=recipes) == before


def test_every_file_that_the_dockerfile_copies_is_an_input() -> None:
    lines = (RECIPES / "walrus" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ")]
    assert copied
    assert set(copied) <= set(INPUTS)


@pytest.mark.xdist_group("containers")
def test_an_image_that_is_there_is_not_built_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(client)
    monkeypatch.setattr(container_image, "_build", lambda *_: pytest.fail("built a second time"))
    assert ensure(client) == image_name()


@pytest.mark.xdist_group("containers")
def test_the_image_holds_no_key_and_no_fake(client: Any) -> None:
    output = client.containers.run(
        ensure(client),
        entrypoint=["find", "/etc/ssh", "/root/.ssh", "/opt", "-name", "*key*", "-o", "-path", "/opt/*"],
        labels={"walrus-ha": "1"},
        remove=True,
    )
    assert output == b""
