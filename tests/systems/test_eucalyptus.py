"""CLOUD_OPTS is merged, never overwritten."""

from __future__ import annotations

from harness.systems.eucalyptus import MANAGER_OPTION, cloud_opts, with_storage_manager


def test_options_that_are_there_stay() -> None:
    text = 'EUCALYPTUS="/"\nCLOUD_OPTS="--log-level=INFO -Xmx512m"\nHYPERVISOR="kvm"\n'
    merged = with_storage_manager(text)
    assert cloud_opts(merged) == ["--log-level=INFO", "-Xmx512m", MANAGER_OPTION]
    assert merged.splitlines()[0] == 'EUCALYPTUS="/"'
    assert merged.splitlines()[2] == 'HYPERVISOR="kvm"'


def test_another_manager_is_replaced_and_ours_not_repeated() -> None:
    text = 'CLOUD_OPTS="-Dwalrus.storage.manager=FileSystemStorageManager -Xmx1g"\n'
    merged = with_storage_manager(text)
    assert cloud_opts(merged) == ["-Xmx1g", MANAGER_OPTION]
    assert with_storage_manager(merged) == merged


def test_a_comment_is_no_setting() -> None:
    assert cloud_opts('# CLOUD_OPTS="-Xmx512m"\n') == []
    assert with_storage_manager('# CLOUD_OPTS="-Xmx512m"\n').endswith(f'CLOUD_OPTS="{MANAGER_OPTION}"\n')
