"""The next version follows from those that exist."""

import pytest

from understudy.errors import UnderstudyError
from understudy.versions import checked, following


@pytest.mark.parametrize(
    ("existing", "bump", "expected"),
    [
        ([], "minor", "1.0.0"),
        (["1.0.0"], "minor", "1.1.0"),
        (["1.9.0", "1.10.0", "1.2.3"], "minor", "1.11.0"),
        (["1.2.3"], "patch", "1.2.4"),
        (["1.2.3"], "major", "2.0.0"),
        (["1.2.3", "2.0.0-rc.1"], "minor", "2.1.0"),
        (["not a version", "1.0.0"], "minor", "1.1.0"),
    ],
)
def test_the_next_version_counts_up_from_the_highest(existing, bump, expected):
    assert following(existing, bump) == expected


@pytest.mark.parametrize("version", ["1.3", "v1.3.0", "1.3.0 ", "01.3.0", "1.3.0\n", "1.3.0-" + "a" * 60, "\uff11.2.3"])
def test_a_version_that_is_not_semantic_is_refused(version):
    with pytest.raises(UnderstudyError, match="is not a semantic version"):
        checked(version)
