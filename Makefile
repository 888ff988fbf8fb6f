# Every target sets up what it needs: `make demo` and `make test` run on a fresh machine.

PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13 3.10 3,$(shell command -v python$(v))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTABLE := $(VENV)/.testable
DEMO := build/demo
CHECKPOINT := examples/show_and_ask/checkpoint

.PHONY: help setup demo data train wake turns test test-slow stress test-device test-arm64 hil lint format bench soak soak-short peers clean

help:
	@echo 'make demo         convert the shipped model for this machine and answer on held-out samples'
	@echo 'make test         the tests'
	@echo 'make stress       the rings of capture under many threads'
	@echo 'make test-device  the device side without torch, on the oldest and newest Python here'
	@echo 'make test-arm64   the device side as a Raspberry Pi installs it, on an emulated Cortex-A76'
	@echo 'make hil          the suite for boards on an emulated Raspberry Pi that is booted, over ssh'
	@echo 'make lint         ruff, mypy, import contracts'
	@echo 'make soak         an hour of a live stream; fails on growth (soak-short: 3 minutes)'
	@echo 'make bench        the measured figures, into benchmarks/RESULTS.md'
	@echo 'make turns        the assistant asked by synthetic users: what it hears, understands, answers'
	@echo 'make peers        the comparison with other tools, into benchmarks/RESULTS.md'
	@echo 'make train        train the demo model anew (over an hour on 2 cores)'
	@echo 'make wake         train the detectors of its phrases anew (some 40 minutes on 2 cores)'

setup: $(READY)

$(READY): setup.cfg pyproject.toml scripts/setup.sh
	PYTHON='$(PYTHON)' VENV='$(VENV)' sh scripts/setup.sh
	touch $@

# One tree with the four rooms in it, as they are installed: checkers cannot follow the mapping.
build/types: $(READY) FORCE
	rm -rf $@ && mkdir -p $@
	cp -rs '$(CURDIR)/edge_sdk' $@/
	for room in converters runtimes benchmarks; do cp -rs "$(CURDIR)/$$room" $@/edge_sdk/; done

.PHONY: FORCE
FORCE:

lint: build/types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/types && ../../$(BIN)/mypy --config-file ../../setup.cfg -p edge_sdk
	cd build/types && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../setup.cfg --no-logo

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tests listen on a sound server of their own, speak with voices and look at pages in a browser.
$(TESTABLE): $(READY) scripts/system_packages.sh scripts/page_assets.sh
	sh scripts/system_packages.sh sound speech browser ssh video
	sh scripts/page_assets.sh
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# Most tests wait half their time, for devices or for other processes. Fixtures belong to files.
TWO := -n 2 --dist loadfile

test: $(TESTABLE)
	$(BIN)/pytest $(TWO) -m 'not slow and not arm64'

test-slow: $(TESTABLE) $(DEMO)/data
	$(BIN)/pytest -m slow

# Many threads on the rings between capture and reader, for some half a minute.
stress: $(TESTABLE)
	$(BIN)/pytest -q tests/capture/test_ring.py

test-device:
	sh scripts/test_device.sh

test-arm64: $(READY) $(DEMO)/data
	sh scripts/test_arm64.sh

# It speaks to the assistant with two voices.
hil: $(TESTABLE) $(DEMO)/data
	sh scripts/hil.sh

# The data stand on their own: a new environment does not make them stale.
$(DEMO)/data: | $(READY)
	$(BIN)/python -m examples.show_and_ask.data --out $@

data: $(DEMO)/data

demo: $(READY) $(DEMO)/data
	$(BIN)/python -m examples.show_and_ask.demo --checkpoint $(CHECKPOINT) --data $(DEMO)/data --output $(DEMO)/show-and-ask.edge

# Real components, synthetic users, a virtual clock; minutes.
turns: $(TESTABLE) demo
	$(BIN)/python -m examples.show_and_ask.turns $(DEMO)/show-and-ask.edge --recogniser light
	$(BIN)/python -m examples.show_and_ask.turns $(DEMO)/show-and-ask.edge
	$(BIN)/python -m examples.show_and_ask.turns.waking --people descriptions
	$(BIN)/python -m examples.show_and_ask.turns.listening $(DEMO)/show-and-ask.edge
	$(BIN)/python -m examples.show_and_ask.turns.echo $(DEMO)/show-and-ask.edge
	$(BIN)/python -m examples.show_and_ask.turns.soak $(DEMO)/show-and-ask.edge --recogniser light
	$(BIN)/python -m examples.show_and_ask.turns.soak $(DEMO)/show-and-ask.edge
	$(BIN)/python -m examples.show_and_ask.turns.idle $(DEMO)/show-and-ask.edge
	$(BIN)/python -m examples.show_and_ask.turns.cold $(DEMO)/show-and-ask.edge

train: $(READY) $(DEMO)/data
	$(BIN)/python -m examples.show_and_ask.train --out $(DEMO)/first-phase
	$(BIN)/python -m examples.show_and_ask.train_in_noise --start $(DEMO)/first-phase --out $(CHECKPOINT)

WAKE := examples/show_and_ask/wake
wake: $(READY) $(DEMO)/data
	$(BIN)/python -m examples.show_and_ask.wake 'okay nabu' --out $(WAKE)/okay_nabu.tflite
	$(BIN)/python -m examples.show_and_ask.wake stop --out $(WAKE)/stop.tflite

bench: $(READY) $(DEMO)/data
	$(BIN)/python -m edge_sdk.benchmarks --checkpoint $(CHECKPOINT) --data $(DEMO)/data --output benchmarks/RESULTS.md

# A stream on a sound server without hardware and a network camera on this machine.
SOAK_BUNDLE := $(DEMO)/show-and-ask.edge
MINUTES := 60

$(SOAK_BUNDLE):
	$(MAKE) demo

soak: $(TESTABLE) $(SOAK_BUNDLE)
	$(BIN)/python scripts/soak.py $(SOAK_BUNDLE) --minutes $(MINUTES)

soak-short: MINUTES := 3
soak-short: soak

# The peers' packages take about 3 GB; torch's is not shared between environments.
peers: $(READY) $(DEMO)/data
	$(BIN)/python -m edge_sdk.benchmarks.peers --checkpoint $(CHECKPOINT) --data $(DEMO)/data --output benchmarks/RESULTS.md --json benchmarks/peers/results.json

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
