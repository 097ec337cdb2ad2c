"""The machines' image belongs to the content of its recipes, and what is missing to use it is named with its remedy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.labs import machine_image


@pytest.mark.parametrize("name", [*machine_image.INPUTS, *machine_image.SHARED_INPUTS])
def test_the_hash_changes_with_each_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_image, "MODULES", tmp_path / "modules")
    (tmp_path / "modules" / "6.1.0").mkdir(parents=True)
    recipes = tmp_path / "images"
    shutil.copytree(machine_image.RECIPES, recipes)
    before = machine_image.inputs_hash(recipes)
    with (recipes / name).open("a") as file:
        file.write("\n")
    assert machine_image.inputs_hash(recipes) != before


def test_the_hash_changes_with_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_image, "MODULES", tmp_path)
    (tmp_path / "6.1.0").mkdir()
    before = machine_image.inputs_hash()
    (tmp_path / "6.1.1").mkdir()
    assert machine_image.inputs_hash() != before


def test_whoever_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert any("root" in lack for lack in machine_image.lacks())


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    lacks = machine_image.lacks()
    assert "linux.uml of Debian's package user-mode-linux: make labs" in lacks
    assert "nc of Debian's package netcat-openbsd: make labs" in lacks
