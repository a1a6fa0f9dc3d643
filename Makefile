# The commands of the book. `make` lists them.
PYTHON ?= python3
PROFILE ?= full
PORT ?= 8000
# Handed to recipes through the environment, so that no shell reads them as its own words.
export PROFILE PORT C FROM
RUN = $(PYTHON) -I avrec_lib/publish/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help book test claims serve chapter notebooks lock bench clean python

help: ## list these commands
	@echo "Audio-Video Recommendation with Large Models"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

book: python ## run every chapter and build _build/html (PROFILE=smoke: the small one)
	@$(RUN) -m avrec_lib.publish book --profile "$$PROFILE"

test: python ## check everything: style, types, layers, units, chapters, pages
	@$(RUN) -m pytest

chapter: python ## run one chapter and build its page (C=01)
	@[ -n "$$C" ] || { echo "avrec: name the chapter: make chapter C=01" >&2; exit 1; }; $(RUN) -m avrec_lib.publish chapter "$$C" --profile "$$PROFILE"

claims: python ## show what changed against the recorded claims (RECORD=1 accepts it)
	@$(RUN) -m avrec_lib.publish claims --profile "$$PROFILE" $(if $(RECORD),--record)

notebooks: python ## bring the paired notebooks in step (FROM=md or FROM=ipynb)
	@$(RUN) -m avrec_lib.publish notebooks --source "$$FROM"

serve: python ## serve the built book on this machine (PORT=8000)
	@$(RUN) -m avrec_lib.publish serve --profile "$$PROFILE" --port "$$PORT"

bench: python ## time the library against the obvious alternatives
	@$(RUN) -m benchmarks

lock: python ## resolve requirements.lock anew from pyproject.toml
	@$(RUN) -m avrec_lib.publish.lock

clean: python ## remove all that builds made
	@if [ -x .venv/bin/python ]; then $(RUN) -m avrec_lib.publish clean; else rm -rf _build; fi

python:
	@command -v $(PYTHON) >/dev/null || { echo "avrec: there is no '$(PYTHON)' here; install Python 3.11 or newer, or name it: make PYTHON=python3.12 book" >&2; exit 1; }
