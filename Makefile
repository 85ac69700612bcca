# Every command is one of the Python package `tools`, which needs nothing but Python 3.11.
# Variables such as T=, K=, SIZE= and ONLY= reach it through the environment.
PYTHON ?= python3
COMMANDS := run test test-matrix lint format soak bench shell demo-reset demo-cdnow test-core wheels i18n roles screenshots setup

.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m tools --help

$(COMMANDS):
	@$(PYTHON) -m tools $@
