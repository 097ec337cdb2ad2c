"""The verbs of labs that are worked in by hand: bring one up, look around in it, end it."""

from __future__ import annotations

import os

import click

from harness.labs import catalogue, doctor


@click.group("lab")
def lab_group() -> None:
    """Bring up a lab to work in by hand."""


@lab_group.command("up")
@click.argument("name")
@click.option("--objects", default=60, show_default=True, help="Objects in the store.")
@click.option("--bytes", "size", default=2 * 1024 * 1024, show_default=True, help="Their size together.")
def lab_up(name: str, objects: int, size: int) -> None:
    """Start a lab that stays, and print its inventory."""
    click.echo(f"bringing up the {name} lab: some seconds, on a busy machine some minutes", err=True)
    up = catalogue.up(name, objects, size)
    click.echo(f"run {up.run_id}; inventory: {up.inventory_path}", err=True)
    click.echo(up.inventory_path.read_text(), nl=False)


@lab_group.command("down")
@click.argument("run_id", required=False)
@click.option("--all", "everything", is_flag=True, help="Every lab of ours on this machine.")
def lab_down(run_id: str | None, everything: bool) -> None:
    """End a lab that was brought up; nothing that it did not start is touched."""
    if not everything and not run_id:
        raise click.UsageError("name a run, or say --all")
    for line in catalogue.down(None if everything else run_id):
        click.echo(line)


@lab_group.command("provide")
@click.option("--qemu", is_flag=True, help="What the machines lab needs to run in QEMU instead of User Mode Linux.")
def lab_provide(qemu: bool) -> None:
    """Install what the labs need from Debian's packages, and make their images; as root or by sudo."""
    argv = doctor.provider(qemu)
    os.execv(argv[0], argv)


@lab_group.command("ssh")
@click.argument("run_id")
@click.argument("host")
def lab_ssh(run_id: str, host: str) -> None:
    """Open a shell on a host of a lab."""
    argv = catalogue.shell(run_id, host)
    os.execvp(argv[0], argv)
