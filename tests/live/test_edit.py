"""`edit`: a person's editor on the branch's own text, and nothing that they wrote is lost.

The editors are shell scripts; each gets the file as its last argument, as a real one does.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git import git
from tests.place import Place
from tests.program import Run

SETTINGS = """\
# the shop's settings
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: red   # since May
  title: Shop
"""
SECRET = """\
# the database
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-hunter2
  user: shop
"""
Edit = Callable[..., Run]


@pytest.fixture
def edit(place: Place, tmp_path: Path) -> Edit:
    """`edit NAME` with an editor that runs shell commands on `$file`; `$turn` counts its calls."""
    script = tmp_path / "ed itor"
    turns = tmp_path / "turns"

    def edited(name: str, commands: str, *flags: str, exit: int = 0) -> Run:
        turns.write_text("")
        script.write_text(
            f'#!/bin/sh -e\necho >> {turns}\nturn=$(wc -l < {turns})\nfile="$2"\n{commands}\n'
        )
        script.chmod(0o755)
        env = {"KUBE_EDITOR": f"{shlex.quote(str(script))} --wait", "TMPDIR": str(tmp_path)}
        return place.gitops("edit", name, *flags, exit=exit, env=env)

    return edited


def test_only_what_was_edited_changes(place: Place, edit: Edit) -> None:
    place.apply(SETTINGS)
    ((path, before),) = place.files().items()
    run = edit("cm/settings", 'sed -i s/red/blue/ "$file"', "-m", "blue sells")
    assert (run.stdout, run.stderr) == ("configmap/settings edited\n", place.committed)
    assert place.files() == {path: before.replace("red", "blue")}
    assert place.live("cm/settings")["data"]["colour"] == "blue"
    assert place.message().startswith(
        f"edit configmap/{place.namespace}/settings: blue sells\n\nblue sells\n\n"
        "Gitops-Operation: edit\n"
    )


def test_saved_as_it_was_or_empty_nothing_happens(place: Place, edit: Edit) -> None:
    place.apply(SETTINGS)
    before = place.state()
    assert edit("cm/settings", "true").stderr == "Edit cancelled, no changes made.\n"
    assert edit("cm/settings", ': > "$file"').stderr == "Edit cancelled, saved file was empty.\n"
    assert edit("cm/settings", 'rm "$file"').stderr == "Edit cancelled, saved file was empty.\n"
    assert place.state() == before


def test_bad_yaml_is_shown_again_with_the_reason_on_top(place: Place, edit: Edit) -> None:
    place.apply(SETTINGS)
    commands = """
        if [ $turn = 1 ]; then sed -i 's/red/"blue/' "$file"; fi
        if [ $turn = 2 ]; then
            head -n 2 "$file" | grep -q '^#| error: broken YAML in the edited text, line '
            grep -q 'colour: "blue' "$file"
            sed -i 's/name: settings/name: other/; s/"blue/blue/' "$file"
        fi
        if [ $turn = 3 ]; then
            grep -q '^#| error: the edited text is configmap/.*other, not configmap' "$file"
            sed -i 's/name: other/name: settings\\n  finalizers: [1]/' "$file"
        fi
        if [ $turn = 4 ]; then
            grep -q '^#| error: configmap/.*settings' "$file"
            sed -i '/finalizers/d' "$file"
        fi
    """
    run = edit("cm/settings", commands)
    assert run.stdout == "configmap/settings edited\n"
    assert place.live("cm/settings")["data"]["colour"] == "blue"
    (text,) = place.files().values()
    assert "#|" not in text


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ("""sed -i 's/red/"blue/' "$file" """, "the edited text"),
        ("""sed -i 's/red/blue/' "$file"; exit 3""", "the editor .* ended with 3"),
        (
            """sed -i 's/red/blue/' "$file"; printf -- '---\\na: 1\\n' >> "$file" """,
            "holds 2 resources",
        ),
        ("""sed -i 's/red/{a: blue}/' "$file" """, "configmap/.*settings: "),
    ],
)
def test_what_was_written_in_vain_is_kept(
    place: Place, edit: Edit, commands: str, said: str
) -> None:
    place.apply(SETTINGS)
    before = place.state()
    run = edit("cm/settings", f"if [ $turn = 1 ]; then {commands}; fi", exit=1)
    assert re.search(said, run.stderr)
    kept = re.search("what you wrote is in (.*)\n", run.stderr)
    assert kept
    assert "blue" in Path(kept[1]).read_text()
    assert Path(kept[1]).stat().st_mode & 0o77 == 0
    assert Path(kept[1]).parent.stat().st_mode & 0o77 == 0
    assert place.state() == before


def test_a_resource_that_is_not_recorded_is_not_edited(place: Place, edit: Edit) -> None:
    place.kubectl("create", "cm", "other")
    run = edit("cm/other", "exit 9", exit=1)
    assert run.stderr == (
        f"error: the branch has no configmap/{place.namespace}/other\n"
        f"hint: kubectl gitops import configmap -n {place.namespace}   # records what is live\n"
    )


def test_what_others_commit_meanwhile_is_kept(place: Place, edit: Edit) -> None:
    place.apply(SETTINGS)
    (path,) = place.files()
    theirs = place.files()[path].replace("Shop", "Store") + "\n"
    commit = (
        f"git -C {place.repo} update-ref refs/heads/main $(git -C {place.repo} commit-tree "
        f"-p main -m theirs $(cd {place.repo} && export GIT_INDEX_FILE=$PWD/other && "
        f"git read-tree main && git update-index --cacheinfo 100644,"
        f"$(printf %s {shlex.quote(theirs)} | git hash-object -w --stdin),{path} && "
        "git write-tree))"
    )
    run = edit("cm/settings", f'sed -i s/red/blue/ "$file"; {commit}')
    assert run.stdout == "configmap/settings edited\n"
    assert place.live("cm/settings")["data"] == {"colour": "blue", "title": "Store"}
    assert place.subjects()[1] == "theirs"

    theirs = place.files()[path].replace("blue", "green") + "\n"
    again = re.sub(
        r"printf %s '.*?' \|", lambda _: f"printf %s {shlex.quote(theirs)} |", commit, flags=re.S
    )
    run = edit("cm/settings", f'sed -i s/blue/grey/ "$file"; {again}', exit=3)
    assert "somebody changed /data/colour on main" in run.stderr
    kept = re.search("what you wrote is in (.*)\n", run.stderr)
    assert kept
    assert "colour: grey" in Path(kept[1]).read_text()
    (place.repo / "other").unlink()


@pytest.fixture
def key(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.gitops("secret", "keygen", "--out", tmp_path / "key")
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(tmp_path / "key"))


@pytest.mark.usefixtures("key")
def test_a_secret_is_edited_in_memory_and_committed_sealed(
    place: Place, edit: Edit, tmp_path: Path
) -> None:
    place.apply(SECRET)
    before = place.files()
    commands = f"""
        cp "$file" {tmp_path}/seen; echo "$file" > {tmp_path}/where
        stat -c '%a %n' "$file" "$(dirname "$file")" > {tmp_path}/modes
        findmnt -no FSTYPE -T "$file" > {tmp_path}/type
        sed -i 's/hunter2-hunter2/hunter3-hunter3/; s/^#  *the/# the new/' "$file"
    """
    run = edit("secret/db", commands)
    assert (run.stdout, run.stderr) == ("secret/db edited\n", place.committed)
    shown = (tmp_path / "seen").read_text()
    assert "\nstringData:\n  password: hunter2-hunter2\n  user: shop\n" in shown
    where = Path((tmp_path / "where").read_text().strip())
    assert (tmp_path / "type").read_text().split()[-1] == "tmpfs"
    assert [line.split()[0] for line in (tmp_path / "modes").read_text().splitlines()] == [
        "600",
        "700",
    ]
    assert not where.parent.exists()
    live = {k: base64.b64decode(v).decode() for k, v in place.live("secret/db")["data"].items()}
    assert live == {"password": "hunter3-hunter3", "user": "shop"}
    ((path, text),) = place.files().items()
    changed = [
        (old, new)
        for old, new in zip(before[path].splitlines(), text.splitlines(), strict=True)
        if old != new
    ]
    assert [new.split(":")[0] for _, new in changed] == ["# the new database", "  password"]


@pytest.mark.usefixtures("key")
def test_a_secret_with_other_bytes_is_edited_in_base64(place: Place, edit: Edit) -> None:
    binary = base64.b64encode(b"\xff\xfe" * 12).decode()
    place.apply(SECRET.replace("stringData:", f"data:\n  der: {binary}\nstringData:"))
    run = edit("secret/db", f'grep -q "der: \\"{binary}\\"" "$file"; sed -i "/ user:/d" "$file"')
    assert run.stdout == "secret/db edited\n"
    assert set(place.live("secret/db")["data"]) == {"der", "password"}


@pytest.mark.usefixtures("key")
def test_what_is_wrong_with_a_secret_is_said_without_its_values(place: Place, edit: Edit) -> None:
    place.apply(SECRET)
    before = place.state()
    run = edit(
        "secret/db",
        """if [ $turn = 1 ]; then sed -i 's/hunter2.*/31415926535/' "$file"; fi""",
        exit=1,
    )
    assert "stringData.password must be a string; put it in quotes" in run.stderr
    assert "31415926535" not in run.stderr
    assert "hunter2" not in run.stderr
    kept = re.search("what you wrote is in (/dev/shm/.*)\n", run.stderr)
    assert kept
    Path(kept[1]).unlink()
    Path(kept[1]).parent.rmdir()
    assert place.state() == before


@pytest.mark.usefixtures("key")
def test_a_secret_under_vim_leaves_no_copy_in_the_home_directory(
    place: Place, tmp_path: Path
) -> None:
    place.apply(SECRET)
    script = tmp_path / "keys.vim"
    script.write_text(":%s/hunter2-hunter2/hunter3-hunter3/\nyy:wq\n")
    env = {"KUBE_EDITOR": f"vim -s {script}", "TERM": "dumb"}
    Path("~/.vimrc").expanduser().write_text("set backup undofile viminfo='100\n")
    run = place.gitops("edit", "secret/db", env=env)
    assert "secret/db edited\n" in run.stdout
    for file in Path.home().rglob("*"):
        if file.is_file():
            assert b"hunter" not in file.read_bytes(), file
    assert git(place.repo, "log", "-1", "--format=%s", "main").startswith("edit secret/")
