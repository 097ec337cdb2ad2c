"""The machines' image belongs to the content of its recipes, and what is missing to use it is named with its remedy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.errors import LabUnavailable
from harness.labs import machine_image, uml


def kernel(monkeypatch: pytest.MonkeyPatch, state: Path, version: str) -> None:
    """The youngest kernel that was brought to this machine has this version."""
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    (uml.kernels_directory() / f"{uml.PREFIX}{version}" / "modules" / version).mkdir(parents=True)


@pytest.mark.parametrize("name", [*machine_image.INPUTS, *machine_image.SHARED_INPUTS])
def test_the_hash_changes_with_each_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, tmp_path, "6.1.0")
    recipes = tmp_path / "images"
    shutil.copytree(machine_image.RECIPES, recipes)
    before = machine_image.inputs_hash(recipes)
    with (recipes / name).open("a") as file:
        file.write("\n")
    assert machine_image.inputs_hash(recipes) != before


def test_the_hash_changes_with_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, tmp_path, "6.1.9")
    before = machine_image.inputs_hash()
    kernel(monkeypatch, tmp_path, "6.1.10")
    assert machine_image.inputs_hash() != before


def test_whoever_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert any("root" in lack for lack in machine_image.lacks())


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    monkeypatch.setenv(uml.VARIABLE, uml.OF_THE_RELEASE)
    lacks = machine_image.lacks()
    assert "a kernel with modules of Debian's package user-mode-linux: make labs" in lacks
    assert "nc of Debian's package netcat-openbsd: make labs" in lacks


def test_the_youngest_kernel_that_was_brought_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("7.2", "10.0", "9.9"):
        kernel(monkeypatch, tmp_path, version)
    assert uml.installed().of_its_version().name == "10.0"
    assert uml.installed().directory == uml.kernels_directory() / "uml-10.0"


def test_the_releases_own_kernel_is_taken_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, tmp_path, "7.2")
    monkeypatch.setenv(uml.VARIABLE, uml.OF_THE_RELEASE)
    monkeypatch.setattr(uml, "SYSTEM_MODULES", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    assert uml.installed() == uml.UserModeLinux((uml.LINUX,), tmp_path)


def test_a_machine_without_any_kernel_says_what_brings_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(LabUnavailable, match="user-mode-linux: make labs"):
        uml.installed()
