# Each target is one line; on a machine without make, type that line.
PYTHON ?= python3

.PHONY: help run test reset check bench

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' $(MAKEFILE_LIST)

run: ## Start the portal at http://127.0.0.1:8000 (PORT moves it); Ctrl-C stops it
	@$(PYTHON) deploy/start.py run

test: ## Run all tests
	@$(PYTHON) deploy/start.py test

reset: ## Remove the data of this checkout and start over
	@$(PYTHON) deploy/start.py reset

check: ## Run the linters and Django's own checks
	@$(PYTHON) deploy/start.py check

bench: ## Measure pages against a bare view, and foreign against unknown; only=timing, only=load or only=import for one
	@$(PYTHON) deploy/start.py bench $(only)
