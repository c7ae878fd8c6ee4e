"""Where keys come from, in which order, and which files may not hold one."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from kubectl_gitops.envelope import new_key
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.settings import Target, load_keys, read_passphrase, write_key_file
from kubectl_gitops.settings import keys as keys_module

FLAG, FILE, TEXT, COMMAND, OWN = (f"a key, long enough, number {n} of five" for n in range(5))
TARGET = Target("shop", "/srv/x.git")

posix = pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")


def key_file(path: Path, content: str, mode: int = 0o600) -> str:
    path.write_bytes(content.encode())
    path.chmod(mode)
    return str(path)


def refusal(environ: dict[str, str]) -> GitopsError:
    with pytest.raises(GitopsError) as raised:
        load_keys(TARGET, environ)
    return raised.value


def test_the_first_source_that_is_named_is_the_one(tmp_path: Path) -> None:
    flag = key_file(tmp_path / "flag", FLAG)
    printed = key_file(tmp_path / "printed", COMMAND)
    target = Target("shop", "/srv/x.git", key_file=key_file(tmp_path / "own", OWN))
    environ = {
        "KUBECTL_GITOPS_KEY_FILE": key_file(tmp_path / "file", FILE),
        "KUBECTL_GITOPS_KEY": TEXT,
        "KUBECTL_GITOPS_KEY_CMD": f"cat '{printed}'",
    }
    assert load_keys(target, environ, key_file=flag) == (FLAG,)
    assert load_keys(target, environ) == (FILE,)
    del environ["KUBECTL_GITOPS_KEY_FILE"]
    assert load_keys(target, environ) == (TEXT,)
    del environ["KUBECTL_GITOPS_KEY"]
    assert load_keys(target, environ) == (COMMAND,)
    del environ["KUBECTL_GITOPS_KEY_CMD"]
    assert load_keys(target, environ) == (OWN,)
    assert load_keys(TARGET, environ) == ()


def test_an_empty_variable_names_no_source() -> None:
    environ = {
        "KUBECTL_GITOPS_KEY": "",
        "KUBECTL_GITOPS_KEY_FILE": "",
        "KUBECTL_GITOPS_KEY_CMD": "",
    }
    assert load_keys(TARGET, environ) == ()


def test_a_file_holds_one_key_a_line_the_sealing_one_first(tmp_path: Path) -> None:
    for content in (f"{FLAG}\n{FILE}\n", f"{FLAG}\n{FILE}", f"{FLAG}\r\n{FILE}\r\n"):
        assert load_keys(TARGET, {}, key_file=key_file(tmp_path / "k", content)) == (FLAG, FILE)


def test_exactly_one_trailing_newline_is_not_part_of_the_key(tmp_path: Path) -> None:
    padded = f"  {FLAG}\t "
    assert load_keys(TARGET, {"KUBECTL_GITOPS_KEY": f"{padded}\n"}) == (padded,)
    error = refusal({"KUBECTL_GITOPS_KEY": f"{FLAG}\n\n"})
    assert error.message == (
        "KUBECTL_GITOPS_KEY: line 2: the key has 0 characters, it needs at least 24"
    )


def test_a_refused_key_is_named_by_its_source_and_never_shown(tmp_path: Path) -> None:
    file = key_file(tmp_path / "k", f"{FLAG}\nhunter2\n")
    error = refusal({"KUBECTL_GITOPS_KEY_FILE": file})
    assert error.message == f"{file}: line 2: the key has 7 characters, it needs at least 24"
    assert error.hints == ("kubectl gitops secret keygen --out FILE",)


def test_the_home_directory_may_be_written_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    key_file(tmp_path / "k", FLAG)
    assert load_keys(TARGET, {}, key_file="~/k") == (FLAG,)


# --- files that may not hold a key ----------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o440, 0o444, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path / "k", FLAG, mode)
    error = refusal({"KUBECTL_GITOPS_KEY_FILE": file})
    assert (error.message, error.hints) == (f"{file} can be read by others", (f"chmod 600 {file}",))


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert load_keys(TARGET, {}, key_file=key_file(tmp_path / "k", FLAG, mode)) == (FLAG,)


@posix
def test_a_mounted_secret_may_be_read_by_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A projected volume: mode 0440, on a file system that is mounted read-only, behind links."""
    mounted = os.statvfs(tmp_path)

    class ReadOnly:
        f_flag = mounted.f_flag | os.ST_RDONLY

    key_file(tmp_path / "..data", FLAG, 0o440)
    (tmp_path / "k").symlink_to("..data")
    monkeypatch.setattr("os.fstatvfs", lambda handle: ReadOnly)
    assert load_keys(TARGET, {}, key_file=str(tmp_path / "k")) == (FLAG,)
    (tmp_path / "..data").chmod(0o444)
    with pytest.raises(GitopsError, match="can be read by others"):
        load_keys(TARGET, {}, key_file=str(tmp_path / "k"))


@posix
def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = key_file(tmp_path / "k", FLAG)
    owner = (tmp_path / "k").stat().st_uid
    if owner == 0:
        os.chown(file, 12345, -1)
    else:
        monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    assert refusal({"KUBECTL_GITOPS_KEY_FILE": file}).message == f"{file} belongs to another user"


@posix
def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "k", 0o600)
    error = refusal({"KUBECTL_GITOPS_KEY_FILE": str(tmp_path / "k")})
    assert error.message == f"{tmp_path / 'k'} is not a file that can hold a key"


@posix
def test_a_directory_is_refused(tmp_path: Path) -> None:
    error = refusal({"KUBECTL_GITOPS_KEY_FILE": str(tmp_path)})
    assert error.message == f"{tmp_path} is not a file that can hold a key"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    file = key_file(tmp_path / "k", "x" * (64 * 1024 + 1))
    assert refusal({"KUBECTL_GITOPS_KEY_FILE": file}).message == (
        f"{file} is longer than 64 KiB: it holds no keys"
    )


def test_a_missing_or_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    missing = str(tmp_path / "none\x1b")
    assert refusal({"KUBECTL_GITOPS_KEY_FILE": missing}).message == (
        f"cannot read {tmp_path}/none\\x1b: no such file or directory"
    )
    (tmp_path / "k").write_bytes(b"\xff" * 40)
    (tmp_path / "k").chmod(0o600)
    assert refusal({"KUBECTL_GITOPS_KEY_FILE": str(tmp_path / "k")}).message == (
        f"{tmp_path / 'k'} is not UTF-8"
    )


# --- the command ----------------------------------------------------------------------------


def test_the_command_is_run_once_in_a_process_and_by_no_shell(tmp_path: Path) -> None:
    script = tmp_path / "print key.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write('x'); print({COMMAND!r})")
    environ = {"KUBECTL_GITOPS_KEY_CMD": f"'{sys.executable}' '{script}' '; touch {tmp_path}/no'"}
    assert load_keys(TARGET, environ) == (COMMAND,)
    assert load_keys(TARGET, environ) == (COMMAND,)
    assert (tmp_path / "ran").read_text() == "x"
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/none/such --x", "cannot run the key command /none/such: no such file or directory"),
        ("'", "KUBECTL_GITOPS_KEY_CMD: no closing quotation"),
        ("  ", "KUBECTL_GITOPS_KEY_CMD names no command"),
        (
            "PYTHON -c 'import sys; sys.exit(\"hunter2\")'",
            "the key command PYTHON ended with 1",
        ),
        (
            "PYTHON -c 'import os; os.write(1, bytes([255]))'",
            "the key command PYTHON printed no text",
        ),
        (
            "PYTHON -c 'print(\"hunter2\")'",
            "KUBECTL_GITOPS_KEY_CMD: the key has 7 characters, it needs at least 24",
        ),
    ],
)
def test_a_command_that_gives_no_key_is_an_error_without_its_output(
    command: str, message: str
) -> None:
    environ = {"KUBECTL_GITOPS_KEY_CMD": command.replace("PYTHON", sys.executable)}
    assert refusal(environ).message.replace(sys.executable, "PYTHON") == message


def test_a_command_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when a child of it keeps the pipe open."""
    monkeypatch.setattr(keys_module, "_COMMAND_SECONDS", 0.2)
    child = "import subprocess, sys; subprocess.Popen(['sleep', '5']).wait()"
    environ = {"KUBECTL_GITOPS_KEY_CMD": f'{sys.executable} -c "{child}"'}
    start = time.monotonic()
    assert refusal(environ).message == f"the key command {sys.executable} said nothing for 0 s"
    assert time.monotonic() - start < 3


# --- the predecessor's passphrase -----------------------------------------------------------


def test_a_passphrase_comes_from_the_same_sources_and_knows_no_policy(tmp_path: Path) -> None:
    file = key_file(tmp_path / "k", "short one\r\n")
    assert read_passphrase({"KUBECTL_GITOPS_KEY": "a\nb"}) == "a\nb"
    assert read_passphrase({"KUBECTL_GITOPS_KEY": "a"}, key_file=file) == "short one"
    with pytest.raises(GitopsError, match="no passphrase is given"):
        read_passphrase({})


# --- a new key ------------------------------------------------------------------------------


def test_a_new_key_is_for_its_owner_only_and_never_over_an_old_one(tmp_path: Path) -> None:
    file, key = tmp_path / "k", new_key()
    write_key_file(file, key)
    assert file.read_text() == f"{key}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_keys(TARGET, {}, key_file=str(file)) == (key,)
    with pytest.raises(GitopsError) as raised:
        write_key_file(file, new_key())
    assert raised.value.message == f"{file} is there already; a key is never replaced"
    assert file.read_text() == f"{key}\n"


def test_a_link_is_not_followed_to_write_a_key(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GitopsError, match="is there already"):
        write_key_file(tmp_path / "link", new_key())
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_directory_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(GitopsError) as raised:
        write_key_file(tmp_path / "a" / "k", new_key())
    assert raised.value.message == f"cannot write {tmp_path}/a/k: no such file or directory"
    assert raised.value.hints == (f"mkdir -p -m 700 {tmp_path}/a",)
    (tmp_path / "file").write_text("")
    with pytest.raises(GitopsError) as raised:
        write_key_file(tmp_path / "file" / "k", new_key())
    assert raised.value.hints == ()
