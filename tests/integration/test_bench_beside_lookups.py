"""What look-ups cost the sessions that need none is measured by bench/beside_lookups.py; here it shows that it works."""
import os
import subprocess

import pytest

from programs import bin_folder, top


@pytest.mark.load
@pytest.mark.seconds(600)
def test_sessions_beside_a_name_server_that_never_answers(long_run):
    """[K-57] 1,000 names are queried and no server answers: no round trip of other sessions is lost. Only the long
    form judges how long they take."""
    arguments = ["--most", "1.2"] if long_run else ["--turns", "1", "--seconds", "2"]
    result = subprocess.run([top / "bench" / "beside_lookups.py", *arguments], capture_output=True, text=True,
                            env={**os.environ, "PROXYD_BIN": str(bin_folder)})
    print("\n" + result.stdout)
    assert result.returncode == 0, result.stderr
