import pytest

from support import Runner


@pytest.fixture
def run(tmp_path):
    """A Runner in a fresh folder."""
    return Runner(tmp_path)
