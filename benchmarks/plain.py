"""A branch whose Secrets are in the clear: what sealing costs is measured against it.

`python -m benchmarks.plain STORE NAMESPACE COUNT` puts the text of every Secret in the place of its
sealed one, in a commit by hand.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.scene import secret


def main() -> None:
    """Write the commit."""
    store, namespace, count = sys.argv[1:]
    lines = [
        "commit refs/heads/main",
        "committer Ada Lovelace <ada@example.com> 1700000000 +0000",
        "data 12\nin the clear",
        "from refs/heads/main^0",
    ]
    for number in range(int(count)):
        text = secret(number, namespace)
        path = f"{namespace}/secret/bench-{number:05d}.yaml"
        lines += [f"M 644 inline {path}", f"data {len(text)}\n{text}"]
    command = ("git", "-C", store, "fast-import", "--quiet")
    subprocess.run(command, input="\n".join([*lines, ""]), text=True, check=True)


if __name__ == "__main__":
    main()
