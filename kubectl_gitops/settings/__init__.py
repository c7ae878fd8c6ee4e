"""What was configured: by the person on this machine, and by the team in the branch.

* `config.toml` in the user's configuration directory holds the targets: which cluster is recorded
  in which repository. Flags and `KUBECTL_GITOPS_…` variables go before it.
* `.gitops.toml` in the branch holds what everyone must agree on. A branch is written by anyone who
  may push, so it can never name a command, a key file or another repository, nor weaken a key.
* The keys themselves come from a file, the environment or a command that the person names.

Reading takes the standard library's parser, which is quick; `tomlkit` is loaded for writing, where
people's comments have to stay. Files are written whole or not at all, for their owner only.
"""

from __future__ import annotations

from kubectl_gitops.settings.directories import cache_dir, config_file, data_dir
from kubectl_gitops.settings.keys import load_keys, read_passphrase, write_key_file
from kubectl_gitops.settings.shared import (
    SETTINGS_FILE,
    IgnoreRule,
    StoreSettings,
    parse_store_settings,
    render_store_settings,
    settings_path,
    settings_text,
    update_store_settings,
)
from kubectl_gitops.settings.targets import (
    Target,
    check_target,
    load_target,
    read_targets,
    write_target,
)
from kubectl_gitops.settings.urls import holds_credentials, redact_url
from kubectl_gitops.settings.verdicts import Verdicts

__all__ = [
    "SETTINGS_FILE",
    "IgnoreRule",
    "StoreSettings",
    "Target",
    "Verdicts",
    "cache_dir",
    "check_target",
    "config_file",
    "data_dir",
    "holds_credentials",
    "load_keys",
    "load_target",
    "parse_store_settings",
    "read_passphrase",
    "read_targets",
    "redact_url",
    "render_store_settings",
    "settings_path",
    "settings_text",
    "update_store_settings",
    "write_key_file",
    "write_target",
]
