"""cmake --install puts the programs, their manual, completion, schema and examples where a system looks for them."""
import os
import pathlib
import subprocess

EXPECTED = ["sbin/proxyd", "sbin/proxyctl", "share/man/man8/proxyd.8", "share/man/man8/proxyctl.8", "share/man/man5/proxyd.conf.5",
            "share/man/man7/udpserver.7", "share/man/man7/resolving.7", "share/man/man7/proxyd-messages.7",
            "share/bash-completion/completions/proxyctl",
            "share/zsh/site-functions/_proxyctl", "share/proxyd/proxyd.schema.json",
            "share/doc/proxyd/examples/demo.yaml", "share/doc/proxyd/README.md"]


def test_install_puts_every_file_in_its_place(tmp_path):
    build = pathlib.Path(os.environ["PROXYD_BIN"]).parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path], check=True, capture_output=True, timeout=60)
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert not set(EXPECTED) - installed
    manual = {path.name for path in pathlib.Path("man").glob("*.[1-9]")}
    assert manual == {pathlib.PurePath(name).name for name in installed if "/man/" in name}
    checked = subprocess.run([tmp_path / "sbin/proxyd", "-n", "-f", tmp_path / "share/doc/proxyd/examples/demo.yaml"],
                             capture_output=True, text=True, timeout=10, check=False)
    assert checked.returncode == 0, checked.stderr
