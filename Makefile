# Every command is one of the Python package `tools`, which needs nothing but Python 3.11.
# Variables such as T=, K=, SIZE= and ONLY= reach it through the environment.
PYTHON ?= python3
COMMANDS := run test soak lint bench shell demo-reset demo-cdnow test-core wheels i18n setup screenshots

.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m tools --help

$(COMMANDS):
	@$(PYTHON) -m tools $@
