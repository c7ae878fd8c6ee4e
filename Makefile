# Needs Python 3.11 or newer, Git and make; everything else is installed into .venv, and the control
# plane of the tests is built once into the user's cache (tests/controlplane/build.py).

PYTHON ?= python3
WORKERS ?= 2
SOAK_SECRETS ?= 20000
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup controlplane test soak check demo bench krew smoke krew-manifest requirements clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that development needs, the program included

controlplane: $(READY) ## find or build etcd and the Kubernetes servers that the tests run
	@$(BIN)/python -m tests.controlplane build

test: controlplane ## run the whole test suite (WORKERS=2)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --timeout 300

soak: controlplane ## hours: 20,000 Secrets searched for, minutes of outage, 1,000 applies beside pull --watch
	SOAK=1 SOAK_SECRETS=$(SOAK_SECRETS) $(BIN)/python -m pytest --timeout 7200 \
	  tests/live/test_leaks.py tests/live/test_watch.py

check: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

demo: controlplane ## watch the program at work on a cluster of its own
	$(BIN)/python -m tests.demo

bench: controlplane ## measure it beside its peers
	$(BIN)/python -m benchmarks

krew: $(READY) ## build the archive that krew installs on machines like this one, into dist/
	$(BIN)/python .ci/krew_archive.py dist

smoke: controlplane ## build that archive twice, compare, and run its program
	archive="$$($(BIN)/python .ci/krew_archive.py dist)" && KREW_ARCHIVE="$$archive" \
	  $(BIN)/python -m pytest tests/packaging/test_krew_archive.py --timeout 600

krew-manifest: $(READY) ## render krew-manifest.yaml from plugin.yaml (DIGESTS=dist/SHA256SUMS)
	$(BIN)/python .ci/krew_manifest.py $(DIGESTS)

requirements: $(READY) ## resolve requirements/dev.in and pyproject.toml anew into dev.txt
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file requirements/dev.txt requirements/dev.in pyproject.toml

clean: ## remove what was built here; .venv and the control plane's cache stay
	rm -rf build dist *.egg-info .demo .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find kubectl_gitops tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# dev.txt is complete, so nothing is resolved anew: pip 23 would look at the newest release of a package
# that another one asks for with an extra, and refuse it for want of a hash. The program comes last,
# without a build environment of its own, so that nothing gets in whose hash is not in dev.txt.
# (setuptools warns about every editable install.)
$(READY): requirements/dev.txt pyproject.toml setup.cfg | .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements/dev.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'error: Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || $(PYTHON) -m virtualenv --quiet .venv || { rm -rf .venv; \
	  echo 'error: $(PYTHON) cannot make a virtual environment' >&2; \
	  echo 'hint: apt-get install python3-venv (Debian, Ubuntu), or pip install virtualenv' >&2; exit 1; }
